"""Of ministack: Glue."""

from collections.abc import Callable

from ministack.services import glue as service

from .parts import Answer, Record, Replaceable, Store

crawlers: Store[Record] = service._crawlers
create_partition: Callable[[Record], Answer] = service._create_partition
create_table: Callable[[Record], Answer] = service._create_table
delete_table: Callable[[Record], Answer] = service._delete_table
partitions: Store[list[Record]] = service._partitions
tables: Store[Record] = service._tables
update_table: Callable[[Record], Answer] = service._update_table
iceberg_commit_table: Callable[[str, str, Record], Answer] = service._iceberg_rest_commit_table
"""Namespace, table, requirements and updates."""
iceberg_error: Callable[[str, str, int], Answer] = service._iceberg_error
"""Message, type, status."""
iceberg_write_metadata: Replaceable[Callable[[str, str, int, Record], str]] = Replaceable(
    service, "_iceberg_write_metadata"
)
"""Namespace, table, version, metadata; the address of the file."""
iceberg_latest_metadata: Replaceable[Callable[[str], str]] = Replaceable(
    service, "_iceberg_latest_metadata_location"
)
iceberg_create_table: Replaceable[Callable[[str, Record], Answer]] = Replaceable(
    service, "_iceberg_rest_create_table"
)
"""Namespace, body."""
