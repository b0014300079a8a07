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
import re
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import boto3

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from components.bundling.bundles import HANDLERS, bundle, known_handlers

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
# What is no plain text of what the handlers read as they are imported: lists, objects and whole numbers.
SHAPED = {"TABLES": "[]", "DROP": "{}"}
NUMBER = re.compile(r"int\((?:os\.)?environ\[variables\.(\w+)\]\)")
READ = re.compile(r"environ\[variables\.(\w+)\]")


def environment(name: str) -> dict[str, str]:
    """A value for each variable that the handler requires, read off its own sources, so that none is forgotten."""
    text = "".join(path.read_text() for path in (HANDLERS / name).glob("*.py"))
    numbers = dict.fromkeys(NUMBER.findall(text), "1")
    return dict.fromkeys(READ.findall(text), "x") | numbers | SHAPED | {"AWS_DEFAULT_REGION": "us-east-1"}


def timed(statement: str, variables: Mapping[str, str], *places: Path) -> float:
    """The seconds that a statement takes in a fresh interpreter that sees these places alone."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", TIMED.format(statement=statement), *map(str, places)],
        env={"PATH": os.environ["PATH"], **variables},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{statement} in {places[0].name} failed:\n{done.stderr}")
    return float(done.stdout)


def main() -> None:
    """Prints each bundle's size and how long its import takes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--handlers", nargs="+", default=known_handlers(), choices=known_handlers())
    options = parser.parse_args()
    architecture = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
    with tempfile.TemporaryDirectory(prefix="tributary-imports-") as folder:
        runtime = Path(folder, "runtime")
        runtime.mkdir()
        for module in RUNTIME_HAS:
            (runtime / module).symlink_to(Path(boto3.__file__).parents[1] / module)
        region = {"AWS_DEFAULT_REGION": "us-east-1"}
        work: dict[str, tuple[str, dict[str, str], tuple[Path, ...]]]
        work = {name: (statement, region, (runtime,)) for name, statement in BASELINES.items()}
        sizes = dict.fromkeys(BASELINES, 0)
        for name in options.handlers:
            bundled = bundle(name, runtime=f"python3.{sys.version_info.minor}", architecture=architecture)
            zipfile.ZipFile(bundled.path).extractall(Path(folder, name))
            work[name] = ("import app", environment(name), (Path(folder, name), runtime))
            sizes[name] = bundled.size
        took: dict[str, list[float]] = {name: [] for name in work}
        unmeasured = min(1, options.runs - 1)  # the first reads the disk; a single one shows that it runs
        for turn in range(options.runs + unmeasured):
            for name, (statement, variables, places) in work.items():
                seconds = timed(statement, variables, *places)
                if turn >= unmeasured:
                    took[name].append(seconds)
    baseline = statistics.median(took["boto3 alone"])
    print("| import | ms | times boto3 | bundle, MB |\n|---|--:|--:|--:|")
    for name, seconds in took.items():
        median = statistics.median(seconds)
        size = f"{sizes[name] / 1e6:.1f}" if sizes[name] else ""
        print(f"| {name} | {median * 1000:.0f} | {median / baseline:.2f} | {size} |")


if __name__ == "__main__":
    main()
