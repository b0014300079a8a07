"""A small stack of the whole program, by the `pulumi` command line: deployed, with data through it, and destroyed.

The samples of `make up` are sent, and have arrived once every store counts what was sent, with the same checksum; what
a service describes of each resource is recorded after that. The stack's name ends as the names of all it makes begin.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from local import samples
from local.samples import undone, zero_etl
from tests.live import observed, stack_config
from tests.live.google import Refused
from tests.live.life import Life
from tests.live.place import Place, Sandbox
from tests.typed import as_yaml

STILL = "does a preview after `up` and after a refresh show no change, with Pulumi's own providers"
ROLES = (
    "does each role that the policy evaluator lets through get through, at the first try after its creation"
)
INGESTION = (
    "does an ingestion pipeline of OpenSearch accept the body that is generated, and write the versions that are "
    "expected"
)
FIREHOSE = "does Firehose wait for a collection's policy, or fail its first delivery"
TWO_HOURS = 7200.0  # seconds; an export takes ten minutes, its replica up to hours without time control
LEAST_VERSION = 10**12  # a change's time in milliseconds or finer, and not a counter
HOSTS = (
    ("/bigquery/v2/", "bigquery"), ("/storage/v1/", "storage"), ("/v1/transferJobs", "storagetransfer"),
    ("/v1/transferOperations", "storagetransfer"), ("/v1/projects/", "bigquerydatatransfer"),
)  # fmt: skip


@dataclass(frozen=True)
class SandboxCloud(samples.Cloud):
    """A sandbox as the samples see a cloud."""

    sandbox: Sandbox | None = None

    def client(self, service: str, place: Mapping[str, Any]) -> Any:
        """A client of the sandbox, made once for a service and an account."""
        assert self.sandbox is not None
        known = ("client", service, place["account"])
        if known not in self.counted:
            self.counted[known] = self.sandbox.client(service, place["account"])
        return self.counted[known]

    def google(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What Google answers to a request by the path of one of its APIs."""
        assert self.sandbox is not None and self.sandbox.google is not None
        api = next(api for start, api in HOSTS if path.startswith(start))
        at, _, query = path.partition("?")
        more = dict(part.split("=", 1) for part in query.split("&")) if query else {}
        self.sandbox.google.recorder = None  # a poll before it has arrived is no answer to keep
        try:
            return self.sandbox.google(api, method, at, body=body, data=b"", **more)
        except Refused as error:
            raise samples.SampleError(f"{method} {path}: {error}") from None


def stack(place: Place, name: str, undo: ExitStack) -> None:
    """An export, its replica in the second account and its copy in BigQuery, where there are these."""
    front, config = _new(place, name, undo)
    still, rows, _ = _carry(place, front, config, name, undo)
    place.settle(STILL, still, **{"after up": {}, "after a refresh": {}})
    answer = {"rows": [f"{row.kind} {row.table}: {row.arrived} of {row.sent}" for row in rows]}
    answer |= {"arrived": all(row.complete for row in rows), "denied": denied(place, name)}
    place.settle(ROLES, answer, arrived=True, denied=[])


def search(place: Place, name: str, undo: ExitStack) -> None:
    """Two collections of OpenSearch Serverless, one fed by its ingestion and one by Firehose: sent to at once after
    they were made (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-data-access.html)."""
    front, config = _new(place, name, undo)
    config["tributary:pipelines"] = stack_config.searches(place.sandbox, name)
    config.pop("tributary:gcp", None)
    _, rows, cloud = _carry(place, front, config, name, undo)
    ingested, delivered = ([row for row in rows if row.kind == kind] for kind in ("zero-etl", "firehose"))
    pipeline = cloud.pipelines["search"]
    (index,) = pipeline["indexes"].values()
    reader = cloud.search(pipeline, zero_etl.reader_role(cloud, pipeline))
    hits = reader.search(index=index, body={"size": 100, "version": True})["hits"]["hits"]
    versions = {hit["_version"] > LEAST_VERSION for hit in hits}
    place.settle(
        INGESTION,
        {"rows": [f"{row.arrived} of {row.sent}" for row in ingested], "arrived": all(r.complete for r in ingested),
         "dead letters": [row.counts["dead letters"] for row in ingested], "versions are times": versions == {True}},
        arrived=True, **{"dead letters": [0], "versions are times": True},
    )  # fmt: skip
    failed = [row.counts["failed objects"] for row in delivered]
    arrived = [row.arrived == row.sent > 0 for row in delivered]
    place.settle(FIREHOSE, {"failed objects": failed, "arrived": arrived}, arrived=[True])


def _new(place: Place, name: str, undo: ExitStack) -> tuple[Any, dict[str, Any]]:
    """The command line on a stack that is not there yet, and its config."""
    assert place.sandbox.deploys is not None
    front = place.sandbox.deploys(name.removeprefix("tributary-"))
    undo.callback(front.stop)
    return front, stack_config.config(place.sandbox, name)


def _carry(
    place: Place, front: Any, config: dict[str, Any], name: str, undo: ExitStack
) -> tuple[dict[str, Any], list[samples.Row], SandboxCloud]:
    """Deploys, sends and waits: what changes without a change, what arrived, and the cloud in which it did."""
    file = front.project / f"Pulumi.{front.stack}.yaml"
    file.write_text(as_yaml({"config": config}, sort_keys=False))
    front.ok("stack", "init", events=False)
    undo.callback(destroyed, front)
    front.ok("up", "--yes")
    still = {"after up": front.ok("preview", "--diff").changes}
    still["after a refresh"] = front.ok("refresh", "--preview-only", "--diff").changes
    outputs = json.loads(front.ok("stack", "output", "--json", events=False).text)
    quick = bool(front.endpoint)  # the embedded cloud, of which one may ask as often as one likes
    cloud = SandboxCloud(
        "", outputs, prefix=f"{name}-", patience=300.0 if quick else TWO_HOURS, pause=0.5 if quick else 20.0,
        sandbox=place.sandbox,
    )  # fmt: skip
    undo.callback(undone.undo, cloud)
    rows = samples.run(cloud, print)
    observed.observe(place, front.state())
    return still, rows, cloud


def destroyed(front: Any) -> None:
    """Destroys the stack, and tries once more: what a service has not let go of yet it lets go of later."""
    if front.pulumi("destroy", "--yes", events=True).code:
        front.ok("destroy", "--yes", "--refresh")
    front.ok("stack", "rm", "--yes", events=False)


def denied(place: Place, name: str) -> list[str]:
    """What the functions' logs say of a right that a role did not have."""
    lines: list[Any] = []
    for account in range(len(place.sandbox.accounts)):
        logs = place.sandbox.client("logs", place.account(account))
        pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"/aws/lambda/{name}")
        for group in [group["logGroupName"] for page in pages for group in page["logGroups"]]:
            events = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            lines += [
                f"{group}: {event['message'].strip()[:300]}"
                for page in events
                for event in page["events"]
                if "AccessDenied" in event["message"] or "not authorized to perform" in event["message"]
            ]
    return lines


LIVES = {
    "stack": Life(
        stack, (STILL, ROLES), frozenset({"pulumi"}),
        "a table, its export with functions, a state machine, 20 alarms and a key, a replica, a BigQuery dataset",
        "about a dollar",
    ),
    "search": Life(
        search, (INGESTION, FIREHOSE), frozenset({"pulumi", "costly"}),
        "two collections of OpenSearch Serverless with their ingestion, a stream, a delivery stream",
        "about a dollar an hour, for an hour",
    ),
}  # fmt: skip
