"""The stacks whose policies are judged, each recorded once for all tests of a process.

PROVEN are stacks (CONFIG, TABLES) with a table of what their roles may and may not (TABLE); SHIPPED are the
repository's own.
"""

import functools
from types import ModuleType

from tests.contract.iam import (
    table_bigquery_transfer,
    table_export_run,
    table_firehose,
    table_iceberg,
    table_replication,
    table_storage_transfer,
    table_zero_etl,
)
from tests.recording import Recorded, record

PROVEN = (
    table_replication,
    table_export_run,
    table_zero_etl,
    table_firehose,
    table_iceberg,
    table_bigquery_transfer,
    table_storage_transfer,
)
SHIPPED = ("dev", "prod", "local")


def called(of: ModuleType) -> str:
    """How a stack that is proven is called in a test's id."""
    return of.__name__.rpartition(".")[2]


@functools.cache
def proven(of: ModuleType) -> tuple[Recorded, ...]:
    """What the stack of a table registers."""
    return tuple(record("proof", of.CONFIG, tables=of.TABLES).resources)


@functools.cache
def shipped(stack: str) -> tuple[Recorded, ...]:
    """What a stack of the repository registers."""
    return tuple(record(stack).resources)
