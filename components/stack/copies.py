"""The plain copies that a stack's transfers load, so that `lake: true` is enough: the pipeline that fills an Iceberg
table keeps a copy of it where a transfer of the stack reads one, and nobody else pays for it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from components.arguments.plain import is_mapping
from components.landing import Landing
from components.shared.run_sources import ICEBERG


def with_copies(
    name: str, kind: str, keys: Mapping[str, Any], pipelines: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The keys of a pipeline, with the copies that other `pipelines` of the stack load from it. What is wrong in any of
    them is left for its own checks."""
    wanted = list(_loaded(name, pipelines))
    if kind == "export":
        return _added(keys, [table for table in wanted if table in _iceberg(keys.get("sources"))])
    landing, catalog = keys.get("landing"), keys.get("catalog")
    if kind == "replication" and isinstance(landing, Landing) and is_mapping(catalog):
        iceberg = [table for table in wanted if table in landing.typed and landing.typed[table].iceberg]
        return {**keys, "catalog": _added(catalog, iceberg)}
    return keys


def _loaded(name: str, pipelines: Mapping[str, Any]) -> Iterator[str]:
    """The tables that transfers take from the lake of that pipeline."""
    for other in pipelines.values():
        if not (is_mapping(other) and other.get("kind") == "bigquery-transfer" and other.get("from") == name):
            continue
        tables = other.get("tables")
        for table, settings in tables.items() if is_mapping(tables) else ():
            if is_mapping(settings) and settings.get("lake") is True:
                yield table


def _iceberg(sources: Any) -> list[Any]:
    listed = cast(list[Any], sources) if isinstance(sources, list) else list[Any]()
    return [
        source.get("dynamodb") for source in listed if is_mapping(source) and source.get("format") == ICEBERG
    ]


def _added(keys: Mapping[str, Any], tables: Sequence[str]) -> Mapping[str, Any]:
    written: Any = keys.get("copies") or list[Any]()
    if not tables or not isinstance(written, list):
        return keys
    return {**keys, "copies": list(dict.fromkeys([*cast(list[Any], written), *tables]))}
