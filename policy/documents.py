"""Policy documents of AWS wherever a resource has them, and what their statements allow, however they are spelt.

A document is any property, at any depth, that has a `Statement`, or is one itself, as text, as text in a text or as a
mapping: a role's trust and its inline policies, and the policy of a bucket, queue, topic, key, secret, event bus,
stream, table, catalog, domain, repository, vault or access point alike, by whichever provider of AWS it is made. Which
kind it is follows from what it says: who names no principal speaks of an identity.
"""

import fnmatch
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from policy.values import UNKNOWN, Props, is_list, is_mapping, known, leaves, listed, some, within

IDENTITY, TRUST, RESOURCE = "identity", "trust", "resource"

# What only a request that has the key passes. `...IfExists` lets a request without the key pass; a negated operator
# lets everything pass but what it names:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
_REQUIRES = re.compile(
    r"(ForAnyValue:)?(StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike)", re.IGNORECASE
)
_IF_EXISTS = re.compile(
    r"(StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike)IfExists", re.IGNORECASE
)


@dataclass(frozen=True)
class Statement:
    """One statement; `kind` says what the document is: of an identity, a role's trust, or of a resource."""

    parts: Props
    kind: str
    type: str
    account: Any
    index: int

    def __str__(self) -> str:
        sid = self.parts.get("Sid")
        return f"statement {self.index if sid is None or sid is UNKNOWN or not sid else sid}"

    @property
    def allows(self) -> bool:
        """Whether it allows something, and denies nothing."""
        return self.parts.get("Effect") == "Allow"

    def grants(self, *actions: str) -> bool:
        """Whether one of the actions is surely granted; IAM does not tell capitals from small letters there
        (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html)."""
        patterns = [str(pattern).lower() for pattern in known(self.parts.get("Action"))]
        return any(fnmatch.fnmatchcase(action.lower(), pattern) for action in actions for pattern in patterns)

    def principals(self, kind: str) -> list[str]:
        """The known principals of a kind, like `AWS` or `Service`."""
        principal = self.parts.get("Principal")
        if kind == "AWS" and isinstance(principal, str):
            return [principal]
        return [str(who) for who in known(principal.get(kind))] if is_mapping(principal) else []

    def tested(self, key: str) -> Iterator[tuple[str, str]]:
        """The condition keys like this (a pattern over small letters) that a request must have,
        with each known value."""
        for operator, tests in within(self.parts, "Condition").items():
            if tests is UNKNOWN or not (_REQUIRES.fullmatch(operator) or _IF_EXISTS.fullmatch(operator)):
                continue
            for name, values in tests.items():
                if re.fullmatch(key, name.lower()):
                    yield from ((name, str(value)) for value in known(values))

    def requires(self, key: str, narrow: str = r".*[^*?].*", *, if_exists: bool = False) -> bool:
        """Whether a request must have, for a condition key (a pattern over its small letters), one of values that are
        all narrow. Raises NotKnownYet where that hangs on what isn't known."""

        def limits(test: tuple[str, str, Any]) -> bool:
            operator, name, values = test
            if not (_REQUIRES.fullmatch(operator) or (if_exists and _IF_EXISTS.fullmatch(operator))):
                return False
            if not re.fullmatch(key, name.lower()):
                return False
            return bool(listed(values)) and all(re.fullmatch(narrow, str(value)) for value in listed(values))

        conditions = within(self.parts, "Condition")
        unread: list[Any] = [UNKNOWN for tests in conditions.values() if tests is UNKNOWN]
        tests: list[Any] = [
            (operator, name, values)
            for operator, tests in conditions.items()
            if tests is not UNKNOWN
            for name, values in tests.items()
        ]
        return some([*tests, *unread], lambda test: limits(test) if test is not UNKNOWN else bool(test))


def statements(type: str, props: Props, account: Any = None) -> Iterator[Statement]:
    """Every known statement of the documents that a resource has."""
    if not type.startswith(("aws:", "aws-native:")):
        return
    for path, document in documents(props):
        trusts = path.startswith("assume_role_policy")
        for index, parts in enumerate(known(document.get("Statement"))):
            if is_mapping(parts):
                whom = "Principal" in parts or "NotPrincipal" in parts
                yield Statement(
                    parts, TRUST if trusts else RESOURCE if whom else IDENTITY, type, account, index
                )


def documents(value: Any, path: str = "") -> Iterator[tuple[str, Props]]:
    """Each policy document in a value, with where it stands."""
    if isinstance(value, str) and re.match(r"\s*[\[{]", value):
        try:
            value = json.loads(value)
        except ValueError:
            return
    if is_mapping(value):
        if "Statement" in value:
            yield path, value
            return
        if "Effect" in value and ("Action" in value or "NotAction" in value):
            yield path, {"Statement": [value]}
            return
        for key, inner in value.items():
            yield from documents(inner, f"{path}.{key}" if path else str(key))
    elif is_list(value):
        for index, inner in enumerate(value):
            yield from documents(inner, f"{path}[{index}]")


def accounts(principals: Iterable[str]) -> Iterator[str]:
    """The ids of accounts that are named as a whole: `arn:aws:iam::<id>:root` or the id alone."""
    for principal in principals:
        if whole := re.fullmatch(r"(?:arn:[\w-]+:iam::)?(\d{12})(?::root)?", principal):
            yield whole[1]


def wide(arn: str) -> bool:
    """Whether an ARN is every resource of a service or of one of its types: `*`, `arn:aws:s3:::*` and `*-*`,
    `arn:aws:dynamodb:eu-west-1:111111111111:table/*`, `table*`, `log-group:/*`; or any whose name ends or goes on in
    some way (`table/*-orders`, `*o*`), which anybody's may; or one of any service or account (`arn:aws:iam::*:role/r`).
    What follows a name is narrow: `table/orders/*`."""
    fields = str(arn).split(":", 5)
    if len(fields) < 6 or re.search(r"[*?]", fields[2] + fields[4]):
        return "*" in arn or "?" in arn
    service, resource = fields[2], fields[5].lstrip("/")
    # A bucket, a topic and a queue have a name only; what else S3 has has an account and a type (`job/…`).
    has_type = service not in ("s3", "sns", "sqs") or (service == "s3" and fields[4] != "")
    if has_type and re.match(r"[\w-]*[*?]", resource):
        return True
    name = re.sub(r"^[\w-]+[:/]", "", resource, count=1) if has_type else resource
    first = re.split(r"[:/]", name.lstrip("/"), maxsplit=1)[0]
    return first != "" and (first[0] in "*?" or not re.search(r"[^\W_]", first))


def beside_documents(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """What is known at any depth of a value outside policy documents, each with its path like `a.b[0]`."""
    inside = [where for where, _ in documents(value)]
    for at, leaf in leaves(value, path):
        if not any(at == where or at.startswith((f"{where}.", f"{where}[")) for where in inside):
            yield at, leaf
