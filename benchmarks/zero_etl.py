"""Items a second through the embedded OpenSearch Ingestion into a real OpenSearch node, and the memory that it takes.

    python -m benchmarks.zero_etl                      # 10,000 and then 100,000 items
    python -m benchmarks.zero_etl --items 2000

For each number a cloud of its own: that many items of ten attributes are written into a table, then the pipeline is
started. First the export is loaded (items a second from the pipeline's being ACTIVE until every item is a document: it
includes the export itself), then each item is changed once while the pipeline is stopped, and it goes on with the
stream (from its start again until every document is of the second revision; the inserts before it are read, too).
Memory is the resident set of the cloud's process, DynamoDB and all; "above" is the peak while the pipeline works less
what it was before, so it would grow with the items if the engine kept them. OpenSearch is a process of its own (heap
512 MB). Figures are of this stand-in on this machine, not of the service.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from local.samples.export import put  # noqa: E402  # found by the path above
from tests.contract.opensearch_cloud import Cloud  # noqa: E402  # of the tests, found by the path above
from tests.contract.osis_line import BUCKET, Line, body  # noqa: E402  # as above
from tests.waiting import eventually  # noqa: E402  # as above

PATIENCE = 3_600.0  # seconds


def item(number: int, revision: int) -> dict[str, Any]:
    """An item of a table, of a revision."""
    return {
        "pk": {"S": f"customer-{number % 997}"}, "sk": {"N": str(number)}, "revision": {"N": str(revision)},
        "name": {"S": f"Customer {number}"}, "newsletter": {"BOOL": number % 3 == 0}, "n": {"N": f"{number}.25"},
        "exact": {"N": str(10**37 + number)}, "labels": {"SS": ["gift", "größe"]},
        "address": {"M": {"city": {"S": "東京"}, "note": {"S": 'by the "door"\n2nd floor'}}}, "blob": {"B": b"\0" * 40},
    }  # fmt: skip


class Memory(threading.Thread):
    """The resident set of a process in MB: now, and the most since `reset`."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.status, self.peak = Path(f"/proc/{pid}/status"), 0.0

    def now(self) -> float:
        """The megabytes that the process has now."""
        (line,) = [line for line in self.status.read_text().splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024

    def reset(self) -> float:
        """Forgets the most until now, and returns the megabytes of now."""
        self.peak = self.now()
        return self.peak

    def run(self) -> None:
        """Looks at the process until it is gone."""
        try:
            while True:
                self.peak = max(self.peak, self.now())
                time.sleep(0.1)
        except (OSError, ValueError):
            return  # the process has ended


def measured(count: int) -> list[str]:
    """The cells of one row."""
    with tempfile.TemporaryDirectory() as state:
        cloud = Cloud(Path(state))
        try:
            return _measured(cloud, count)
        finally:
            cloud.stop()


def _measured(cloud: Cloud, count: int) -> list[str]:
    memory = Memory(cloud.process.pid)
    memory.start()
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    collection = cloud.collection("search")
    reader = cloud.role("reader", [{"Action": "aoss:APIAccessAll", "Resource": "*"}])
    cloud.grant("reader", reader, ["ReadDocument", "DescribeIndex"], "search")
    search = cloud.search(collection, cloud.assume(reader))
    line = Line(cloud, "items")
    line.grant("search")
    put(line.dynamodb, "items", [item(number, 0) for number in range(count)])

    def state() -> str:
        return line.osis.get_pipeline(PipelineName="items")["Pipeline"]["Status"]

    def revised(revision: int) -> bool:
        documents = search.count(
            index="items", body={"query": {"term": {"revision": revision}}}, params={"ignore": (404, 503)}
        )
        return documents.get("count") == count

    before = memory.reset()
    line.start(body(line.table, collection["collectionEndpoint"]))
    eventually(lambda: state() == "ACTIVE", PATIENCE)
    began = time.monotonic()
    eventually(lambda: revised(0), PATIENCE)
    exported, above_export = count / (time.monotonic() - began), memory.peak - before

    line.osis.stop_pipeline(PipelineName="items")
    put(line.dynamodb, "items", [item(number, 1) for number in range(count)])
    before = memory.reset()
    line.osis.start_pipeline(PipelineName="items")
    eventually(lambda: state() == "ACTIVE", PATIENCE)
    began = time.monotonic()
    eventually(lambda: revised(1), PATIENCE)
    streamed, above_stream = count / (time.monotonic() - began), memory.peak - before
    assert not line.dead(), line.dead()[:1]
    figures = (exported, streamed, before, above_export, above_stream)
    return [f"{count:,}", *(f"{value:,.0f}" for value in figures)]


def main() -> None:
    """Prints how long a table's export and its changes take."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000])
    counts = parser.parse_args().items
    print("| items | export, items/s | stream, changes/s | process, MB | above, export | above, stream |")
    print("|--:|--:|--:|--:|--:|--:|")
    for count in counts:
        print("| " + " | ".join(measured(count)) + " |", flush=True)


if __name__ == "__main__":
    main()
