"""Wrong configs of a replication: what each is, the config, and what its error says."""

from typing import Any

from tests.unit.configs import ANALYTICS, EXPORT, ICED, KEYED, REPLICA, WORKLOAD, adopted, replica, stack

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "neither from nor landing": (
        stack(pipelines={"replica": {"kind": "replication", "account": "analytics"}}),
        "pipelines.replica.from: one landing is taken; write either 'from: <pipeline>' or 'landing: {",
    ),
    "both from and landing": (
        replica(landing={"bucket": "b", "account": "workload"}),
        "pipelines.replica.from: one landing is taken",
    ),
    "from an unknown pipeline": (
        replica(EXPORT, **{"from": "lakes"}),
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
        "pipelines.replica.create_key: the landing of 'lake' is encrypted with SSE-S3, and so are",
    ),
    "a replica's key twice": (
        replica(
            upstream=KEYED, create_key=True, key_arn=f"arn:aws:kms:eu-central-1:222222222222:key/{'a' * 36}"
        ),
        "pipelines.replica: key_arn and create_key: a key is adopted or created, never both; leave one out",
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
    "tables of a landing that has none": (
        replica(EXPORT | {"run": "simple"}, catalog={}),
        "pipelines.replica.catalog: nothing says which tables the landing of 'lake' has; take from a pipeline of kind "
        "'export' of this stack that has 'run: state-machine'",
    ),
    "tables of a bucket that exists": (
        adopted() | {"pipelines": {"replica": adopted()["pipelines"]["replica"] | {"catalog": {}}}},
        "pipelines.replica.catalog: nothing says which tables the landing of 'shop-raw' has",
    ),
    "tables where the lake is replicated": (
        replica(prefixes=["raw/", "lake/"], catalog={}),
        "pipelines.replica.prefixes: with 'catalog' this pipeline writes tables of its own to 'lake/' in the replica's "
        "bucket; leave the prefix out",
    ),
    "tables of what is not replicated": (
        replica(
            EXPORT | {"sources": [{"dynamodb": "orders"}, {"dynamodb": "items"}]},
            prefixes=["raw/orders/"],
            catalog={},
        ),
        "pipelines.replica.prefixes: the tables of 'items' are made of what lies below 'raw/items/', which is not "
        "replicated; add it",
    ),
    "a reader of the replica's tables from another account": (
        replica(catalog={"lake_formation": {"readers": ["arn:aws:iam::111111111111:role/analyst"]}}),
        "pipelines.replica.catalog.lake_formation.readers[0]: 'arn:aws:iam::111111111111:role/analyst' is not of "
        "account 222222222222, whose catalog it is",
    ),
    "an Iceberg table of the replica under Lake Formation": (
        replica(
            EXPORT | {"sources": [ICED]},
            catalog={"lake_formation": {"readers": ["arn:aws:iam::222222222222:role/analyst"]}},
        ),
        "pipelines.replica.catalog.lake_formation: the run writes the Iceberg table 'orders' with its own",
    ),
    "commits to a replica's table that nobody compacts": (
        replica(catalog={"compact_after": 5}),
        "catalog.compact_after: the export has no Iceberg table, and nothing is compacted; leave it out",
    ),
    "a past of tables that have none": (
        replica(catalog={"past_days": 7}),
        "pipelines.replica.catalog.past_days: the export has no Iceberg table, and no other has a past; leave it out",
    ),
    "a copy of a table that the export has as Parquet": (
        replica(catalog={"copies": ["orders"]}),
        "pipelines.replica.catalog.copies[0]: 'orders' is no Iceberg table, and any other is Parquet by itself",
    ),
    "sizes of a replica's runs that nobody merges": (
        replica(catalog={"merge_beyond": {"table_rows": 1}}),
        "pipelines.replica.catalog.merge_beyond: the export has no Iceberg table, and nothing is merged; leave it out",
    ),
    "a view of the replica on a table that is none": (
        replica(catalog={"views": {"sums": "SELECT total FROM invoices"}}),
        "pipelines.replica.catalog.views.sums: ",
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
    "an Iceberg table": (
        replica(EXPORT | {"sources": [ICED]}, prefixes=["raw/", "lake/"]),
        "pipelines.replica.prefixes: 'lake/' would replicate the Iceberg table of 'orders', whose metadata holds the "
        "addresses of files in the source's bucket",
    ),
    "an Iceberg table by its folder": (
        replica(EXPORT | {"sources": [ICED]}, prefixes=["lake/orders/data/"]),
        "would replicate the Iceberg table",
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
}
