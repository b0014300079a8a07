"""Peak memory of folding increments into a snapshot, as the table and as the changes grow.

    python benchmarks/fold.py [--items 520000] [--memory 512MB]

`handlers/fold` in a fresh process, one a row: a snapshot of so many items (520,000 are 200 MB of DynamoDB JSON, see
normalise.py, whose ten attributes these have), of which a share is changed, a tenth of that deleted. Memory is the
whole process's at its peak; disk is what DuckDB spilled at the most. Besides the engine's limit (`--memory`) a process
has what the interpreter, DuckDB itself and Parquet's buffers take.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = {
    "order_id": ("string", "printf('ORD-%09d', i)"),
    "customer": ("string", "concat('cust-', i * 7919 % 1000000, '@example.com')"),
    "created": ("string", "concat('2026-', 1 + i % 12, '-', 1 + i % 28, 'T12:34:00Z')"),
    "quantity": ("bigint", "1 + i % 500"),
    "total": ("decimal(38,2)", "(i * 31 % 10000000 / 100)::DECIMAL(38,2)"),
    "updated_ms": ("bigint", "1760000000000 + i * 7907 % 1000000000"),
    "paid": ("boolean", "i % 5 > 0"),
    "note": ("string", "concat_ws(' ', md5(i::VARCHAR), 'alpha beta gamma delta', i * 17)"),
    "tags": ({"set": "string"}, "['alpha', concat('t', i % 100)]"),
    "address": ("json", """concat('{"M":{"city":{"S":"c', i % 1000, '"},"zip":{"N":"', i % 99999, '"}}}')"""),
}
SCHEMA = {
    "columns": [{"attribute": name, "name": name, "type": type_} for name, (type_, _) in COLUMNS.items()],
    "keys": ["order_id"],
}


def write(path: Path, first: int, last: int, extra: str = "") -> None:
    """A Parquet file of items from `first` to `last`."""
    columns = ", ".join(f"{sql} AS {name}" for name, (_, sql) in COLUMNS.items())
    rows = f"SELECT {columns}, NULL::VARCHAR AS _rest{extra} FROM range({first}, {last}) AS made(i)"
    duckdb.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")


def measure(folder: Path, memory: str) -> None:
    """Prints how long folding each share of changes takes in so much memory."""
    sys.path[:0] = [str(ROOT / "handlers" / "fold"), str(ROOT / "components" / "shared")]
    from folding import fold

    spill, most, done = folder / "spill", [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            sizes = [f.stat().st_size for f in spill.glob("*") if f.exists()] if spill.exists() else []
            most[0] = max(most[0], sum(sizes))

    watching = threading.Thread(target=watch)
    watching.start()
    began = time.monotonic()
    folded = fold(schema=SCHEMA, current=[folder / "current.parquet"], windows=[[folder / "window.parquet"]],
                  output=folder / "next.parquet", spill=spill, memory_limit=memory)  # fmt: skip
    seconds = time.monotonic() - began
    done.set()
    watching.join()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({**asdict(folded), "seconds": seconds, "peak": peak / 1e6, "spilled": most[0] / 1e6}))


def main() -> None:
    """Measures in a process of its own for each size of memory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=520_000)
    parser.add_argument("--memory", default="512MB", help="DuckDB's limit, as the function's MEMORY")
    parser.add_argument("--fold", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fold:
        measure(options.fold, options.memory)
        return
    print("| items | changed | rows after | seconds | peak MB | spilled MB |\n|--:|--:|--:|--:|--:|--:|")
    for times, share in ((1, 0.02), (3, 0.02), (1, 1.0), (3, 1.0)):
        count = options.items * times
        changed = int(count * share)
        with tempfile.TemporaryDirectory(prefix="tributary-fold-") as name:
            folder = Path(name)
            write(folder / "current.parquet", 0, count)
            write(folder / "window.parquet", 0, changed,
                  ", 1760000000000000 + i AS _write_micros, i % 10 = 0 AS _deleted")  # fmt: skip
            command = [sys.executable, __file__, "--fold", name, "--memory", options.memory]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        folded = json.loads(done.stdout)
        assert folded["rows"] == count - (changed + 9) // 10, folded
        print(
            f"| {count:,} | {folded['changes']:,} | {folded['rows']:,} | {folded['seconds']:.1f} "
            f"| {folded['peak']:.0f} | {folded['spilled']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
