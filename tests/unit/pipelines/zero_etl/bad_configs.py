"""Wrong configs of a zero-ETL pipeline: what each is, the config, and what its error says."""

from typing import Any

from tests.unit.configs import EXPORT, ROUTED, SEARCH, search, stack

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no tables": (search(tables=[]), "pipelines.search.tables: [] should have at least 1 item"),
    "an index in capitals": (
        search(tables=[{"name": "orders", "index": {"name": "Orders"}}]),
        "pipelines.search.tables[0].index.name: 'Orders' is not an index's name (1-80 of a-z 0-9",
    ),
    "a table whose name makes no index": (
        search(tables=[{"name": "_orders"}]),
        "pipelines.search.tables[0].index.name: '_orders' is not an index's name; write one of 1-80",
    ),
    "two tables and one index": (
        search(tables=[{"name": "orders"}, {"name": "customers", "index": {"name": "orders"}}]),
        "pipelines.search.tables: the index 'orders' is named twice; each table has an index of its own",
    ),
    "two tables and one part of a body": (
        search(
            tables=[{"name": "shop.orders"}, {"name": "customers"}, {"name": "shop_orders"}],
            pipelines="shared",
        ),
        "pipelines.search.tables: 'shop.orders' and 'shop_orders' would both be the part 'shop-orders' of one "
        "ingestion pipeline, and one would take the other's place; write pipelines: per-table",
    ),
    "a start in the past": (
        search(tables=[{"name": "orders", "start": "yesterday"}]),
        "pipelines.search.tables[0].start: 'yesterday' is not one of 'LATEST' or 'TRIM_HORIZON'",
    ),
    "a deletion that no route would see": (
        search(tables=[{"name": "orders", "only": '/status == "open"'}]),
        "pipelines.search.tables[0].view_on_remove: no attribute of a deleted item is seen, so '/status == \"open\"' "
        "says nothing of it and it would stay in the index; write OLD_IMAGE",
    ),
    "a deletion that no route would see by its key": (
        search(tables=[{"name": "orders", "create": {"hash_key": {"name": "id"}}, "only": '/id != "x"'}]),
        "pipelines.search.tables[0].view_on_remove: no attribute of a deleted item is seen",
    ),
    "a route that is no expression": (
        search(tables=[ROUTED | {"only": '/status === "open"'}]),
        """pipelines.search.tables[0].only: '/status === "open"' is not an expression of Data Prepper: '= "open"' is """
        """not understood; write such as '/status == "open"'""",
    ),
    "a route that is never true": (
        search(tables=[ROUTED | {"only": 'not /status == "open"'}]),
        """pipelines.search.tables[0].only: 'not /status == "open"' is never true: 'not' takes only what stands next """
        "to it, not what '==' compares; write not (…) around that",
    ),
    "a route on what is dropped": (
        search(tables=[ROUTED | {"only": '/address/city == "x"', "drop": ["status", "address"]}]),
        "pipelines.search.tables[0].only: '/address/city' is not seen, as 'address' is dropped before; take it out of "
        "`drop`",
    ),
    "a route on a former name": (
        search(tables=[ROUTED | {"only": '/a/city == "x"', "rename": {"a": "address"}}]),
        "pipelines.search.tables[0].only: '/a/city' is not seen, as 'a' is renamed before; write '/address/city'",
    ),
    "too few units for the tables": (
        search(tables=[{"name": "orders"}, {"name": "customers"}], pipelines="shared", max_units=1),
        "pipelines.search.max_units: 1 for 2 tables in one ingestion pipeline; each shard read at once takes capacity",
    ),
    "more units at least than at most": (
        search(min_units=5),
        "pipelines.search.min_units: 5 is more than max_units, 4",
    ),
    "too many units": (
        search(max_units=97),
        "pipelines.search.max_units: 97 should be less than or equal to 96",
    ),
    "a persistent buffer of what is pulled": (
        search(persistent_buffer=True, min_units=2),
        "pipelines.search.persistent_buffer: OpenSearch Ingestion buffers on disk what is pushed to it, and a table is "
        "pulled; leave it out, as 'acknowledgments' lose no change of a table",
    ),
    "a collection nobody reaches": (
        search(collection={"network": {"public": False}}),
        "pipelines.search.collection.network.vpc_endpoints: nothing could reach the collection",
    ),
    "a reader by name": (
        search(collection={"readers": ["alice"]}),
        "pipelines.search.collection.readers[0]: 'alice' is not the ARN of a role or a user",
    ),
    "a collection of time series": (
        search(
            shared_collection={
                "name": "ticks",
                "arn": "arn:aws:aoss:eu-central-1:111111111111:collection/ticks",
                "endpoint": "https://ticks.eu-central-1.aoss.amazonaws.com",
                "dashboards": "d",
                "type": "TIMESERIES",
            }
        ),
        "pipelines.search.collection_of: a TIMESERIES collection takes no document ids, and items are updated",
    ),
    "a collection described where another's takes the documents": (
        stack(
            pipelines={
                "search": SEARCH,
                "more": SEARCH
                | {
                    "collection_of": "search",
                    "collection": {"standby_replicas": False},
                    "tables": [{"name": "customers"}],
                },
            }
        ),
        "pipelines.more.collection: no collection is made where another pipeline's is used",
    ),
    "a collection of a pipeline that has none": (
        stack(pipelines={"lake": EXPORT, "search": SEARCH | {"collection_of": "lake"}}),
        "pipelines.search.collection_of: 'lake' yields no shared collection; name one of kind 'zero-etl'",
    ),
}
