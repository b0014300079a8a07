"""Folds windows of incremental exports into a table's current snapshot and writes the next one, in as many parts as its
size asks for; a state machine calls it with the step to take.

The events and what they return: components/shared/run_steps.py. The current snapshot is never written to: the next one
stands under its own prefix, and readers move when it is whole. Called twice it writes the same keys again.

`divide`: into parts of PART_BYTES (parts.py). What is divided already stays so, so that a run which is started again,
under another setting even, leaves no file that a part of the first wrote. `fold`: one part writes its Parquet, and its
result as JSON beside it, below windows/. `gather`: every part's result is there, or `FoldError`; then all are copied to
where queries will read. Below windows/ a try has a folder of its own by what goes into it: the parts, the columns, the
increments.

Disk: a part's inputs and its output stand in /tmp while it works (ephemeral storage: up to 10 GB), of the windows only
a few files at a time.

Environment: components/shared/variables.py.
"""

import hashlib
import json
import os
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import landing_folders
import parts
import variables
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import ClientError
from fold_steps import DIVIDE, FOLD, GATHER, DivideEvent, FoldEvent, FoldInputs, GatherEvent
from folding import FoldError, fold
from parts import Part
from run_steps import Divided, Folded, PartFolded

FETCHED_AT_ONCE, COPIES_AT_ONCE = 8, 32  # S3 does the work of a copy

logger = Logger(service="fold")
bucket, memory = os.environ[variables.BUCKET], os.environ[variables.MEMORY]
limit = int(os.environ[variables.PART_BYTES])
s3 = boto3.client(
    "s3",
    config=Config(retries={"mode": "standard", "total_max_attempts": 6}, max_pool_connections=COPIES_AT_ONCE),
)


@logger.inject_lambda_context
def handler(event: Any, _context: object) -> Any:
    """Takes the step that the event names."""
    steps = {DIVIDE: divide, FOLD: fold_part, GATHER: gather}
    # A run that an earlier release started has one step, for all of it.
    result = steps[event["step"]](event) if "step" in event else fold_all(event)
    logger.info("done", step=event.get("step"), result=result)
    return result


def divide(event: DivideEvent) -> Divided:
    """Divides the fold into parts, or finds how it was divided."""
    folder = landing_folders.folding(event["table"], event["export_id"])
    plan_key, prefix = f"{folder}parts.json", event["current_prefix"] or ""
    windows = [entry for window in event["window_prefixes"] for entry in listed(window)]
    current = {entry["Key"].removeprefix(prefix): entry["Size"] for entry in listed(prefix)} if prefix else {}
    try:
        divided = parts.divide(current, sum(entry["Size"] for entry in windows), limit)
    except ValueError as error:
        raise FoldError(f"{event['table']}: {error}; write a larger fold_mb") from error
    write(plan_key, [part.json() for part in divided], IfNoneMatch="*")
    plan = read(plan_key)
    if sorted(name for part in plan for name in part["files"]) != sorted(current):
        raise FoldError(f"{plan_key} divides other files than {prefix or 'nothing'} has; delete it")
    inputs = [plan, etag(event["schema_key"]), sorted((entry["Key"], entry["ETag"]) for entry in windows)]
    attempt = hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]
    return {"plan_key": plan_key, "folder": f"{folder}{attempt}/", "parts": list(range(len(plan)))}


def fold_part(event: FoldEvent) -> PartFolded:
    """Writes one part of the next snapshot, and what became of it."""
    part = Part.of(read(event["plan_key"])[event["part"]])
    written = f"{event['folder']}{event['part']:05}"
    try:
        result = fold_into(f"{written}.parquet", part, event)
    except FoldError as error:
        # Kept where `gather` finds it: a map's own error names no part.
        write(f"{written}.json", {"error": str(error)})
        raise
    write(f"{written}.json", result)
    return result


def fold_into(key: str, part: Part, event: FoldInputs) -> PartFolded:
    """Folds a part, and writes it to that key."""
    prefix = event["current_prefix"] or ""
    with tempfile.TemporaryDirectory(prefix="fold-") as scratch:
        folder = Path(scratch)
        output = folder / "next.parquet"
        folded = fold(
            schema=read(event["schema_key"]),
            current=list(fetch([f"{prefix}{name}" for name in part.files], folder / "current")),
            windows=(
                passing((entry["Key"] for entry in listed(window)), folder / f"window-{number}")
                for number, window in enumerate(event["window_prefixes"])
            ),
            output=output,
            spill=folder / "spill",
            memory_limit=memory,
            share=None if part.share is None else (part.share, part.shares),
        )
        s3.upload_file(str(output), bucket, key)
        return {"rows": folded.rows, "changes": folded.changes, "deletes": folded.deletes}


def gather(event: GatherEvent) -> Folded:
    """Copies the parts to where queries will read, once all are there."""
    count = len(read(event["plan_key"]))
    written = [f"{event['folder']}{part:05}" for part in range(count)]
    there = {entry["Key"]: entry["Size"] for entry in listed(event["folder"], "")}
    with ThreadPoolExecutor(COPIES_AT_ONCE) as at_once:
        results = at_once.map(read, [f"{key}.json" for key in written if f"{key}.json" in there])
        by_part = dict(
            zip((n for n, key in enumerate(written) if f"{key}.json" in there), results, strict=True)
        )
        if reasons := parts.failures(by_part, count):
            raise FoldError(reasons)
        targets = [parts.output(event["output_key"], part) for part in range(count)]
        location = event["output_key"].rpartition("/")[0] + "/"
        if others := sorted({entry["Key"] for entry in listed(location)} - set(targets)):
            raise FoldError(f"{len(others)} files are not of this fold, such as {others[0]}; delete them")
        list(at_once.map(copy, [f"{key}.parquet" for key in written], targets))
    return parts.totals(by_part.values(), sum(there[f"{key}.parquet"] for key in written))


def fold_all(event: Any) -> Any:
    """The whole fold in one call, straight to where queries will read."""
    prefix = event["current_prefix"] or ""
    names = tuple(entry["Key"].removeprefix(prefix) for entry in listed(prefix)) if prefix else ()
    folded = fold_into(event["output_key"], Part(names, 0), event)
    return {"output_key": event["output_key"], **folded}


def listed(prefix: str, ending: str = ".parquet") -> list[Any]:
    """The objects below the prefix whose keys end so, as S3 lists them, in the order of their keys."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [entry for page in pages for entry in page.get("Contents", ()) if entry["Key"].endswith(ending)]


def fetch(keys: Iterable[str], folder: Path) -> Iterator[Path]:
    """The objects on disk, in their order, some of them ahead of what is used."""
    folder.mkdir(parents=True)
    ahead: deque[Future[Path]] = deque()

    def download(number: int, key: str) -> Path:
        path = folder / f"{number:06}.parquet"
        s3.download_file(bucket, key, str(path))
        return path

    with ThreadPoolExecutor(FETCHED_AT_ONCE) as fetching:
        for number, key in enumerate(keys):
            ahead.append(fetching.submit(download, number, key))
            if len(ahead) == FETCHED_AT_ONCE:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def passing(keys: Iterable[str], folder: Path) -> Iterator[Path]:
    """The objects on disk, one after the other: each is deleted when the next one is taken."""
    for path in fetch(keys, folder):
        yield path
        path.unlink()


def copy(key: str, target: str) -> None:
    """Copies an object within the bucket: one request copies 5 GB, and neither an earlier release's disk nor PART_BYTES
    leaves room for more."""
    s3.copy_object(Bucket=bucket, Key=target, CopySource={"Bucket": bucket, "Key": key})


def read(key: str) -> Any:
    """What a JSON object holds."""
    return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def etag(key: str) -> str:
    """The ETag of an object."""
    return s3.head_object(Bucket=bucket, Key=key)["ETag"]


def write(key: str, value: object, **condition: str) -> None:
    """Puts JSON; with IfNoneMatch='*' only where there is nothing."""
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(value).encode(), **condition)
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
