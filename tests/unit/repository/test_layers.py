"""Imports point one way: the contracts of pyproject.toml, by import-linter (https://import-linter.readthedocs.io)."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """lint-imports over the packages of a root, by this project's contracts."""
    command = [
        Path(sys.executable).with_name("lint-imports"),
        "--no-cache",
        "--config",
        ROOT / "pyproject.toml",
    ]
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def test_imports_point_one_way() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_room_of_a_pipeline_is_left_out_of_its_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (rooms,) = [contract["modules"] for contract in contracts if contract["type"] == "independence"]
    folders = (ROOT / "components" / "pipelines").glob("*/__init__.py")
    assert rooms == sorted(f"components.pipelines.{file.parent.name}" for file in folders)


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        (
            "components/arguments/checks.py",
            "import components.blocks.bucket",
            "stands on what is below it BROKEN",
        ),
        (
            "components/pipelines/export/run.py",
            "import components.pipelines.firehose.args",
            "no other pipeline BROKEN",
        ),
        ("components/blocks/bucket.py", "import local.stack", "nor who deploys it BROKEN"),
        ("local/samples/export.py", "import components.blocks.bucket", "of no component BROKEN"),
        ("local/gcp/limits.py", "import components.languages.bigquery_types", "that they judge BROKEN"),
        ("delivery/text.py", "import components.names", "imports no program BROKEN"),
        (
            "components/languages/aws_schedules.py",
            "import components.languages.bigquery_schedules",
            "in a room BROKEN",
        ),
        (
            "local/cloud/s3/encryption.py",
            "import local.cloud.dynamodb.history",
            "in a room BROKEN",
        ),
    ],
)
def test_an_import_that_points_the_other_way_is_noticed(
    tmp_path: Path, file: str, line: str, contract: str
) -> None:
    for package in (
        "components",
        "policy",
        "local",
        "bootstrap",
        "delivery",
        "operate",
        "adoption",
        "release",
    ):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / file).open("a") as source:
        source.write(f"{line}\n")
    done = lint(tmp_path)
    assert done.returncode == 1
    assert contract in done.stdout
