"""What BigQuery's types and names hold, for the local BigQuery alone: written from the pages, and not from the
program's rules, so that each is a judge of the other.

"Data types" (https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types),
"Specifying a schema" (https://docs.cloud.google.com/bigquery/docs/schemas#column_names).
"""

from __future__ import annotations

import regex

INT64 = (-9_223_372_036_854_775_808, 9_223_372_036_854_775_807)
# Digits before the point and after it: precision 38 and scale 9, precision 76 (and a part) and scale 38.
NUMERIC, BIGNUMERIC = (38 - 9, 9), (76 - 38, 38)
# Letters, marks, numbers, connectors, dashes, spaces and the signs that the page names.
COLUMN = regex.compile(r"[\p{L}\p{M}\p{N}\p{Pc}\p{Pd}&%=+:'<>#|\s]{1,300}")
PREFIXES = (
    *("_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER"),
    *("_CHANGE_SEQUENCE_NUMBER", "_CHANGE_TYPE", "_CHANGE_TIMESTAMP"),
)


def is_column_name(name: str) -> bool:
    """Whether a table may have a column of this name."""
    return COLUMN.fullmatch(name) is not None and not name.upper().startswith(PREFIXES)
