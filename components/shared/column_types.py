"""The grammar of a column's type, as a config declares it and a schema keeps it. Pure.

    string binary boolean bigint double json decimal(p,s)      p at most 38
    {set: string|binary|bigint|double|decimal(p,s)} {list: type} {struct: {name: type}}

What RDS exports adds int, float, date and timestamp.
"""

import re

DECIMAL_DIGITS = 38
DECLARED = ("string", "binary", "boolean", "bigint", "double", "json")
EXPORTED = ("int", "float", "date", "timestamp")
SET_ELEMENTS = ("string", "binary", "bigint", "double", "decimal")
"""What a set may hold: DynamoDB knows sets of text, bytes and numbers."""


def decimal(text: str) -> tuple[int, int] | None:
    """Precision and scale of `decimal(p,s)`; None for another text, or for digits that no column has."""
    match = re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", text)
    if not match:
        return None
    precision, scale = int(match[1]), int(match[2])
    return (precision, scale) if 1 <= precision <= DECIMAL_DIGITS and scale <= precision else None
