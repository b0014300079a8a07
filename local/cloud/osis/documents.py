"""What Data Prepper makes of a DynamoDB attribute value, and a document of it as JSON text.

Numbers stay exact, binaries are base64, sets are lists.
Source: github.com/opensearch-project/data-prepper: StreamRecordConverter, ExportRecordConverter.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from decimal import Decimal
from typing import Any

from ..seams.parts import Record

# Decimals pass through json as marked strings, so that all 38 digits arrive as a number.
MARK = f"\x01{secrets.token_hex(8)}:"


MARKED = re.compile(json.dumps(MARK)[:-1].replace("\\", "\\\\") + '([^"]*)"')


def dumps(document: Any) -> str:
    """A document as JSON text of ASCII characters, in which a Decimal is a number with all of its digits."""
    return MARKED.sub(
        r"\1", json.dumps(document, default=lambda number: f"{MARK}{number}", ensure_ascii=True)
    )


def plain(value: Record) -> Any:
    """A DynamoDB attribute value as the source hands it on."""
    ((kind, inner),) = value.items()
    if kind == "N":
        return Decimal(inner)
    if kind == "NS":
        return [Decimal(number) for number in inner]
    if kind in ("B", "BS"):
        return text(inner) if kind == "B" else [text(item) for item in inner]
    if kind == "L":
        return [plain(item) for item in inner]
    if kind == "M":
        return {name: plain(item) for name, item in inner.items()}
    return None if kind == "NULL" else inner


def text(binary: Any) -> str:
    """base64, of bytes from the stream's client or as it stands in an export."""
    return base64.b64encode(binary).decode() if isinstance(binary, bytes) else binary
