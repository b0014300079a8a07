"""Peak memory of folding increments into a snapshot, as the table and as the changes grow.

    python benchmarks/fold.py [--items 520000] [--memory 512MB] [--parts 1 4]

`handlers/fold` in a fresh process, one a row: a snapshot of so many items (520,000 are 200 MB of DynamoDB JSON, see
normalise.py, whose ten attributes these have), of which a share is changed, a tenth of that deleted. Memory is the
whole process's at its peak; disk is what DuckDB spilled at the most. Besides the engine's limit (`--memory`) a process
has what the interpreter, DuckDB itself and Parquet's buffers take.

In parts the snapshot lies in as many files, each of which one part folds, and the last one writes the changes too; they
run one after the other here. Seconds are those of the slowest and of all, memory and spill those of the part that took
most, and disk what that part's inputs and output have.
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


def measure(folder: Path, memory: str, part: int, *, last: bool) -> None:
    """Prints how long folding a part takes in so much memory; the last one writes the changes."""
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
    current, window, output = (folder / f"{name}.parquet" for name in (f"current-{part}", "window", "next"))
    folded = fold(schema=SCHEMA, current=[current], windows=[[window]], output=output, spill=spill,
                  memory_limit=memory, share=(0, 1) if last else None)  # fmt: skip
    seconds = time.monotonic() - began
    done.set()
    watching.join()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    disk = sum(path.stat().st_size for path in (current, window, output)) / 1e6
    measured = {"seconds": seconds, "peak": peak / 1e6, "spilled": most[0] / 1e6, "disk": disk}
    print(json.dumps({**asdict(folded), **measured}))


def fold_parts(count: int, changed: int, parts: int, memory: str) -> list[dict[str, float]]:
    """What each part of a fold of so many items took, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="tributary-fold-") as name:
        folder = Path(name)
        for part in range(parts):
            write(folder / f"current-{part}.parquet", count * part // parts, count * (part + 1) // parts)
        write(folder / "window.parquet", 0, changed,
              ", 1760000000000000 + i AS _write_micros, i % 10 = 0 AS _deleted")  # fmt: skip
        measured: list[dict[str, float]] = []
        for part in range(parts):
            command = [sys.executable, __file__, "--fold", name, "--memory", memory, "--part", str(part)]
            command += ["--last"] if part == parts - 1 else []
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            measured.append(json.loads(done.stdout))
    return measured


def main() -> None:
    """Measures in a process of its own for each size of memory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=520_000)
    parser.add_argument("--memory", default="512MB", help="DuckDB's limit, as the function's MEMORY")
    parser.add_argument("--parts", type=int, nargs="*", default=[1], help="in how many parts it is folded")
    parser.add_argument("--fold", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--part", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--last", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fold:
        measure(options.fold, options.memory, options.part, last=options.last)
        return
    head = [
        "items",
        "changed",
        "rows after",
        "parts",
        "seconds",
        "of all",
        "peak MB",
        "spilled MB",
        "disk MB",
    ]
    print(f"| {' | '.join(head)} |\n|{'--:|' * len(head)}")
    for times, share in ((1, 0.02), (3, 0.02), (1, 1.0), (3, 1.0)):
        count = options.items * times
        changed = int(count * share)
        for parts in options.parts:
            each = fold_parts(count, changed, parts, options.memory)
            most = {name: max(part[name] for part in each) for name in each[0]}
            rows = sum(int(part["rows"]) for part in each)
            assert rows == count - (changed + 9) // 10, each
            assert sum(part["changes"] for part in each) == changed, each
            print(
                f"| {count:,} | {changed:,} | {rows:,} | {parts} | {most['seconds']:.1f} "
                f"| {sum(part['seconds'] for part in each):.1f} | {most['peak']:.0f} | {most['spilled']:.0f} "
                f"| {most['disk']:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
