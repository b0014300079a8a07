"""Wrong configs of an export: what each is, the config, and what its error says."""

from typing import Any

from tests.unit.configs import DECLARED, EXPORT, ICED, RDS, SHOP, database, lake, stack, view

BAD: dict[str, tuple[dict[str, Any], str]] = {
    # a run by a state machine: its sources, windows, catalog and views
    "no source named": (
        lake(sources=[{}]),
        "a source is one of dynamodb, rds_instance and rds_cluster; name one",
    ),
    "two sources in one": (
        lake(sources=[{"dynamodb": "orders", "rds_instance": "shop"}]),
        "a source is one of dynamodb, rds_instance and rds_cluster; name one",
    ),
    "an instance's ARN": (
        database(rds_instance="arn:aws:rds:eu-central-1:1:db:shop"),
        "rds_instance: 'arn:aws:rds:eu-central-1:1:db:shop' is not an instance's or a cluster's identifier",
    ),
    "an identifier with a double hyphen": (database(rds_instance="a--b"), "'a--b' is not an instance's"),
    "rds without a key": (
        lake(sources=[SHOP]),
        "RDS exports nothing without a customer's key; write 'create_key: true'",
    ),
    "only of nothing": (
        database(only=["shop.product"]),
        "only[0]: 'shop.product' matches nothing in 'tables'; did you mean 'shop.products'?",
    ),
    "only with a pattern": (database(only=["shop.*"]), "only[0]: 'shop.*' names no part of a database"),
    "only of a table": (
        lake(sources=[DECLARED | {"only": ["a"]}]),
        "only: not a key of a dynamodb source; leave it out",
    ),
    "columns of a database": (
        database(columns={"a": "string"}),
        "columns: not a key of a rds_instance source",
    ),
    "increments of a database": (
        database(mode="incremental"),
        "mode: a snapshot is exported in full; leave it out",
    ),
    "a snapshot of a table": (
        lake(sources=[DECLARED | {"snapshot": "event"}]),
        "snapshot: not a key of a dynamodb source; leave it out",
    ),
    "a column's type": (
        lake(sources=[DECLARED | {"columns": {"a": "decimal(39,2)"}}]),
        "columns.a: 'decimal(39,2)' is not a type; write one of string, binary, boolean, bigint",
    ),
    "a set of truths": (
        lake(sources=[DECLARED | {"columns": {"a": {"set": "boolean"}}}]),
        "columns.a: {'set': 'boolean'} is not a type; write one of string, binary, boolean, bigint, double, json, "
        "'decimal(p,s)' with p at most 38, {set: string|binary|bigint|double|'decimal(p,s)'}",
    ),
    "more columns than a run hands over": (
        lake(
            sources=[
                DECLARED,
                {"dynamodb": "wide", "columns": {f"attribute_{n}": "string" for n in range(2000)}},
            ]
        ),
        "pipelines.lake.sources[1].columns: 63,086 bytes of JSON with the source's other settings, and a run hands "
        "over 50,000 of one at the most; name fewer",
    ),
    "more columns in all than a run hands over": (
        lake(
            sources=[
                {"dynamodb": f"wide{t}", "columns": {f"attribute_{n}": "string" for n in range(1000)}}
                for t in range(6)
            ]
        ),
        "pipelines.lake.sources: 186,534 bytes of JSON, and a run hands over 150,000 at the most; declare fewer",
    ),
    "a window under 15 minutes": (
        lake(sources=[DECLARED | {"mode": "incremental"}], schedule="rate(10 minutes)"),
        "schedule: 'rate(10 minutes)' runs within 15 minutes of the last run",
    ),
    "a cron under 15 minutes": (
        lake(sources=[DECLARED | {"mode": "incremental"}], schedule="cron(0/5 * * * ? *)"),
        "schedule: 'cron(0/5 * * * ? *)' runs within 15 minutes of the last run",
    ),
    "a simple run of a database": (
        lake(run="simple", create_key=True, sources=[SHOP]),
        "run: 'simple' exports whole DynamoDB tables only; write 'run: state-machine'",
    ),
    "a simple run with a catalog": (
        lake(run="simple", catalog="crawler"),
        "catalog: 'run: simple' fills no catalog; write 'run: state-machine'",
    ),
    "a crawler of a database": (
        lake(catalog="crawler", create_key=True, sources=[SHOP]),
        "catalog: a crawler would make new tables of each RDS export",
    ),
    "Lake Formation without a reader": (
        lake(lake_formation={"readers": []}),
        "lake_formation.readers: ",
    ),
    "a reader that is everybody": (
        lake(lake_formation={"readers": ["IAM_ALLOWED_PRINCIPALS"]}),
        "lake_formation.readers[0]: 'IAM_ALLOWED_PRINCIPALS' is not the ARN of a role or a user in IAM; write",
    ),
    "a reader that is a session": (
        lake(lake_formation={"readers": ["arn:aws:sts::111111111111:assumed-role/analyst/me"]}),
        "lake_formation.readers[0]: 'arn:aws:sts::111111111111:assumed-role/analyst/me' is not the ARN of a role",
    ),
    "a reader of another account": (
        lake(lake_formation={"readers": ["arn:aws:iam::222222222222:role/analyst"]}),
        "lake_formation.readers[0]: 'arn:aws:iam::222222222222:role/analyst' is not of account 111111111111",
    ),
    "a reader twice": (
        lake(lake_formation={"readers": ["arn:aws:iam::111111111111:role/analyst"] * 2}),
        "pipelines.lake.lake_formation.readers: 'arn:aws:iam::111111111111:role/analyst' is named twice; name it once",
    ),
    "a simple run under Lake Formation": (
        lake(run="simple", lake_formation={"readers": ["arn:aws:iam::111111111111:role/analyst"]}),
        "lake_formation: 'run: simple' fills no catalog; write 'run: state-machine'",
    ),
    "two tables of one name": (
        lake(sources=[{"dynamodb": "old", "catalog_name": "b"}, {"dynamodb": "new", "catalog_name": "b"}]),
        "sources: two tables would be 'b' in the catalog; give one of them another name by 'catalog_name'",
    ),
    "a table that is named as another's view": (
        lake(sources=[{"dynamodb": "orders"}, {"dynamodb": "old", "catalog_name": "orders_latest"}]),
        "sources: the table 'orders_latest' and the view on 'orders' would be one name in the catalog; give one of "
        "them another name by 'catalog_name' or 'catalog_names'",
    ),
    "a type that RDS exports as text": (
        lake(sources=[RDS | {"tables": {"shop.orders": {"id": "bigint", "at": "date"}}}], create_key=True),
        "sources[0].tables.shop.orders.at: RDS exports 'date' as text; write 'string'",
    ),
    "a time of PostgreSQL": (
        lake(sources=[RDS | {"tables": {"db.public.t": {"at": "timestamp"}}}], create_key=True),
        "sources[0].tables.db.public.t.at: RDS exports 'timestamp' as text; write 'string'",
    ),
    "a boolean of MySQL": (
        lake(sources=[RDS | {"tables": {"shop.orders": {"paid": "boolean"}}}], create_key=True),
        "sources[0].tables.shop.orders.paid: MySQL's 'boolean' is a tinyint(1), which RDS exports as a number; write "
        "'tinyint'",
    ),
    "a time of MySQL as MySQL writes it": (
        lake(sources=[RDS | {"tables": {"shop.orders": {"at": "datetime(6)"}}}], create_key=True),
        "sources[0].tables.shop.orders.at: RDS exports 'datetime(6)' with microseconds; write 'timestamp'",
    ),
    "an array of RDS": (
        lake(sources=[RDS | {"tables": {"db.public.t": {"tags": "array<string>"}}}], create_key=True),
        "sources[0].tables.db.public.t.tags: RDS exports 'array<string>' as text; write 'string'",
    ),
    "an array of PostgreSQL, as PostgreSQL writes it": (
        lake(sources=[RDS | {"tables": {"db.public.t": {"tags": "text[]"}}}], create_key=True),
        "sources[0].tables.db.public.t.tags: RDS exports 'text[]' as text; write 'string'",
    ),
    "one name for two tables that are named for the catalog only": (
        lake(sources=[RDS | {"catalog_names": {"shop.a": "x", "shop.b": "x"}}], create_key=True),
        "sources: two tables would be 'x' in the catalog; give one of them another name by",
    ),
    "a table named for the catalog only as another's view": (
        lake(sources=[RDS | {"catalog_names": {"shop.a": "x", "shop.b": "x_latest"}}], create_key=True),
        "sources: the table 'x_latest' and the view on 'x' would be one name in the catalog",
    ),
    "a column of RDS that can't be renamed": (
        lake(sources=[RDS | {"tables": {"shop.orders": {"export_date": "string"}}}], create_key=True),
        "tables.shop.orders: column 'export_date' has the name of a column that every table gets, and RDS can't",
    ),
    "columns of RDS that differ in case": (
        lake(sources=[RDS | {"tables": {"shop.orders": {"ID": "int", "id": "int"}}}], create_key=True),
        "tables.shop.orders: column 'ID' and another differ in case only; Glue knows lower case alone",
    ),
    "a table left out and listed": (
        lake(sources=[RDS | {"only": ["shop.a"], "leave_out": ["shop.a"]}], create_key=True),
        "leave_out[0]: 'shop.a' is in only, tables or catalog_names, too; take it away there",
    ),
    "a name for the catalog": (
        lake(sources=[{"dynamodb": "orders", "catalog_name": "Orders"}]),
        "sources[0].catalog_name: 'Orders' is not a name for a table in the catalog",
    ),
    "a reserved name for the catalog": (
        lake(sources=[RDS | {"catalog_names": {"shop.a": "run"}}], create_key=True),
        "sources[0].catalog_names.shop.a: 'run' is not a name for a table in the catalog",
    ),
    "a database's key at a table": (
        lake(sources=[{"dynamodb": "orders", "leave_out": ["a.b"]}]),
        "sources[0].leave_out: not a key of a dynamodb source; leave it out",
    ),
    "a view's column": (
        view("SELECT customer FROM orders_latest"),
        "views.spent: Column 'customer' could not be resolved",
    ),
    "a view's table": (
        view("SELECT 1 FROM order_latest"),
        "views.spent: 'order_latest' is no table of this pipeline",
    ),
    "a view that is no query": (view("DROP TABLE orders"), "views.spent: a view is one SELECT"),
    "a view that is no SQL": (view("SELECT FROM WHERE"), "views.spent: not SQL that Athena reads"),
    "a view of undeclared columns": (
        view("SELECT total FROM orders", columns={}),
        "views.spent: the columns of 'orders' are not declared; declare them at its source",
    ),
    "a view of another database": (
        view("SELECT total FROM other.orders"),
        "'other.orders' is of another database",
    ),
    "a view called as a table": (
        view("SELECT total FROM orders", name="orders_latest"),
        "views.orders_latest: a table of this pipeline is called so; name the view differently",
    ),
    "stale for longer than an alarm can measure": (
        lake(stale_after_hours=169),
        "stale_after_hours: 169 should be less",
    ),
    "stale between two runs": (
        lake(stale_after_hours=24),
        "stale_after_hours: 24, and up to 24 hours lie between two exports of 'orders', so the alarm would ring "
        "between them; write 26 or more, or leave it out",
    ),
    "stale between two snapshots": (
        lake(stale_after_hours=1, schedule="rate(15 minutes)", sources=[DECLARED, SHOP], create_key=True),
        "stale_after_hours: 1, and up to 24 hours lie between two exports of 'shop'",
    ),
    "stale over a weekend": (
        lake(stale_after_hours=26, schedule="cron(0 3 ? * MON-FRI *)"),
        "up to 72 hours lie between two exports of 'orders', so the alarm would ring between them; write 74 or more",
    ),
    "stale within a month": (
        lake(stale_after_hours=168, schedule="cron(0 3 1 * ? *)"),
        "up to 744 hours lie between two exports of 'orders', so the alarm would ring between them; leave it out: an",
    ),
    # export
    "no sources": (lake(sources=[]), "pipelines.lake.sources: [] should have at least 1 item"),
    "sources that are text": (lake(sources="orders"), "pipelines.lake.sources: 'orders' is not a list"),
    "a source that is text": (
        lake(sources=["orders"]),
        "pipelines.lake.sources[0]: 'orders' is not a mapping of keys; expected: What to export: a list of "
        "`{dynamodb: <table>}`, `{rds_instance: <id>}` and `{rds_cluster: <id>}`",
    ),
    "a source's key": (
        lake(sources=[{"dynamo": "orders"}]),
        "pipelines.lake.sources[0].dynamo: no such key; did you mean 'dynamodb'?",
    ),
    "a table's ARN": (
        lake(sources=[{"dynamodb": "arn:aws:dynamodb:x:y:table/orders"}]),
        "pipelines.lake.sources[0].dynamodb: 'arn:aws:dynamodb:x:y:table/orders' is not a table's name",
    ),
    "a table twice": (
        lake(sources=[{"dynamodb": "orders"}, {"dynamodb": "orders"}]),
        "pipelines.lake.sources: 'orders' is named twice; a landing has one folder a table; name it once",
    ),
    "a new table without key": (
        lake(sources=[{"dynamodb": "orders", "create": {}}]),
        "pipelines.lake.sources[0].create.hash_key: missing; expected: The partition key",
    ),
    "a key's type": (
        lake(sources=[{"dynamodb": "orders", "create": {"hash_key": {"name": "id", "type": "M"}}}]),
        "pipelines.lake.sources[0].create.hash_key.type: 'M' is not one of 'S', 'N' or 'B'",
    ),
    "a Unix cron": (
        lake(schedule="0 3 * * *"),
        "pipelines.lake.schedule: '0 3 * * *' is not a schedule; write 'cron(",
    ),
    "a cron with both days": (
        lake(schedule="cron(0 3 1 * MON *)"),
        "pipelines.lake.schedule: 'cron(0 3 1 * MON *)' names both the day of the month and the day of the week",
    ),
    "a cron with no day": (lake(schedule="cron(0 3 ? * ? *)"), "or neither; write '?' for just one of them"),
    "a cron of no time": (
        lake(schedule="cron(99 99 * * ? *)"),
        "pipelines.lake.schedule: 'cron(99 99 * * ? *)' is not a schedule: the minutes '99' must be of 0-59; the hours "
        "'99' must be of 0-23; write such as 'cron(0 16 * * ? *)'",
    ),
    **{
        f"a cron of no time: {cron}": (
            lake(schedule=cron),
            f"pipelines.lake.schedule: '{cron}' is not a schedule: {w}",
        )
        for cron, w in {
            "cron(0 0 0 * ? *)": "the day of the month '0' must be of 1-31",
            "cron(0 0 32W * ? *)": "the day of the month '32W' must be of 1-31",
            "cron(0 0 ?,1 * ? *)": "'?' in the day of the month stands alone",
            "cron(0 0 1 FOO ? *)": "the month 'FOO' must be of 1-12 or JAN-DEC",
            "cron(0 0 ? * 8 *)": "the day of the week '8' must be of 1-7 or SUN-SAT",
            "cron(0 0 ? * 6#6 *)": "the day of the week '6#6' must be of 1-7 or SUN-SAT",
            "cron(0 0 ? * 3#1,6#3 *)": "'3#1' in the day of the week stands alone",
            "cron(0 0 1 1 ? 1969)": "the year '1969' must be of 1970-2199",
            "cron(0/0 0 * * ? *)": "the minutes '0/0' must be of 0-59",
        }.items()
    },
    "a time of once": (
        lake(schedule="at(2030-01-01T00:00:00)"),
        "'at(2030-01-01T00:00:00)' is not a schedule; write",
    ),
    "a crawler at a rate": (
        lake(catalog="crawler", crawler={"schedule": "rate(1 hour)"}),
        "pipelines.lake.crawler.schedule: 'rate(1 hour)': Glue takes no rate and no '#'",
    ),
    "a crawler every minute": (
        lake(catalog="crawler", crawler={"schedule": "cron(* * * * ? *)"}),
        "pipelines.lake.crawler.schedule: 'cron(* * * * ? *)' comes faster than Glue takes, every 5 minutes",
    ),
    "a range that comes within 15 minutes": (
        lake(sources=[DECLARED | {"mode": "incremental"}], schedule="cron(10-30 * * * ? *)"),
        "schedule: 'cron(10-30 * * * ? *)' runs within 15 minutes of the last run",
    ),
    "a sort key that is the partition key": (
        lake(
            sources=[
                {"dynamodb": "orders", "create": {"hash_key": {"name": "id"}, "range_key": {"name": "id"}}}
            ]
        ),
        "pipelines.lake.sources[0].create.range_key.name: 'id' is the partition key already, and DynamoDB takes two",
    ),
    "a rate of zero": (
        lake(schedule="rate(0 hours)"),
        "pipelines.lake.schedule: 'rate(0 hours)' is not a schedule",
    ),
    "a time zone": (
        lake(timezone="Asia/Tokio"),
        "pipelines.lake.timezone: 'Asia/Tokio' is not a time zone; did you mean 'Asia/Tokyo'?",
    ),
    "a key by alias": (
        lake(key_arn="alias/shop"),
        "pipelines.lake.key_arn: 'alias/shop' is not a key's ARN; an alias or an id won't do across accounts",
    ),
    "a key twice": (
        lake(create_key=True, key_arn=f"arn:aws:kms:eu-central-1:111111111111:key/{'a' * 36}"),
        "pipelines.lake: key_arn and create_key: a key is adopted or created, never both; leave one out",
    ),
    "a key of another region": (
        lake(key_arn=f"arn:aws:kms:us-east-1:111111111111:key/{'a' * 36}"),
        "is not in eu-central-1; S3 takes a key of the bucket's own region",
    ),
    "an Iceberg table of a database": (
        database(format="iceberg"),
        "format: not a key of a rds_instance source; leave it out",
    ),
    "an Iceberg table of a simple run": (
        lake(sources=[ICED], run="simple"),
        "sources[0].format: 'run: simple' writes no table; write 'run: state-machine'",
    ),
    "an Iceberg table that a crawler would find": (
        lake(sources=[DECLARED, ICED | {"dynamodb": "iced"}], catalog="crawler"),
        "sources[1].format: a crawler would make a table of the files, deleted rows among them",
    ),
    "an Iceberg table under Lake Formation": (
        lake(sources=[ICED], lake_formation={"readers": ["arn:aws:iam::111111111111:role/analyst"]}),
        "lake_formation: the run writes an Iceberg table's files with its own rights",
    ),
    "days of a past that no table has": (
        lake(past_days=7),
        "pipelines.lake.past_days: no source has 'format: iceberg', and no other table has a past; leave it out",
    ),
    "commits to a table that nobody compacts": (
        lake(compact_after=5),
        "pipelines.lake.compact_after: no source has 'format: iceberg', and nothing is compacted; leave it out",
    ),
    "sizes of runs that nobody merges": (
        lake(merge_beyond={"changes_mb": 0}),
        "pipelines.lake.merge_beyond: no source has 'format: iceberg', and nothing is merged; leave it out",
    ),
    "a copy of a table that is Parquet": (
        lake(sources=[DECLARED], copies=["orders"]),
        "pipelines.lake.copies[0]: 'orders' is no Iceberg table, and any other is Parquet by itself; leave it out",
    ),
    "a copy of no table": (
        lake(sources=[ICED], copies=["order"]),
        "pipelines.lake.copies[0]: 'order' is not one of the Iceberg tables; did you mean 'orders'?",
    ),
    "more copies than the environment of the function holds": (
        lake(
            sources=[ICED | {"dynamodb": f"{n:02}{'a' * 200}"} for n in range(20)],
            copies=[f"{n:02}{'a' * 200}" for n in range(20)],
        ),
        "pipelines.lake.copies: 4,120 bytes of JSON, and the environment of the function that writes them holds 3,500",
    ),
    "a format that is none": (lake(sources=[ICED | {"format": "delta"}]), "format"),
    "a move after the end": (
        lake(lifecycle={"infrequent_days": 60, "expire_days": 60}),
        "pipelines.lake.lifecycle.infrequent_days: 60 is not before expire_days, 60; lower it, or leave it out",
    ),
    "days of no lifecycle": (
        lake(lifecycle={"expire_days": 0}),
        "pipelines.lake.lifecycle.expire_days: 0 should be greater than or equal to 1",
    ),
    "too early for infrequent access": (
        lake(lifecycle={"infrequent_days": 7}),
        "pipelines.lake.lifecycle.infrequent_days: 7 should be greater than or equal to 30",
    ),
    "an export that takes a landing": (
        stack(pipelines={"lake": EXPORT, "more": EXPORT | {"from": "lake"}}),
        "pipelines.more.from: no landing is taken by the kind 'export'; leave it out",
    ),
}
