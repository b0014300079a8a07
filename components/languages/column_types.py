"""The types of columns that a config declares, as the run and RDS write them."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator

from components.shared.catalog_names import field_names
from components.shared.column_types import declared


def declared_type(value: Any) -> Any:
    """A column's type, by the grammar of components/shared/column_types.py. Raises ValueError for another."""
    declared(value, field_names)
    return value


def exported_type(value: str, *, mysql: bool | None = None) -> str:
    """What RDS writes into a column's files (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/
    USER_ExportSnapshot.data-types.html). Of MySQL and PostgreSQL alike, dates, times of day, intervals and arrays are
    text, and decimals of more than 38 digits. Of PostgreSQL every decimal and timestamp is; of MySQL, whose BOOLEAN is
    a TINYINT(1) (https://dev.mysql.com/doc/refman/8.4/en/numeric-type-syntax.html), no column is a boolean. `mysql`:
    whether it is of MySQL; None where that is not known. Raises ValueError for a type that no file of it has."""
    low = " ".join(value.lower().split())
    digits = re.match(r"(?:decimal|numeric)\s*(?:\(\s*([0-9]+))?", low)
    if (
        re.match(r"date\b|time\b|timetz|interval|array|struct|map|row|enum|set\b|uuid|xml|money|.*\[", low)
        or (digits and (mysql is False or int(digits[1] or 0) > 38))
        or (mysql is False and re.match("timestamp|datetime", low))
    ):
        raise ValueError(f"RDS exports '{value}' as text; write 'string'")
    if low.startswith("datetime"):
        raise ValueError(f"RDS exports '{value}' with microseconds; write 'timestamp'")
    if mysql and low in ("bool", "boolean"):
        raise ValueError(f"MySQL's '{value}' is a tinyint(1), which RDS exports as a number; write 'tinyint'")
    if mysql is False and re.search("unsigned|uint", low):
        raise ValueError(
            f"PostgreSQL has no '{value}'; write the type without a sign of its own, such as 'bigint'"
        )
    return value


ExportedType = Annotated[str, AfterValidator(exported_type)]
ColumnType = Annotated[Any, AfterValidator(declared_type)]
