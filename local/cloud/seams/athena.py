"""Of ministack: Athena."""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import athena as service

from .parts import Record, Replaceable, Store

duckdb_types: Mapping[str, str] = service._DUCKDB_TYPE_MAP
executions: Store[Record] = service._executions
table_files: Callable[[str, list[str]], list[str]] = service._materialize_table_files
"""A location and the folders that it fills."""
named_queries: Store[Record] = service._named_queries
run_query: Replaceable[Callable[..., Any]] = Replaceable(service, "_run_duckdb")
sql_list: Callable[[list[str]], str] = service._sql_list
