"""Folds windows of incremental exports into a table's current snapshot and writes the next one.

The event and what is returned: `FoldEvent` and `Folded` of components/shared/run_steps.py. The current snapshot is
never written to: the next one stands under its own prefix, and readers move when it is whole. Called twice it writes
the same key again.

Disk: the inputs and the output stand in /tmp while it works (ephemeral storage: up to 10 GB), which with `parts`
bounds only the spill and the output.

Environment: components/shared/variables.py.
"""

import json
import os
import tempfile
from pathlib import Path

import boto3
import variables
from aws_lambda_powertools import Logger
from botocore.config import Config
from folding import fold
from run_steps import Folded, FoldEvent

logger = Logger(service="fold")
bucket, memory = os.environ[variables.BUCKET], os.environ[variables.MEMORY]
s3 = boto3.client("s3", config=Config(retries={"mode": "standard", "total_max_attempts": 6}))


@logger.inject_lambda_context
def handler(event: FoldEvent, _context: object) -> Folded:
    """Writes the next snapshot."""
    schema = json.loads(s3.get_object(Bucket=bucket, Key=event["schema_key"])["Body"].read())
    with tempfile.TemporaryDirectory(prefix="fold-") as scratch:
        folder = Path(scratch)
        output = folder / "next.parquet"
        current = event.get("current_prefix")
        folded = fold(
            schema=schema,
            current=fetch(current, folder / "current") if current else [],
            windows=[fetch(p, folder / f"window-{n}") for n, p in enumerate(event["window_prefixes"])],
            output=output,
            spill=folder / "spill",
            memory_limit=memory,
            part=int(event.get("part", 0)),
            parts=int(event.get("parts", 1)),
        )
        s3.upload_file(str(output), bucket, event["output_key"])
        result: Folded = {
            "output_key": event["output_key"],
            "rows": folded.rows,
            "changes": folded.changes,
            "deletes": folded.deletes,
            "bytes": output.stat().st_size,
        }
    logger.info("folded", **result)
    return result


def fetch(prefix: str, folder: Path) -> list[Path]:
    """The Parquet files below the prefix, on disk."""
    folder.mkdir(parents=True)
    files: list[Path] = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", ()):
            if entry["Key"].endswith(".parquet"):
                files.append(folder / f"{len(files):06}.parquet")
                s3.download_file(bucket, entry["Key"], str(files[-1]))
    return files
