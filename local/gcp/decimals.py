"""NUMERIC and BIGNUMERIC as BigQuery rounds and refuses them, in the 38 digits that DuckDB has.

"Decimal types" (https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types).
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from local.gcp.limits import BIGNUMERIC, NUMERIC


class LoadFailed(Exception):
    """The whole job fails, and nothing of it is kept."""


def digits(field: dict[str, Any]) -> tuple[int, int]:
    """Digits before the point and after it that the local column of a decimal field holds."""
    if "precision" in field:
        scale = int(field.get("scale", 0))
        return int(field["precision"]) - scale, scale
    return NUMERIC


def decimal(number: Decimal, field: dict[str, Any]) -> Decimal:
    """Rounded to the column's scale, half away from zero, as BigQuery does; refused where it has too many digits."""
    whole, after = digits(field)
    if not number.is_finite():
        raise ValueError("not a finite number")
    with localcontext() as context:
        context.prec = 400
        exact = "precision" in field or field["type"] == "NUMERIC"
        if not exact and number != number.quantize(Decimal(1).scaleb(-after)):
            raise LoadFailed(
                f"{number}: the local BigQuery's BIGNUMERIC holds {after} decimals where it has no precision"
            )
        rounded = number.quantize(Decimal(1).scaleb(-after), ROUND_HALF_UP)
        if abs(rounded) >= Decimal(10) ** whole:
            if not exact and abs(rounded) < Decimal(10) ** BIGNUMERIC[0]:
                raise LoadFailed(
                    f"{number}: the local BigQuery's BIGNUMERIC holds {whole} whole digits without a precision"
                )
            raise ValueError(f"{whole} digits before the point at most")
        return rounded
