"""The handlers as they are deployed, side by side in one process, on services that are here."""

import base64
import contextlib
import importlib
import io
import json
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import duckdb

import tests.conftest  # noqa: F401 # pyright: ignore[reportUnusedImport] - puts what bundles share on the path, also outside pytest
from tests.contract.kills.exporters import ORDERS
from tests.contract.kills.services import Services
from tests.contract.normaliser import library
from tests.typed import fake, pq

HANDLERS = Path(__file__).resolve().parents[3] / "handlers"
LAKE = {"PIPELINE": "lake", "BUCKET": "landing"}
ENVIRONMENT = {
    "arrival": {"EVENT_BUS": "default", "IDEMPOTENCY_TABLE": "announced", "PREFIX": "raw/"},
    "backfill": {
        "ACCOUNT_ID": "111111111111", "BUCKET": "landing", "REPORT_BUCKET": "reports",
        "REPORT_PREFIX": "backfill", "JOB_TAG": "tributary=copy",
        "ROLE_ARN": "arn:aws:iam::111111111111:role/batch",
    },
    "catalog": LAKE | {"DATABASE": "shop", "CATALOG": "registered", "HANDS_OVER": "1"},
    "export_source": LAKE | {
        "BUCKET_OWNER": "111111111111", "KMS_KEY_ARN": "arn:aws:kms:us-east-1:111111111111:key/1",
        "EXPORT_ROLE_ARN": "arn:aws:iam::111111111111:role/lake-rds",
    },
    "export_start": {"TABLES": json.dumps([ORDERS]), "BUCKET": "landing", "BUCKET_OWNER": "111111111111",
                     "PREFIX": "raw/", "KMS_KEY_ARN": ""},
    "fold": {"BUCKET": "landing", "MEMORY": "512MB", "PART_BYTES": "2500"},
    "generate_ticks": {"STREAM": "ticks"},
    "index": {"PATIENCE_SECONDS": "60"},
    "normalise": {"BUCKET": "landing"},
    "load_check": {
        "TABLES": json.dumps([{"table": "orders", "transfer": "t/orders", "prefix": "raw/orders/"}]),
        "CHECKED_MINUTES_AFTER": "90", "RUN_WITHIN_MINUTES": "90", "BUCKET": "landing", "LOAD_TIME": "04:30",
        "PIPELINE": "warehouse", "PROJECT": "shop", "DATASET": "shop", "LOCATION": "US",
        "AUDIENCE": "//iam.googleapis.com/provider", "SERVICE_ACCOUNT": "load-check@shop.iam.gserviceaccount.com",
    },
    "replay": {"BUCKET": "landing", "PREFIX": "firehose/failed/", "STREAM": "ticks"},
    "replica_source": {"BUCKET": "landing"},
}  # fmt: skip
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",  # else bodies come in chunks
}  # fmt: skip
CONTEXT = SimpleNamespace(
    function_name="f",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:111111111111:function:f",
    aws_request_id="1",
    get_remaining_time_in_millis=lambda: 900_000,
)


@contextlib.contextmanager
def deployed(patch: Any):
    """The services, and each handler's module by its folder's name. `patch` is a pytest MonkeyPatch."""
    services = Services()
    apps: dict[Any, Any] = {}
    before = set(sys.modules)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN", "GOOGLE_ENDPOINT"):
        patch.delenv(name, raising=False)
    patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=fake(lambda seconds: None)))
    patch.setattr("time.sleep", fake(lambda seconds: None))
    patch.setattr(boto3, "DEFAULT_SESSION", None)
    for name, environment in ENVIRONMENT.items():
        for key, value in (CREDENTIALS | environment).items():
            patch.setenv(key, value)
        patch.syspath_prepend(str(HANDLERS / name))
        patch.delitem(sys.modules, "app", raising=False)
        apps[name] = importlib.import_module("app")
        services.attach(apps[name])
        for key in environment:
            patch.delenv(key)
    # As it is imported now: a handler's unit test takes the modules of handlers away that others imported before it.
    files = sys.modules["data_file"]
    decoder = files.Decoder
    patch.setattr(files, "Decoder", fake(lambda schema, incremental: decoder(schema, incremental, library())))
    # A fold has a database of its own, and takes as long to make one as to fold these few rows. Here each has a
    # connection of its own to one database: its tables are temporary, which no other connection sees.
    database = duckdb.connect()
    patch.setattr(
        sys.modules["folding"], "duckdb", SimpleNamespace(connect=database.cursor, Error=duckdb.Error)
    )
    try:
        yield SimpleNamespace(
            services=services, apps=apps, call=fake(lambda name, event: apps[name].handler(event, CONTEXT))
        )
    finally:
        database.close()
        for module in set(sys.modules) - before:
            file = getattr(sys.modules[module], "__file__", None)
            if file and file.startswith(f"{HANDLERS}/"):  # a Path of each module costs more than many a test
                del sys.modules[module]


@cache
def rows(content: Any):
    """A Parquet file's rows, in no order."""
    return sorted(pq.read_table(io.BytesIO(content)).to_pylist(), key=repr)


def identity_of(record: Any):
    """A record of a stream; of a tick its run and number, without the time and price that each run makes."""
    document = json.loads(base64.b64decode(record))
    return f"{document['run']} {document['seq']}" if isinstance(document, dict) else record


def seen(state: Any):
    """What readers, the catalog and the bill see of it."""
    shown = {
        key: rows(content) if key.endswith(".parquet") else content
        for key, content in state["objects"].items()
    }
    kept = {name: state[name] for name in ("tables", "partitions", "announced", "jobs", "exports", "rds")}
    return kept | {"objects": shown, "records": sorted(map(identity_of, state["records"]))}
