"""What a rule is: a pure function of what a program asks for, with what fails it and what to write instead.

A resource is its type token, its name and its properties, with keys in snake_case. A property that isn't known yet is
UNKNOWN; a rule that needs it to decide waits: it finds nothing at preview and runs again at the update, before the
resource is made.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from policy.documents import Statement, statements
from policy.native import classic
from policy.native import keys as native_keys
from policy.values import UNKNOWN, Props, until_unknown


@dataclass(frozen=True)
class Resource:
    """One resource of the program."""

    type: str
    name: str
    props: Props
    links: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Which resources (as `<type>::<name>`) a property comes from; known even where the property isn't."""
    account: Any = None
    """The id of the AWS account that it is made in, as its provider's `allowed_account_ids` say; None if they don't."""
    region: Any = None
    """The region that its provider works in; None where that is not known."""
    root: str = ""
    """The outermost resource that it is part of, as `<type>::<name>`; empty where that is the stack itself."""

    @property
    def key(self) -> str:
        """What other resources call it: `<type>::<name>`."""
        return f"{self.type}::{self.name}"

    @cached_property
    def statements(self) -> list[Statement]:
        """The statements of its policy documents, read once for all rules."""
        return list(statements(self.type, self.props, self.account))


@dataclass(frozen=True)
class Violation:
    """A rule that a resource breaks."""

    resource: str
    rule: str
    problem: str
    write: str

    def __str__(self) -> str:
        return f"{self.resource} breaks '{self.rule}': {self.problem}; {self.write}"


Problems = Iterator[str]
"""What was found, one text for each fault."""
Judge = Callable[[Resource], Iterable[str]]
JudgeTogether = Callable[[Sequence[Resource]], Iterable[tuple[str, str]]]


@dataclass(frozen=True)
class Rule:
    """`title` says what holds, `fails` what doesn't pass, `write` what to write instead, `page` why."""

    title: str
    fails: str
    write: str
    page: str
    module: str
    judge: Judge | None = None
    judge_together: JudgeTogether | None = None
    """Yields which resource (its key) is at fault, and what was found."""

    @property
    def id(self) -> str:
        """Its name in a policy pack."""
        return self.title.replace(" ", "-")

    def violations(self, resource: Resource) -> Iterator[Violation]:
        """What one resource breaks by itself, as far as it is known."""
        for spelt in classic(resource) if self.judge else ():
            for finding in until_unknown(self.judge(spelt)) if self.judge else ():
                yield Violation(resource.key, self.title, finding, self.write)

    def violations_together(self, resources: Sequence[Resource]) -> Iterator[Violation]:
        """What the resources of a program break together, as far as it is known."""
        if self.judge_together is None:
            return
        behind = native_keys(resources)
        for key, finding in self.judge_together([spelt for each in resources for spelt in classic(each)]):
            yield Violation(behind.get(key, key), self.title, finding, self.write)


RULES: list[Rule] = []


def _keep(function: Callable[..., Any], write: str, page: str, **judge: Any) -> None:
    fails = " ".join((function.__doc__ or "").split())
    RULES.append(Rule(function.__name__.replace("_", " "), fails, write, page, function.__module__, **judge))


def rule(
    types: str, *, write: str, page: str
) -> Callable[[Callable[[Props], Problems]], Callable[[Props], Problems]]:
    """Registers a rule on the properties of each resource of these types. The function's name is the rule's title, its
    docstring what fails it."""

    def keep(function: Callable[[Props], Problems]) -> Callable[[Props], Problems]:
        pattern = re.compile(types)

        def judge(resource: Resource) -> Iterable[str]:
            return function(resource.props) if pattern.fullmatch(resource.type) else ()

        _keep(function, write, page, judge=judge)
        return function

    return keep


def resource_rule(types: str, *, write: str, page: str) -> Callable[[Judge], Judge]:
    """Registers a rule that reads more of a resource of these types than its properties: its type, or its account."""

    def keep(function: Judge) -> Judge:
        pattern = re.compile(types)

        def judge(resource: Resource) -> Iterable[str]:
            return function(resource) if pattern.fullmatch(resource.type) else ()

        _keep(function, write, page, judge=judge)
        return function

    return keep


Judged = Callable[[Statement], Problems]


def statement_rule(*, write: str, page: str, kinds: Sequence[str] = ()) -> Callable[[Judged], Judged]:
    """Registers a rule on each statement of every policy document of AWS, of these kinds if any are given; a statement
    that has to wait hides no other."""

    def keep(function: Judged) -> Judged:
        def judge(resource: Resource) -> Iterable[str]:
            for statement in resource.statements:
                if not kinds or statement.kind in kinds:
                    yield from until_unknown(function(statement))

        _keep(function, write, page, judge=judge)
        return function

    return keep


JudgedTogether = Callable[[Sequence[Resource]], Iterable[Iterable[tuple[str, str]]]]


def together_rule(*, write: str, page: str) -> Callable[[JudgedTogether], JudgedTogether]:
    """Registers a rule on what several resources are together. The function yields a question each; one that has to
    wait hides no other."""

    def keep(function: JudgedTogether) -> JudgedTogether:
        def judge(resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
            for question in function(resources):
                yield from until_unknown(question)

        _keep(function, write, page, judge_together=judge)
        return function

    return keep


__all__ = [
    "RULES",
    "UNKNOWN",
    "Problems",
    "Props",
    "Resource",
    "Rule",
    "Violation",
    "resource_rule",
    "rule",
    "statement_rule",
    "together_rule",
]
