"""A release: what keeps a tag from being one, its notes, and bills of materials that have what is in the zips."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from components.bundling.bundles import known_handlers
from release import __main__ as command
from release import bills, locks, notes
from release.locks import Package
from tests.recording import ROOT

CHANGELOG = """# Changelog

## [Unreleased]

## [0.2.0] - 2027-03-01

### Changed
- A queue has another name. <!-- upgrade: replaces aws:sqs/queue:Queue::a -->

## [0.1.0] - 2027-01-31

### Added
- All.
"""


@pytest.mark.parametrize(
    ("tag", "changelog", "version", "kept", "problem"),
    [
        ("0.2.0", CHANGELOG, "0.2.0", {"0.2.0"}, "the tag is"),
        ("v0.2", CHANGELOG, "0.2.0", {"0.2.0"}, "the tag is"),
        ("v0.2.0", CHANGELOG, "0.1.9", {"0.2.0"}, "pyproject.toml has version 0.1.9"),
        ("v0.2.0", CHANGELOG, "0.2.0", {"0.1.0"}, "the state of 0.2.0 is not kept"),
        ("v0.1.0", CHANGELOG, "0.1.0", {"0.1.0"}, "has 0.2.0 above 0.1.0"),
        ("v0.3.0", CHANGELOG, "0.3.0", {"0.3.0"}, "no section '## [0.3.0]'"),
        ("v0.2.0", CHANGELOG.replace("2027-03-01", "Unreleased"), "0.2.0", {"0.2.0"}, "no date"),
        (
            "v0.2.0",
            CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n- More.\n"),
            "0.2.0",
            {"0.2.0"},
            "unreleased",
        ),
    ],
)
def test_a_tag_that_does_not_agree_is_not_released(
    tag: str, changelog: str, version: str, kept: set[str], problem: str
) -> None:
    [why] = notes.problems(tag, changelog, version, kept)
    assert problem in why


def test_a_tag_that_agrees_is_released_with_its_section_alone() -> None:
    assert list(notes.problems("v0.2.0", CHANGELOG, "0.2.0", {"0.1.0", "0.2.0"})) == []
    assert notes.notes(CHANGELOG, "0.2.0") == "### Changed\n- A queue has another name.\n"
    assert notes.notes(CHANGELOG, "0.1.0") == "### Added\n- All.\n"
    with pytest.raises(ValueError, match=r"nothing of 0\.3\.0"):
        notes.notes(CHANGELOG, "0.3.0")


def test_the_changelog_of_this_repository_can_be_cut() -> None:
    text = notes.notes((ROOT / "CHANGELOG.md").read_text(), "0.1.0")
    assert text.startswith("### Added\n") and "## [" not in text


LOCK = """# Made by: uv
a.b==1.0 \\
    --hash=sha256:{0} \\
    --hash=sha256:{1}
    # via
    #   -r requirements.in
    #   top
other==3.0 ; sys_platform == 'win32' \\
    --hash=sha256:{0}
    # via nobody
top==2.0 \\
    --hash=sha256:{1}
    # via -r requirements.in
""".format("0" * 64, "1" * 64)


def test_a_lock_is_read_with_what_requires_what() -> None:
    packages = locks.read(LOCK)
    assert set(packages) == {"a-b", "other", "top"}
    assert packages["a-b"].digests == ("0" * 64, "1" * 64)
    assert "top" in packages["a-b"].required_by
    assert set(locks.closure(packages, ["top"])) == {"a-b", "top"}
    with pytest.raises(KeyError):
        locks.closure(packages, ["missing"])


def test_a_bill_has_each_package_and_what_needs_it_and_is_the_same_each_time() -> None:
    packages = locks.closure(locks.read(LOCK), ["top"])
    text = bills.bill("thing", "1.2.3", packages, sha256="2" * 64, files={"decode.so": "3" * 64})
    assert text == bills.bill("thing", "1.2.3", packages, sha256="2" * 64, files={"decode.so": "3" * 64})
    content = json.loads(text)
    subject = content["metadata"]["component"]
    assert (subject["name"], subject["version"]) == ("thing", "1.2.3")
    assert subject["hashes"] == [{"alg": "SHA-256", "content": "2" * 64}]
    assert {each["name"] for each in content["components"]} == {"a-b", "top", "decode.so"}
    needs = {each["ref"]: each.get("dependsOn") for each in content["dependencies"]}
    assert needs["thing"] == ["file:decode.so", "top==2.0"]
    assert needs["top==2.0"] == ["a-b==1.0"]


def test_a_bill_that_the_schema_refuses_is_not_written() -> None:
    with pytest.raises(bills.NotValid):
        bills.bill("thing", "1.2.3", {"a": Package("a", "1", ("no digest",))})


def test_the_programs_bill_has_all_that_a_deployment_installs(tmp_path: Path) -> None:
    assert command.main(["program", "--to", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "tributary.cdx.json").read_text())
    listed = {each["name"]: each["version"] for each in content["components"]}
    for line in (ROOT / "components" / "plugin" / "requirements.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            assert listed[locks.normal(name)] == version
    assert {"grpcio", "protobuf", "pydantic-core"} <= set(listed)  # which those require
    assert not {"pytest", "ministack"} & set(listed)
    assert json.loads((tmp_path / "schema.json").read_text())["name"] == "tributary"


def test_a_bundles_bill_has_what_is_in_its_zip(tmp_path: Path) -> None:
    assert command.main(["bundle", "transform", "--to", str(tmp_path)]) == 0
    for architecture in command.ARCHITECTURES:
        content = json.loads((tmp_path / f"transform-{architecture}.cdx.json").read_text())
        with zipfile.ZipFile(tmp_path / f"transform-{architecture}.zip") as archive:
            metadata = [
                archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA")
            ]
        there = {
            (locks.normal(name), version)
            for text in metadata
            for name in re.findall(r"^Name: (.+)$", text, re.M)
            for version in re.findall(r"^Version: (.+)$", text, re.M)
        }
        assert (
            there
            and {(locks.normal(each["name"]), each["version"]) for each in content["components"]} == there
        )
    for handler in known_handlers():
        lock = ROOT / "handlers" / handler / "requirements.txt"
        required = (ROOT / "handlers" / handler / "requirements.in").read_text() if lock.is_file() else ""
        names = {locks.normal(Requirement(line.partition("#")[0]).name) for line in required.splitlines()
                 if line.partition("#")[0].strip()}  # fmt: skip
        assert names <= set(locks.read(lock.read_text()) if lock.is_file() else {})


def test_the_workflows_steps_are_commands_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    used = set(re.findall(r"-m release (\w+)", text))
    assert used == {"check", "notes", "bundles", "bundle", "program"}
    assert command.main(["bundles"]) == 0
    name, _, value = capsys.readouterr().out.strip().partition("=")
    assert (name, json.loads(value)) == ("handlers", known_handlers())
    publish = yaml.safe_load(text)["jobs"]["publish"]
    assert set(publish["needs"]) == {"check", "bundle", "program"}
