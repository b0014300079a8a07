"""The BigQuery Data Transfer Service, v1, for `amazon_s3` and `google_cloud_storage`; nobody publishes an emulator.

A run lists the bucket with the config's own key (Cloud Storage: as its service account), takes the files that match
`data_path` (WRITE_APPEND: those modified since the last successful run; WRITE_TRUNCATE: all), and loads them by one
load job into a table that must exist. A run that fails loads nothing and is shown by its state, its `errorStatus`,
its log and the message to `notificationPubsubTopic`. Runs of a config come one after another. A secret is taken and
never given back.

S3 gives whole seconds, so of files modified in the very second in which the last successful run listed, those
it took are known by their ETag. A config with an interval (`every 24 hours`) and without `startTime` runs at
once, as in the console's "Start now".

Sources: "REST Resource: projects.locations.transferConfigs"
(https://docs.cloud.google.com/bigquery/docs/reference/datatransfer/rest/v1/projects.locations.transferConfigs),
"Cloud Storage transfers" (https://docs.cloud.google.com/bigquery/docs/cloud-storage-transfer),
"Amazon S3 transfers" (https://docs.cloud.google.com/bigquery/docs/s3-transfer), "Introduction to Amazon S3
transfers" (https://docs.cloud.google.com/bigquery/docs/s3-transfer-intro), "Runtime parameters"
(https://docs.cloud.google.com/bigquery/docs/s3-transfer-parameters), "Run notifications"
(https://docs.cloud.google.com/bigquery/docs/transfer-run-notifications).
Missing: CSV, Avro and ORC, e-mails, retries of
transient errors, `authorizationCode`, other data sources, the service account's roles (not enforced).
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.gcp import clock, schedules
from local.gcp.refusals import CODES, Body, Refused
from local.gcp.resources import Resources, now
from local.gcp.s3_source import Denied, client, content, listing
from local.gcp.storage import Storage
from local.gcp.transfer_load import RunFailed, load
from local.gcp.transfer_parameters import PLACES, evaluate, pattern, refuse
from local.gcp.wire import Route
from local.plain import within

CHANGEABLE = (
    "params",
    "schedule",
    "scheduleOptions",
    "displayName",
    "disabled",
    "notificationPubsubTopic",
    "emailPreferences",
    "dataRefreshWindowDays",
    "encryptionConfiguration",
    "destinationDatasetId",
    "serviceAccountName",
)


class DataTransfer:
    """Configs with their secrets, runs and logs by name, and the loop that starts what is due."""

    def __init__(
        self, resources: Resources, storage: Storage, bigquery: Any, aws_endpoint: str, staging: Path
    ):
        """`bigquery(method, path, body=None)` calls the BigQuery beside this and returns (status, body)."""
        self.storage = storage
        self.resources, self.bigquery, self.aws, self.staging = resources, bigquery, aws_endpoint, staging
        self.configs: dict[str, Body] = {}
        self.secrets: dict[str, str] = {}
        self.runs: dict[str, Body] = {}
        self.logs: dict[str, list[Body]] = {}
        self.loaded: dict[
            str, tuple[datetime, set[str]]
        ] = {}  # config -> when the last success listed, and what it saw then
        self.turns: dict[str, threading.Lock] = {}
        self.stopped = threading.Event()

    def routes(self) -> list[Route]:
        """The methods of transferConfigs, their runs and logs, each as HTTP verbs, path and handler, which is called
        with body, query and the path's groups."""
        parent, config = (
            r"/v1/(projects/[^/]+(?:/locations/[^/]+)?)",
            r"/v1/(projects/[^/]+(?:/locations/[^/]+)?/transferConfigs/[^/:]+)",
        )
        run = config[:-1] + r"/runs/[^/:]+)"
        return [
            ("POST", parent + "/transferConfigs", self.create),
            (
                "GET",
                parent + "/transferConfigs",
                lambda b, q, at: {
                    "transferConfigs": [self.shown(n) for n in self.configs if n.startswith(at + "/")]
                },
            ),
            ("GET", config, lambda b, q, name: self.shown(name)),
            ("PATCH", config, self.patch),
            ("DELETE", config, self.delete),
            ("POST", config + ":startManualRuns", self.start),
            (
                "GET",
                config + "/runs",
                lambda b, q, name: {
                    "transferRuns": [r for n, r in reversed(self.runs.items()) if n.startswith(name + "/")]
                },
            ),
            ("GET", run, lambda b, q, name: self.find(self.runs, name)),
            (
                "GET",
                run + "/transferLogs",
                lambda b, q, name: {"transferMessages": self.find(self.logs, name)},
            ),
        ]

    def find(self, kind: dict[str, Any], name: str) -> Any:
        """What has the name in `kind`, which is the configs, the runs or the logs; 404 where nothing has."""
        if name not in kind:
            raise Refused(404, f"Requested entity was not found: {name}")
        return kind[name]

    def shown(self, name: str) -> Body:
        """A config as the API answers it, without `serviceAccountName`, which comes as a parameter of the query."""
        return {k: v for k, v in self.find(self.configs, name).items() if k != "serviceAccountName"}

    def create(self, body: Body, query: Body, parent: str) -> Body:
        """Answers transferConfigs.create: a PENDING config in the dataset's region; 400 or 404 of `check`."""
        body |= {"serviceAccountName": query["serviceAccountName"]} if "serviceAccountName" in query else {}
        region, secret = self.check(parent, body)
        where = parent if "/locations/" in parent else f"{parent}/locations/{region.lower()}"
        name = f"{where}/transferConfigs/{uuid.uuid4()}"
        self.secrets[name], self.turns[name] = secret, threading.Lock()
        self.configs[name] = {
            **body,
            "name": name,
            "datasetRegion": region.lower(),
            "updateTime": now(),
            "state": "PENDING",
            "userId": "0",
        }
        self.plan(name)
        return self.shown(name)

    def patch(self, body: Body, query: Body, name: str) -> Body:
        """Answers transferConfigs.patch: the mask's fields are set anew, and a secret that `params` lacks stays."""
        old, names = self.find(self.configs, name), {field.lower(): field for field in CHANGEABLE}
        mask = [f for f in query.get("updateMask", "").replace("_", "").split(",") if f]
        if not mask or any(f.lower() not in names for f in mask):
            raise Refused(
                400, f"updateMask is required, of {', '.join(CHANGEABLE)}; it was {query.get('updateMask')!r}"
            )
        body |= {"serviceAccountName": query["serviceAccountName"]} if "serviceAccountName" in query else {}
        new = old | {names[f.lower()]: body.get(names[f.lower()]) for f in mask}
        if self.secrets[name]:
            new["params"] = {"secret_access_key": self.secrets[name]} | new["params"]
        _, self.secrets[name] = self.check(name.rsplit("/transferConfigs/", 1)[0], new)
        self.configs[name] = {k: v for k, v in new.items() if v is not None} | {"updateTime": now()}
        self.plan(name)
        return self.shown(name)

    def delete(self, body: Body, query: Body, name: str) -> Body:
        """Answers transferConfigs.delete: the config goes with its secret, its runs and their logs."""
        self.find(self.configs, name)
        for kind in (self.configs, self.secrets, self.loaded):
            kind.pop(name, None)
        for run in [r for r in self.runs if r.startswith(name + "/")]:
            del self.runs[run], self.logs[run]
        return {}

    def check(self, parent: str, body: Body) -> tuple[str, str]:
        """The dataset's region and the secret, which leaves `body`; or what is wrong with it."""
        params = within(body, "params")
        if (source := body.get("dataSourceId")) not in PLACES:
            raise Refused(400, f"Data source {source!r} is not here; only {' and '.join(PLACES)} are")
        if not body.get("displayName"):
            raise Refused(400, "displayName is required")
        try:
            refuse(source, params, body.get("schedule", ""))
        except ValueError as error:
            raise Refused(400, str(error)) from None
        project = parent.split("/")[1]
        status, dataset = self.bigquery(
            "GET", f"/bigquery/v2/projects/{project}/datasets/{body.get('destinationDatasetId')}"
        )
        if status != 200:
            raise Refused(404, f"Not found: Dataset {project}:{body.get('destinationDatasetId')}")
        region = dataset.get("location", "US")
        if "/locations/" in parent and parent.rsplit("/", 1)[1].lower() != region.lower():
            raise Refused(
                400,
                f"The transfer config's location, {parent.rsplit('/', 1)[1]}, is not its dataset's, {region}",
            )
        if account := body.get("serviceAccountName"):
            self.resources.account(account)
        if topic := body.get("notificationPubsubTopic"):
            self.resources.find(self.resources.topics, topic)
        body["params"] = {k: v for k, v in params.items() if k != "secret_access_key"}
        return region, params.get("secret_access_key", "")

    def plan(self, name: str) -> None:
        """Set `nextRunTime`, or none where nothing is scheduled."""
        config, options = self.configs[name], within(self.configs[name], "scheduleOptions")
        config.pop("nextRunTime", None)
        if config.get("disabled") or options.get("disableAutoScheduling"):
            return
        schedule, start = (
            schedules.parse(config.get("schedule", "")),
            datetime.fromisoformat(options.get("startTime", now())),
        )
        ran = next(
            (r for n, r in reversed(self.runs.items()) if n.startswith(name + "/") and r["schedule"]), None
        )
        interval = not re.search(r"\d:\d\d", config.get("schedule", ""))
        due = (
            schedule.next_after(max(start, datetime.fromisoformat(ran["scheduleTime"])))
            if ran
            else start
            if interval
            else schedule.next_after(start)
        )
        if not options.get("endTime") or due < datetime.fromisoformat(options["endTime"]):
            config["nextRunTime"] = due.isoformat()

    def keep_schedule(self) -> None:
        """Start what is due, until stopped."""
        while not self.stopped.wait(1):
            for name, config in list(self.configs.items()):
                if (due := config.get("nextRunTime")) and datetime.fromisoformat(due) <= clock.now():
                    self.queue(name, datetime.fromisoformat(due), config.get("schedule") or schedules.DEFAULT)
                    self.plan(name)

    def start(self, body: Body, query: Body, name: str) -> Body:
        """Answers startManualRuns: a run at a past time, or all that a range has; 412 for a disabled config."""
        config = self.find(self.configs, name)
        if config.get("disabled"):
            raise Refused(412, "The transfer config is disabled")
        times = [body["requestedRunTime"]] if "requestedRunTime" in body else []
        if window := body.get("requestedTimeRange"):
            at, end = (datetime.fromisoformat(window[k]) for k in ("startTime", "endTime"))
            while at < end:
                times.append(at.isoformat())
                at += schedules.parse(config.get("schedule", "")).least_interval
        if not times or any(datetime.fromisoformat(t) > clock.now() for t in times):
            raise Refused(400, "requestedRunTime or requestedTimeRange is required and lies in the past")
        return {"runs": [self.queue(name, datetime.fromisoformat(t).astimezone(UTC), "") for t in times]}

    def queue(self, name: str, run_time: datetime, schedule: str) -> Body:
        """Begins a run in a thread of its own and answers it as PENDING; `schedule` is empty for one by hand."""
        config = self.configs[name]
        run = f"{name}/runs/{uuid.uuid4()}"
        self.logs[run] = []
        self.runs[run] = {
            "name": run,
            "state": "PENDING",
            "scheduleTime": now(),
            "runTime": run_time.isoformat(),
            "updateTime": now(),
            "schedule": schedule,
            **{
                k: config[k]
                for k in (
                    "dataSourceId",
                    "destinationDatasetId",
                    "params",
                    "notificationPubsubTopic",
                    "emailPreferences",
                )
                if k in config
            },
        }
        begun = dict(self.runs[run])  # before its thread changes it
        threading.Thread(target=self.run, args=(name, run, run_time), daemon=True).start()
        return begun

    def run(self, name: str, run_name: str, run_time: datetime) -> None:
        """Carries a run out while no other of its config is, sets how it ended, and publishes it to its topic."""
        run, log = self.runs[run_name], self.logs[run_name]

        def say(text: str, severity: str = "INFO") -> None:
            log.append({"messageTime": now(), "severity": severity, "messageText": text})

        with self.turns[name]:
            run |= {"state": "RUNNING", "startTime": now(), "updateTime": now()}
            try:
                self.transfer(name, run_time, say, run)
                outcome: Body = {"state": "SUCCEEDED", "errorStatus": {}}
            except RunFailed as error:
                say(f"Job failed with error: {error}", "ERROR")
                outcome = {"state": "FAILED", "errorStatus": {"code": error.code, "message": str(error)}}
            except Exception as error:  # a run has to end in a state, whatever breaks here
                say(f"Internal error: {error!r}", "ERROR")
                outcome = {"state": "FAILED", "errorStatus": {"code": 13, "message": repr(error)}}
            run |= outcome | {"endTime": now(), "updateTime": now()}
            if name in self.configs:
                self.configs[name]["state"] = run["state"]
        if topic := run.get("notificationPubsubTopic"):
            data = base64.b64encode(json.dumps(run).encode()).decode()
            self.resources.publish(
                topic,
                {
                    "data": data,
                    "attributes": {"eventType": "TRANSFER_RUN_FINISHED", "payloadFormat": "JSON_API_V1"},
                },
            )

    def transfer(self, name: str, run_time: datetime, say: Any, run: Body) -> None:
        """Fetches and loads the run's files, and notes what it saw; RunFailed on a refusal or too many files."""
        params = run["params"]
        place, scheme = PLACES[run["dataSourceId"]]
        path, table = (
            evaluate(params[place], run_time),
            evaluate(params["destination_table_name_template"], run_time),
        )
        bucket, _, key = path.removeprefix(f"{scheme}://").partition("/")
        account = self.configs[name].get("serviceAccountName", "")
        append = params.get("write_disposition", "WRITE_APPEND") in ("WRITE_APPEND", "APPEND")
        # By the clock of who writes down when a file was written: S3's is the machine's.
        listed_at = datetime.now(UTC) if scheme == "s3" else clock.now()
        here = self.staging / run["name"].rsplit("/", 1)[1]
        s3 = None
        if scheme == "s3":
            s3 = client("s3", self.aws, params["access_key_id"], self.secrets[name])
        try:
            below = key.split("*")[0]
            objects = [
                o
                for o in (listing(s3, bucket, below) if s3 else self.copies(account, bucket, below))
                if pattern(key).fullmatch(o["Key"]) and not o["Key"].endswith("/")
            ]
            seen = {f"{o['Key']} {o['ETag']}" for o in objects}
            if append and name in self.loaded:
                since, before = self.loaded[name]
                second = since.replace(microsecond=0)
                objects = [
                    o
                    for o in objects
                    if o["LastModified"].replace(microsecond=0) > second
                    or (
                        o["LastModified"].replace(microsecond=0) == second
                        and f"{o['Key']} {o['ETag']}" not in before
                    )
                ]
            if key.count("*") > 1 and len(objects) > 10_000:
                raise RunFailed(8, "Number of files in transfer exceeds limit of 10,000.")
            say(f"Moving data: {len(objects)} object(s) of {path}")
            here.mkdir(parents=True)
            files = [] if s3 else [self.storage.path(bucket, item["Key"]) for item in objects]
            for number, item in enumerate(objects if s3 else []):
                files.append(
                    here / f"{number:05}-{re.sub(r'[^A-Za-z0-9._-]', '_', item['Key'].rsplit('/', 1)[-1])}"
                )
                files[-1].write_bytes(content(s3, bucket, item["Key"], item["ETag"]))
            if files:
                into = {
                    "projectId": name.split("/")[1],
                    "datasetId": self.configs[name]["destinationDatasetId"],
                    "tableId": table,
                }
                load(self.bigquery, into, files, params, append, say)
            else:
                say(f"Moving data complete: Moved 0 object(s). No new files found matching {path}.")
        except (Denied, Refused) as error:
            raise RunFailed(CODES[403][0], f"PERMISSION_DENIED: {error}") from None
        finally:
            shutil.rmtree(here, ignore_errors=True)
        self.loaded[name] = (listed_at, seen)

    def copies(self, account: str, bucket: str, prefix: str) -> list[Body]:
        """Cloud Storage's objects as S3 lists its own."""
        for permission in ("objects.list", "objects.get"):
            self.storage.allow(account, permission, bucket)
        return [
            {"Key": o["name"], "ETag": o["etag"], "LastModified": datetime.fromisoformat(o["updated"])}
            for o in self.storage.listing(bucket, prefix)
        ]
