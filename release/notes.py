"""CHANGELOG.md, as https://keepachangelog.com/en/1.1.0/ has it: a section a version, the newest first."""

import re
from collections.abc import Iterator

HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<date>.+))?$", re.M)
VERSION = re.compile(r"\d+\.\d+\.\d+")


def section(changelog: str, version: str) -> str | None:
    """What stands below a version's heading; None where there is no such heading."""
    headings = list(HEADING.finditer(changelog))
    for heading, after in zip(headings, [*headings[1:], None], strict=True):
        if heading["version"] == version:
            return changelog[heading.end() : after.start() if after else None].strip()
    return None


def notes(changelog: str, version: str) -> str:
    """A version's section without what only machines read. Raises ValueError where there is none."""
    text = section(changelog, version)
    if not text:
        raise ValueError(f"CHANGELOG.md says nothing of {version}")
    return re.sub(r" *<!--.*?-->", "", text, flags=re.S).strip() + "\n"


def problems(tag: str, changelog: str, version: str, states: set[str]) -> Iterator[str]:
    """Why a tag can't be released: `version` is pyproject's, `kept` the versions whose state the tests have."""
    tagged = tag.removeprefix("v")
    if not tag.startswith("v") or not VERSION.fullmatch(tagged):
        yield f"the tag is {tag!r}; write v1.2.3"
        return
    if tagged != version:
        yield f"the tag is {tag}, and pyproject.toml has version {version}"
    dated = {heading["version"]: heading["date"] for heading in HEADING.finditer(changelog)}
    if tagged not in dated:
        yield f"CHANGELOG.md has no section '## [{tagged}]'"
    elif not re.fullmatch(r"\d{4}-\d\d-\d\d", dated[tagged] or ""):
        yield f"CHANGELOG.md has no date for {tagged}; write '## [{tagged}] - 2026-01-31'"
    versions = [each for each in dated if each != "Unreleased"]
    if tagged in versions and versions[0] != tagged:
        yield f"CHANGELOG.md has {versions[0]} above {tagged}: it is newer"
    if section(changelog, "Unreleased"):
        yield f"CHANGELOG.md has something unreleased; move it into {tagged}"
    if tagged not in states:
        write_state = ".venv/bin/python -m tests.unit.stack.upgrade"
        yield f"the state of {tagged} is not kept; run {write_state} before its date is written"
