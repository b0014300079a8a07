"""What an attribute condition of a workload identity pool asks for: whether each way through it names somebody.

A condition is in the Common Expression Language (https://github.com/google/cel-spec/blob/master/doc/langdef.md):
choices by `||`, of parts by `&&`, in brackets at any depth. A part that is no comparison of a claim with a text names
nobody.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

# Who it is. Not `ref`, `aud`, `iss`, `environment` or `job_workflow_ref`, which anybody's token of a shared issuer has:
# https://docs.github.com/en/actions/reference/security/oidc
# https://docs.gitlab.com/ci/secrets/id_token_authentication/
# https://cloud.google.com/iam/docs/workload-identity-federation#mapping (of AWS, SAML and Google's own attributes)
_IDENTIFIES = frozenset({
    "account", "arn", "email", "enterprise", "enterprise_id", "groups", "hd", "kubernetes.io", "namespace_id",
    "namespace_path", "oid", "organization_id", "project_id", "project_path", "repository", "repository_id",
    "repository_owner", "repository_owner_id", "sub", "subject", "terraform_organization_id",
    "terraform_organization_name", "terraform_workspace_id", "tid",
})  # fmt: skip
_SENT_TO = frozenset({"aud", "audience", "iss", "issuer"})

_TEXT = r"'[^']+'|\"[^\"]+\""
_CLAIM = r"(?:assertion|attribute|google)(?:\.\w+|\[(?:'[^']*'|\"[^\"]*\"|\d+)\])+"
_WHO = rf"(?P<who>{_CLAIM})(?:\.(?:extract|split|lowerAscii)\([^()]*\)|\[\d+\])*"
_COMPARISONS = [
    re.compile(pattern)
    for pattern in (
        rf"{_WHO}\s*==\s*(?:{_TEXT})",
        rf"(?:{_TEXT})\s*(?:==|in)\s*{_WHO}",
        rf"{_WHO}\s*in\s*\[\s*(?:{_TEXT})(?:\s*,\s*(?:{_TEXT}))*\s*\]",
        rf"{_WHO}\.(?P<call>startsWith|endsWith|matches)\(\s*(?P<text>{_TEXT})\s*\)",
    )
]
# How a subject, an ARN or a path begins that is somebody's: up to the sign that ends the name. Without it another's
# name may begin so (`repo:shop` is that of `shop-evil`, too), and a kind alone (`repo:`) is everybody's.
_BEGINS = re.compile(
    r"arn:[^:]+:\w+:[^:]*:\d{12}:|system:serviceaccount:[^:]+:|(?!arn:|system:)([^/]*[\w-]/|\w+:[^:/]+:)"
)
_DOMAIN = re.compile(r"@[\w-]+(\.[\w-]+)+")
_TOKEN = re.compile(r"'[^']*'|\"[^\"]*\"|\|\||&&|.", re.DOTALL)


def nobody_named(condition: str, mapping: Mapping[str, Any]) -> Iterator[str]:
    """The choices of a condition that name nobody, where `mapping` is the provider's attribute_mapping. Raises
    NotKnownYet where a mapping that decides is not known."""
    for choice in _split(condition, "||"):
        if not any(_names(part, mapping) for part in _split(choice, "&&")):
            yield choice


def _names(part: str, mapping: Mapping[str, Any]) -> bool:
    if part.startswith("(") and part.endswith(")"):
        return not any(nobody_named(part[1:-1], mapping))
    matches = [match.groupdict() for pattern in _COMPARISONS if (match := pattern.fullmatch(part))]
    return any(
        _identifies(match["who"], mapping)
        and (match.get("call") is None or _is_somebodys(match["call"], match["text"][1:-1]))
        for match in matches
    )


def _is_somebodys(call: str, text: str) -> bool:
    """Whether only one owner's claims begin, end or match so. An end is an address's domain; whatever else a claim ends
    in, or has in it (`contains`), somebody else's has too. A pattern matches anywhere but for its `^`
    (https://github.com/google/cel-spec/blob/master/doc/langdef.md#regular-expressions)."""
    if call == "endsWith":
        return bool(_DOMAIN.fullmatch(text))
    if call == "startsWith":
        return bool(_BEGINS.match(text))
    anchored = re.match(r"\^([\w:/@-]*)", text)
    if not anchored or re.search(r"\|(?![^(]*\))", text):
        return False
    literal, rest = anchored[1], text[anchored.end() :]
    if rest[:1] in ("*", "?", "{"):  # of the last sign any number, or none
        literal = literal[:-1]
    return (rest == "$" and literal != "") or bool(_BEGINS.match(literal))


def _identifies(claim: str, mapping: Mapping[str, Any]) -> bool:
    """Whether a claim says who it is; a mapped one as what it is mapped from does."""
    mapped = re.match(r"(google|attribute)\.\w+", claim)
    if mapped and mapped[0] in mapping:
        return any(_identifies(source, {}) for source in re.findall(_CLAIM, str(mapping[mapped[0]])))
    keys = re.findall(r"\.(\w+)|\['([^']*)'\]|\[\"([^\"]*)\"\]", claim)
    first, *more = ["".join(key) for key in keys] or [""]
    if first == "attributes" and more:  # what a SAML provider says of somebody, by names of its own
        return re.split(r"[/:.]", more[0])[-1].lower() not in _SENT_TO
    return first in _IDENTIFIES


def _split(expression: str, by: str) -> list[str]:
    """An expression by an operator outside brackets and texts."""
    parts, depth = [""], 0
    for token in _TOKEN.findall(expression):
        depth += (token in "([{") - (token in ")]}")
        if token == by and depth == 0:
            parts.append("")
        else:
            parts[-1] += token
    return [part.strip() for part in parts]
