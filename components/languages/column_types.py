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


def exported_type(value: str, *, mysql: bool = True) -> str:
    """What RDS writes into a column's files (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/
    USER_ExportSnapshot.data-types.html): of MySQL and PostgreSQL alike, dates, times, intervals and arrays are text,
    and decimals of more than 38 digits; of PostgreSQL every decimal."""
    low = value.lower()
    digits = re.match(r"(?:decimal|numeric)\s*(?:\(\s*([0-9]+))?", low)
    if re.match(
        r"date\b|datetime|time|interval|array|struct|map|row|enum|set\b|uuid|xml|money|.*\[", low
    ) or (digits and (not mysql or int(digits[1] or 0) > 38)):
        raise ValueError(f"RDS exports '{value}' as text; write 'string'")
    if not mysql and re.search("unsigned|uint", low):
        raise ValueError(
            f"PostgreSQL has no '{value}'; write the type without a sign of its own, such as 'bigint'"
        )
    return value


ExportedType = Annotated[str, AfterValidator(exported_type)]
ColumnType = Annotated[Any, AfterValidator(declared_type)]
