"""A wrong config is refused with its path, what was found, what is expected, and what to write."""

import copy
import re
from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from components.arguments import Refused
from components.stack import settings
from components.stack.kinds import KINDS
from tests.recording import stack_config

WORKLOAD = {"id": "111111111111", "region": "eu-central-1"}
ANALYTICS = {"id": "222222222222", "region": "eu-central-1"}
EXPORT = {"kind": "export", "account": "workload", "sources": [{"dynamodb": "orders"}]}
SEARCH = {"kind": "zero-etl", "account": "workload", "tables": [{"name": "orders"}]}
KEYED = EXPORT | {"create_key": True}
REPLICA = {"kind": "replication", "account": "analytics", "from": "lake"}


def stack(**changes: Any) -> dict[str, Any]:
    config = {
        "accounts": {"workload": dict(WORKLOAD), "analytics": dict(ANALYTICS)},
        "pipelines": {"lake": copy.deepcopy(EXPORT), "replica": copy.deepcopy(REPLICA)},
    }
    return config | changes


def lake(**keys: Any) -> dict[str, Any]:
    return stack(pipelines={"lake": EXPORT | keys})


def replica(upstream: dict[str, Any] = EXPORT, **keys: Any) -> dict[str, Any]:
    return stack(pipelines={"lake": upstream, "replica": REPLICA | keys})


def ticks(**keys: Any) -> dict[str, Any]:
    return stack(pipelines={"ticks": {"kind": "firehose", "account": "workload", "index": "ticks"} | keys})


def accounts(**keys: Any) -> dict[str, Any]:
    return stack(accounts={"workload": WORKLOAD | keys, "analytics": ANALYTICS})


def search(**keys: Any) -> dict[str, Any]:
    return stack(pipelines={"search": SEARCH | keys})


QUOTES = {"kind": "firehose", "account": "workload", "index": "quotes"}
OF_QUOTES = QUOTES | {"index": "ticks", "collection_of": "quotes"}
ANALYST = "arn:aws:iam::111111111111:role/analyst"
ROUTED = {"name": "orders", "view_on_remove": "OLD_IMAGE"}
ORDERS = {"columns": {"order_id": "S", "total": "N"}, "keys": ["order_id"]}
GOOGLE = {"project": "shop-analytics", "location": "EU"}


RDS: dict[str, Any] = {"rds_instance": "shop"}


def warehouse(**keys: Any) -> dict[str, Any]:
    pipeline = {
        "kind": "bigquery-transfer",
        "account": "workload",
        "from": "lake",
        "tables": {"orders": ORDERS},
    }
    return stack(gcp=GOOGLE, pipelines={"lake": EXPORT, "shop": pipeline | keys})


PRODUCTS = {"rds_instance": "db", "tables": {"shop.products": {"id": "bigint unsigned"}}}
LAKE = {"orders": {"lake": True, "keys": ["order_id"]}}


def typed(
    tables: dict[str, Any],
    *,
    source: dict[str, Any] | None = None,
    also: dict[str, Any] | None = None,
    mode: str = "full",
    through: dict[str, Any] | None = None,
    load: str = "every day 05:00",
    **keys: Any,
) -> dict[str, Any]:
    """A transfer of an export with a catalog, or of its replica."""
    declared = {"order_id": "string", "total": "decimal(38,2)"}
    orders = source or {"dynamodb": "orders", "mode": mode, "columns": declared}
    lake = {"kind": "export", "account": "workload", "sources": [orders, *([also] if also else [])]} | keys
    replica = {"kind": "replication", "account": "analytics", "from": "lake"} | (through or {})
    shop = {"kind": "bigquery-transfer", "tables": tables, "schedule": load} | (
        {"from": "lake", "account": "workload"}
        if through is None
        else {"from": "replica", "account": "analytics"}
    )
    found = {"lake": lake, "shop": shop} | ({} if through is None else {"replica": replica})
    return stack(gcp=GOOGLE, pipelines=found)


def typed_as(id: str, *, cluster: Sequence[str] = (), **columns: str) -> dict[str, Any]:
    """A transfer of plain files whose key column `id` is of that type."""
    landing = {"account": "workload", "bucket": "shop-files", "tables": ["orders"], "layout": "objects"}
    orders = {"columns": {"id": id} | columns, "keys": ["id"], "cluster": [*cluster]}
    shop = {
        "kind": "bigquery-transfer",
        "account": "workload",
        "landing": landing,
        "tables": {"orders": orders},
    }
    return stack(gcp=GOOGLE, pipelines={"shop": shop})


def adopted(**keys: Any) -> dict[str, Any]:
    landing = {"bucket": "shop-raw", "account": "workload", "layout": "objects"} | keys
    return stack(pipelines={"replica": {"kind": "replication", "account": "analytics", "landing": landing}})


SHOP = {"rds_instance": "shop", "tables": {"shop.products": {"product_id": "bigint"}}}
DECLARED = {"dynamodb": "orders", "columns": {"customer_id": "string", "total": "decimal(38,2)"}}


def database(**keys: Any) -> dict[str, Any]:
    return lake(create_key=True, sources=[SHOP | keys])


def view(sql: str, name: str = "spent", **source: Any) -> dict[str, Any]:
    return lake(sources=[DECLARED | source], views={name: sql})


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
        "pipelines.lake.sources[1].columns: 63,061 bytes of JSON with the source's other settings, and a run hands "
        "over 50,000 of one at the most; name fewer",
    ),
    "more columns in all than a run hands over": (
        lake(
            sources=[
                {"dynamodb": f"wide{t}", "columns": {f"attribute_{n}": "string" for n in range(1000)}}
                for t in range(6)
            ]
        ),
        "pipelines.lake.sources: 186,384 bytes of JSON, and a run hands over 150,000 at the most; declare fewer",
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
        lake(
            sources=[RDS | {"tables": {"shop.orders": {"id": "bigint", "at": "timestamp"}}}], create_key=True
        ),
        "sources[0].tables.shop.orders.at: RDS exports 'timestamp' as text; write 'string'",
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
        "tables.shop.orders: column 'export_date' is called as a column that every table has, and RDS writes the file",
    ),
    "columns of RDS that differ in case": (
        lake(sources=[RDS | {"tables": {"shop.orders": {"ID": "int", "id": "int"}}}], create_key=True),
        "tables.shop.orders: column 'ID' differs from another in its case only",
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
    # the stack's own keys
    "no accounts": ({"pipelines": {}}, "accounts: missing; expected: The AWS accounts by name"),
    "empty accounts": (
        {"accounts": {}},
        'accounts: empty; write at least one: {workload: {id: "<12 digits>"',
    ),
    "accounts a list": ({"accounts": [1]}, "accounts: [1] is not a mapping of keys"),
    "unknown key": (stack(pipeline={}), "pipeline: no such key; did you mean 'pipelines'?"),
    "unknown key far off": (stack(zzz=1), "zzz: no such key; known: accounts, alarms, functions, gcp"),
    "a function's runtime": (
        stack(functions={"runtime": "node22"}),
        "functions.runtime: 'node22' is not one of 'python3.11', 'python3.12', 'python3.13' or 'python3.14'",
    ),
    "a Python that Lambda has not": (
        stack(functions={"runtime": "python3.99"}),
        "functions.runtime: 'python3.99' is not one of 'python3.11', 'python3.12', 'python3.13' or 'python3.14'; did",
    ),
    "a function's architecture": (
        stack(functions={"architecture": "x86"}),
        "functions.architecture: 'x86' is not one of 'arm64' or 'x86_64'; did you mean 'x86_64'?",
    ),
    "a log's retention": (
        stack(functions={"log_retention_days": 31}),
        "functions.log_retention_days: 31 is not one of 1, 3, 5, 7, 14, 30",
    ),
    "an e-mail": (stack(alarms={"emails": ["nobody"]}), "alarms.emails[0]: 'nobody' should match"),
    "alarms misspelt": (
        stack(alarms={"email": ["a@b"]}),
        "alarms.email: no such key; did you mean 'emails'?",
    ),
    "a tag's value": (
        stack(tags={"team": 7}),
        'tags.team: 7 is a number, text is expected; write it in quotes: "7"',
    ),
    "a tag's value that YAML read as an octal number": (
        stack(tags={"team": yaml.safe_load("007123")}),
        'tags.team: 3667 is a number, text is expected; write it in quotes: "3667", or "07123" if it began with 0',
    ),
    "a tag's value whose last digit YAML lost": (
        stack(tags={"release": yaml.safe_load("1.10")}),
        "tags.release: YAML has read 1.1, text is expected; write it in quotes, as it stands in the file",
    ),
    "a tag's value that YAML read as a truth": (
        stack(tags={"team": yaml.safe_load("no")}),
        "tags.team: YAML has read False, text is expected; write it in quotes, as it stands in the file",
    ),
    "a tag of AWS's own": (
        stack(tags={"AWS:team": "shop"}),
        "tags.AWS:team: 'AWS:team' is not a tag's key (1-128 of letters, digits, spaces and '_.:/=+-@'; 'aws:' and",
    ),
    "a tag's key too long": (stack(tags={"k" * 129: "shop"}), f"'{'k' * 129}' is not a tag's key (1-128 of"),
    "a tag's value too long": (
        stack(tags={"team": "v" * 257}),
        f"tags.team: '{'v' * 257}' is not a tag's value",
    ),
    "a tag's value of signs": (
        stack(tags={"team": "a;b"}),
        "tags.team: 'a;b' is not a tag's value (at most 256 of",
    ),
    "too many tags": (stack(tags={f"t{n}": "" for n in range(49)}), "should have at most 48 items"),
    "a tag that is no label": (
        stack(gcp={"project": "shop-analytics", "location": "EU"}, tags={"Team": "shop"}),
        "tags.Team: 'Team: shop' can't be a label, which a tag becomes at Google Cloud",
    ),
    "retain_data": (stack(retain_data="perhaps"), "retain_data: 'perhaps' should be a valid boolean"),
    "gcp without location": (
        stack(gcp={"project": "shop-analytics"}),
        "gcp.location: missing; expected: Where datasets",
    ),
    "gcp project": (stack(gcp={"project": "Shop", "location": "EU"}), "gcp.project: 'Shop' should match"),
    # accounts
    "an id without quotes": (
        accounts(id=111111111111),
        'accounts.workload.id: 111111111111 is a number, text is expected; write it in quotes: "111111111111"',
    ),
    "an account's id that YAML read as an octal number": (
        accounts(id=yaml.safe_load("012345670123")),
        'loses them; if it was 012345670123, write "012345670123"',
    ),
    "a landing's key by its alias": (
        stack(
            pipelines={
                "replica": {
                    "kind": "replication",
                    "account": "analytics",
                    "landing": {
                        "account": "workload",
                        "bucket": "shop-raw",
                        "key_arn": "arn:aws:kms:eu-central-1:111111111111:alias/lake",
                    },
                }
            }
        ),
        "landing.key_arn: 'arn:aws:kms:eu-central-1:111111111111:alias/lake' is not a key's ARN, and a policy takes no",
    ),
    "a short id": (
        accounts(id="1234"),
        "accounts.workload.id: '1234' is not an account id; write its 12 digits",
    ),
    "a region": (
        accounts(region="frankfurt"),
        "accounts.workload.region: 'frankfurt' should match pattern '^[a-z]{2}(-[a-z]+){1,3}-[0-9]$'; expected: The "
        "region that the account's resources stand in, like 'eu-central-1'",
    ),
    "a role": (
        accounts(role="deploy"),
        "accounts.workload.role: 'deploy' is not a role's ARN; write 'arn:aws:iam::<account id>:role/<name>'",
    ),
    "a role of another account": (
        accounts(role="arn:aws:iam::333333333333:role/deploy"),
        "accounts.workload.role: 'arn:aws:iam::333333333333:role/deploy' is not of account 111111111111; name",
    ),
    "an account's key": (accounts(rgion="x"), "accounts.workload.rgion: no such key; did you mean 'region'?"),
    "an account that is text": (
        stack(accounts={"workload": "111111111111", "analytics": ANALYTICS}),
        "accounts.workload: '111111111111' is not a mapping of keys; expected: {id, region, role}",
    ),
    "an account's name": (
        stack(accounts={"Work load": WORKLOAD}, pipelines={}),
        "accounts.Work load: 'Work load' is not a name (2-30 of a-z, 0-9, '-', starting with a letter)",
    ),
    # any pipeline
    "a pipeline's name": (
        stack(pipelines={"Shop_Lake": EXPORT}),
        "pipelines.Shop_Lake: 'Shop_Lake' is not a pipeline's name (2-30 of a-z, 0-9, '-', starting with a letter); "
        "write 'shop-lake'",
    ),
    "a pipeline that is text": (
        stack(pipelines={"lake": "export"}),
        "pipelines.lake: 'export' is not a mapping",
    ),
    "a pipeline's name that suggests no other": (
        stack(pipelines={"x": EXPORT}),
        "pipelines.x: 'x' is not a pipeline's name (2-30 of a-z, 0-9, '-', starting with a letter)",
    ),
    "no kind": (
        stack(pipelines={"lake": {}}),
        f"pipelines.lake.kind: None is not a kind of pipeline; known: {', '.join(sorted(KINDS))}",
    ),
    "an unknown kind": (
        lake(kind="exports"),
        "pipelines.lake.kind: 'exports' is not a kind of pipeline; did you mean 'export'?",
    ),
    "an unknown account": (
        lake(account="workloads"),
        "pipelines.lake.account: 'workloads' is not an account of this stack; did you mean 'workload'?; "
        "known: analytics, workload",
    ),
    "no account of two": (
        stack(pipelines={"lake": {"kind": "export", "sources": [{"dynamodb": "orders"}]}}),
        "pipelines.lake.account: missing; write one of analytics, workload",
    ),
    "an unknown argument": (
        lake(scedule="x"),
        "pipelines.lake.scedule: no such key; did you mean 'schedule'?",
    ),
    "a key of the stack": (
        lake(retain_data=True),
        "pipelines.lake.retain_data: the stack's own key, not a pipeline's; write it beside 'pipelines'",
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
    # replication
    "neither from nor landing": (
        stack(pipelines={"replica": {"kind": "replication", "account": "analytics"}}),
        "pipelines.replica.from: one landing is taken; write either 'from: <pipeline>' or 'landing: {",
    ),
    "both from and landing": (
        replica(landing={"bucket": "b", "account": "workload"}),
        "pipelines.replica.from: one landing is taken",
    ),
    "from an unknown pipeline": (
        replica(**{"from": "lakes"}),
        "pipelines.replica.from: 'lakes' is not a pipeline of this stack; did you mean 'lake'?",
    ),
    "a ring of pipelines": (
        stack(
            pipelines={
                "a1": REPLICA | {"from": "b1"},
                "b1": REPLICA | {"from": "a1"},
            }
        ),
        "feed each other; one of them must start from a source",
    ),
    "only events of single puts": (
        replica(events=["s3:ObjectCreated:Put"]),
        "pipelines.replica.events: s3:ObjectCreated:Put never fires for an export: its files are written by "
        "multipart upload, whose event is s3:ObjectCreated:CompleteMultipartUpload; write ['s3:ObjectCreated:*']",
    ),
    "an event in another": (
        replica(events=["s3:ObjectCreated:*", "s3:ObjectCreated:Put"]),
        "pipelines.replica.events: s3:ObjectCreated:*, s3:ObjectCreated:Put overlap, and S3 takes an event once",
    ),
    "reports that would be replicated": (
        adopted(prefix="", account="workload")
        | {
            "pipelines": {
                "replica": {
                    "kind": "replication",
                    "account": "analytics",
                    "take_over": True,
                    "existing_objects": True,
                    "landing": {"bucket": "shop-raw", "account": "workload", "layout": "objects"},
                }
            }
        },
        "pipelines.replica.existing_objects: the job writes its reports below 'backfill/' of the landing's bucket",
    ),
    "prefixes that do not fit into the variables of the backfill's function": (
        replica(existing_objects=True, prefixes=[f"raw/{'x' * 800}{n}/" for n in range(5)]),
        "pipelines.replica.existing_objects: the prefixes are 4,050 bytes of JSON, and the environment of the function "
        "that makes the job holds 3,500 of them; write fewer or shorter ones",
    ),
    "an event of a removal": (
        replica(events=["s3:ObjectRemoved:*"]),
        "pipelines.replica.events: 's3:ObjectRemoved:*' is not an event of a new object",
    ),
    "a customer's key and none for the replica": (
        replica(upstream=KEYED),
        "pipelines.replica.create_key: the landing of 'lake' is encrypted with a customer's key, and S3 replicates",
    ),
    "a key that would never be used": (
        replica(create_key=True),
        "pipelines.replica.create_key: the landing of 'lake' is encrypted with SSE-S3, and a replica keeps",
    ),
    "a replica's key in the sending account": (
        replica(upstream=KEYED, key_arn=f"arn:aws:kms:eu-central-1:111111111111:key/{'a' * 36}"),
        "encrypts replicas, so it stands where they do; name a key of account 222222222222 in eu-central-1",
    ),
    "a replica's key in another region": (
        replica(upstream=KEYED, key_arn=f"arn:aws:kms:us-east-1:222222222222:key/{'a' * 36}"),
        "encrypts replicas, so it stands where they do; name a key of account 222222222222 in eu-central-1",
    ),
    "a prefix outside the landing": (
        replica(prefixes=["orders/"]),
        "pipelines.replica.prefixes: 'orders/' lies outside the landing; write prefixes that start with 'raw/'",
    ),
    "prefixes that overlap": (
        replica(prefixes=["raw/", "raw/orders/"]),
        "pipelines.replica.prefixes: another one starts with 'raw/', and S3 refuses notifications that overlap",
    ),
    "the same prefix twice": (replica(prefixes=["raw/a/", "raw/a/"]), "another one starts with 'raw/a/'"),
    "a replica in another partition": (
        stack(accounts={"workload": WORKLOAD, "analytics": ANALYTICS | {"region": "cn-north-1"}}),
        "pipelines.replica.account: cn-north-1 and eu-central-1 are in two partitions of AWS",
    ),
    "a replica of a replica": (
        stack(pipelines={"lake": EXPORT, "replica": REPLICA, "further": REPLICA | {"from": "replica"}}),
        "pipelines.further.from: 'replica' holds replicas, and S3 does not replicate those again; name a pipeline of",
    ),
    "too few attempts": (
        replica(attempts=1),
        "pipelines.replica.attempts: 1 should be greater than or equal to 3",
    ),
    "no prefix": (replica(prefixes=[]), "pipelines.replica.prefixes: [] should have at least 1 item"),
    "an adopted bucket's account": (
        adopted(account="warehouse"),
        "pipelines.replica.landing.account: 'warehouse' is not an account of this stack",
    ),
    "an adopted bucket's layout": (
        adopted(layout="parquet"),
        "pipelines.replica.landing.layout: 'parquet' is not one of 'dynamodb-export' or 'objects'",
    ),
    "an adopted bucket by ARN": (
        adopted(bucket="arn:aws:s3:::shop-raw"),
        "pipelines.replica.landing.bucket: 'arn:aws:s3:::shop-raw' is not a bucket's name (3-63 of a-z 0-9 '-' '.')",
    ),
    "an adopted bucket's prefix": (
        adopted(prefix="raw"),
        "pipelines.replica.landing.prefix: 'raw' is not a prefix; write one that ends in '/'",
    ),
    "an adopted bucket's schedule": (
        adopted(schedule="daily"),
        "pipelines.replica.landing.schedule: 'daily' is not a schedule; write 'cron(minutes hours",
    ),
    "an adopted bucket's key": (
        adopted(key_arn="my-key"),
        "pipelines.replica.landing.key_arn: 'my-key' is not a key's ARN, and a policy takes no alias; write 'arn:aws",
    ),
    "an adopted bucket without a name": (
        adopted(bucket=None),
        "pipelines.replica.landing.bucket: None is not text",
    ),
    # firehose
    "an index of too many letters": (
        ticks(index="t" * 81),
        f"pipelines.ticks.index: '{'t' * 81}' is not an index's name (1-80 of a-z 0-9 '_' '-' '.'",
    ),
    "a firehose without an index": (
        stack(pipelines={"ticks": {"kind": "firehose", "account": "workload"}}),
        "pipelines.ticks.index: missing; expected: The index that records go to",
    ),
    **{
        f"{key} {value}": (
            ticks(**{key: value}),
            f"pipelines.ticks.{key}: {value} is not {within}, the range that Firehose takes",
        )
        for key, value, within in (
            ("buffer_seconds", 901, "0-900 seconds"),
            ("buffer_seconds", -1, "0-900 seconds"),
            ("buffer_mb", 0, "1-100 MB"),
            ("buffer_mb", 101, "1-100 MB"),
            ("retry_seconds", 7201, "0-7200 seconds"),
            ("retry_seconds", -1, "0-7200 seconds"),
        )
    },
    **{
        f"document ids {value!r}": (
            ticks(document_ids=value),
            "pipelines.ticks.document_ids: a TIMESERIES collection takes no document ids: each record becomes a new "
            "document; leave it out, or, to update documents by id, take a pipeline of kind 'zero-etl'",
        )
        for value in ("/id", True, ["id"])
    },
    "an index rotation": (
        ticks(index_rotation="OneDay"),
        "pipelines.ticks.index_rotation: Firehose has no index rotation for OpenSearch Serverless, which keeps one "
        "index in shape by itself; leave it out, and write 'retention: 90d' for old documents to go",
    ),
    **{
        f"a retention of {value}": (
            ticks(retention=value),
            f"pipelines.ticks.retention: '{value}' is not 24h to 3650d; write hours or days, such as '36h' or '90d'",
        )
        for value in ("23h", "3651d", "1w", "0d", "day")
    },
    "a backup of nothing": (
        ticks(backup="None"),
        "pipelines.ticks.backup: 'None' is not one of 'FailedDocumentsOnly' or 'AllDocuments'",
    ),
    "a stream by its ARN": (
        ticks(stream={"adopt": "arn:aws:kinesis:eu-central-1:111111111111:stream/ticks"}),
        "pipelines.ticks.stream.adopt: 'arn:aws:kinesis:eu-central-1:111111111111:stream/ticks' is not a stream's name",
    ),
    "a stream adopted and changed": (
        ticks(stream={"adopt": "ticks", "shards": 2}),
        "pipelines.ticks.stream.adopt: an existing stream is never changed; leave out shards and retention_hours",
    ),
    "a stream kept for less than a day": (
        ticks(stream={"retention_hours": 23}),
        "pipelines.ticks.stream.retention_hours: 23 should be greater than or equal to 24",
    ),
    "a firehose into a closed collection, from outside of its network": (
        ticks(collection={"network": {"public": False, "vpc_endpoints": ["vpce-0a1"]}}),
        "pipelines.ticks.vpc: the collection is reached through VPC endpoints only, so Firehose and the function that "
        "makes the index must stand in that network; write vpc: {subnet_ids, security_group_ids}",
    ),
    "a firehose into another's closed collection, from outside of its network": (
        stack(
            pipelines={
                "quotes": {
                    "kind": "firehose",
                    "account": "workload",
                    "index": "quotes",
                    "collection": {"network": {"public": False, "vpc_endpoints": ["vpce-0a1"]}},
                    "vpc": {"subnet_ids": ["subnet-0a000001"], "security_group_ids": ["sg-0b000001"]},
                },
                "ticks": {"kind": "firehose", "account": "workload", "index": "t", "collection_of": "quotes"},
            }
        ),
        "pipelines.ticks.vpc: the collection is reached through VPC endpoints only",
    ),
    "half a network": (
        ticks(vpc={"subnet_ids": ["subnet-0a000001"]}),
        "pipelines.ticks.vpc.security_group_ids: ",
    ),
    "a network without subnets": (
        ticks(vpc={"subnet_ids": [], "security_group_ids": ["sg-0b000001"]}),
        "pipelines.ticks.vpc.subnet_ids: [] should have at least 1 item",
    ),
    "a network without security groups": (
        ticks(vpc={"subnet_ids": ["subnet-0a000001"], "security_group_ids": []}),
        "pipelines.ticks.vpc.security_group_ids: [] should have at least 1 item",
    ),
    "a security group where a subnet belongs": (
        ticks(vpc={"subnet_ids": ["sg-0b000001"], "security_group_ids": ["sg-0b000001"]}),
        "pipelines.ticks.vpc.subnet_ids[0]: 'sg-0b000001' ",
    ),
    "a firehose into a collection of documents with ids": (
        stack(
            pipelines={
                "search": SEARCH,
                "ticks": {"kind": "firehose", "account": "workload", "index": "t", "collection_of": "search"},
            }
        ),
        "pipelines.ticks.collection_of: a stream's records have no ids and need a collection of type TIMESERIES",
    ),
    "a retention in another's collection": (
        stack(
            pipelines={
                "quotes": {"kind": "firehose", "account": "workload", "index": "quotes"},
                "ticks": {
                    "kind": "firehose",
                    "account": "workload",
                    "index": "ticks",
                    "collection_of": "quotes",
                    "retention": "9d",
                },
            }
        ),
        "pipelines.ticks.retention: documents of another pipeline's collection are kept as that pipeline says",
    ),
    "a collection described where another's is used": (
        stack(pipelines={"quotes": QUOTES, "ticks": OF_QUOTES | {"collection": {"readers": [ANALYST]}}}),
        "pipelines.ticks.collection: no collection is made where another pipeline's is used; write it with that "
        "pipeline, or leave out collection_of",
    ),
    "a collection of another account": (
        stack(pipelines={"quotes": QUOTES, "ticks": OF_QUOTES | {"account": "analytics"}}),
        "pipelines.ticks.collection_of: the collection of 'quotes' stands in 111111111111, eu-central-1, and the "
        "policies on it would be made in 222222222222, eu-central-1; name a pipeline of this account and region, or",
    ),
    "a collection of another region": (
        stack(
            accounts={"workload": WORKLOAD, "far": WORKLOAD | {"region": "us-east-1"}},
            pipelines={"quotes": QUOTES, "ticks": OF_QUOTES | {"account": "far"}},
        ),
        "pipelines.ticks.collection_of: the collection of 'quotes' stands in 111111111111, eu-central-1, and the "
        "policies on it would be made in 111111111111, us-east-1",
    ),
    "one index of two streams": (
        stack(pipelines={"quotes": QUOTES, "ticks": OF_QUOTES | {"index": "quotes"}}),
        "pipelines.ticks.index: the index 'quotes' of this collection is written by 'quotes' already; write another",
    ),
    "one index of two pipelines of tables, through a third": (
        stack(
            pipelines={
                "search": SEARCH,
                "more": SEARCH | {"collection_of": "search", "tables": [{"name": "customers"}]},
                "most": SEARCH
                | {
                    "collection_of": "more",
                    "tables": [{"name": "returns"}, {"name": "archive", "index": {"name": "orders"}}],
                },
            }
        ),
        "pipelines.most.tables[1].index.name: the index 'orders' of this collection is written by 'search' already",
    ),
    "a dashboards reader by name": (
        ticks(dashboards={"assumed_by": ["alice"]}),
        "pipelines.ticks.dashboards.assumed_by[0]: 'alice' is not the ARN of a role, a user or an account",
    ),
    "another account as a whole": (
        ticks(dashboards={"assumed_by": ["arn:aws:iam::999999999999:root"]}),
        "pipelines.ticks.dashboards.assumed_by[0]: 'arn:aws:iam::999999999999:root' is another account as a whole",
    ),
    "a replay at no time": (
        ticks(replay_schedule="hourly"),
        "pipelines.ticks.replay_schedule: 'hourly' is not a schedule; write 'cron(minutes hours",
    ),
    "an adopted bucket that is not given over": (
        adopted(),
        "pipelines.replica.take_over: the bucket 'shop-raw' was not made by this program, and this pipeline replaces",
    ),
    "more prefixes than a policy holds": (
        replica(prefixes=[f"raw/{n}/" for n in range(51)]),
        "pipelines.replica.prefixes: ",
    ),
    # zero-etl
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
        "pulled; leave it out: with 'acknowledgments' a change is read again until it is indexed",
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
    # BigQuery transfer
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
        "pipelines.shop.schedule: 'every monday 05:00' is not daily at a time, which the comparison of each day's",
    ),
    "a table's name that BigQuery refuses": (
        warehouse(tables={"orders": ORDERS | {"name": "shop.orders"}}),
        "pipelines.shop.tables.orders.name: 'shop.orders' is not a BigQuery table's name (letters, digits, '_', '-' "
        "and spaces, at most 1,017 bytes, as its view's ends in '_latest'); write 'shop_orders'",
    ),
    "a dataset's name that BigQuery refuses": (
        warehouse(dataset="shop-orders"),
        "pipelines.shop.dataset: 'shop-orders' should match",
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
        "pipelines.shop.account: the landing of 'lake' is in account 111111111111, and who reads it stands "
        "beside it; write that account's name",
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
        "pipelines.shop.tables.orders.columns: 'n' is declared here only, and its type in the lake is left to the data",
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
            {"shop.products": {"keys": ["id"], "columns": {"sold": "timestamp"}}},
            source=PRODUCTS,
            create_key=True,
        ),
        "pipelines.shop.tables.shop.products.columns: 'sold': RDS exports 'timestamp' as text; write 'string'",
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
        "pipelines.shop.tables.orders.lake: 'lake' declares no columns of it, so its Parquet has those that are found "
        "in the data, which BigQuery's table would lack; write columns: {<attribute>: <type>} at its source, or leave",
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
        "replace those that fill the queue of 'lake'; leave event_queue out there and write it here",
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
        "pipelines.shop-too.storage_transfer.event_driven: 'shop' takes the events of this landing already, and an",
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
    # two pipelines together
    "two sets of rules on one bucket": (
        stack(pipelines={"lake": EXPORT, "replica": REPLICA, "again": REPLICA}),
        "the landing is replicated by 'replica' already, and a bucket has one set of rules",
    ),
    "a table created twice": (
        stack(
            pipelines={
                name: EXPORT | {"sources": [{"dynamodb": "orders", "create": {"hash_key": {"name": "id"}}}]}
                for name in ("one", "two")
            }
        ),
        "pipelines.two.sources[0].create: table 'orders' is created by 'one' already; leave 'create' out here, "
        "once it is there",
    ),
}


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 16 * * ? *)",
        "cron(0,30 8-18/2 ? * MON-FRI 2026-2030)",
        "cron(15 10 L * ? *)",
        "cron(15 10 15W * ? *)",
        "cron(0 0 ? JAN,jul 6#3 *)",
        "cron(0 0 ? * FRIL *)",
        "cron(0 22 ? * FRI-MON *)",
        "cron(*/15 * ? * * *)",
        "rate(1 hour)",
    ],
)
def test_a_schedule_that_aws_takes_is_taken(expression: str) -> None:
    assert settings.read(lake(schedule=expression)).pipelines["lake"].args.schedule == expression


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_config_is_refused_with_a_sentence_that_helps(name: str) -> None:
    config, message = BAD[name]
    with pytest.raises(Refused) as refused:
        settings.read(config)
    assert any(message in error for error in refused.value.errors), refused.value


# What a sentence says to write: the text in quotes behind the last "write", as YAML reads it.
_WRITE = re.compile(r"""; (?:leave .*|.*, )?write (?:'([^'<>…]+)'|("[^"<>…]+"|\['[^']+'\]))$""")
_PATH = re.compile(r"^([\w.\[\]-]+): ")


def _advice() -> list[tuple[str, str, str]]:
    advised = []
    for name, (config, _) in BAD.items():
        with pytest.raises(Refused) as refused:
            settings.read(config)
        for error in refused.value.errors:
            path, write = _PATH.search(error), _WRITE.search(error)
            if path and write:
                advised.append((name, path[1], write[1] or write[2]))
    return advised


def _set(config: dict[str, Any], path: str, text: str) -> None:
    """Writes what was advised where it was advised: 'key: value' beside the key, a value in its place."""
    at: Any = config
    rest, written = path, yaml.safe_load(text)
    while True:
        if rest.startswith("["):
            index, _, rest = rest[1:].partition("]")
            step: Any = int(index)
        else:  # a key may hold dots itself
            known = [key for key in at if rest == key or rest.startswith((f"{key}.", f"{key}["))]
            step = max(known, key=len) if known else rest
            rest = rest.removeprefix(step)
        rest = rest.removeprefix(".")
        if not rest:
            break
        at = at[step]
    if isinstance(written, dict):
        at.update(written)
    elif isinstance(at.get(step) if isinstance(at, dict) else None, dict):
        at[written] = at.pop(step)  # the key itself is wrong
    else:
        at[step] = written


@pytest.mark.parametrize(("name", "path", "text"), _advice())
def test_what_a_sentence_says_to_write_is_accepted(name: str, path: str, text: str) -> None:
    config = copy.deepcopy(BAD[name][0])
    _set(config, path, text)
    try:
        settings.read(config)
    except Refused as refused:
        assert not [error for error in refused.errors if error.startswith(f"{path}:")], refused


def test_enough_sentences_say_what_to_write() -> None:
    assert len(_advice()) >= 15


@pytest.mark.parametrize("keys", [{"catalog": "crawler"}, {"run": "simple"}])
def test_a_table_may_be_named_as_a_view_where_no_view_is_made(keys: dict[str, Any]) -> None:
    found = settings.read(lake(sources=[{"dynamodb": "orders"}, {"dynamodb": "orders_latest"}], **keys))
    assert len(found.pipelines["lake"].args.sources) == 2


@pytest.mark.parametrize(
    ("schedule", "timezone", "load"),
    [
        ("cron(0 16 * * ? *)", "Asia/Tokyo", "every day 09:00"),  # 07:00 UTC
        ("cron(0 4 * * ? *)", "UTC", "every day 05:00"),
        ("cron(0 3 * * ? *)", "UTC", "every day 23:00"),
        ("cron(0 23 * * ? *)", "UTC", "every day 05:00"),  # over midnight
        ("cron(0 8,23 * * ? *)", "UTC", "every day 05:00"),
        ("cron(30 4 * * ? *)", "Europe/Berlin", "every day 05:00"),  # 03:30 in winter, 02:30 in summer
        ("cron(0 * * * ? *)", "UTC", "every day 05:00"),  # no load keeps an hour from these
        ("rate(6 hours)", "UTC", "every day 05:00"),  # counts from when it was made
    ],
)
def test_a_load_an_hour_after_the_days_export_is_taken(schedule: str, timezone: str, load: str) -> None:
    found = settings.read(typed(LAKE, load=load, schedule=schedule, timezone=timezone))
    assert found.pipelines["shop"].args.schedule == load


def test_a_bucket_that_exists_tells_no_schedule_so_any_is_taken() -> None:
    landing = {"account": "workload", "bucket": "shop-raw", "tables": ["orders"]}
    pipeline = {
        "kind": "bigquery-transfer",
        "account": "workload",
        "landing": landing,
        "tables": {"orders": ORDERS},
    }
    found = settings.read(stack(gcp=GOOGLE, pipelines={"shop": pipeline | {"schedule": "every day 00:10"}}))
    assert found.pipelines["shop"].args.landing.schedule is None


def test_there_are_enough_bad_configs() -> None:
    assert len(BAD) >= 40


def test_all_errors_of_a_config_are_reported_at_once() -> None:
    config = lake(schedule="daily", sources=[{"dynamodb": "x"}], timezone="Mars")
    config["accounts"]["analytics"]["region"] = "moon"
    with pytest.raises(Refused) as refused:
        settings.read(config)
    paths = sorted(error.split(": ")[0] for error in refused.value.errors)
    assert paths == [
        "accounts.analytics.region",
        "pipelines.lake.schedule",
        "pipelines.lake.sources[0].dynamodb",
        "pipelines.lake.timezone",
    ]
    assert "the config has 4 errors:" in str(refused.value)


def errors_of(config: dict[str, Any]) -> list[str]:
    with pytest.raises(Refused) as refused:
        settings.read(config)
    return list(refused.value.errors)


def paths_of(config: dict[str, Any]) -> list[str]:
    return [error.split(": ")[0] for error in errors_of(config)]


def test_what_is_wrong_in_keys_and_between_them_is_reported_at_once_for_all_pipelines() -> None:
    config = stack(
        tags={"team": 7},
        pipelines={
            "lake": EXPORT
            | {
                "account": "workloads",
                "timezone": "Mars",
                "run": "simple",
                "catalog": "crawler",
                "create_key": True,
                "key_arn": f"arn:aws:kms:us-east-1:111111111111:key/{'a' * 36}",
                "sources": [{"dynamodb": "orders", "only": ["a"], "snapshot": "event"}, {"dynamodb": "x"}],
                "lifecycle": {"infrequent_days": 60, "expire_days": 60, "noncurrent_days": 0},
                "lake_formation": {"readers": ["arn:aws:iam::111111111111:role/analyst"] * 2},
            },
            "copy": REPLICA | {"from": "lakes", "attempts": 1, "prefixes": ["a/", "a/b/"]},
            "a1": REPLICA | {"from": "b1", "attemps": 3},
            "b1": REPLICA | {"from": "a1", "events": ["x"]},
            "shop": {
                "kind": "bigquery-transfer",
                "from": "lake",
                "account": "workload",
                "access_keys": ["1", "1"],
                # Which columns there are depends on the landing; how many to cluster by does not.
                "tables": {"orders": {"keys": ["no"], "cluster": ["a", "b", "c", "d", "e"]}},
                "schedule": "every 12 hours",
                "storage_transfer": {"event_driven": True, "start": "03:00"},
            },
            "quotes": {
                "kind": "firehose",
                "account": "workload",
                "index": "quotes",
                "collection": {"network": {"public": False, "vpc_endpoints": ["vpce-0a1"]}},
                "stream": {"adopt": "ticks", "shards": 2},
            },
            "search": SEARCH | {"min_units": 5, "tables": [{"name": "orders"}, {"name": "orders"}]},
            "Bad_Name": {"kind": "exprt"},
        },
    )
    assert sorted(paths_of(config)) == sorted(
        [
            "tags.team",
            "pipelines",  # a1 and b1 feed each other
            "pipelines.lake.account",
            "pipelines.lake.timezone",
            "pipelines.lake",  # two keys
            "pipelines.lake.catalog",
            "pipelines.lake.sources[0].only",
            "pipelines.lake.sources[0].snapshot",
            "pipelines.lake.sources[1].dynamodb",
            "pipelines.lake.lifecycle.infrequent_days",
            "pipelines.lake.lifecycle.noncurrent_days",
            "pipelines.lake.lake_formation.readers",
            "pipelines.copy.from",
            "pipelines.copy.attempts",
            "pipelines.copy.prefixes",
            "pipelines.a1.attemps",
            "pipelines.b1.events",
            "pipelines.shop",  # no gcp
            "pipelines.shop.tables.orders.cluster",
            "pipelines.shop.access_keys",
            "pipelines.shop.storage_transfer.start",
            "pipelines.quotes.vpc",
            "pipelines.quotes.stream.adopt",
            "pipelines.search.tables",  # the table twice
            "pipelines.search.tables",  # the index twice
            "pipelines.search.min_units",
            "pipelines.Bad_Name",
            "pipelines.Bad_Name.kind",
        ]
    )


def test_all_that_is_wrong_between_a_transfer_and_its_landing_is_reported_at_once() -> None:
    tables = {
        "orders": {
            "keys": ["no", "lines"],
            "cluster": ["order_id"],
            "columns": {"total": "S", "lines": "L", "x": "NUMBER"},
        },
        "shop.products": {"keys": ["id"], "cluster": ["name"], "columns": {"id": "text"}},
        "order": {"keys": ["id"], "columns": {"id": "S"}},
        "reviews": {"keys": ["id"], "lake": True, "columns": {"id": "S"}},
    }
    config = typed(tables, also=PRODUCTS, create_key=True, load="every 10 minutes")
    config["pipelines"]["lake"]["sources"].append({"dynamodb": "baskets", "mode": "incremental"})
    config["pipelines"]["shop"] |= {
        "account": "analytics",
        "access_keys": ["1", "1"],
        "storage_transfer": {"location": "us-east1", "event_driven": True},
        "file_format": "PARQUET",
    }
    assert sorted(paths_of(config)) == [
        "pipelines.shop.access_keys",  # of one name
        "pipelines.shop.access_keys",  # beside a role
        "pipelines.shop.account",
        "pipelines.shop.file_format",
        "pipelines.shop.schedule",  # too often
        "pipelines.shop.schedule",  # not daily
        "pipelines.shop.storage_transfer.event_driven",
        "pipelines.shop.storage_transfer.location",
        "pipelines.shop.tables",  # baskets is missing
        "pipelines.shop.tables",  # there is no order
        "pipelines.shop.tables",  # there are no reviews, whose columns are not checked
        "pipelines.shop.tables.orders",  # x
        "pipelines.shop.tables.orders.cluster",
        "pipelines.shop.tables.orders.columns",  # total
        "pipelines.shop.tables.orders.keys",  # no
        "pipelines.shop.tables.orders.keys",  # lines
        "pipelines.shop.tables.shop.products.cluster",
        "pipelines.shop.tables.shop.products.columns",
    ]


def test_of_two_times_that_are_too_early_the_loads_is_reported_as_the_copys_follows_from_it() -> None:
    config = typed(LAKE, schedule="cron(0 6 * * ? *)", load="every day 06:30")
    config["pipelines"]["shop"]["storage_transfer"] = {}
    assert paths_of(config) == ["pipelines.shop.schedule"]
    config["pipelines"]["shop"]["schedule"] = "every day 07:30"
    (error,) = errors_of(config)
    assert error.startswith(
        "pipelines.shop.storage_transfer.start: the copy at 04:00 UTC comes too early for the"
    )
    config["pipelines"]["shop"]["storage_transfer"] = {"every_minutes": 100}
    assert paths_of(config) == ["pipelines.shop.storage_transfer.every_minutes"]


def test_all_that_is_wrong_between_a_replication_and_its_landing_is_reported_at_once() -> None:
    config = typed(LAKE, through={"prefixes": ["raw/", "raw/orders/", "data/"]}, create_key=True)
    config["pipelines"]["lake"]["event_queue"] = True
    assert sorted(paths_of(config)) == [
        "pipelines.replica.create_key",
        "pipelines.replica.landing",
        "pipelines.replica.prefixes",  # data/
        "pipelines.replica.prefixes",  # raw/orders/
    ]


def test_a_check_does_not_run_on_a_key_that_is_wrong_in_itself() -> None:
    assert paths_of(lake(key_arn="alias/shop", sources=[SHOP])) == ["pipelines.lake.key_arn"]
    assert paths_of(replica(upstream=KEYED, create_key="perhaps")) == ["pipelines.replica.create_key"]
    assert paths_of(replica(account="nowhere", upstream=KEYED, create_key=True)) == [
        "pipelines.replica.account"
    ]


def test_without_accounts_the_pipelines_other_keys_are_checked_all_the_same() -> None:
    for given in ({}, {"accounts": [1]}, {"accounts": {}}):
        config = given | {"pipelines": lake(timezone="Mars")["pipelines"]}
        assert paths_of(config) == ["accounts", "pipelines.lake.timezone"]


def test_a_wrong_pipeline_upstream_does_not_hide_what_is_wrong_downstream_nor_in_two_others_together() -> (
    None
):
    creating = EXPORT | {"sources": [{"dynamodb": "orders", "create": {"hash_key": {"name": "id"}}}]}
    config = replica(upstream=EXPORT | {"timezone": "Mars"}, attempts=1)
    config["pipelines"] |= {"one": creating, "two": creating}
    assert paths_of(config) == [
        "pipelines.lake.timezone",
        "pipelines.replica.attempts",
        "pipelines.two.sources[0].create",
    ]


@pytest.mark.parametrize("name", ["dev", "prod", "local"])
def test_the_stacks_that_are_shipped_are_right(name: str) -> None:
    read = settings.read(stack_config(name))
    assert {pipeline.kind for pipeline in read.pipelines.values()} == set(KINDS)


def test_a_pipeline_stands_after_the_one_whose_landing_it_takes() -> None:
    read = settings.read(stack(pipelines={"replica": REPLICA, "lake": EXPORT}))
    assert list(read.pipelines) == ["lake", "replica"]


def test_one_account_need_not_be_named() -> None:
    read = settings.read(
        {"accounts": {"only": WORKLOAD}, "pipelines": {"lake": {**EXPORT, "account": "only"}}}
    )
    unnamed = settings.read(
        {
            "accounts": {"only": WORKLOAD},
            "pipelines": {"lake": {k: v for k, v in EXPORT.items() if k != "account"}},
        }
    )
    assert unnamed.pipelines["lake"].args.account == read.pipelines["lake"].args.account


def test_a_replica_carries_the_tables_on() -> None:
    landing = settings.read(stack()).pipelines["replica"].args.replica("replica")
    assert (landing.name, landing.tables, landing.account.id) == ("replica", ["orders"], "222222222222")


def test_a_wrong_key_of_the_stack_does_not_hide_what_is_wrong_in_a_pipeline() -> None:
    with pytest.raises(Refused) as refused:
        settings.read(lake(timezone="Mars") | {"tagz": {}, "retain_data": "perhaps"})
    assert [error.split(": ")[0] for error in refused.value.errors] == [
        "tagz",
        "retain_data",
        "pipelines.lake.timezone",
    ]


def test_settings_cannot_be_changed() -> None:
    args = settings.read(lake()).pipelines["lake"].args
    with pytest.raises(AttributeError):
        args.schedule = "rate(1 hour)"
