"""A fold of changes into a table of Parquet beside one into an Iceberg table: time, memory, bytes written.

    python benchmarks/lake.py [--items 520000] [--memory 512MB]
    python benchmarks/lake.py --reads [--items 520000]

Both functions' own code, in a fresh process each, against the S3 and the Glue catalog of an embedded cloud, in one run:
`handlers/fold` fetches the snapshot and the window, folds and uploads the next snapshot, `handlers/iceberg` commits the
window to the table. The rows are fold.py's (520,000 are 200 MB of DynamoDB JSON); of those changed a tenth is deleted.
Memory is the whole process's at its peak; bytes are those of the objects that the fold wrote. What S3 takes for a
request over a network is not in it. CPU seconds are the process's own, all threads together: on a machine that others
use, too, they say more than the time.

`--reads`: how long it takes to read all rows of the table after 1, 10 and 100 commits of a fiftieth of its rows each,
which nobody compacted.
"""

import argparse
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from fold import ROOT, SCHEMA, write

sys.path.insert(0, str(ROOT))

from local import secret

ACCOUNT, BUCKET, DATABASE = "111111111111", "lake-benchmark", "benchmark"
SINCE, UNTIL = "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"


@contextmanager
def cloud(state: Path) -> Generator[tuple[str, str]]:
    """An embedded cloud: its endpoint and its secret."""
    word = secret.fresh()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "local.cloud", "--port", str(port), "--state", str(state)]
    with (state / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, env={**os.environ, secret.VARIABLE: word}
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline(), (state / "log").read_text()
            yield f"http://127.0.0.1:{port}", word
        finally:
            process.terminate()
            process.wait(timeout=20)


def clients(endpoint: str, word: str) -> tuple[Any, Any]:
    """Of S3 and Glue."""
    keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": word, "region_name": "us-east-1"}
    session = boto3.Session(**keys)
    return session.client("s3", endpoint_url=endpoint), session.client("glue", endpoint_url=endpoint)


def sizes(s3: Any) -> dict[str, int]:
    """Key -> bytes of every object."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", ())}


def fold_parquet(s3: Any, scratch: Path, memory: str) -> int:
    """As handlers/fold/app.py. Returns the rows."""
    sys.path[:0] = [str(ROOT / "handlers" / "fold"), str(ROOT / "components" / "shared")]
    from folding import fold

    for name in ("current", "window"):
        s3.download_file(BUCKET, f"in/{name}.parquet", str(scratch / f"{name}.parquet"))
    folded = fold(schema=SCHEMA, current=[scratch / "current.parquet"], windows=[[scratch / "window.parquet"]],
                  output=scratch / "next.parquet", spill=scratch / "spill", memory_limit=memory)  # fmt: skip
    s3.upload_file(str(scratch / "next.parquet"), BUCKET, "lake/parquet/next.parquet")
    return folded.rows


def commit_iceberg(
    endpoint: str, word: str, scratch: Path, memory: str, *, since: str | None, until: str | None = None
) -> int:
    """As handlers/iceberg/app.py. Returns the rows."""
    sys.path[:0] = [str(ROOT / "handlers" / "iceberg"), str(ROOT / "components" / "shared")]
    from duckdb_rows import Shape
    from iceberg_table import Run, Target
    from iceberg_table import write as commit
    from lake_catalog import Access, connect, qualified

    file = f"s3://{BUCKET}/in/{'window' if since else 'current'}.parquet"
    run = Run(f"run-{since}", since, until or (UNTIL if since else SINCE), [file])
    target = Target(qualified(DATABASE, "items"), f"s3://{BUCKET}/lake/items", exists=since is not None)
    access = Access(ACCOUNT, "us-east-1", endpoint, endpoint, ACCOUNT, word, None)
    connection = connect(access, memory_limit=memory, spill=scratch)
    try:
        return commit(connection, target, Shape.of(SCHEMA), run).rows
    finally:
        connection.close()


def measure(way: str, endpoint: str, word: str, memory: str) -> None:
    """Prints what one fold takes; `fill` makes the Iceberg table."""
    s3, _ = clients(endpoint, word)
    before = sizes(s3)
    with tempfile.TemporaryDirectory(prefix="tributary-lake-") as name:
        began = time.monotonic()
        if way == "parquet":
            rows = fold_parquet(s3, Path(name), memory)
        else:
            since = SINCE if way == "iceberg" else None
            rows = commit_iceberg(endpoint, word, Path(name), memory, since=since)
        seconds, cpu = time.monotonic() - began, time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    written = sum(size for key, size in sizes(s3).items() if key not in before)
    print(
        json.dumps(
            {"rows": rows, "seconds": seconds, "cpu": cpu, "peak": peak / 1e6, "written": written / 1e6}
        )
    )


def compare(items: int, changed: int, memory: str) -> dict[str, dict[str, float]]:
    """Both ways over the same rows; and `fill`, the table's first commit."""
    with tempfile.TemporaryDirectory(prefix="tributary-lake-") as name:
        folder = Path(name)
        write(folder / "current.parquet", 0, items)
        extra = ", 1760000000000000 + i AS _write_micros, i % 10 = 0 AS _deleted"
        write(folder / "window.parquet", 0, changed, extra)
        with cloud(folder) as (endpoint, word):
            s3, glue = clients(endpoint, word)
            s3.create_bucket(Bucket=BUCKET)
            glue.create_database(DatabaseInput={"Name": DATABASE})
            for part in ("current", "window"):
                s3.upload_file(str(folder / f"{part}.parquet"), BUCKET, f"in/{part}.parquet")
            measured: dict[str, dict[str, float]] = {}
            for way in ("parquet", "fill", "iceberg"):
                command = [sys.executable, __file__, "--way", way, "--endpoint", endpoint, "--memory", memory]
                done = subprocess.run(
                    command, check=True, capture_output=True, text=True, env={**os.environ, "WORD": word}
                )
                measured[way] = json.loads(done.stdout)
    expected = items - (changed + 9) // 10
    assert measured["parquet"]["rows"] == measured["iceberg"]["rows"] == expected, measured
    return measured


def reads(items: int, memory: str, commits: tuple[int, ...] = (1, 10, 100)) -> None:
    """Prints how long a read takes after so many commits."""
    with tempfile.TemporaryDirectory(prefix="tributary-lake-") as name:
        folder = Path(name)
        write(folder / "current.parquet", 0, items)
        with cloud(folder) as (endpoint, word):
            s3, glue = clients(endpoint, word)
            s3.create_bucket(Bucket=BUCKET)
            glue.create_database(DatabaseInput={"Name": DATABASE})
            s3.upload_file(str(folder / "current.parquet"), BUCKET, "in/current.parquet")
            commit_iceberg(endpoint, word, folder, memory, since=None)
            print("| commits | s to read all rows | CPU s | rows |\n|--:|--:|--:|--:|")
            read(endpoint, word, folder, 0)
            for number in range(1, max(commits) + 1):
                # Each another fiftieth of the rows.
                extra = f", {1760000000000000 + number} AS _write_micros, FALSE AS _deleted"
                step = max(1, items // 50)
                first = number * step % items
                write(folder / "window.parquet", first, first + step, extra)
                s3.upload_file(str(folder / "window.parquet"), BUCKET, "in/window.parquet")
                since, until = (
                    f"2026-01-01T00:{at // 60:02}:{at % 60:02}+00:00" for at in (number - 1, number)
                )
                commit_iceberg(endpoint, word, folder, memory, since=since, until=until)
                if number in commits:
                    read(endpoint, word, folder, number)


def read(endpoint: str, word: str, scratch: Path, commits: int) -> None:
    """Reads all columns of all rows, three times, and prints the shortest."""
    from lake_catalog import Access, connect, qualified

    access = Access(ACCOUNT, "us-east-1", endpoint, endpoint, ACCOUNT, word, None)
    connection = connect(access, memory_limit="2GB", spill=scratch)
    took: list[tuple[float, float]] = []
    rows = 0
    for _ in range(3):
        began, cpu = time.monotonic(), time.process_time()
        name = qualified(DATABASE, "items")
        ((rows, _),) = connection.execute(f"SELECT count(*), bit_xor(hash(t)) FROM {name} AS t").fetchall()
        took.append((time.monotonic() - began, time.process_time() - cpu))
    connection.close()
    print(f"| {commits} | {min(took)[0]:.2f} | {min(took)[1]:.2f} | {rows:,} |", flush=True)


def main() -> None:
    """Measures each size and share, and prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=520_000)
    parser.add_argument("--memory", default="512MB", help="DuckDB's limit, as the functions' MEMORY")
    parser.add_argument("--times", type=int, nargs="*", default=[1, 3, 9], help="multiples of items")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--endpoint", help=argparse.SUPPRESS)
    parser.add_argument("--reads", action="store_true", help="reads after commits, in place of folds")
    options = parser.parse_args()
    if options.reads:
        reads(options.items, options.memory)
        return
    if options.way:
        measure(options.way, options.endpoint, os.environ["WORD"], options.memory)
        return
    head = ["items", "changed", "Parquet s", "Iceberg s", "times faster", "Parquet CPU s", "Iceberg CPU s",
            "Parquet MB written", "Iceberg MB written",
            "Parquet peak MB", "Iceberg peak MB"]  # fmt: skip
    print(f"| {' | '.join(head)} |\n|{'--:|' * len(head)}")
    for times in options.times:
        for share in (0.02, 1.0):
            items = options.items * times
            changed = int(items * share)
            both = compare(items, changed, options.memory)
            old, new = both["parquet"], both["iceberg"]
            print(
                f"| {items:,} | {changed:,} | {old['seconds']:.1f} | {new['seconds']:.1f} "
                f"| {old['seconds'] / new['seconds']:.1f} | {old['cpu']:.1f} | {new['cpu']:.1f} "
                f"| {old['written']:.1f} | {new['written']:.1f} "
                f"| {old['peak']:.0f} | {new['peak']:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
