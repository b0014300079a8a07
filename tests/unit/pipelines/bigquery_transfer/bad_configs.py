"""Wrong configs of a BigQuery transfer: what each is, the config, and what its error says."""

from typing import Any

from tests.unit.configs import (
    EXPORT,
    GOOGLE,
    ICED,
    LAKE,
    ORDERS,
    PRODUCTS,
    adopted,
    lake,
    stack,
    typed,
    typed_as,
    warehouse,
)

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a warehouse without a project": (
        {key: value for key, value in warehouse().items() if key != "gcp"},
        "pipelines.shop: the kind 'bigquery-transfer' needs a Google Cloud project; write gcp: {project: <id>",
    ),
    "a schedule under the least interval": (
        warehouse(schedule="every 12 hours"),
        "pipelines.shop.schedule: 'every 12 hours' comes more often than every 24 hours, which is the least that the "
        "Data Transfer Service allows for Amazon S3; write 'every day 05:00'",
    ),
    "a schedule that is none": (
        warehouse(schedule="cron(0 3 * * ? *)"),
        "pipelines.shop.schedule: schedule 'cron(0 3 * * ? *)' is not understood; write 'every 24 hours'",
    ),
    "a weekly load that can't be compared": (
        warehouse(schedule="every monday 05:00"),
        "pipelines.shop.schedule: 'every monday 05:00' is not daily at a time, which the check of each day's load",
    ),
    "a table's name that BigQuery refuses": (
        warehouse(tables={"orders": ORDERS | {"name": "shop.orders"}}),
        "pipelines.shop.tables.orders.name: 'shop.orders' is not a BigQuery table's name (letters, digits, '_', '-' "
        "and spaces, at most 1,017 bytes, as its view's ends in '_latest'); write 'shop_orders'",
    ),
    "a dataset's name that BigQuery refuses": (
        warehouse(dataset="shop-orders"),
        "pipelines.shop.dataset: 'shop-orders' is not a dataset's name",
    ),
    "a location that can't hold the dataset": (
        warehouse(location="europe-west-1"),
        "pipelines.shop.location: no dataset can stand in 'europe-west-1'; did you mean 'europe-west1'?",
    ),
    "a project's location that can't hold the dataset": (
        warehouse() | {"gcp": GOOGLE | {"location": "europe"}},
        "pipelines.shop: no dataset can stand in 'europe'",
    ),
    "a landing without tables": (
        stack(
            gcp=GOOGLE,
            pipelines={
                "shop": {
                    "kind": "bigquery-transfer",
                    "account": "workload",
                    "landing": {"account": "workload", "bucket": "shop-raw", "layout": "objects"},
                    "tables": {"orders": {"columns": {"id": "bigint"}, "keys": ["id"]}},
                }
            },
        ),
        "pipelines.shop.landing: the landing of 'shop-raw' has no tables, so there is nothing to load; name them in",
    ),
    "a table of the landing that is left out": (
        stack(
            gcp=GOOGLE,
            pipelines={
                "lake": EXPORT | {"sources": [{"dynamodb": "orders"}, {"dynamodb": "customers"}]},
                "shop": warehouse()["pipelines"]["shop"],
            },
        ),
        "pipelines.shop.tables: 'customers' of the landing of 'lake' is missing; write customers: {columns: {<name>",
    ),
    "a table that doesn't land": (
        warehouse(tables={"orders": ORDERS, "order": ORDERS}),
        "pipelines.shop.tables: 'order' is not in the landing of 'lake'; did you mean 'orders'?",
    ),
    "a warehouse beside another account": (
        warehouse(account="analytics"),
        "pipelines.shop.account: the landing of 'lake' is in account 111111111111, and this pipeline must "
        "be in the same; write that account's name",
    ),
    "a column of no type": (
        warehouse(tables={"orders": ORDERS | {"columns": {"order_id": "S", "total": "NUMBER"}}}),
        "pipelines.shop.tables.orders: attribute 'total': 'NUMBER' is no DynamoDB type (one of S, N, B",
    ),
    "a key that is no column": (
        warehouse(tables={"orders": ORDERS | {"keys": ["order"]}}),
        "pipelines.shop.tables.orders.keys: 'order' is not a column; did you mean 'order_id'?",
    ),
    "a table without columns": (
        warehouse(tables={"orders": {"keys": ["order_id"]}}),
        "pipelines.shop.tables.orders.columns: missing, and the landing of 'lake' declares none; write {<name>: <typ",
    ),
    "an attribute declared otherwise by the export": (
        typed({"orders": {"keys": ["order_id"], "columns": {"order_id": "S", "total": "S"}}}),
        "pipelines.shop.tables.orders.columns: 'total' is S here, and N as the export declares it; leave it out here",
    ),
    "a column of the lake that the export leaves to the data": (
        typed({"orders": {"lake": True, "keys": ["order_id"], "columns": {"n": "bigint"}}}),
        "pipelines.shop.tables.orders.columns: 'n' is declared here only: its type in the lake is left to the data",
    ),
    "a decimal of PostgreSQL": (
        lake(
            create_key=True,
            sources=[{"rds_instance": "db", "tables": {"shop.public.products": {"price": "decimal(9,2)"}}}],
        ),
        "pipelines.lake.sources[0].tables.shop.public.products.price: RDS exports 'decimal(9,2)' as text; write 'strin",
    ),
    "an unsigned number of PostgreSQL": (
        lake(
            create_key=True,
            sources=[{"rds_instance": "db", "tables": {"shop.public.products": {"id": "bigint unsigned"}}}],
        ),
        "pipelines.lake.sources[0].tables.shop.public.products.id: PostgreSQL has no 'bigint unsigned'; write the type",
    ),
    "a decimal of PostgreSQL, declared at the transfer": (
        typed(
            {"shop.public.products": {"keys": ["id"], "columns": {"price": "numeric(9,2)"}}},
            source={"rds_instance": "db", "tables": {"shop.public.products": {"id": "bigint"}}},
            create_key=True,
        ),
        "pipelines.shop.tables.shop.public.products.columns: 'price': RDS exports 'numeric(9,2)' as text; write",
    ),
    "a time of a database, declared at the transfer": (
        typed(
            {"shop.products": {"keys": ["id"], "columns": {"sold": "date"}}},
            source=PRODUCTS,
            create_key=True,
        ),
        "pipelines.shop.tables.shop.products.columns: 'sold': RDS exports 'date' as text; write 'string'",
    ),
    "a column declared otherwise by the export": (
        typed({"orders": {"lake": True, "keys": ["order_id"], "columns": {"total": "decimal(9,2)"}}}),
        "pipelines.shop.tables.orders.columns: 'total' is decimal(9,2) here, and decimal(38,2) as the export declares",
    ),
    "a database's column declared otherwise by the export": (
        typed(
            {"shop.products": {"keys": ["id"], "columns": {"id": "string"}}}, source=PRODUCTS, create_key=True
        ),
        "pipelines.shop.tables.shop.products.columns: 'id' is string here, and bigint unsigned as the export declares",
    ),
    "a key that is no column of the lake": (
        typed({"orders": {"lake": True, "keys": ["Order_ID"]}}),
        "pipelines.shop.tables.orders.keys: 'Order_ID' is not a column; did you mean 'order_id'?",
    ),
    "the files of incremental exports": (
        typed({"orders": {"keys": ["order_id"]}}, mode="incremental"),
        "pipelines.shop.tables.orders: its exports are incremental, so their files hold changes and not rows; write "
        "lake: true, of which each load is the whole table",
    ),
    "an Iceberg table of a replica without tables": (
        typed(LAKE, source=ICED, through={}),
        "pipelines.shop.tables.orders.lake: the files of an Iceberg table hold deleted rows, too, and 'replica' keeps "
        "no plain copy of it to load; of a replica write catalog: {} there",
    ),
    "the exports of an Iceberg table of increments": (
        typed({"orders": ORDERS}, source=ICED | {"mode": "incremental"}),
        "pipelines.shop.tables.orders: its exports are incremental, so their files hold changes and not rows; write "
        "lake: true, of which each load is the whole table",
    ),
    "the lake of a simple run": (
        typed({"orders": ORDERS | {"lake": True}}, source={"dynamodb": "orders"}, run="simple"),
        "pipelines.shop.tables.orders.lake: the landing of 'lake' has no typed Parquet of it; leave it out",
    ),
    "a lake that is not replicated": (
        typed({"orders": {"lake": True, "keys": ["order_id"]}}, through={}),
        "pipelines.shop.tables.orders.lake: the landing of 'replica' has no typed Parquet of it; leave it out, or "
        "where that is a replica write prefixes: [raw/, lake/] there",
    ),
    "a database's table that is left out": (
        typed({"orders": {"lake": True, "keys": ["order_id"]}}, also=PRODUCTS, create_key=True),
        "pipelines.shop.tables: 'shop.products' of the landing of 'lake' is missing; write shop.products:",
    ),
    "a load before the day's export": (
        typed(LAKE, schedule="cron(0 6 * * ? *)"),
        "pipelines.shop.schedule: the load at 05:00 UTC comes too early for the export of 'lake', which starts at "
        "06:00 UTC (cron(0 6 * * ? *), UTC) and is given 60 minutes; write 'every day 07:00' or later",
    ),
    "a load while the export runs, in another zone": (
        typed(LAKE, schedule="cron(30 13 * * ? *)", timezone="Asia/Tokyo"),
        "pipelines.shop.schedule: the load at 05:00 UTC comes too early for the export of 'lake', which starts at "
        "04:30 UTC (cron(30 13 * * ? *), Asia/Tokyo) and is given 60 minutes; write 'every day 05:30' or later",
    ),
    "a load that is too early in winter only": (
        typed(LAKE, schedule="cron(30 5 * * ? *)", timezone="Europe/Berlin"),
        "pipelines.shop.schedule: the load at 05:00 UTC comes too early for the export of 'lake', which starts at "
        "04:30 UTC (cron(30 5 * * ? *), Europe/Berlin) and is given 60 minutes; write 'every day 05:30' or later",
    ),
    "a load of a replica before the day's export": (
        typed(LAKE, schedule="cron(0 6 * * ? *)", through={"prefixes": ["raw/", "lake/"]}),
        "pipelines.shop.schedule: the load at 05:00 UTC comes too early for the export of 'replica', which starts",
    ),
    "rows identified by a floating-point number": (
        typed_as("double"),
        "pipelines.shop.tables.orders.keys: 'id' is FLOAT64 in BigQuery, by which it does not identify rows; name a "
        "column of BOOL, INT64, NUMERIC, BIGNUMERIC, STRING, DATE, DATETIME, TIMESTAMP, BYTES, TIME",
    ),
    "rows identified by an array": (
        typed_as("array<string>"),
        "pipelines.shop.tables.orders.keys: 'id' is ARRAY<STRING> in BigQuery, by which it does not identify rows",
    ),
    "rows identified by a struct": (
        typed_as("struct<a:int>"),
        "pipelines.shop.tables.orders.keys: 'id' is STRUCT<a INT64> in BigQuery, by which it does not identify rows",
    ),
    "rows identified by JSON": (
        typed_as("json"),
        "pipelines.shop.tables.orders.keys: 'id' is JSON in BigQuery, by which it does not identify rows",
    ),
    "clusters by a floating-point number": (
        typed_as("bigint", also="double", cluster=["also"]),
        "pipelines.shop.tables.orders.cluster: 'also' is FLOAT64 in BigQuery, by which it does not cluster; name a "
        "column of BOOL, INT64, NUMERIC, BIGNUMERIC, STRING, DATE, DATETIME, TIMESTAMP",
    ),
    "clusters by bytes": (
        typed_as("binary", cluster=["id"]),
        "pipelines.shop.tables.orders.cluster: 'id' is BYTES in BigQuery, by which it does not cluster",
    ),
    "clusters by an array": (
        typed_as("bigint", also="array<bigint>", cluster=["also"]),
        "pipelines.shop.tables.orders.cluster: 'also' is ARRAY<INT64> in BigQuery, by which it does not cluster",
    ),
    "clusters by one column twice": (
        typed_as("bigint", cluster=["id", "id"]),
        "pipelines.shop.tables.orders.cluster: 'id' is named twice; leave one out",
    ),
    "attributes that differ in case": (
        warehouse(tables={"orders": {"columns": {"Total": "S", "total": "N"}, "keys": ["Total"]}}),
        "pipelines.shop.tables.orders: attributes 'Total' and 'total' are one name to BigQuery, which ignores case",
    ),
    "a type of an attribute twice": (
        warehouse(tables={"orders": ORDERS | {"columns": {"order_id": "S", "total": "N|N"}}}),
        "pipelines.shop.tables.orders: attribute 'total': 'N|N' names a type twice; write total: 'N'",
    ),
    "a name whose view's is too long": (
        warehouse(tables={"orders": ORDERS | {"name": "a" * 1020}}),
        "bytes, as its view's ends in '_latest'); write 'aaaa",
    ),
    "the lake of a source that declares nothing": (
        typed(
            {"orders": {"lake": True, "keys": ["order_id"], "columns": {"order_id": "string"}}},
            source={"dynamodb": "orders", "create": {"hash_key": {"name": "order_id"}}},
        ),
        "pipelines.shop.tables.orders.lake: 'lake' declares no columns of it, so its Parquet may have some that "
        "BigQuery's table lacks; write columns: {<attribute>: <type>} at its source, or leave",
    ),
    "a key elsewhere than the dataset": (
        warehouse(kms_key_name="projects/shop/locations/eu/keyRings/a/cryptoKeys/b"),
        "pipelines.shop.kms_key_name: the key is in 'eu', and what stands in 'EU' is encrypted with one in 'europe'; "
        "write a key of that location",
    ),
    "a key elsewhere than the copies": (
        warehouse(
            kms_key_name="projects/shop/locations/europe/keyRings/a/cryptoKeys/b",
            storage_transfer={"location": "europe-west1"},
        ),
        "pipelines.shop.storage_transfer.location: the key of 'EU' does not encrypt a bucket in 'europe-west1'; leave",
    ),
    "a key attribute of a type that is none": (
        warehouse(tables={"orders": {"columns": {"order_id": "L"}, "keys": ["order_id"]}}),
        "pipelines.shop.tables.orders.keys: 'order_id' is L; a key attribute is S, N or B",
    ),
    "clusters of an export": (
        warehouse(tables={"orders": ORDERS | {"cluster": ["order_id"]}}),
        "pipelines.shop.tables.orders.cluster: the rows of a DynamoDB export have one column, `Item`",
    ),
    "an export in Parquet": (
        warehouse(file_format="PARQUET"),
        "pipelines.shop.file_format: a DynamoDB export is JSON; leave it out",
    ),
    "two keys of one name": (
        warehouse(access_keys=["1", "1"]),
        "pipelines.shop.access_keys: '1' is named twice; give the new key a name of its own",
    ),
    "three keys": (
        warehouse(access_keys=["1", "2", "3"]),
        "pipelines.shop.access_keys: ['1', '2', '3'] should have at most 2 items",
    ),
    "a key where a role reads": (
        warehouse(access_keys=["1"], storage_transfer={}),
        "pipelines.shop.access_keys: with storage_transfer a role reads the landing, and there is no key;",
    ),
    "copies under the least interval": (
        warehouse(storage_transfer={"every_minutes": 30}),
        "pipelines.shop.storage_transfer.every_minutes: 30 minutes: Storage Transfer Service starts a job once in 60 "
        "minutes at the most; write 60 or more, or event_driven: true",
    ),
    "loads of copies under the least interval": (
        warehouse(storage_transfer={}, schedule="every 10 minutes"),
        "pipelines.shop.schedule: 'every 10 minutes' comes more often than every 15 minutes, which is the least that "
        "the Data Transfer Service allows for Cloud Storage; write 'every 15 minutes'",
    ),
    "copies of exports that drift past the load": (
        warehouse(storage_transfer={"every_minutes": 100}),
        "pipelines.shop.storage_transfer.every_minutes: 100 does not divide a day, so the copies drift past the daily",
    ),
    "a copy that starts with the load": (
        warehouse(storage_transfer={"every_minutes": 60}),
        "pipelines.shop.storage_transfer.start: a copy starts 0 minutes before the load, and may not be there whole; "
        "give it 15 or more: write '00:30'",
    ),
    "a copy's time that is none": (
        warehouse(storage_transfer={"start": "25:00"}),
        "pipelines.shop.storage_transfer.start: '25:00' is not a time of day; write it like '04:00' (UTC)",
    ),
    "an event-driven copy on a schedule": (
        warehouse(storage_transfer={"event_driven": True, "start": "03:00"}),
        "pipelines.shop.storage_transfer.start: an event-driven copy has no schedule; leave it out",
    ),
    "an event-driven copy of a landing without events": (
        warehouse(storage_transfer={"event_driven": True}),
        "pipelines.shop.storage_transfer.event_driven: the landing of 'lake' has no queue of events; write "
        "event_queue: true at 'lake'",
    ),
    "a bucket that can't feed the dataset": (
        warehouse(storage_transfer={"location": "us-east1"}),
        "pipelines.shop.storage_transfer.location: a dataset in 'EU' does not load from a bucket in 'us-east1'",
    ),
    "a bucket beside the European Union": (
        warehouse(storage_transfer={"location": "europe-west2"}),
        "storage_transfer.location: a dataset in 'EU' does not load from a bucket in 'europe-west2'",
    ),
    "a replica of a landing whose notifications are taken": (
        stack(
            pipelines={
                "lake": EXPORT | {"event_queue": True},
                "replica": {
                    "kind": "replication",
                    "account": "analytics",
                    "from": "lake",
                    "create_key": True,
                },
            }
        ),
        "pipelines.replica.landing: S3 keeps one set of event notifications for a bucket, and this pipeline's would "
        "replace those of the queue of 'lake'; leave event_queue out there and write it here",
    ),
    "two that take the same events": (
        stack(
            gcp=GOOGLE,
            pipelines={
                "lake": EXPORT | {"event_queue": True},
                "shop": warehouse(storage_transfer={"event_driven": True})["pipelines"]["shop"],
                "shop-too": warehouse(storage_transfer={"event_driven": True})["pipelines"]["shop"],
            },
        ),
        "pipelines.shop-too.storage_transfer.event_driven: 'shop' already reads this landing's event queue",
    ),
    "a queue of another account": (
        adopted(event_queue_arn="arn:aws:sqs:eu-central-1:333333333333:events"),
        "pipelines.replica.landing.event_queue_arn: 'arn:aws:sqs:eu-central-1:333333333333:events' is not the ARN",
    ),
    "a key of another cloud": (
        warehouse(kms_key_name="arn:aws:kms:eu-central-1:111111111111:key/1"),
        "pipelines.shop.kms_key_name: 'arn:aws:kms:eu-central-1:111111111111:key/1' is not a Cloud KMS key; write",
    ),
    "a project for one pipeline": (
        warehouse(gcp=GOOGLE),
        "pipelines.shop.gcp: the stack's own key, not a pipeline's; write it beside 'pipelines'",
    ),
}
