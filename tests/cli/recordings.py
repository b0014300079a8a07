"""Records what `pulumi preview --json` prints for changes of the three stacks, for the tests of `delivery`.

    .venv/bin/python -m tests.cli.recordings [stack ...]

Each stack is deployed once on the embedded cloud; then its file is changed, previewed and put back, a change at a
time. What is kept of a preview is what `python -m delivery strip` keeps, in tests/unit/delivery/recorded/<stack>/.
Takes about five minutes a stack. FRONT_DOOR_PARTS names the language host, as for tests/cli.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from delivery import strip
from local import configured
from local.stand_ins import Adopted, seed
from tests.cli.front import ROOT, Front, missing

RECORDED = ROOT / "tests" / "unit" / "delivery" / "recorded"
Config = dict[str, Any]


def renamed_table(config: Config) -> None:
    """`customers` is called `clients`, wherever it is."""
    pipelines = config["tributary:pipelines"]
    for source in pipelines["shop-lake"]["sources"]:
        if source.get("dynamodb") == "customers":
            source["dynamodb"] = "clients"
    for pipeline in pipelines.values():
        if isinstance(pipeline.get("tables"), dict) and "customers" in pipeline["tables"]:
            pipeline["tables"]["clients"] = pipeline["tables"].pop("customers")


def new_pipeline(config: Config) -> None:
    """The products are exported as well."""
    account = next(iter(config["tributary:accounts"]))
    archive = {"kind": "export", "account": account, "sources": [{"dynamodb": "products"}]}
    config["tributary:pipelines"]["product-archive"] = archive


def removed_pipeline(config: Config) -> None:
    """Takes a pipeline with its data away."""
    del config["tributary:pipelines"]["stock-ticks"]


def changed_schedule(config: Config) -> None:
    """Has the export run at another hour."""
    config["tributary:pipelines"]["shop-lake"]["schedule"] = "cron(0 2 * * ? *)"


def late_schedule(config: Config) -> None:
    """So late that the load would come before the export has ended."""
    config["tributary:pipelines"]["shop-lake"]["schedule"] = "cron(30 4 * * ? *)"


def key_on(config: Config) -> None:
    """Has the landing and its replica encrypted by keys that the stack makes."""
    for name in ("shop-lake", "shop-replica"):
        config["tributary:pipelines"][name]["create_key"] = True


def region_moved(config: Config) -> None:
    """The last of the accounts, in which nothing is adopted, moves."""
    config["tributary:accounts"][list(config["tributary:accounts"])[-1]]["region"] = "eu-west-3"


def source_elsewhere(config: Config) -> None:
    """The first account moves, away from the tables that are adopted."""
    config["tributary:accounts"]["workload"]["region"] = "eu-west-3"


def next_generation(config: Config) -> None:
    """The collections, which are classic, are to be of the next generation."""
    for name in ("catalog-search", "stock-ticks"):
        config["tributary:pipelines"][name]["collection"] = {"generation": "nextgen"}


def misspelt_key(config: Config) -> None:
    """Writes a key that no pipeline has."""
    lake = config["tributary:pipelines"]["shop-lake"]
    lake["shedule"] = lake.pop("schedule", "rate(1 day)")


def unknown_role(config: Config) -> None:
    """Names a deploying role that the account does not have."""
    account = config["tributary:accounts"]["workload"]
    account["role"] = f"arn:aws:iam::{account['id']}:role/nobody"


CHANGES: dict[str, tuple[Callable[[Config], None], ...]] = {
    "dev": (
        renamed_table,
        new_pipeline,
        removed_pipeline,
        late_schedule,
        key_on,
        next_generation,
        region_moved,
        misspelt_key,
    ),
    "local": (renamed_table, changed_schedule, region_moved),
    "prod": (
        renamed_table,
        new_pipeline,
        removed_pipeline,
        late_schedule,
        region_moved,
        source_elsewhere,
        unknown_role,
    ),
}


def main(stacks: list[str]) -> None:
    """Records the changes of some stacks, or of all."""
    if why := missing("local"):
        sys.exit(why)
    for stack in stacks or CHANGES:
        with tempfile.TemporaryDirectory() as work:
            front = Front(Path(work), stack, "local")
            try:
                for name, text in _previews(front):
                    kept = RECORDED / stack / f"{name}.jsonl"
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_text(strip.stripped(text))
                    print(f"{kept.relative_to(ROOT)}: {kept.stat().st_size:,} bytes", flush=True)
            finally:
                front.stop()


def _previews(front: Front) -> Iterator[tuple[str, str]]:
    seed(front.endpoint, front.stack)
    settings = configured.read(ROOT, front.stack)
    if front.stack == "prod":  # where tables are adopted
        Adopted(front.endpoint, settings.accounts["workload"]).table("clients", {"id": "S"})
    front.ok("stack", "init", events=False)
    yield "first", _preview(front)
    front.ok("up", "--yes", "--skip-preview")
    file = front.project / f"Pulumi.{front.stack}.yaml"
    before = file.read_text()
    for change in CHANGES[front.stack]:
        content = yaml.safe_load(before)
        change(content["config"])
        text: str = yaml.safe_dump(content, sort_keys=False)  # pyright: ignore[reportUnknownMemberType] - of untyped streams
        file.write_text(text)
        yield change.__name__.replace("_", "-"), _preview(front)
        file.write_text(before)
    yield "unchanged", _preview(front)


def _preview(front: Front) -> str:
    """The engine's events, a line each; a preview that fails ends with a code that is not zero, and prints them too."""
    command = ["pulumi", "preview", "--json", "--stack", front.stack, "--non-interactive"]
    environment = front.environment | {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
    return subprocess.run(
        command, cwd=front.project, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=front.patience, check=False,
    ).stdout  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
