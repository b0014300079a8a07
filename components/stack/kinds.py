"""The kinds of pipeline, by the name that a stack's config calls them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.cost.usage import USAGE
from components.pipelines.bigquery_transfer import component as bigquery_transfer
from components.pipelines.export import component as export
from components.pipelines.firehose import component as firehose
from components.pipelines.pipeline import COLLECTION, GROUP, LANDING, Accounts, Deployed, HandOver
from components.pipelines.replication import component as replication
from components.pipelines.zero_etl import component as zero_etl


@dataclass(frozen=True)
class Kind:
    """One kind of pipeline."""

    args: type[Any]
    """Its arguments."""
    deploy: Callable[[str, Any, Accounts], Deployed]
    """Registers it."""
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


KINDS: dict[str, Kind] = {
    "zero-etl": Kind(
        zero_etl.ZeroEtlArgs,
        zero_etl.deploy,
        yields={
            COLLECTION: zero_etl.ZeroEtlArgs.planned_collection,
            GROUP: zero_etl.ZeroEtlArgs.planned_group,
        },
        creates=zero_etl.ZeroEtlArgs.created_tables,
        indexes=zero_etl.ZeroEtlArgs.indexes,
    ),
    "firehose": Kind(
        firehose.FirehoseArgs,
        firehose.deploy,
        yields={
            COLLECTION: firehose.FirehoseArgs.planned_collection,
            GROUP: firehose.FirehoseArgs.planned_group,
        },
        indexes=firehose.FirehoseArgs.indexes,
    ),
    "export": Kind(
        export.ExportArgs,
        export.deploy,
        yields={LANDING: export.ExportArgs.landing},
        creates=export.ExportArgs.created_tables,
    ),
    "replication": Kind(
        replication.ReplicationArgs, replication.deploy, yields={LANDING: replication.ReplicationArgs.replica}
    ),
    "bigquery-transfer": Kind(bigquery_transfer.BigQueryTransferArgs, bigquery_transfer.deploy, google=True),
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
