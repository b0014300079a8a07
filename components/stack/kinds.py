"""The kinds of pipeline, by the name that a stack's config calls them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from components.cost.usage import USAGE
from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs
from components.pipelines.export.args import ExportArgs
from components.pipelines.firehose.args import FirehoseArgs
from components.pipelines.pipeline import COLLECTION, GROUP, LANDING, Accounts, Deployed, HandOver
from components.pipelines.replication.args import ReplicationArgs
from components.pipelines.zero_etl.args import ZeroEtlArgs


@dataclass(frozen=True)
class Kind:
    """One kind of pipeline."""

    args: type[Any]
    """Its arguments."""
    folder: str
    """Its folder in components/pipelines."""
    google: bool = False
    """Whether it needs the stack's Google Cloud project, its argument `gcp`."""
    yields: Mapping[HandOver, Callable[[Any, str], Any]] = field(
        default_factory=dict[HandOver, Callable[[Any, str], Any]]
    )
    """What other pipelines can take of it, as far as it is known before anything is deployed."""
    creates: Callable[[Any], Iterable[tuple[str, str]]] = lambda _: ()
    """The tables that it creates, each with its place in the config."""
    indexes: Callable[[Any], Iterable[tuple[str, str]]] = lambda _: ()
    """The indexes of its collection that it writes, each with its place in the config."""

    def deploy(self, name: str, args: Any, accounts: Accounts) -> Deployed:
        """Registers it. Its component is imported for the first that there is: Pulumi's SDKs are most of a program's
        start, Google's a fifth, and few stacks have every kind."""
        return import_module(f"components.pipelines.{self.folder}.component").deploy(name, args, accounts)


KINDS: dict[str, Kind] = {
    "zero-etl": Kind(
        ZeroEtlArgs,
        "zero_etl",
        yields={COLLECTION: ZeroEtlArgs.planned_collection, GROUP: ZeroEtlArgs.planned_group},
        creates=ZeroEtlArgs.created_tables,
        indexes=ZeroEtlArgs.indexes,
    ),
    "firehose": Kind(
        FirehoseArgs,
        "firehose",
        yields={COLLECTION: FirehoseArgs.planned_collection, GROUP: FirehoseArgs.planned_group},
        indexes=FirehoseArgs.indexes,
    ),
    "export": Kind(
        ExportArgs, "export", yields={LANDING: ExportArgs.landing}, creates=ExportArgs.created_tables
    ),
    "replication": Kind(ReplicationArgs, "replication", yields={LANDING: ReplicationArgs.replica}),
    "bigquery-transfer": Kind(BigQueryTransferArgs, "bigquery_transfer", google=True),
}


@dataclass(frozen=True)
class PipelineSettings:
    """One pipeline of a stack."""

    kind: str
    args: Any
    takes: Mapping[HandOver, str]
    """What it takes, and of which pipeline, such as {LANDING: "shop-lake"}."""
    usage: Any = None
    """What it is used for (components/cost/usage.py); it changes nothing but what it is expected to cost."""

    def expected_usage(self) -> Any:
        """Its usage, or its kind's defaults."""
        return USAGE[self.kind]() if self.usage is None else self.usage
