"""The step that runs a stack on the embedded cloud, as the workflow has it, with a `local` that gives a known answer:
the exit code, the sentence, the report, and what the comment shows of it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from delivery import arrived
from tests.unit.delivery.test_steps import ROOT, step, the

LOCAL = """
import json, sys
from pathlib import Path
folder = Path(__file__).parent
with (folder / "words").open("a") as words:
    words.write(" ".join(sys.argv[1:]) + "\\n")
given = json.loads((folder / "answer.json").read_text())
(folder.parent / ".tributary").mkdir(exist_ok=True)
(folder.parent / ".tributary" / "cloud.log").write_text(given["log"])
if sys.argv[1] == "status":
    print(json.dumps(given["rows"]))
print(given["error"], file=sys.stderr)
sys.exit(given["code"])
"""
ROW = {"pipeline": "a", "kind": "export", "table": "t", "sent": 5, "arrived": 5, "seconds": 1.0}
REFUSED = "User: arn:aws:iam::1:role/r is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::b because"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """As much of the repository as the step reads, but for the embedded cloud."""
    shutil.copy(ROOT / "delivery.yaml", tmp_path / "delivery.yaml")
    shutil.copytree(ROOT / "delivery", tmp_path / "delivery", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "__main__.py").write_text(LOCAL)
    return tmp_path


@pytest.mark.parametrize(
    ("answer", "code", "sentence"),
    [
        ({}, 0, "prod: 1 of 1 arrived, no calls denied"),
        ({"rows": [ROW | {"arrived": 4}], "code": 1}, 1, "prod: 0 of 1 arrived, no calls denied"),
        ({"log": REFUSED}, 1, "prod: 1 of 1 arrived, 1 call denied, the first: arn:aws:iam::1:role/r s3:PutObject"),
        ({"rows": [], "code": 1, "error": "a warning\nup: the config has 1 error:\n  pipelines.a: is wrong"}, 1,
         "prod: the config has 1 error: pipelines.a: is wrong"),
        ({"rows": [], "code": 1, "error": "Traceback\nKeyError: 'x'"}, 1, "prod: KeyError: 'x'"),
        ({"rows": [], "code": 1, "error": "up: 'prod' is not a stack of this folder"}, 1,
         "prod: 'prod' is not a stack of this folder"),
    ],
)  # fmt: skip
def test_a_stack_on_the_embedded_cloud_is_well_only_where_all_arrived_and_nothing_was_denied(
    clone: Path, answer: dict[str, Any], code: int, sentence: str
) -> None:
    whole = {"rows": [ROW], "log": "", "error": "", "code": 0} | answer
    (clone / "local" / "answer.json").write_text(json.dumps(whole))
    done = step(clone, the("embedded"), STACK="prod")
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == sentence
    assert (clone / "local" / "words").read_text().splitlines()[0] == "up --stack prod --role deploy"
    report = arrived.read((clone / "previews" / "prod.arrived.json").read_text())
    assert report.complete is (code == 0)
    shown = step(clone, the("comment"), COMMIT="c" * 40, LINK="l", REMOVED="[]")
    assert shown.returncode == 0, shown.stderr
    comment = (clone / "previews" / "comment.md").read_text()
    assert ("On the embedded cloud: all arrived" in comment) is (code == 0)


def test_a_stack_of_the_embedded_cloud_alone_is_entered_as_its_config_says(clone: Path) -> None:
    (clone / "local" / "answer.json").write_text(
        json.dumps({"rows": [ROW], "log": "", "error": "", "code": 0})
    )
    assert step(clone, the("embedded"), STACK="local").returncode == 0
    assert (clone / "local" / "words").read_text().splitlines()[0] == "up --stack local"
