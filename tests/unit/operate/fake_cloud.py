"""A cloud in which a stack runs, as `operate` sees it: what it answers, and every request that it got.

Answers have the members of botocore's models; a request of another shape than the model's is refused as botocore does.
"""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters

from tests.typed import fake

NOW = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)
MACHINE = "arn:aws:states:eu-central-1:111111111111:stateMachine:tributary-prod-shop-lake-run"
HERE, THERE = (
    {"account": "111111111111", "region": "eu-central-1"},
    {"account": "222222222222", "region": "eu-west-1"},
)


class Sent(NamedTuple):
    """A request: where, to which service, which operation, with what."""

    account: str
    region: str
    service: str
    operation: str
    given: Mapping[str, Any]


def landing(
    place: Mapping[str, str], bucket: str, *tables: str, layout: str = "dynamodb-export"
) -> dict[str, Any]:
    """A landing as a stack's outputs describe it."""
    return {**place, "bucket": bucket, "prefix": "raw/", "tables": list(tables), "layout": layout}


def pipelines() -> dict[str, Any]:
    """One of each kind, as a stack's outputs have them."""
    lake, replica = landing(HERE, "lake", "orders"), landing(THERE, "replica", "orders")

    def of(name: str) -> str:
        return f"tributary-prod-{name}-"

    return {
        "shop-lake": {"kind": "export", **HERE, "from": None, "alarms": of("shop-lake"), "bucket": "lake",
                      "state_machine": MACHINE, "sources": {"orders": "dynamodb", "shop": "rds_instance"},
                      "schedules": ["tributary-prod-shop-lake-schedule"],
                      "rules": ["tributary-prod-shop-lake-snapshot"],
                      "landing": lake},
        "plain": {"kind": "export", **HERE, "from": None, "alarms": of("plain"), "bucket": "plain",
                  "function": "tributary-prod-plain-export", "rules": [],
                  "schedules": ["tributary-prod-plain-schedule"], "landing": landing(HERE, "plain", "returns")},
        "shop-replica": {"kind": "replication", **THERE, "from": "shop-lake", "alarms": of("shop-replica"),
                         "bucket": "replica", "source": lake, "landing": replica},
        "catalog-search": {"kind": "zero-etl", **HERE, "from": None, "alarms": of("catalog-search"), "landing": None,
                           "ingestion_pipelines": dict.fromkeys(("products", "reviews"), "tributary-prod-search"),
                           "parts": {"products": "products", "reviews": "reviews"}},
        "stock-ticks": {"kind": "firehose", **HERE, "from": None, "alarms": of("stock-ticks"), "landing": None,
                        "delivery_stream": "tributary-prod-stock-ticks", "index": "ticks",
                        "replay": "tributary-prod-stock-ticks-replay",
                        "schedules": ["tributary-prod-stock-ticks-replay-schedule"]},
        "shop-warehouse": {"kind": "bigquery-transfer", **THERE, "from": "shop-replica", "alarms": of("shop-warehouse"),
                           "source": replica, "project": "shop", "landing": None,
                           "schedules": ["tributary-prod-shop-warehouse-compare"],
                           "copy": {"bucket": "copied", "role": "r", "job": "transferJobs/shop"},
                           "tables": {"shop.orders": {"view": "shop.sales.shop_orders_latest",
                                                      "transfer": "projects/shop/locations/EU/transferConfigs/1"}}},
    }  # fmt: skip


class FakeCloud:
    """Its attributes are what services have, and can be changed by a test."""

    def __init__(self, described: Mapping[str, Any] | None = None):
        self.stack = "prod"
        self.pipelines = dict(described or pipelines())
        self.dashboards: dict[str, Any] = {}
        self.sent: list[Sent] = []
        self.asked_google: list[tuple[str, str, Any]] = []
        self.refused: set[str] = set()
        """Operations that IAM denies."""
        self.records = {"orders": {"table": "orders", "source": "orders", "of": "orders", "rows": 50_000,
                                   "exported_to": (NOW - timedelta(minutes=20)).isoformat()},
                        "shop_products": {"table": "shop_products", "source": "shop", "of": "shop.products",
                                          "rows": None,
                                          "exported_to": (NOW - timedelta(hours=4)).isoformat()}}  # fmt: skip
        self.run: dict[str, Any] | None = {"status": "SUCCEEDED"}
        self.schedules: dict[str, str] = {}
        self.rules: dict[str, str] = {}
        self.ingestion: dict[str, Any] = {"Status": "ACTIVE", "LastUpdatedAt": NOW}
        self.alarms: list[dict[str, Any]] = []
        self.metrics = {"products.opensearch.documentsSuccess.count": [3.0, 0.0], "ReplicationLatency": [12.0],
                        "products.opensearch.EndToEndLatency.max": [2_500.0],
                        "DeliveryToAmazonOpenSearchServerless.Records": [7.0, 5.0],
                        "DeliveryToAmazonOpenSearchServerless.DataFreshness": [4.0, 61.0]}  # fmt: skip
        self.transfer: dict[str, Any] = {}
        self.job: dict[str, Any] = {"status": "ENABLED", "schedule": {}}
        self.loads: list[dict[str, Any]] = [
                      {"name": "run-1", "state": "SUCCEEDED", "scheduleTime": "2026-03-01T09:00:00Z",
                       "endTime": "2026-03-01T09:04:00Z"}]  # fmt: skip
        self.export: dict[str, Any] | None = {
            "ExportStatus": "COMPLETED", "S3Bucket": "plain", "ExportTime": NOW - timedelta(minutes=9),
            "EndTime": NOW, "ItemCount": 17,
        }  # fmt: skip

    def client(self, service: str, place: Mapping[str, Any]) -> Any:
        return _Client(self, service, str(place["account"]), str(place["region"]))

    def google(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        self.asked_google.append((method, path, body))
        plain = path.partition("?")[0]
        if plain.endswith("/runs"):
            return {"transferRuns": self.loads}
        if "/tables/" in plain:
            return {"numRows": "1200"}
        target = self.job if "transferJobs" in plain else self.transfer
        if method == "PATCH" and body is not None:
            target |= body.get("transferJob", body)
        return target

    # What each operation answers.

    def list_objects_v2(self, given: Mapping[str, Any]) -> dict[str, Any]:
        folder = given["Prefix"].partition("AWSDynamoDB/")[0] + "AWSDynamoDB/"
        keys = [f"{folder}017-b/manifest-summary.json", f"{folder}018-c/data/x"]
        if given["Prefix"].startswith("state/"):
            keys = [f"state/{table}/current.json" for table in self.records] + ["state/orders/seen.json"]
        listed = [key for key in keys if key.startswith(given["Prefix"])]
        if given.get("Delimiter"):
            below = {key[: key.index("/", len(given["Prefix"])) + 1] for key in listed}
            return {"CommonPrefixes": [{"Prefix": prefix} for prefix in sorted(below)]}
        return {"Contents": [{"Key": key, "LastModified": NOW} for key in listed]}

    def get_object(self, given: Mapping[str, Any]) -> dict[str, Any]:
        content = {"itemCount": 40, "exportTime": (NOW - timedelta(minutes=3)).isoformat()}
        if given["Key"].startswith("state/"):
            content = self.records[given["Key"].split("/")[1]]
        return {"Body": io.BytesIO(json.dumps(content).encode())}

    def list_executions(self, given: Mapping[str, Any]) -> dict[str, Any]:
        listed = (
            [{"executionArn": "run", "startDate": NOW, "stateMachineArn": MACHINE, "name": "n"}]
            if self.run
            else []
        )
        return (
            {"executions": [each | {"status": self.run["status"]} for each in listed]}
            if self.run
            else {"executions": []}
        )

    def describe_execution(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "stateMachineArn": MACHINE,
            "input": "{}",
            "startDate": NOW,
            "stopDate": NOW,
            **(self.run or {}),
        }

    def start_execution(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"executionArn": "arn:started", "startDate": NOW}

    def invoke(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"StatusCode": 200, "Payload": io.BytesIO(b"{}")}

    def list_exports(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "ExportSummaries": [{"ExportArn": given["TableArn"] + "/export/1234567"}] if self.export else []
        }

    def describe_export(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"ExportDescription": self.export}

    def get_schedule(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name = given["Name"]
        return {
            "Name": name, "GroupName": given["GroupName"], "State": self.schedules.get(name, "ENABLED"), "Arn": "a",
            "ScheduleExpression": "rate(1 day)", "ScheduleExpressionTimezone": "UTC", "LastModificationDate": NOW,
            "CreationDate": NOW, "FlexibleTimeWindow": {"Mode": "OFF"}, "Description": "Exports the sources",
            "Target": {"Arn": MACHINE, "RoleArn": f"arn:aws:iam::111111111111:role/{name}", "Input": "{}"},
        }  # fmt: skip

    def update_schedule(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self.schedules[given["Name"]] = given["State"]
        return {"ScheduleArn": "a"}

    def describe_rule(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"State": self.rules.get(given["Name"], "ENABLED")}

    def disable_rule(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self.rules[given["Name"]] = "DISABLED"
        return {}

    def enable_rule(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self.rules[given["Name"]] = "ENABLED"
        return {}

    def get_pipeline(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"Pipeline": {"PipelineName": given["PipelineName"], **self.ingestion}}

    def stop_pipeline(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self.ingestion["Status"] = "STOPPING"
        return {}

    def start_pipeline(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self.ingestion["Status"] = "STARTING"
        return {}

    def describe_alarms(self, given: Mapping[str, Any]) -> dict[str, Any]:
        named = [alarm for alarm in self.alarms if alarm["AlarmName"].startswith(given["AlarmNamePrefix"])]
        return {"MetricAlarms": named}

    def list_metrics(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"Metrics": [{"Dimensions": [*given["Dimensions"], {"Name": "RuleId", "Value": "rule"}]}]}

    def get_metric_data(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name = given["MetricDataQueries"][0]["MetricStat"]["Metric"]["MetricName"]
        values = self.metrics.get(name, [])
        times = [NOW + timedelta(minutes=5 * n) for n in range(len(values))]
        return {"MetricDataResults": [{"Id": "m", "Timestamps": times, "Values": values}]}


@functools.cache
def model_of(service: str) -> Any:
    """The service's model, which is read once for all clients."""
    return botocore.session.get_session().get_service_model(service)


@functools.cache
def operations(service: str) -> dict[str, str]:
    """A service's operations by the names of a client's methods."""
    return {botocore.xform_name(name): name for name in model_of(service).operation_names}


class _Client:
    def __init__(self, cloud: FakeCloud, service: str, account: str, region: str):
        self.cloud, self.service, self.place = cloud, service, (account, region)

    def __getattr__(self, method: str) -> Any:
        return fake(lambda **given: self.call(method, given))

    def call(self, method: str, given: dict[str, Any]) -> Any:
        operation = operations(self.service)[method]
        shape = model_of(self.service).operation_model(operation).input_shape
        validate_parameters(given, shape)
        self.cloud.sent.append(Sent(*self.place, self.service, operation, given))
        if operation in self.cloud.refused:
            denied = {"Error": {"Code": "AccessDenied", "Message": f"not authorized to perform {operation}"}}
            raise ClientError(denied, operation)  # type: ignore[arg-type]
        return getattr(self.cloud, method)(given)

    def get_paginator(self, method: str) -> Any:
        return _Pages(fake(lambda **given: [self.call(method, given)]))


class _Pages(NamedTuple):
    paginate: Any
