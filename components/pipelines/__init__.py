"""The kinds of pipeline, by the name that a stack's config calls them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from components.pipelines import export, replication
from components.pipelines.pipeline import Accounts, Deployed


@dataclass(frozen=True)
class Kind:
    """One kind of pipeline."""

    args: type
    """Its arguments; a field named `landing` makes it one that takes a landing."""
    deploy: Callable[[str, Any, Accounts], Deployed]
    """Registers it."""
    yields: Callable[[Any, str], Any] | None = None
    """The landing that it yields, as far as it is known before anything is deployed."""


KINDS: dict[str, Kind] = {
    "export": Kind(export.ExportArgs, export.deploy, export.ExportArgs.landing),
    "replication": Kind(replication.ReplicationArgs, replication.deploy, replication.ReplicationArgs.replica),
}
