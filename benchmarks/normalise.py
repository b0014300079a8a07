"""The normaliser beside other readers of DynamoDB JSON: MB of raw JSON a second on one core, and peak memory.

    python benchmarks/normalise.py [--megabytes 200]

Each reader runs in a fresh process on the same gzip file, bound to one core where the system can; time is the
process's CPU time, imports left out; peak memory is the whole process's. `boto3` (json and TypeDeserializer) is the
baseline and writes nothing; the others write Parquet, `pyarrow` still in DynamoDB's shape. Runs `boto3` before and
after the others, so that a machine that changes its speed shows.
"""

import argparse
import base64
import gzip
import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = {"struct": {"city": "string", "zip": "bigint"}}
WORDS = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
]


def items(seed: int = 7):
    """Orders of ten attributes: text, whole and decimal numbers, a boolean, a set, a map. About 385 bytes each."""
    draw, number = random.Random(seed), 0
    while True:
        yield {
            "order_id": {"S": f"ORD-{number:09d}"},
            "customer": {"S": f"cust-{draw.randrange(10**6)}@example.com"},
            "created": {"S": f"2026-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}T12:34:00Z"},
            "quantity": {"N": str(draw.randrange(1, 500))},
            "total": {"N": f"{draw.randrange(100, 10**7) / 100:.2f}".rstrip("0").rstrip(".")},
            "updated_ms": {"N": str(1_760_000_000_000 + draw.randrange(10**9))},
            "paid": {"BOOL": draw.random() < 0.8},
            "note": {"S": " ".join(draw.choices(WORDS, k=draw.randrange(3, 14)))},
            "tags": {"SS": sorted(set(draw.choices(WORDS, k=3)))},
            "address": {"M": {"city": {"S": draw.choice(WORDS)}, "zip": {"N": str(draw.randrange(10**5))}}},
        }
        number += 1


def write(path: Path, size: int) -> tuple[int, int]:
    """Writes an export's file of `size` bytes before compression or a line more; its bytes, and how many items."""
    raw = count = 0
    with gzip.open(path, "wb", compresslevel=6) as file:
        for item in items():
            line = json.dumps({"Item": item}, separators=(",", ":")).encode() + b"\n"
            raw, count = raw + file.write(line), count + 1
            if raw >= size:
                return raw, count
    raise AssertionError("items end never")


def boto3(path: Path, count: int, folder: Path):
    """Reads the items by boto3's deserializer."""
    from boto3.dynamodb.types import TypeDeserializer

    deserialize, done = TypeDeserializer().deserialize, 0

    def run():
        nonlocal done
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                done += bool({name: deserialize(v) for name, v in json.loads(line)["Item"].items()})
        assert done == count

    return run


def normaliser(path: Path, count: int, folder: Path):
    """Reads the items by the project's own handler, into Parquet."""
    sys.path[:0] = [str(ROOT / "handlers" / "normalise"), str(ROOT / "components" / "shared"), str(ROOT)]
    import data_file
    from decoder import Decoder
    from table_schema import Observation, derive, type_of

    from components.bundling.c_compiler import host_library

    library = folder / "decode.so"
    library.write_bytes(host_library(ROOT / "handlers/normalise/decode.c"))
    _, sample = zip(*zip(range(1000), items(), strict=False), strict=True)
    schema = derive(Observation.of_items(sample), {"address": type_of(ADDRESS)}, ["order_id"])
    decoder = Decoder(schema, False, library)
    with path.open("rb") as file:  # not read whole: that would count as the normaliser's memory
        md5 = base64.b64encode(hashlib.file_digest(file, "md5").digest()).decode()

    def run():
        with path.open("rb") as body:
            report = data_file.normalise(
                path.name,
                body,
                schema=schema,
                incremental=False,
                md5=md5,
                items=count,
                open_output=lambda number: (folder / f"{number}.parquet").open("wb"),
                decoder=decoder,
            )
        assert report.rest_items == 0

    return run


def pyarrow(path: Path, count: int, folder: Path):
    """Reads the items by pyarrow's JSON reader, into Parquet."""
    import pyarrow as arrow
    from pyarrow import json as arrow_json
    from pyarrow import parquet

    arrow.set_cpu_count(1)

    def run():
        options = arrow_json.ReadOptions(use_threads=False)
        open_json: Any = arrow_json.open_json  # its stubs know no stream
        with arrow.CompressedInputStream(arrow.OSFile(str(path), "r"), "gzip") as source:
            reader = open_json(source, read_options=options)
            with parquet.ParquetWriter(folder / "p.parquet", reader.schema, compression="zstd") as writer:
                rows = 0
                for batch in reader:
                    writer.write_batch(batch)
                    rows += batch.num_rows
        assert rows == count

    return run


def duckdb(path: Path, count: int, folder: Path):
    """Reads the items by DuckDB, into Parquet."""
    import duckdb as engine

    text, number, whole = "STRUCT(S VARCHAR)", "STRUCT(N DECIMAL(38,2))", "STRUCT(N BIGINT)"
    types = {
        "order_id": text, "customer": text, "created": text, "quantity": whole, "total": number, "updated_ms": whole,
        "paid": "STRUCT(BOOL BOOLEAN)", "note": text, "tags": "STRUCT(SS VARCHAR[])",
        "address": "STRUCT(M STRUCT(city STRUCT(S VARCHAR), zip STRUCT(N BIGINT)))",
    }  # fmt: skip
    kinds = {"paid": "BOOL", "tags": "SS", "address": "M", "quantity": "N", "total": "N", "updated_ms": "N"}
    item = "STRUCT(" + ", ".join(f"{name} {type_}" for name, type_ in types.items()) + ")"
    columns = ", ".join(f"Item.{name}.{kinds.get(name, 'S')} AS {name}" for name in types)

    def run():
        connection = engine.connect()
        connection.execute("SET threads = 1; SET preserve_insertion_order = true")
        connection.execute(
            f"COPY (SELECT {columns} FROM read_json('{path}', format = 'newline_delimited', "
            f"columns = {{'Item': '{item}'}})) TO '{folder / 'd.parquet'}' (FORMAT parquet, COMPRESSION zstd)"
        )

    return run


READERS = {reader.__name__: reader for reader in (boto3, normaliser, pyarrow, duckdb)}


def measure(name: str, path: Path, count: int):
    """Prints a reader's CPU seconds and the most megabytes that it had, as JSON."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        run = READERS[name](path, count, Path(folder))
        before = time.process_time()
        run()
        seconds = time.process_time() - before
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    print(json.dumps({"seconds": seconds, "peak": peak}))


def main():
    """Measures each reader in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--reader", nargs=3, metavar=("NAME", "FILE", "ITEMS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        name, path, count = options.reader
        measure(name, Path(path), int(count))
        return
    with tempfile.TemporaryDirectory(prefix="tributary-benchmark-") as folder:
        path = Path(folder, "data.json.gz")
        raw, count = write(path, options.megabytes * 10**6)
        print(
            f"{raw / 1e6:.0f} MB of DynamoDB JSON, {count:,} items, {path.stat().st_size / 1e6:.0f} MB gzip"
        )
        figures: list[tuple[str, dict[str, float]]] = []
        for name in [*READERS, "boto3"]:
            command = [sys.executable, __file__, "--reader", name, str(path), str(count)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            figures.append((name, json.loads(done.stdout)))
    baseline = sum(f["seconds"] for name, f in figures if name == "boto3") / 2
    print("| reader | MB/s | times boto3 | peak MB |\n|---|---|---|---|")
    for name, figure in figures:
        speed, ratio = raw / 1e6 / figure["seconds"], baseline / figure["seconds"]
        print(f"| {name} | {speed:.1f} | {ratio:.1f} | {figure['peak']:.0f} |")


if __name__ == "__main__":
    main()
