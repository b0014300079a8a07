"""Exports that `make up` does not show: a crawler's catalog; snapshots made for a run, of a cluster, of an event."""

from __future__ import annotations

import gzip
import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.samples import Cloud, export, lake, mysql
from tests.contract.normaliser import Schema, canonical_item, item_of
from tests.e2e.conftest import Run, clone_into
from tests.e2e.lake_runs import deployed, ended
from tests.typed import as_yaml, fake, pq
from tests.waiting import eventually

DAY = 24 * 3600
WORKLOAD = {"id": "111111111111", "region": "us-east-1"}
PRODUCTS = {"only": ["shop.products"], "tables": {"shop.products": {"product_id": "bigint"}}}
ORDERED = {"customer_id": "S", "order_id": "S"}
ORDERS = {"hash_key": {"name": "customer_id"}, "range_key": {"name": "order_id"}}


def exports(*sources: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"kind": "export", "create_key": True, "sources": list(sources)} | keys


PIPELINES = {
    "crawled": exports(
        {"dynamodb": "customers", "create": {"hash_key": {"name": "customer_id"}}},
        {"dynamodb": "orders", "mode": "incremental", "create": ORDERS},
        catalog="crawler",
    ),
    "made": exports({"rds_instance": "shop", "snapshot": "made-for-the-run"} | PRODUCTS),
    "cluster": exports({"rds_cluster": "shop"} | PRODUCTS),
    "cluster-made": exports({"rds_cluster": "shop", "snapshot": "made-for-the-run"} | PRODUCTS),
    "followed": exports({"rds_instance": "shop", "snapshot": "event"} | PRODUCTS),
    "cluster-followed": exports({"rds_cluster": "shop", "snapshot": "event"} | PRODUCTS),
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    run = clone_into(tmp_path_factory.mktemp("sources"))
    settings = {"accounts": {"workload": WORKLOAD}, "retain_data": False, "pipelines": PIPELINES}
    config = {"config": {f"tributary:{key}": value for key, value in settings.items()}}
    (run.root / "Pulumi.local.yaml").write_text(as_yaml(config))
    try:
        run.clone.start()
        yield run
    finally:
        run.clone.stop()


@pytest.fixture(scope="module")
def cloud(stack: Run) -> Cloud:
    return deployed(stack)


def run_of(cloud: Cloud, name: str, due: datetime) -> dict[str, Any]:
    pipeline = cloud.pipelines[name]
    run = ended(cloud, pipeline, lake.start(cloud, pipeline, due))
    assert run["status"] == "SUCCEEDED", run.get("cause")
    return run


def now(ahead: int = 0) -> datetime:
    """The next whole second of a cloud whose time is so many seconds ahead."""
    return datetime.fromtimestamp(int(time.time()) + 1 + ahead, UTC)


def until_noon() -> int:
    """Seconds until it is noon in UTC, so that what follows within hours is of one day, whenever this runs."""
    return (DAY // 2 - int(time.time())) % DAY


def put(cloud: Cloud, table: str, first: int, last: int) -> None:
    keys = {"customers": {"customer_id": "S"}, "orders": {"customer_id": "S", "order_id": "S"}}[table]
    client = cloud.client("dynamodb", cloud.pipelines["crawled"])
    export.put(client, table, [export.item(table, number, keys) for number in range(first, last)])


def crawl(cloud: Cloud) -> dict[str, Any]:
    """What the catalog holds once the crawler has crawled: the tables with their partitions' values."""
    pipeline = cloud.pipelines["crawled"]
    glue = cloud.client("glue", pipeline)
    glue.start_crawler(Name=pipeline["crawler"])

    def last() -> dict[str, Any] | None:
        crawler = glue.get_crawler(Name=pipeline["crawler"])["Crawler"]
        return crawler.get("LastCrawl") if crawler["State"] == "READY" else None

    assert (crawled := eventually(last))["Status"] == "SUCCEEDED", crawled
    tables = glue.get_tables(DatabaseName=pipeline["database"])["TableList"]
    return {
        table["Name"]: {
            "columns": table["StorageDescriptor"]["Columns"],
            "keys": [key["Name"] for key in table["PartitionKeys"]],
            "partitions": sorted(
                tuple(partition["Values"])
                for partition in glue.get_partitions(
                    DatabaseName=pipeline["database"], TableName=table["Name"]
                )["Partitions"]
            ),
        }
        for table in tables
    }


def counted(cloud: Cloud, table: str, day: str) -> int:
    ((count,),) = lake.query(
        cloud,
        cloud.pipelines["crawled"],
        f"SELECT count(*) FROM \"{table}\" WHERE export_date = '{day}'",
    )
    return int(count or 0)


def items_in_source(cloud: Cloud, table: str) -> int:
    return export.size(cloud, cloud.pipelines["crawled"], table)


@pytest.fixture(scope="module")
def clock(stack: Run) -> Iterator[Callable[[int], None]]:
    """Puts the cloud's time so many seconds ahead."""
    yield stack.ahead
    stack.ahead(None)


@pytest.fixture(scope="module")
def crawled(cloud: Cloud, clock: Callable[[int], None]) -> list[dict[str, Any]]:
    """Exports of two days and another of the second, each crawled, with changes before each."""
    seen: list[dict[str, Any]] = []

    def export_and_crawl(due: datetime) -> None:
        run_of(cloud, "crawled", due)
        tables, day = crawl(cloud), f"{due:%Y-%m-%d}"
        counts = {table: (counted(cloud, table, day), items_in_source(cloud, table)) for table in tables}
        seen.append({"day": day, "tables": tables, "counts": counts})

    put(cloud, "customers", 0, 120)
    put(cloud, "orders", 0, 300)
    noon = until_noon()
    clock(noon)
    first = now(noon)
    time.sleep(1.5)  # until then
    export_and_crawl(first)
    clock(noon + DAY - 600)
    put(cloud, "customers", 120, 150)
    removed = export.item("orders", 7, ORDERED)
    client = cloud.client("dynamodb", cloud.pipelines["crawled"])
    client.delete_item(TableName="orders", Key={key: removed[key] for key in ORDERED})
    put(cloud, "orders", 300, 310)
    changed = export.item("orders", 8, ORDERED) | {"total": {"N": "0.125"}, "gift": {"BOOL": True}}
    client.put_item(TableName="orders", Item=changed)
    clock(noon + DAY + 60)
    export_and_crawl(first + timedelta(days=1))
    put(cloud, "customers", 150, 151)
    clock(noon + DAY + 1200)
    # Still of that day: the date is that of the time that the run is for.
    export_and_crawl(first + timedelta(days=1, seconds=960))
    return seen


def test_a_crawler_makes_one_table_a_source_table_with_a_partition_a_day(
    crawled: list[dict[str, Any]],
) -> None:
    first, second, _ = crawled
    assert set(first["tables"]) == set(second["tables"]) == {"customers", "orders"}
    for name, table in second["tables"].items():
        assert table["keys"] == ["export_date", "run"]
        assert [day for day, _ in table["partitions"]] == [first["day"], second["day"]], name
        # Of the first day's crawl nothing is changed, and nothing is found twice.
        assert table["partitions"][:1] == first["tables"][name]["partitions"]
        assert table["columns"] == first["tables"][name]["columns"]


def test_athena_counts_what_the_crawler_found_of_each_day(crawled: list[dict[str, Any]]) -> None:
    assert crawled[0]["counts"] == {"customers": (120, 120), "orders": (300, 300)}
    assert crawled[1]["counts"] == {"customers": (150, 150), "orders": (309, 309)}


def test_the_offered_query_reads_only_the_newest_of_two_runs_of_a_day(
    cloud: Cloud, crawled: list[dict[str, Any]]
) -> None:
    pipeline = cloud.pipelines["crawled"]
    assert len(crawled[2]["tables"]["customers"]["partitions"]) == 3
    athena = cloud.client("athena", pipeline)
    ids = athena.list_named_queries(WorkGroup=pipeline["workgroup"])["NamedQueryIds"]
    offered = [athena.get_named_query(NamedQueryId=query_id)["NamedQuery"] for query_id in ids]
    (sql,) = [query["QueryString"] for query in offered if query["Name"] == "sample-customers"]
    ((count,),) = lake.query(
        cloud, pipeline, sql.replace("SELECT *", "SELECT count(*)").removesuffix(" LIMIT 10")
    )
    assert int(count or 0) == items_in_source(cloud, "customers") == 151


def test_increments_folded_in_are_the_rows_of_a_full_export(
    cloud: Cloud, crawled: list[dict[str, Any]]
) -> None:
    pipeline = cloud.pipelines["crawled"]
    s3, bucket = cloud.client("s3", pipeline), pipeline["bucket"]
    read = fake(lambda key: s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    published = json.loads(read("state/orders/current.json"))
    schema = Schema.of(json.loads(read(published["schema_key"])))
    rows = [
        row
        for key in export.keys(cloud, pipeline, published["location"])
        for row in pq.read_table(io.BytesIO(read(key))).to_pylist()
    ]

    dynamodb = cloud.client("dynamodb", pipeline)
    kinds = {summary["ExportType"] for summary in dynamodb.list_exports()["ExportSummaries"]}
    assert kinds == {"FULL_EXPORT", "INCREMENTAL_EXPORT"}
    arn = dynamodb.export_table_to_point_in_time(
        TableArn="arn:aws:dynamodb:us-east-1:111111111111:table/orders", S3Bucket=bucket, S3Prefix="raw/whole"
    )["ExportDescription"]["ExportArn"]

    def described() -> dict[str, Any] | None:
        whole = dynamodb.describe_export(ExportArn=arn)["ExportDescription"]
        assert whole["ExportStatus"] in ("IN_PROGRESS", "COMPLETED"), whole
        return dict(whole) if whole["ExportStatus"] == "COMPLETED" else None

    whole = eventually(described)
    lines = [
        json.loads(line)["Item"]
        for key in export.data_files(cloud, pipeline, whole)
        for line in gzip.decompress(read(key)).splitlines()
    ]
    by_key = fake(lambda item: (item["customer_id"], item["order_id"]))
    folded = sorted((item_of(row, schema) for row in rows), key=by_key)
    assert len(folded) == 309
    assert folded == sorted(map(canonical_item, lines), key=by_key)
    assert ("BOOL", True) in [item.get("gift") for item in folded]


def test_a_crawl_without_a_new_folder_changes_nothing(cloud: Cloud, crawled: list[dict[str, Any]]) -> None:
    assert crawl(cloud) == crawled[2]["tables"]


def test_a_crawler_that_may_not_read_the_lake_says_so_and_makes_nothing(
    cloud: Cloud, crawled: list[dict[str, Any]]
) -> None:
    pipeline = cloud.pipelines["crawled"]
    glue, iam = (cloud.client(service, pipeline) for service in ("glue", "iam"))
    role = glue.get_crawler(Name=pipeline["crawler"])["Crawler"]["Role"].rpartition("/")[2]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    whole = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    less = whole | {"Statement": [s for s in whole["Statement"] if s["Sid"] != "ReadTables"]}
    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(less))
    try:
        glue.start_crawler(Name=pipeline["crawler"])
        last_crawl = glue.get_crawler(Name=pipeline["crawler"])["Crawler"]["LastCrawl"]
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(whole))
    assert last_crawl["Status"] == "FAILED" and "s3:GetObject" in last_crawl["ErrorMessage"]


def products(cloud: Cloud, name: str) -> int:
    ((count,),) = lake.query(cloud, cloud.pipelines[name], "SELECT count(*) FROM shop_products_latest")
    return int(count or 0)


def exported(cloud: Cloud, name: str) -> list[str]:
    """The snapshots that the pipeline exported, by their ARNs."""
    pipeline = cloud.pipelines[name]
    tasks = cloud.client("rds", pipeline).describe_export_tasks()["ExportTasks"]
    return [task["SourceArn"] for task in tasks if task["S3Bucket"] == pipeline["bucket"]]


@pytest.mark.parametrize(
    ("name", "resource", "noun"),
    [("made", "snapshot", "DBSnapshot"), ("cluster-made", "cluster-snapshot", "DBClusterSnapshot")],
)
def test_a_snapshot_that_is_made_for_the_run_is_exported_and_forgotten(
    cloud: Cloud, name: str, resource: str, noun: str
) -> None:
    run_of(cloud, name, now())
    assert products(cloud, name) == mysql.TABLES["shop.products"].rows
    (arn,) = exported(cloud, name)
    assert arn.startswith(f"arn:aws:rds:us-east-1:111111111111:{resource}:shop-20")
    client = cloud.client("rds", cloud.pipelines[name])
    call = {
        "DBSnapshot": client.describe_db_snapshots,
        "DBClusterSnapshot": client.describe_db_cluster_snapshots,
    }
    kind = {"DBSnapshot": "DBInstanceIdentifier", "DBClusterSnapshot": "DBClusterIdentifier"}[noun]
    left = call[noun](**{kind: "shop"})[f"{noun}s"]
    assert {snapshot["SnapshotType"] for snapshot in left} == {"automated"}


def test_a_clusters_latest_automated_snapshot_is_exported(cloud: Cloud) -> None:
    run_of(cloud, "cluster", now())
    assert products(cloud, "cluster") == mysql.TABLES["shop.products"].rows
    (arn,) = exported(cloud, "cluster")
    assert arn.startswith("arn:aws:rds:us-east-1:111111111111:cluster-snapshot:rds:shop-")


@pytest.mark.parametrize(
    ("name", "resource"), [("followed", "snapshot"), ("cluster-followed", "cluster-snapshot")]
)
def test_the_event_of_a_days_automated_snapshot_starts_its_export_once(
    cloud: Cloud, clock: Callable[[int], None], name: str, resource: str
) -> None:
    pipeline = cloud.pipelines[name]
    client = cloud.client("stepfunctions", pipeline)
    days = {"followed": 3, "cluster-followed": 4}[name]
    before = set(exported(cloud, name))
    ahead = until_noon() + days * DAY
    clock(ahead)
    day = now(ahead)
    expected = f"arn:aws:rds:us-east-1:111111111111:{resource}:rds:shop-{day:%Y-%m-%d}-00-00"

    def started() -> list[str]:
        runs = client.list_executions(stateMachineArn=pipeline["state_machine"])["executions"]
        described = [client.describe_execution(executionArn=run["executionArn"]) for run in runs]
        return [
            run["executionArn"] for run in described if json.loads(run["input"])["snapshot_arn"] == expected
        ]

    (execution,) = eventually(started)
    done = ended(cloud, pipeline, execution)
    assert done["status"] == "SUCCEEDED", done.get("cause")
    assert json.loads(done["input"])["only"] == expected.split(":", 6)[6]
    assert set(exported(cloud, name)) - before == {expected}
    assert products(cloud, name) == mysql.TABLES["shop.products"].rows
