"""Of ministack: Glue."""

from collections.abc import Callable

from ministack.services import glue as service

from .parts import Answer, Record, Store

crawlers: Store[Record] = service._crawlers
create_partition: Callable[[Record], Answer] = service._create_partition
create_table: Callable[[Record], Answer] = service._create_table
delete_table: Callable[[Record], Answer] = service._delete_table
partitions: Store[list[Record]] = service._partitions
tables: Store[Record] = service._tables
update_table: Callable[[Record], Answer] = service._update_table
