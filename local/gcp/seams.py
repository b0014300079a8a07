"""What this cloud takes of bqemulator that is private there, under public names: no other module touches it.

pyproject.toml pins bqemulator to the patch; where an upgrade takes a part away, one line here is to be changed
(tests/unit/local/private_names.txt has each part with its signature, and the version that it is of).
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any, TypedDict

from bqemulator.api.routes import jobs, tables, upload
from bqemulator.jobs import executor
from bqemulator.scripting import interpreter
from bqemulator.sql import table_rewriter, translator
from bqemulator.storage import type_map
from bqemulator.storage.engine import DuckDBEngine


class Replacements(TypedDict):
    """What is put in the place of functions of bqemulator that have these names there."""

    fields_of: Callable[[list[dict[str, Any]]], tuple[Any, ...]]  # of a schema in JSON
    field_in_json: Callable[[Any], dict[str, Any]]
    columns_of: Callable[..., Any]  # a schema's, in DuckDB
    load_job: Callable[..., Any]
    tables_in_sql: Callable[[str], str]  # after bqemulator's own rewriting


def install(new: Replacements) -> None:
    """Puts them in; and what is downloaded, and only GEOGRAPHY needs, is not."""
    rewrite = table_rewriter.rewrite_table_refs

    def own_tables(sql: str, project: str) -> str:
        return new["tables_in_sql"](rewrite(sql, project))

    DuckDBEngine._load_spatial = lambda self: None  # pyright: ignore[reportPrivateUsage] - this is the seam
    _replace("_parse_schema_fields", new["fields_of"], tables)
    _replace("_field_to_rest", new["field_in_json"], tables)
    _replace("bq_schema_to_duckdb_columns", new["columns_of"], tables, type_map)
    _replace("execute_load_job", new["load_job"], jobs, upload, executor)
    _replace("rewrite_partition_pseudo_columns", str, translator)
    _replace("rewrite_table_refs", own_tables, executor, interpreter)


def _replace(name: str, new: Callable[..., Any], *modules: ModuleType) -> None:
    for module in modules:
        getattr(module, name)  # fails where another version of bqemulator has no such name
        setattr(module, name, new)


def make_table(
    project: str, dataset: str, table: str, load: dict[str, Any], now: datetime, context: Any
) -> None:
    """The table that a load names and that is not there yet."""
    executor._maybe_create_load_destination(  # pyright: ignore[reportPrivateUsage] - this is the seam
        dest_project=project,
        dest_dataset=dataset,
        dest_table_id=table,
        load_config=load,
        now=now,
        ctx=context,
    )


def file_of(uri: str, context: Any) -> Path:
    """Where the file of a URI lies here."""
    return Path(executor._resolve_uri(uri, context))  # pyright: ignore[reportPrivateUsage] - this is the seam
