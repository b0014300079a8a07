"""The metrics that handlers put and alarms watch. Pure.

A namespace's letters differ by their case (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/
API_PutMetricData.html): two spellings are two namespaces, and an alarm on one never hears of the other.
"""

from collections.abc import Mapping

NAMESPACE = "tributary"
PIPELINE, SOURCE, TABLE = "Pipeline", "Source", "Table"

# An export's run, of each source; and of each table that it published.
PUBLISHED, FAILED, SKIPPED = "Published", "Failed", "Skipped"
AGE, ROWS, SET_ASIDE = "Age", "Rows", "SetAside"
# A load of BigQuery, of each table; the rows only where the exports count their items.
LOAD_FAILED = "BigQueryLoadFailed"
"""0 if the newest run succeeded or is not due yet, else 1."""
LOAD_DIFFERENCE = "BigQueryDifference"
"""Rows loaded - rows expected."""
LOADED = "BigQueryLoaded"
"""Rows loaded."""


def of_source(pipeline: str, source: str) -> dict[str, str]:
    """The dimensions of a metric of a source."""
    return {PIPELINE: pipeline, SOURCE: source}


def of_table(pipeline: str, table: str) -> dict[str, str]:
    """The dimensions of a metric of a table."""
    return {PIPELINE: pipeline, TABLE: table}


def datum(name: str, value: float, dimensions: Mapping[str, str], unit: str = "Count") -> dict[str, object]:
    """One item of PutMetricData's MetricData."""
    listed = [{"Name": key, "Value": text} for key, text in dimensions.items()]
    return {"MetricName": name, "Value": value, "Unit": unit, "Dimensions": listed}
