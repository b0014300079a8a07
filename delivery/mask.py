"""What a comment does not show: account ids, addresses, credentials, and what the config names besides.

Every text of a report is masked before anything is cut or written, so that no half of a secret stays at an edge.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard, TypeVar

from delivery.settings import Masking
from delivery.values import is_mapping

# Access key ids (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids),
# GitHub's tokens (https://github.blog/engineering/behind-githubs-new-authentication-token-formats/), Google's access
# tokens and API keys, private keys, JSON web tokens.
CREDENTIALS = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}\b|\bgithub_pat_\w{30,}\b"
    r"|\bya29\.[\w.-]{20,}|\bAIza[\w-]{35}\b"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\beyJ[\w-]{6,}\.eyJ[\w-]{6,}\.[\w-]*",
    re.DOTALL,
)
ADDRESS = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
# Twelve digits that are no part of a longer number or word.
ACCOUNT_ID = re.compile(r"(?<![\w.])\d{12}(?![\w.]*\d)(?!\w)|(?<=-)\d{12}\b")
HIDDEN = "***"
T = TypeVar("T")


def credentials(text: str) -> str:
    """The text without what looks like a credential."""
    return CREDENTIALS.sub(HIDDEN, text)


def masked(text: str, masking: Masking, accounts: Mapping[str, str]) -> str:
    """The text as it may be published. `accounts` are names by their ids: a name stands where an id stood."""
    text = credentials(text)
    for pattern in masking.also:
        text = re.sub(pattern, HIDDEN, text)
    if masking.addresses:
        text = ADDRESS.sub(lambda match: match[0] if _no_mailbox(match[0]) else HIDDEN, text)
    if masking.account_ids:
        for id in sorted(accounts):
            text = re.sub(rf"(?<!\d){re.escape(id)}(?!\d)", f"({accounts[id]})", text)
        text = ACCOUNT_ID.sub(HIDDEN, text)
    return text


def everywhere(value: T, mask: Callable[[str], str]) -> T:
    """The value with each text in it masked: in dataclasses, mappings (their keys too), lists and tuples."""
    result: Any = value
    if isinstance(value, str):
        result = mask(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: everywhere(getattr(value, field.name), mask) for field in dataclasses.fields(value)
        }
        result = dataclasses.replace(value, **fields)
    elif is_mapping(value):
        result = {everywhere(key, mask): everywhere(inner, mask) for key, inner in value.items()}
    elif _is_series(value):
        result = type(value)(everywhere(inner, mask) for inner in value)
    return result


def _is_series(value: Any) -> TypeGuard[list[Any] | tuple[Any, ...] | frozenset[Any]]:
    return isinstance(value, list | tuple | frozenset)


def _no_mailbox(address: str) -> bool:
    """A service account's address is a name of Google's: nobody reads mail there."""
    return address.endswith(".gserviceaccount.com")
