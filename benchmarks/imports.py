"""What a cold start spends on imports: every handler's real bundle beside boto3 alone, as ratios of one run.

    python benchmarks/imports.py [--runs 9]

Each bundle is built for this machine and unpacked; a fresh, isolated interpreter finds it and, behind it, what Lambda's
runtime brings (boto3 and what that needs), and nothing else. No byte code is kept, as bundles hold none. Measured is
the wall clock of `import app`, which is what Lambda does before the first event, clients included; the runs go round
the handlers and the two baselines, so that a machine that changes its speed changes all alike. Medians.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import boto3

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from components.bundles import bundle, known_handlers

RUNTIME_HAS = ("boto3", "botocore", "s3transfer", "dateutil", "urllib3", "jmespath", "six.py")
TIMED = """
import sys, time
sys.path[:0], start = sys.argv[1:], time.perf_counter()
{statement}
print(time.perf_counter() - start)
"""
BASELINES = {
    "boto3 alone": "import boto3",
    "boto3 and a client of S3": "import boto3; boto3.client('s3')",
}
# What the handlers read as they are imported.
ENVIRONMENT = {
    **dict.fromkeys(("BUCKET", "BUCKET_OWNER", "PREFIX", "EVENT_BUS", "IDEMPOTENCY_TABLE", "DATABASE"), "x"),
    **dict.fromkeys(("STREAM", "TIMESTAMP", "ACCOUNT_ID", "ROLE_ARN", "REPORT_BUCKET", "LOAD_TIME"), "x"),
    **dict.fromkeys(("PIPELINE", "PROJECT", "DATASET", "LOCATION", "AUDIENCE", "SERVICE_ACCOUNT"), "x"),
    **{"TABLES": "[]", "CATALOG": "registered", "PATIENCE_SECONDS": "1"},
    "AWS_DEFAULT_REGION": "us-east-1",
}


def timed(statement: str, *places: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", TIMED.format(statement=statement), *map(str, places)],
        env={"PATH": os.environ["PATH"], **ENVIRONMENT},
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    architecture = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
    with tempfile.TemporaryDirectory(prefix="tributary-imports-") as folder:
        runtime = Path(folder, "runtime")
        runtime.mkdir()
        for module in RUNTIME_HAS:
            (runtime / module).symlink_to(Path(boto3.__file__).parents[1] / module)
        work = {name: (statement, (runtime,)) for name, statement in BASELINES.items()}
        sizes = dict.fromkeys(BASELINES, 0)
        for name in known_handlers():
            made = bundle(name, runtime=f"python3.{sys.version_info.minor}", architecture=architecture)
            zipfile.ZipFile(made.path).extractall(Path(folder, name))
            work[name], sizes[name] = ("import app", (Path(folder, name), runtime)), made.size
        took: dict[str, list[float]] = {name: [] for name in work}
        for turn in range(options.runs + 1):
            for name, (statement, places) in work.items():
                seconds = timed(statement, *places)
                if turn:  # the first reads the disk
                    took[name].append(seconds)
    baseline = statistics.median(took["boto3 alone"])
    print("| import | ms | times boto3 | bundle, MB |\n|---|--:|--:|--:|")
    for name, seconds in took.items():
        median = statistics.median(seconds)
        size = f"{sizes[name] / 1e6:.1f}" if sizes[name] else ""
        print(f"| {name} | {median * 1000:.0f} | {median / baseline:.2f} | {size} |")


if __name__ == "__main__":
    main()
