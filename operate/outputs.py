"""A cloud as the functions of this package see it, and how places of a stack's outputs are read."""

from collections.abc import Mapping
from typing import Any, Protocol


class Refused(RuntimeError):
    """The command can't be carried out; the message says why, and what to do instead."""


class Cloud(Protocol):
    """The accounts of a stack. A place has an `account` and a `region`."""

    @property
    def stack(self) -> str:
        """The stack's name, as STACK= of the commands has it."""
        ...

    @property
    def pipelines(self) -> Mapping[str, Any]:
        """The stack's output `pipelines`."""
        ...

    @property
    def dashboards(self) -> Mapping[str, Any]:
        """The stack's output `dashboards`: by account, name and address."""
        ...

    def client(self, service: str, place: Mapping[str, Any]) -> Any:
        """A boto3 client in the place."""
        ...

    def google(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer of Google's API at the path. Raises where it refuses."""
        ...


def command(cloud: Cloud, word: str, pipeline: str) -> str:
    """What is typed to run, pause or resume a pipeline. Without STACK= it would be the embedded cloud's pipeline."""
    return f"make {word} STACK={cloud.stack} PIPELINE={pipeline}"


def partition(region: str) -> str:
    """The partition of a region: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html."""
    starts = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    return next((name for start, name in starts.items() if region.startswith(start)), "aws")


def places(pipeline: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The accounts that a pipeline's alarms stand in: its own, and of a replication its source's."""
    every = [pipeline, *([source] if (source := pipeline.get("source")) else [])]
    distinct = {(place["account"], place["region"]): place for place in every}
    return list(distinct.values())
