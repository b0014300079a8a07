"""The page of types, docs/types.md: `python -m components.languages.types_page docs/types.md` writes it anew."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from components.languages import bigquery_types
from components.languages.bigquery_types import (
    DYNAMODB,
    RESERVED,
    SAME,
    SCALARS,
    dynamodb_item,
    field,
    glue_type,
    shown,
)

NESTED = {
    "decimal(38,9)": "",
    "decimal(38,10)": "",
    "decimal(38,0)": "30 digits before the point and more need BIGNUMERIC",
    "varchar(20)": "the length is not carried over",
    "struct<a:int,b:string>": "",
    "array<string>": "",
    "array<array<bigint>>": "BigQuery has no ARRAY of ARRAY",
    "map<string,double>": "",
    "array<struct<sku:string,price:decimal(12,2)>>": "",
}


def document() -> str:
    """docs/types.md."""

    def rows(kinds: Iterable[tuple[str, str]]) -> str:
        lines: list[str] = []
        for kind, note in kinds:
            parquet, json = field("x", kind, "PARQUET"), field("x", kind, "JSON")
            lines.append(
                f"| `{kind}` | `{shown(parquet)}` | `{shown(json)}` | `{glue_type(json)}` | {note} |"
            )
        return "\n".join(lines)

    head = "| source | from Parquet | from JSON | and back (from JSON) | |\n|---|---|---|---|---|\n"
    also = ", ".join(f"`{a}` = `{b}`" for a, b in SAME.items())
    dynamo = "\n".join(f"| `{k}` | `{shown(dynamodb_item({'x': k})[0]['fields'][0])}` |" for k in DYNAMODB)
    intro = "\n".join((bigquery_types.__doc__ or "").strip().split("\n")[2:])
    return (
        "# Types in BigQuery\n\n<!-- written by: python -m components.languages.types_page docs/types.md -->\n\n"
        f"{intro}\n\n"
        f"## Columns\n\n{head}{rows((k, v[2]) for k, v in SCALARS.items())}\n{rows(NESTED.items())}\n\n"
        f"The same: {also}.\n\n"
        f"## Attributes of a DynamoDB export\n\n| attribute | inside `Item` |\n|---|---|\n{dynamo}\n\n"
        "## Names that BigQuery refuses\n\nA column's: more than 300 characters, a prefix of "
        + ", ".join(f"`{p}`" for p in RESERVED)
        + ', one of ``! " $ ( ) * , . / ; ? @ [ \\ ] ^ ` { } ~``, or two that differ '
        "in case only: refused, with what to do.\nA table's: anything but letters, marks, digits, connectors, dashes "
        "and spaces "
        "becomes `_`.\n"
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document())
