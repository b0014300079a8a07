"""A fold of changes into a table of Parquet beside one into an Iceberg table: time, memory, bytes written.

    python benchmarks/lake.py [--items 520000] [--shares 0.02 1.0] [--memory 512MB]
    python benchmarks/lake.py --reads [1 10 100] [--items 520000]

Both functions' own code, in a fresh process each, against the S3 and the Glue catalog of an embedded cloud, in one run:
`handlers/fold` fetches the snapshot and the window, folds and uploads the next snapshot, `handlers/iceberg` commits the
window to the table. The rows are fold.py's (520,000 are 200 MB of DynamoDB JSON); of those changed a tenth is deleted.
Memory is the whole process's at its peak; bytes are those of the objects that the fold wrote. What S3 takes for a
request over a network is not in it. CPU seconds are the process's own, all threads together: on a machine that others
use, too, they say more than the time. `cold` is a call in a fresh process, imports among its CPU seconds; `warm` is one
in a process that has folded, or committed, a small table before, as the next call of a warm function.

`--reads`: how long it takes to read all rows of the table after 1, 10 and 100 commits of a fiftieth of its rows each,
which nobody compacted, and when Athena then has.
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


def client(service: str, endpoint: str, word: str) -> Any:
    """Of the embedded cloud."""
    keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": word, "region_name": "us-east-1"}
    factory: Any = boto3.Session(**keys).client
    return factory(service, endpoint_url=endpoint)


def clients(endpoint: str, word: str) -> tuple[Any, Any]:
    """Of S3 and Glue."""
    return client("s3", endpoint, word), client("glue", endpoint, word)


def sizes(s3: Any) -> dict[str, int]:
    """Key -> bytes of every object."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", ())}


def fold_parquet(s3: Any, scratch: Path, memory: str, folder: str = "in") -> int:
    """As handlers/fold/app.py. Returns the rows."""
    sys.path[:0] = [str(ROOT / "handlers" / "fold"), str(ROOT / "components" / "shared")]
    from folding import fold

    for name in ("current", "window"):
        s3.download_file(BUCKET, f"{folder}/{name}.parquet", str(scratch / f"{name}.parquet"))
    folded = fold(schema=SCHEMA, current=[scratch / "current.parquet"], windows=[[scratch / "window.parquet"]],
                  output=scratch / "next.parquet", spill=scratch / "spill", memory_limit=memory)  # fmt: skip
    s3.upload_file(str(scratch / "next.parquet"), BUCKET, "lake/parquet/next.parquet")
    return folded.rows


class Iceberg:
    """As handlers/iceberg/app.py, which has its engine from one call to the next."""

    def __init__(self, endpoint: str, word: str, memory: str):
        sys.path[:0] = [str(ROOT / "handlers" / "iceberg"), str(ROOT / "components" / "shared")]
        from lake_catalog import Access, Engine

        self.access = Access(ACCOUNT, "us-east-1", endpoint, endpoint, ACCOUNT, word, None)
        self.engine, self.memory = Engine(), memory

    def commit(self, file: str, table: str, *, since: str | None, until: str) -> int:
        """Commits a file of the bucket: all of the table where nothing is `since`. Returns the rows."""
        from duckdb_rows import Shape
        from iceberg_table import Run, Target
        from iceberg_table import write as commit
        from lake_catalog import qualified

        run = Run(f"run-{until}", since, until, [f"s3://{BUCKET}/{file}"])
        target = Target(qualified(DATABASE, table), f"s3://{BUCKET}/lake/{table}", exists=since is not None)
        with self.engine.lake(self.access, memory_limit=self.memory) as connection:
            return commit(connection, target, Shape.of(SCHEMA), run).rows

    def read(self, table: str) -> tuple[float, float, int, int]:
        """Reads all columns of all rows, three times: the shortest, its CPU seconds, the rows, and the data files."""
        from lake_catalog import qualified

        name = qualified(DATABASE, table)
        took: list[tuple[float, float, int]] = []
        with self.engine.lake(self.access, memory_limit=self.memory) as connection:
            for _ in range(3):
                began, cpu = time.monotonic(), time.process_time()
                sql = f"SELECT count(*), bit_xor(hash(t)) FROM {name} AS t"
                ((rows, _),) = connection.execute(sql).fetchall()
                took.append((time.monotonic() - began, time.process_time() - cpu, rows))
            sql = f"SELECT count(*) FROM iceberg_metadata({name}) WHERE manifest_content = 'DATA'"
            ((files,),) = connection.execute(sql).fetchall()
        return *min(took), files


def measure(way: str, endpoint: str, word: str, memory: str, *, warm: bool) -> None:
    """Prints what one fold takes, as the process's first or after a small one; `fill` makes the Iceberg table."""
    s3, _ = clients(endpoint, word)
    lake = Iceberg(endpoint, word, memory)
    table = "warm" if warm else "cold"
    with tempfile.TemporaryDirectory(prefix="tributary-lake-") as name:

        def fold(folder: str = "in", table: str = table) -> int:
            if way == "parquet":
                return fold_parquet(s3, Path(name), memory, folder)
            if way == "fill":
                return lake.commit(f"{folder}/current.parquet", table, since=None, until=SINCE)
            return lake.commit(f"{folder}/window.parquet", table, since=SINCE, until=UNTIL)

        if warm:
            fold("small", "small")  # a table that `fill` made, when it was measured so
        before = sizes(s3)
        began, cpu = time.monotonic(), time.process_time() if warm else 0.0
        rows = fold()
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    lake.engine.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    written = sum(size for key, size in sizes(s3).items() if before.get(key) != size)
    measured = {"rows": rows, "seconds": seconds, "cpu": cpu, "peak": peak / 1e6, "written": written / 1e6}
    print(json.dumps(measured))


def filled(folder: Path, s3: Any, glue: Any, items: int, changed: int, name: str = "in") -> None:
    """Puts the items, and the changes of a window, into the bucket."""
    write(folder / "current.parquet", 0, items)
    extra = ", 1760000000000000 + i AS _write_micros, i % 10 = 0 AS _deleted"
    write(folder / "window.parquet", 0, changed, extra)
    for part in ("current", "window"):
        s3.upload_file(str(folder / f"{part}.parquet"), BUCKET, f"{name}/{part}.parquet")


def compare(items: int, changed: int, memory: str) -> dict[tuple[str, bool], dict[str, float]]:
    """Both ways over the same rows, cold and (True) warm; and `fill`, the table's first commit."""
    measured: dict[tuple[str, bool], dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="tributary-lake-") as name, cloud(Path(name)) as (endpoint, word):
        s3, glue = clients(endpoint, word)
        s3.create_bucket(Bucket=BUCKET)
        glue.create_database(DatabaseInput={"Name": DATABASE})
        filled(Path(name), s3, glue, 10, 10, "small")
        filled(Path(name), s3, glue, items, changed)
        for warm in (False, True):
            for way in ("parquet", "fill", "iceberg"):
                command = [sys.executable, __file__, "--way", way, "--endpoint", endpoint, "--memory", memory]
                done = subprocess.run(
                    [*command, *(["--warm"] if warm else [])],
                    check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "WORD": word},
                )  # fmt: skip
                measured[way, warm] = json.loads(done.stdout)
    expected = items - (changed + 9) // 10
    assert all(took["rows"] == expected for (way, _), took in measured.items() if way != "fill"), measured
    return measured


def reads(items: int, memory: str, commits: list[int]) -> None:
    """Prints how long a read takes after so many commits, and when Athena has then compacted the table."""
    with tempfile.TemporaryDirectory(prefix="tributary-lake-") as name, cloud(Path(name)) as (endpoint, word):
        folder, (s3, glue) = Path(name), clients(endpoint, word)
        s3.create_bucket(Bucket=BUCKET)
        glue.create_database(DatabaseInput={"Name": DATABASE})
        write(folder / "current.parquet", 0, items)
        s3.upload_file(str(folder / "current.parquet"), BUCKET, "in/current.parquet")
        lake = Iceberg(endpoint, word, memory)
        lake.commit("in/current.parquet", "items", since=None, until=SINCE)
        head = ["items", "commits", "data files", "s to read all rows", "CPU s", "times", "rows"]
        print(f"| {' | '.join(head)} |\n|{'--:|' * len(head)}")
        first = [0.0]

        def read(commits: str) -> None:
            seconds, cpu, rows, files = lake.read("items")
            first[0] = first[0] or cpu
            times = cpu / first[0]
            print(
                f"| {items:,} | {commits} | {files} | {seconds:.2f} | {cpu:.2f} | {times:.1f} | {rows:,} |",
                flush=True,
            )

        lake.read("items")
        read("0")
        for number in range(1, max(commits) + 1):
            # Each another fiftieth of the rows.
            extra = f", {1760000000000000 + number} AS _write_micros, FALSE AS _deleted"
            step = max(1, items // 50)
            at = number * step % items
            write(folder / "window.parquet", at, min(at + step, items), extra)
            s3.upload_file(str(folder / "window.parquet"), BUCKET, "in/window.parquet")
            since, until = (f"2026-01-01T00:{at // 60:02}:{at % 60:02}+00:00" for at in (number - 1, number))
            lake.commit("in/window.parquet", "items", since=since, until=until)
            if number in commits:
                read(str(number))
        compact(endpoint, word)
        read("compacted")
        lake.engine.close()


def compact(endpoint: str, word: str) -> None:
    """Has Athena compact the table, as the state machine does."""
    athena = client("athena", endpoint, word)
    query = athena.start_query_execution(
        QueryString=f'OPTIMIZE "{DATABASE}"."items" REWRITE DATA USING BIN_PACK',
        ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/results/"},
    )["QueryExecutionId"]
    status: Any = {}
    for _ in range(600):
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            break
        time.sleep(0.5)
    assert status["State"] == "SUCCEEDED", status


def main() -> None:
    """Measures each size and share, and prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=520_000)
    parser.add_argument("--memory", default="512MB", help="DuckDB's limit, as the functions' MEMORY")
    parser.add_argument("--times", type=int, nargs="*", default=[1, 3, 9], help="multiples of items")
    parser.add_argument(
        "--shares", type=float, nargs="*", default=[0.02, 1.0], help="of the items that change"
    )
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--endpoint", help=argparse.SUPPRESS)
    parser.add_argument("--warm", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--reads", type=int, nargs="*", help="reads after so many commits, in place of folds")
    options = parser.parse_args()
    if options.reads is not None:
        reads(options.items, options.memory, options.reads or [1, 10, 100])
        return
    if options.way:
        measure(options.way, options.endpoint, os.environ["WORD"], options.memory, warm=options.warm)
        return
    head = ["items", "changed", "call", "Parquet s", "Iceberg s", "Parquet CPU s", "Iceberg CPU s", "times less CPU",
            "Parquet MB written", "Iceberg MB written", "Parquet peak MB", "Iceberg peak MB"]  # fmt: skip
    print(f"| {' | '.join(head)} |\n|--:|--:|---|{'--:|' * (len(head) - 3)}")
    for times in options.times:
        for share in options.shares:
            items = options.items * times
            changed = int(items * share)
            measured = compare(items, changed, options.memory)
            for warm in (False, True):
                old, new = measured["parquet", warm], measured["iceberg", warm]
                print(
                    f"| {items:,} | {changed:,} | {'warm' if warm else 'cold'} "
                    f"| {old['seconds']:.1f} | {new['seconds']:.1f} | {old['cpu']:.2f} | {new['cpu']:.2f} "
                    f"| {old['cpu'] / new['cpu']:.1f} | {old['written']:.1f} | {new['written']:.1f} "
                    f"| {old['peak']:.0f} | {new['peak']:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
