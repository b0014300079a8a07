"""All rules, by subject, and what breaks them: `check` one resource, `check_all` those of a program."""

from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType

from policy import ceiling, functions, google_cloud, grants, notifications, sharing, statements, storage
from policy.functions import SECRET_VALUE
from policy.rule import RULES, UNKNOWN, Problems, Props, Resource, Rule, Violation, rule
from policy.statements import NO_NARROWER_RESOURCE
from policy.values import leaves

__all__ = [
    "NO_NARROWER_RESOURCE", "RULES", "SUBJECTS", "UNKNOWN", "Resource", "Rule", "Violation", "check", "check_all",
    "rules_of",
]  # fmt: skip

SUBJECTS = {
    "Statements of policies and trusts": statements,
    "Other grants": grants,
    "What is shared": sharing,
    "Buckets, queues, topics, databases, logs": storage,
    "What a bucket reports": notifications,
    "Functions": functions,
    "Google": google_cloud,
    "Cost": ceiling,
}
"""Importing a subject registers its rules."""


@rule(
    r".*",
    write="take it from the environment, or pass a Pulumi secret",
    page="https://www.pulumi.com/docs/iac/concepts/secrets/",
)
def no_access_key_is_written_down(props: Props) -> Problems:
    """A secret access key, an access key with what belongs to it, or a private key, in plain text."""
    for path, value in leaves(props):
        name, text = path.split(".")[-1], str(value)
        # A key's id where an id belongs opens nothing; as a secret it would hide what stands beside it from previews.
        secret = SECRET_VALUE.search(text) and not (name == "access_key_id" and SECRET_VALUE.fullmatch(text))
        if name in ("secret_key", "secret_access_key") or secret:
            yield f"{path} holds a credential in plain text"


def check(resource: Resource) -> list[Violation]:
    """What one resource breaks by itself, as far as it is known."""
    return [violation for each in RULES for violation in each.violations(resource)]


def check_all(resources: Sequence[Resource]) -> list[Violation]:
    """What the resources of a program break together, as far as it is known."""
    return [violation for each in RULES for violation in each.violations_together(resources)]


def rules_of(subjects: Mapping[str, ModuleType]) -> Iterator[tuple[str, list[Rule]]]:
    """The rules of each subject, by its heading, and those that are of none."""
    modules = {module.__name__: heading for heading, module in subjects.items()}
    for heading in [*subjects, "Any resource"]:
        yield heading, [each for each in RULES if modules.get(each.module, "Any resource") == heading]
