"""What the CloudWatch dashboard of an account shows: its pipelines' alarms, and the metrics that they watch. Pure.

For each pipeline a line of text, the state of its alarms, what arrived, then a graph for each metric with the
thresholds of its alarms. The form of a body:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Dashboard-Body-Structure.html. Its limits:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html, "Dashboards". No page has a limit
of a body's length.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.shared import metric_names

WIDGETS, METRICS, METRICS_OF_A_WIDGET, ALARMS_OF_A_WIDGET = 500, 2500, 500, 100
COLUMNS, GRAPH, GRAPH_HEIGHT = 24, 8, 6
"""The grid is 24 wide (the page of the form, "Widgets Array Structure"); three graphs stand side by side."""
PERIOD = 300
"""Seconds, of what no alarm watches."""
CONSOLES = {
    "aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"
}  # fmt: skip
Widget = dict[str, Any]


class TooMuch(Exception):
    """A dashboard would be larger than CloudWatch takes."""


@dataclass(frozen=True)
class Watched:
    """An alarm, and the metric that it watches."""

    label: str
    """Its name without the pipeline's, such as `orders-failed`."""
    arn: str
    region: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    period: int
    """Seconds."""
    threshold: float
    above: bool
    """Whether it fires above the threshold, or below."""

    @property
    def graph(self) -> tuple[str, str, str]:
        """Alarms with the same one share a graph. The name of ingestion's metrics begins with the table's part
        (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/monitoring-pipeline-metrics.html)."""
        tail = self.metric.partition(".")[2] if self.namespace == "AWS/OSIS" else self.metric
        return self.region, self.namespace, tail

    @property
    def line(self) -> list[Any]:
        """The metric as a graph has it."""
        dimensions = itertools.chain.from_iterable(sorted(self.dimensions.items()))
        drawn = {"label": self.label, "period": self.period, "stat": self.statistic}
        return [self.namespace, self.metric, *dimensions, drawn]


@dataclass(frozen=True)
class Row:
    """A pipeline, as one account sees it."""

    pipeline: str
    kind: str
    region: str
    prefix: str
    """What the names of its alarms begin with."""
    alarms: Sequence[Watched]
    arrived: Sequence[list[Any]] = ()
    """Metrics of what arrived, as a graph has them."""


def body(title: str, rows: Iterable[Row], partition: str) -> dict[str, Any]:
    """A dashboard's body. `title`: whose it is, as Markdown; `partition` of AWS. Raises TooMuch."""
    lines = [[_text(title, height=3)], *(line for row in rows for line in _lines(row, partition))]
    widgets: list[Widget] = []
    top = 0
    for line in lines:
        fit = COLUMNS // line[0]["width"]
        for at, widget in enumerate(line):
            widgets.append(
                widget | {"x": at % fit * widget["width"], "y": top + at // fit * widget["height"]}
            )
        top += math.ceil(len(line) / fit) * line[0]["height"]
    _check(widgets)
    return {"start": "-P3D", "periodOverride": "inherit", "widgets": widgets}


def arrived(name: str, kind: str, outputs: Mapping[str, Any]) -> list[list[Any]]:
    """The metrics of what a pipeline carried, by its outputs: rows of each table, or documents.

    Tables that are known at a run only are searched for
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html)."""
    if kind == "bigquery-transfer":
        return [_rows(name, metric_names.LOADED)]
    if outputs.get("catalog_tables"):
        return [_rows(name, metric_names.ROWS)]
    drawn = {"period": PERIOD, "stat": "Sum"}
    if kind == "firehose":
        records, stream = "DeliveryToAmazonOpenSearchServerless.Records", outputs["delivery_stream"]
        of = ["DeliveryStreamName", stream]
        return [["AWS/Firehose", records, *of, {"label": outputs["index"], **drawn}]]
    parts: Mapping[str, str] = outputs.get("parts") or {}
    return [
        [
            "AWS/OSIS",
            f"{part}.opensearch.documentsSuccess.count",
            *("PipelineName", outputs["ingestion_pipelines"][table]),
            {"label": table, **drawn},
        ]
        for table, part in parts.items()
    ]


def console(partition: str, region: str, place: str) -> str:
    """The address of a place in CloudWatch's console."""
    return f"https://{region}.{CONSOLES[partition]}/cloudwatch/home?region={region}#{place}"


def _rows(pipeline: str, metric: str) -> list[Any]:
    kind = ",".join((metric_names.NAMESPACE, metric_names.PIPELINE, metric_names.TABLE))
    of = f'MetricName="{metric}" {metric_names.PIPELINE}="{pipeline}"'
    label = f"${{PROP('Dim.{metric_names.TABLE}')}}"
    return [{"expression": f"SEARCH('{{{kind}}} {of}', 'Maximum', {PERIOD})", "label": label}]


def _lines(row: Row, partition: str) -> Iterator[list[Widget]]:
    """Widgets of one size each, side by side as far as they fit."""
    alarms = console(partition, row.region, f"alarmsV2:?search={row.prefix}")
    yield [_text(f"## {row.pipeline}\n{row.kind}, {row.region} · [all its alarms]({alarms})", height=2)]
    whole = sorted(row.alarms, key=lambda alarm: alarm.label)
    for some in _parts(whole, ALARMS_OF_A_WIDGET):
        yield [_states(f"{row.pipeline}: alarms", [alarm.arn for alarm in some])]
    graphs = [_graph("What arrived", row.region, row.arrived)] if row.arrived else []
    by_graph = sorted(whole, key=lambda alarm: alarm.graph)
    for (region, namespace, tail), grouped in itertools.groupby(by_graph, key=lambda alarm: alarm.graph):
        for some in _parts(list(grouped), METRICS_OF_A_WIDGET):
            thresholds = sorted({(alarm.threshold, alarm.above) for alarm in some})
            lines = [alarm.line for alarm in some]
            graphs.append(_graph(f"{namespace} {tail}", region, lines, thresholds))
    if graphs:
        yield graphs


def _parts(alarms: Sequence[Watched], size: int) -> Iterator[Sequence[Watched]]:
    return (alarms[start : start + size] for start in range(0, len(alarms), size))


def _text(markdown: str, height: int) -> Widget:
    properties = {"markdown": markdown, "background": "transparent"}
    return {"type": "text", "width": COLUMNS, "height": height, "properties": properties}


def _states(title: str, arns: list[str]) -> Widget:
    """The alarms that fire come first."""
    properties = {"title": title, "alarms": arns, "sortBy": "stateUpdatedTimestamp"}
    return {
        "type": "alarm", "width": COLUMNS, "height": 1 + math.ceil(len(arns) / 4), "properties": properties
    }  # fmt: skip


def _graph(
    title: str, region: str, lines: Sequence[list[Any]], thresholds: Iterable[tuple[float, bool]] = ()
) -> Widget:
    properties: dict[str, Any] = {
        "view": "timeSeries",
        "title": title,
        "region": region,
        "metrics": list(lines),
    }
    properties["yAxis"] = {}
    if horizontal := [
        {"value": value, "label": f"alarm {'above' if above else 'below'} {value:g}", "yAxis": "left"}
        for value, above in thresholds
    ]:
        properties["annotations"] = {"horizontal": horizontal}
    return {"type": "metric", "width": GRAPH, "height": GRAPH_HEIGHT, "properties": properties}


def _check(widgets: Sequence[Widget]) -> None:
    metrics = sum(len(widget["properties"].get("metrics", ())) for widget in widgets)
    for count, what, most in ((len(widgets), "widgets", WIDGETS), (metrics, "metrics", METRICS)):
        if count > most:
            raise TooMuch(
                f"the dashboard would have {count:,} {what}, and CloudWatch takes {most:,}; leave out 'dashboard', or "
                "give some of the pipelines a stack of their own"
            )
