"""Wrong configs of a Firehose pipeline: what each is, the config, and what its error says."""

from typing import Any

from tests.unit.configs import ANALYST, OF_QUOTES, QUOTES, SEARCH, WORKLOAD, adopted, replica, stack, ticks

BAD: dict[str, tuple[dict[str, Any], str]] = {
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
        "pipelines.ticks.collection_of: the collection of 'quotes' stands in 111111111111, eu-central-1, and this "
        "pipeline in 222222222222, eu-central-1, where it can't be used; leave it out, or name one of this",
    ),
    "a collection of another region": (
        stack(
            accounts={"workload": WORKLOAD, "far": WORKLOAD | {"region": "us-east-1"}},
            pipelines={"quotes": QUOTES, "ticks": OF_QUOTES | {"account": "far"}},
        ),
        "pipelines.ticks.collection_of: the collection of 'quotes' stands in 111111111111, eu-central-1, and this "
        "pipeline in 111111111111, us-east-1, where",
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
}
