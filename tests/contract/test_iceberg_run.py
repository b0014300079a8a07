"""A run over an Iceberg table, end to end: the program's own state machine, functions, bundles and roles."""

from __future__ import annotations

import io
import json
import platform
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyiceberg.table import StaticTable

from components.bundling.bundles import UPLOAD_LIMIT, bundle
from tests.contract.embedded_cloud import SECRET, WORKLOAD, Cloud
from tests.recording import PITR_ON, Recording, record
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(900)
ARCHITECTURE = "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"
CONFIG = {
    "accounts": {"workload": {"id": WORKLOAD, "region": "us-east-1"}},
    # As this interpreter loads it.
    "functions": {"architecture": ARCHITECTURE, "runtime": f"python3.{sys.version_info.minor}"},
    "pipelines": {
        "iced": {
            "kind": "export",
            "past_days": 7,
            "copies": ["ledger"],
            "sources": [{"dynamodb": "ledger", "mode": "incremental", "format": "iceberg"}],
        }
    },
}
DATABASE, BUCKET = "tributary_proof_iced", f"tributary-proof-iced-landing-{WORKLOAD}"
WORKGROUP = "tributary-proof-iced"
ROLE = f"arn:aws:iam::{WORKLOAD}:role/tributary-proof-iced-upkeep"
HANDLERS = {"source": "export_source", "normalise": "normalise", "iceberg": "iceberg", "catalog": "catalog"}


@pytest.fixture(scope="module")
def clients(cloud: Cloud) -> dict[str, Any]:
    services = ("s3", "glue", "iam", "lambda", "stepfunctions", "dynamodb", "athena", "sts")
    return {service: cloud.client(service, WORKLOAD) for service in services}


def existing(text: str) -> str:
    """With the roles' own ARNs in place of those that a recorded role has."""
    return text.replace("arn:aws:iam:workload:mock:", f"arn:aws:iam::{WORKLOAD}:role/")


@pytest.fixture(scope="module")
def recorded() -> Recording:
    return record("proof", CONFIG, tables={"ledger": PITR_ON})


@pytest.fixture(scope="module")
def machine(clients: dict[str, Any], recorded: Recording) -> str:
    """What the program registers of the run, made by its inputs; the state machine's ARN."""
    clients["s3"].create_bucket(Bucket=BUCKET)
    clients["glue"].create_database(DatabaseInput={"Name": DATABASE})
    for name, inputs in recorded.of("aws:iam/role:Role").items():
        clients["iam"].create_role(
            RoleName=inputs["name"], AssumeRolePolicyDocument=inputs["assumeRolePolicy"]
        )
        for policy in [p for n, p in recorded.of("aws:iam/rolePolicy:RolePolicy").items() if n == name]:
            clients["iam"].put_role_policy(
                RoleName=inputs["name"], PolicyName=policy["name"], PolicyDocument=existing(policy["policy"])
            )
    for part, handler in HANDLERS.items():
        inputs = recorded.of("aws:lambda/function:Function")[f"iced-{part}"]
        built = bundle(handler, runtime=inputs["runtime"], architecture=ARCHITECTURE)
        code: dict[str, Any] = {"ZipFile": built.path.read_bytes()}
        if built.size > UPLOAD_LIMIT:
            clients["s3"].upload_file(str(built.path), BUCKET, f"code/{handler}.zip")
            code = {"S3Bucket": BUCKET, "S3Key": f"code/{handler}.zip"}
        clients["lambda"].create_function(
            FunctionName=inputs["name"],
            Runtime=inputs["runtime"],
            Handler=inputs["handler"],
            Role=f"arn:aws:iam::{WORKLOAD}:role/tributary-proof-iced-{part}",
            Code=code,
            Timeout=int(inputs["timeout"]),
            MemorySize=int(inputs["memorySize"]),
            Environment={
                "Variables": {n: existing(v) for n, v in inputs["environment"]["variables"].items()} | PLACES
            },
        )
    ((_, workgroup),) = recorded.of("aws:athena/workgroup:Workgroup").items()
    assert workgroup["name"] == WORKGROUP
    ((_, made),) = recorded.of("aws:sfn/stateMachine:StateMachine").items()
    definition = made["definition"].replace(
        "arn:aws:dynamodb:mock:mock:", f"arn:aws:dynamodb:us-east-1:{WORKLOAD}:"
    )
    return clients["stepfunctions"].create_state_machine(
        name=made["name"],
        definition=definition,
        roleArn=f"arn:aws:iam::{WORKLOAD}:role/tributary-proof-iced-run",
    )["stateMachineArn"]


PLACES = {"BUCKET": BUCKET, "DATABASE": DATABASE}


def item(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": {"S": f"{number:04}"},
        "total": {"N": f"{number}.25"},
        "names": {"SS": ["a", f"n{number}"]},
    } | more


def over(clients: dict[str, Any], machine: str, due: datetime) -> dict[str, Any]:
    """A run that shows the table at that time, when it is over."""
    execution = clients["stepfunctions"].start_execution(
        stateMachineArn=machine, input=json.dumps({"scheduled_time": f"{due:%Y-%m-%dT%H:%M:%SZ}"})
    )["executionArn"]

    def ended() -> Any:
        described = clients["stepfunctions"].describe_execution(executionArn=execution)
        return described["status"] != "RUNNING" and described

    return eventually(ended)


def ran(clients: dict[str, Any], machine: str, due: datetime) -> dict[str, Any]:
    """The report of a run that shows the table at that time."""
    described = over(clients, machine, due)
    assert described["status"] == "SUCCEEDED", described.get("cause")
    return json.loads(described["output"])


def athena(clients: dict[str, Any], sql: str) -> list[list[str]]:
    query = clients["athena"].start_query_execution(
        QueryString=sql, ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/results/"}
    )["QueryExecutionId"]

    def over() -> Any:
        status = clients["athena"].get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        return status["State"] in ("SUCCEEDED", "FAILED") and status

    assert (status := eventually(over))["State"] == "SUCCEEDED", status
    rows = clients["athena"].get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1:]
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows]


def test_each_run_commits_what_changed_and_a_run_that_comes_again_commits_nothing(  # noqa: PLR0915 - runs in their order
    cloud: Cloud, clients: dict[str, Any], machine: str, recorded: Recording
) -> None:
    dynamodb, clock = clients["dynamodb"], cloud.log_file.parent / "clock"
    dynamodb.create_table(
        TableName="ledger",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    dynamodb.update_continuous_backups(
        TableName="ledger", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )

    def pointer() -> str:
        return clients["glue"].get_table(DatabaseName=DATABASE, Name="ledger")["Table"]["Parameters"][
            "metadata_location"
        ]

    def table_now() -> StaticTable:
        properties = {"s3.endpoint": cloud.endpoint, "s3.access-key-id": WORKLOAD, "s3.secret-access-key": SECRET,
                      "s3.region": "us-east-1", "s3.force-virtual-addressing": "false"}  # fmt: skip
        return StaticTable.from_metadata(pointer(), properties)

    def rows() -> list[tuple[str, Decimal, list[str]]]:
        read = table_now().scan().to_arrow().to_pylist()
        return sorted((row["id"], row["total"], sorted(row["names"])) for row in read)

    def files() -> tuple[int, int]:
        tasks = list(table_now().scan().plan_files())
        return len(tasks), sum(len(task.delete_files) for task in tasks)

    def in_dynamodb() -> list[tuple[str, Decimal, list[str]]]:
        items = dynamodb.scan(TableName="ledger")["Items"]
        return sorted((i["id"]["S"], Decimal(i["total"]["N"]), sorted(i["names"]["SS"])) for i in items)

    def copy() -> list[tuple[str, Decimal, list[str]]]:
        body = clients["s3"].get_object(Bucket=BUCKET, Key="copies/ledger/rows.parquet")["Body"].read()
        read: Any = pq
        table = read.read_table(io.BytesIO(body)).to_pylist()
        return sorted((row["id"], row["total"], sorted(row["names"])) for row in table)

    def optimizers() -> dict[str, dict[str, Any]]:
        made = {
            kind: clients["glue"].get_table_optimizer(**table, Type=kind)["TableOptimizer"]["configuration"]
            for kind in ("compaction", "retention", "orphan_file_deletion")
        }
        assert {made[kind]["roleArn"] for kind in made} == {ROLE}
        return made

    table = {"CatalogId": WORKLOAD, "DatabaseName": DATABASE, "TableName": "ledger"}
    for number in range(40):
        dynamodb.put_item(TableName="ledger", Item=item(number))
    time.sleep(1.1)  # the export shows whole seconds
    first = datetime.fromtimestamp(int(time.time()), UTC)
    report = ran(clients, machine, first)
    assert report["published"] == ["ledger"] and not report["notices"]
    assert report["written"]["ledger"].startswith("the function: 0.0 MB into 0 rows")
    assert rows() == copy() == in_dynamodb() and len(in_dynamodb()) == 40
    before, kept = pointer(), optimizers()
    assert all(optimizer["enabled"] for optimizer in kept.values())
    assert kept["retention"]["retentionConfiguration"]["icebergConfiguration"] == {
        "snapshotRetentionPeriodInDays": 7, "numberOfSnapshotsToRetain": 1, "cleanExpiredFiles": True
    }  # fmt: skip
    # Somebody takes one away, and changes another.
    clients["glue"].delete_table_optimizer(**table, Type="retention")
    clients["glue"].update_table_optimizer(
        **table, Type="compaction", TableOptimizerConfiguration=kept["compaction"] | {"enabled": False}
    )

    clock.write_text("1800")
    dynamodb.delete_item(TableName="ledger", Key={"id": {"S": "0007"}})
    dynamodb.put_item(TableName="ledger", Item=item(8, total={"N": "0.5"}))
    dynamodb.put_item(TableName="ledger", Item=item(40, added={"BOOL": True}, tags={"SS": ["x"]}))
    clock.write_text("1810")
    due = datetime.fromtimestamp(int(time.time()) + 1805, UTC)
    ran(clients, machine, due)
    assert rows() == copy() == in_dynamodb() and len(in_dynamodb()) == 40 and pointer() != before
    summary = json.loads(
        clients["s3"].get_object(Bucket=BUCKET, Key=pointer().split("/", 3)[3])["Body"].read()
    )
    assert summary["snapshots"][-1]["summary"]["added-records"] == "2"  # not the table

    assert table_now().scan("id = '0040'").to_arrow()["tags"].to_pylist() == [["x"]]
    sql = f"SELECT id, total, added FROM {DATABASE}.ledger_latest WHERE id >= '0008' AND (id < '0009' OR id > '0039')"
    assert sorted(athena(clients, sql)) == [["0008", "0.50", None], ["0040", "40.25", "true"]]
    after = pointer()
    ran(clients, machine, due)
    assert pointer() == after and optimizers() == kept
    # Each run's snapshot by its export's id, for the days that Glue keeps snapshots.
    offered = recorded.of("aws:athena/namedQuery:NamedQuery")["iced-snapshots-ledger"]["query"]
    tagged = [row[1:] for row in reversed(athena(clients, offered))]
    exports = dynamodb.list_exports()["ExportSummaries"]
    assert sorted(run for _, run in tagged) == sorted(e["ExportArn"].rsplit("/", 1)[1] for e in exports)
    assert [str(ref.snapshot_id) for name, ref in table_now().metadata.refs.items() if name != "main"] == [
        snapshot for snapshot, _ in tagged
    ]

    # What is too large for the function: any size is, from now on.
    function = "tributary-proof-iced-iceberg"
    environment = clients["lambda"].get_function_configuration(FunctionName=function)["Environment"][
        "Variables"
    ]
    clients["lambda"].update_function_configuration(
        FunctionName=function, Environment={"Variables": environment | {"MERGE_CHANGES_MB": "0"}}
    )
    clock.write_text("3600")
    dynamodb.delete_item(TableName="ledger", Key={"id": {"S": "0009"}})
    dynamodb.put_item(TableName="ledger", Item=item(10, total={"N": "7.5"}))
    dynamodb.put_item(TableName="ledger", Item=item(41, later={"S": "a column more"}, more={"NS": ["1"]}))
    clock.write_text("3610")
    due = datetime.fromtimestamp(int(time.time()) + 3605, UTC)

    def staged() -> list[str]:
        tables = clients["glue"].get_tables(DatabaseName=DATABASE, Expression="merging_*")["TableList"]
        return [table["Name"] for table in tables]

    # Without the workgroup no statement is run: a few tries, and the reason is the run's.
    failed = over(clients, machine, due)
    assert failed["status"] == "FAILED" and "Athena did not merge the run" in failed["cause"], failed
    assert "No output location" in failed["cause"] and staged() == []
    assert len(rows()) == 40 and "0009" in {row[0] for row in rows()}
    clients["athena"].create_work_group(
        Name=WORKGROUP,
        Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/results/"}},
    )
    report = ran(clients, machine, due)
    assert report["written"]["ledger"].startswith("Athena: 0.0 MB into "), report
    assert rows() == copy() == in_dynamodb() and len(in_dynamodb()) == 40 and staged() == []
    assert athena(clients, f"SELECT later FROM {DATABASE}.ledger_latest WHERE id = '0041'") == [
        ["a column more"]
    ]
    merged = pointer()
    ran(clients, machine, due)
    assert pointer() == merged

    # Of a table that no optimizer keeps, Athena compacts the files after so many commits; the readers' rows stay.
    compacts = {name: value for name, value in environment.items() if name != "UPKEEP_ROLE_ARN"}
    clients["lambda"].update_function_configuration(
        FunctionName=function, Environment={"Variables": compacts | {"COMPACT_AFTER": "1"}}
    )
    clock.write_text("5400")
    dynamodb.put_item(TableName="ledger", Item=item(11, total={"N": "8.5"}))
    clock.write_text("5410")
    report = ran(clients, machine, datetime.fromtimestamp(int(time.time()) + 5405, UTC))
    assert "Athena compacts the table after 3 commits" in report["written"]["ledger"]
    assert rows() == in_dynamodb() and files() == (1, 0)
