"""The parameters of the data sources `amazon_s3` and `google_cloud_storage` for JSON and Parquet: which there are,
run-time parameters, and which keys a path takes.

"Cloud Storage transfers" (https://docs.cloud.google.com/bigquery/docs/cloud-storage-transfer),
"Amazon S3 transfers" (https://docs.cloud.google.com/bigquery/docs/s3-transfer), "Runtime parameters"
(https://docs.cloud.google.com/bigquery/docs/s3-transfer-parameters), "Wildcard support for Amazon S3 URIs"
(https://docs.cloud.google.com/bigquery/docs/s3-transfer-intro#wildcard-support).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from local.gcp import schedules

KEYS = ("access_key_id", "secret_access_key")
REQUIRED = {
    "amazon_s3": ("destination_table_name_template", "data_path", *KEYS, "file_format"),
    "google_cloud_storage": ("destination_table_name_template", "data_path_template", "file_format"),
}
PLACES = {"amazon_s3": ("data_path", "s3"), "google_cloud_storage": ("data_path_template", "gs")}
ALLOWED: dict[str, str] = {
    "destination_table_name_template": ".+",
    "file_format": "JSON|PARQUET",
    "write_disposition": "WRITE_APPEND|WRITE_TRUNCATE|APPEND|MIRROR",
    "max_bad_records": r"\d+",
    "decimal_target_types": "((NUMERIC|BIGNUMERIC|STRING)(, ?|$))*",
    "ignore_unknown_values": "(?i)true|false",
}
TEMPLATE = re.compile(
    r'\{run_date\}|\{run_time(?:([+-])((?:[\d.]+h)?(?:[\d.]+m)?(?:[\d.]+s)?))?\|"((?:[^"\\]|\\.)*)"\}'
)


def refuse(source: str, params: Mapping[str, str], schedule: str) -> None:
    """ValueError on parameters or a schedule that a config of this data source can't have. It holds no secret."""
    if missing := [p for p in REQUIRED[source] if not params.get(p)]:
        raise ValueError(f"Missing argument for data source {source}: {', '.join(missing)}")
    allowed = dict.fromkeys(REQUIRED[source], ".+") | ALLOWED
    for name, value in params.items():
        if name not in allowed:
            raise ValueError(f"Unknown parameter {name!r} for data source {source}")
        if not re.fullmatch(allowed[name], str(value)):
            shown_value = "" if name in KEYS else f": {value!r}"
            raise ValueError(f"Invalid value for parameter {name!r}{shown_value}")
    place, scheme = PLACES[source]
    path = params[place]
    match = re.fullmatch(rf"{scheme}://([^/]+)(?:/(.*))?", path)
    if not match or re.search(r"[*{}]", match[1]):
        raise ValueError(
            f"Invalid {place} {path!r}: {scheme}://bucket/path, no wildcard or parameter in the bucket's name"
        )
    for template in (path, params["destination_table_name_template"]):
        evaluate(template, datetime.now(UTC))
    least = schedules.LEAST[source]
    if schedules.parse(schedule).least_interval < least:
        apart = "15 minutes" if least < timedelta(hours=1) else "24 hours"
        raise ValueError(f"Schedule {schedule!r}: the minimum interval of data source {source} is {apart}")


def evaluate(template: str, run_time: datetime) -> str:
    """A template with its run-time parameters filled in; ValueError on one that is none."""

    def value(match: re.Match[str]) -> str:
        if match[3] is None:
            return run_time.strftime("%Y%m%d")
        parts = {unit: float(number) for number, unit in re.findall(r"([\d.]+)([hms])", match[2] or "")}
        offset = timedelta(hours=parts.get("h", 0), minutes=parts.get("m", 0), seconds=parts.get("s", 0))
        return (run_time + (-offset if match[1] == "-" else offset)).strftime(
            re.sub(r"\\(.)", r"\1", match[3])
        )

    filled = TEMPLATE.sub(value, template.replace(r"\{", "\0").replace(r"\}", "\1"))
    if "{" in filled or "}" in filled:
        raise ValueError(
            f'{template!r} has a parameter that is none of {{run_date}}, {{run_time|"%Y%m%d"}}, {{run_time-1h|"%Y"}}'
        )
    return filled.replace("\0", "{").replace("\1", "}")


def pattern(key: str) -> re.Pattern[str]:
    """Which keys a data path takes: one wildcard spans folders, several each stay in theirs."""
    if not key:
        return re.compile(".*", re.DOTALL)
    return re.compile(
        (".*" if key.count("*") == 1 else "[^/]*").join(map(re.escape, key.split("*"))), re.DOTALL
    )
