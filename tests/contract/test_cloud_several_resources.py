"""The embedded cloud judges a request that names several resources for each of them, in whatever place it stands."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud.iam import several_resources
from tests.contract.embedded_cloud import WORKLOAD, Cloud, refused

HERE = f"us-east-1:{WORKLOAD}"
QUERY = {"Database": "d", "QueryString": "SELECT 1"}


@pytest.fixture(scope="module")
def owner(cloud: Cloud) -> Callable[[str], Any]:
    """Clients of a role that may do everything with what is called `own`, and nothing with what is called `other`."""
    on = {
        "cloudwatch:DeleteAlarms cloudwatch:DescribeAlarms cloudwatch:DisableAlarmActions": (
            f"cloudwatch:{HERE}:alarm:own*"
        ),
        "glue:BatchDeleteTable": f"glue:{HERE}:table/shop/own*",
        "athena:BatchGetNamedQuery athena:UpdateNamedQuery athena:GetNamedQuery": f"athena:{HERE}:workgroup/own",
        "dynamodb:BatchGetItem dynamodb:BatchWriteItem": f"dynamodb:{HERE}:table/own",
        "events:PutEvents": f"events:{HERE}:event-bus/own",
        "s3:DeleteObject": "s3:::several/own/*",
    }
    statements = [
        {"Effect": "Allow", "Action": actions.split(), "Resource": f"arn:aws:{resource}"}
        for actions, resource in on.items()
    ]
    cloud.role(WORKLOAD, "owner", "lambda.amazonaws.com", *statements)
    iam = cloud.client("iam", WORKLOAD)
    iam.update_assume_role_policy(
        RoleName="owner",
        PolicyDocument=f'{{"Statement": {{"Effect": "Allow", "Action": "sts:AssumeRole", '
        f'"Principal": {{"AWS": "arn:aws:iam::{WORKLOAD}:root"}}}}}}',
    )
    glue, dynamodb, athena = (cloud.client(name, WORKLOAD) for name in ("glue", "dynamodb", "athena"))
    glue.create_database(DatabaseInput={"Name": "shop"})
    cloud.client("s3", WORKLOAD).create_bucket(Bucket="several")
    for name in ("own", "other"):
        glue.create_table(DatabaseName="shop", TableInput={"Name": name})
        athena.create_work_group(Name=name)
        cloud.client("events", WORKLOAD).create_event_bus(Name=name)
        dynamodb.create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )  # fmt: skip
    return lambda service: cloud.client(service, WORKLOAD, "owner")


def keys(*names: str) -> dict[str, Any]:
    return {name: {"Keys": [{"id": {"S": "1"}}]} for name in names}


# Service, operation, and its request for the names.
CASES: dict[str, tuple[str, str, Callable[[tuple[str, ...]], dict[str, Any]]]] = {
    "delete alarms": ("cloudwatch", "delete_alarms", lambda names: {"AlarmNames": [*names]}),
    "describe alarms": ("cloudwatch", "describe_alarms", lambda names: {"AlarmNames": [*names]}),
    "silence alarms": ("cloudwatch", "disable_alarm_actions", lambda names: {"AlarmNames": [*names]}),
    "delete tables": (
        "glue", "batch_delete_table", lambda names: {"DatabaseName": "shop", "TablesToDelete": [*names]}
    ),
    "get items": ("dynamodb", "batch_get_item", lambda names: {"RequestItems": keys(*names)}),
    "put events": (
        "events", "put_events",
        lambda names: {"Entries": [
            {"EventBusName": n, "Source": "s", "DetailType": "d", "Detail": "{}"} for n in names]},
    ),
    "delete objects": (
        "s3", "delete_objects",
        lambda names: {"Bucket": "several", "Delete": {"Objects": [{"Key": f"{n}/a"} for n in names]}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_resource_of_a_request_is_judged(owner: Callable[[str], Any], case: Any) -> None:
    service, method, given = case
    call = getattr(owner(service), method)
    assert not refused(call, **given(("own",)))
    for names in (("other",), ("own", "other"), ("other", "own"), ("own", "own-too", "other")):
        if service == "dynamodb" and "own-too" in names:
            continue
        assert _refuses(call, given(names)), names


def _refuses(call: Callable[..., Any], given: dict[str, Any]) -> bool:
    """S3 answers for each key; every other service refuses the whole request."""
    if "Delete" not in given:
        return refused(call, **given)
    try:
        return any(error["Code"] == "AccessDenied" for error in call(**given).get("Errors", []))
    except ClientError as error:
        return error.response["Error"]["Code"] == "AccessDenied"


def test_a_saved_query_is_changed_by_whom_its_workgroup_lets(
    cloud: Cloud, owner: Callable[[str], Any]
) -> None:
    """https://docs.aws.amazon.com/athena/latest/APIReference/API_UpdateNamedQuery.html"""
    admin, own = cloud.client("athena", WORKLOAD), owner("athena")
    ids = {
        n: admin.create_named_query(Name="q", WorkGroup=n, **QUERY)["NamedQueryId"] for n in ("own", "other")
    }
    assert not refused(own.batch_get_named_query, NamedQueryIds=[ids["own"]])
    assert refused(own.batch_get_named_query, NamedQueryIds=[ids["own"], ids["other"]])
    own.update_named_query(NamedQueryId=ids["own"], Name="better", QueryString="SELECT 2")
    changed = own.get_named_query(NamedQueryId=ids["own"])["NamedQuery"]
    assert (changed["Name"], changed["QueryString"], changed["Database"]) == ("better", "SELECT 2", "d")
    assert refused(own.update_named_query, NamedQueryId=ids["other"], Name="x", QueryString="SELECT 3")
    with pytest.raises(ClientError, match="InvalidRequestException"):
        admin.update_named_query(
            NamedQueryId="11111111-2222-3333-4444-555555555555", Name="x", QueryString="S"
        )


def test_an_objects_body_is_not_read_to_see_what_its_request_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have many megabytes, and to read it as a form takes seconds."""

    def refuse(body: bytes) -> dict[str, Any]:
        raise AssertionError(f"{len(body)} bytes were read")

    monkeypatch.setattr(several_resources, "members", refuse)
    for action in ("s3:PutObject", "lambda:CreateFunction", "kinesis:PutRecords"):
        assert several_resources.arns(action, bytes(1_000)) == []
