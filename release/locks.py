"""A lock as `uv pip compile --generate-hashes` writes it
(https://docs.astral.sh/uv/pip/compile/): packages, their digests, and below each what requires it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PACKAGE = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(?P<marker>\s*;[^\\\n]*)?")
DIGEST = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Package:
    """A locked package: the digests are those of its files, any of which is installed."""

    name: str
    version: str
    digests: tuple[str, ...] = ()
    required_by: tuple[str, ...] = ()
    """Names of packages, and what else the lock names, such as a group."""


def read(text: str) -> dict[str, Package]:
    """The packages of a lock, by their normalised names
    (https://packaging.python.org/en/latest/specifications/name-normalization/)."""
    packages: dict[str, Package] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        match = PACKAGE.match(block)
        if match is None:
            continue
        above = re.search(r"# via\s+(.*)", block, re.S)
        by = re.findall(r"[^\s#]+", above[1]) if above else []
        name = normal(match["name"])
        digests = tuple(DIGEST.findall(block))
        packages[name] = Package(name, match["version"], digests, tuple(normal(each) for each in by))
    return packages


def normal(name: str) -> str:
    """A package's name as every index knows it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(packages: Mapping[str, Package], roots: Iterable[str]) -> dict[str, Package]:
    """The packages of these names, and all that they require. Raises KeyError for one that the lock has not."""
    needed = {normal(root): packages[normal(root)] for root in roots}
    while more := {
        name: package
        for name, package in packages.items()
        if name not in needed and any(above in needed for above in package.required_by)
    }:
        needed |= more
    return dict(sorted(needed.items()))


def installed(paths: Iterable[str]) -> set[str]:
    """The packages that a folder of installed packages has, by its files' paths
    (https://packaging.python.org/en/latest/specifications/recording-installed-packages/)."""
    return {normal(match[1]) for path in paths if (match := re.match(r"([^/]+?)-[^-/]+\.dist-info/", path))}
