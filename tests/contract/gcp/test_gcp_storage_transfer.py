"""Storage Transfer, IAM, service accounts, Pub/Sub and buckets of the local Google Cloud."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.contract.gcp.conftest import NUMBER, PROJECT, Landing, Warehouse, lines, until


@pytest.fixture
def sink(gcp: httpx.Client) -> str:
    name = f"sink-{next(NUMBER)}"
    assert gcp.post("/storage/v1/b", params={"project": PROJECT}, json={"name": name}).status_code == 200
    return name


def trust(landing: Landing, role: str, subject: str) -> str:
    """A role that only the subject of Google's transfer service may assume, and that may read the landing."""
    landing.iam.create_role(
        RoleName=role,
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Federated": "accounts.google.com"},
                        "Action": "sts:AssumeRoleWithWebIdentity",
                        "Condition": {"StringEquals": {"accounts.google.com:sub": subject}},
                    }
                ],
            }
        ),
    )
    landing.iam.put_role_policy(
        RoleName=role,
        PolicyName="read",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": landing.statements}),
    )
    return f"arn:aws:iam::111111111111:role/{role}"


def job(landing: Landing, sink: str, role: str, **more: Any) -> dict[str, Any]:
    return {
        "projectId": PROJECT,
        "status": "ENABLED",
        "transferSpec": {
            "awsS3DataSource": {"bucketName": landing.bucket, "path": "raw/", "roleArn": role},
            "gcsDataSink": {"bucketName": sink, "path": "landing/"},
        },
        **more,
    }


def run(gcp: httpx.Client, name: str) -> dict[str, Any]:
    operation = gcp.post(f"/v1/{name}:run", json={"projectId": PROJECT}).json()["name"]
    return until(lambda: (found := gcp.get(f"/v1/{operation}").json()).get("done") and found)


def subject(gcp: httpx.Client) -> str:
    return gcp.get(f"/v1/googleServiceAccounts/{PROJECT}").json()["subjectId"]


def test_a_federated_role_copies_what_the_sink_lacks_and_nothing_twice(
    gcp: httpx.Client, landing: Landing, sink: str
) -> None:
    role = trust(landing, f"transfer-{next(NUMBER)}", subject(gcp))
    landing.put("raw/orders/a.json", lines({"id": 1}))
    landing.put("other/b.json", b"{}")
    name = gcp.post("/v1/transferJobs", json=job(landing, sink, role)).json()["name"]
    first = run(gcp, name)
    assert first["metadata"]["counters"]["objectsCopiedToSink"] == "1", first
    assert [o["name"] for o in gcp.get(f"/storage/v1/b/{sink}/o").json()["items"]] == ["landing/orders/a.json"]
    landing.put("raw/orders/c.json", lines({"id": 2}))
    counters = run(gcp, name)["metadata"]["counters"]
    assert (counters["objectsCopiedToSink"], counters["objectsFromSourceSkippedBySync"]) == ("1", "1")


def test_a_role_that_trusts_another_subject_is_not_assumed(gcp: httpx.Client, landing: Landing, sink: str) -> None:
    role = trust(landing, f"transfer-{next(NUMBER)}", "123")
    name = gcp.post("/v1/transferJobs", json=job(landing, sink, role)).json()["name"]
    ended = run(gcp, name)
    assert ended["metadata"]["status"] == "FAILED" and "Failed to assume" in ended["error"]["message"]


def test_an_event_in_the_queue_copies_its_object(gcp: httpx.Client, landing: Landing, sink: str) -> None:
    url = landing.sqs.create_queue(QueueName=landing.bucket)["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:111111111111:{landing.bucket}"
    landing.sqs.set_queue_attributes(
        QueueUrl=url,
        Attributes={
            "Policy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "s3.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": queue,
                        }
                    ],
                }
            )
        },
    )
    landing.s3.put_bucket_notification_configuration(
        Bucket=landing.bucket,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": queue, "Events": ["s3:ObjectCreated:*"]}]},
    )
    landing.statements.append(
        {
            "Sid": "TakeEvents",
            "Effect": "Allow",
            "Resource": queue,
            "Action": ["sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:DeleteMessage"],
        }
    )
    role = trust(landing, f"transfer-{next(NUMBER)}", subject(gcp))
    name = gcp.post("/v1/transferJobs", json=job(landing, sink, role, eventStream={"name": queue})).json()["name"]
    landing.put("raw/orders/a b.json", lines({"id": 1}))
    found = until(lambda: gcp.get(f"/storage/v1/b/{sink}/o").json().get("items"))
    assert [o["name"] for o in found] == ["landing/orders/a b.json"]
    assert gcp.delete(f"/v1/{name}", params={"projectId": PROJECT}).status_code == 200


def refused(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body["transferSpec"]["awsS3DataSource"] |= changes
    return body


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"roleArn": ""}, "exactly one"),
        ({"awsAccessKey": {"accessKeyId": "A", "secretAccessKey": "B"}}, "exactly one"),
        ({"path": "/raw"}, "path"),
        ({"roleArn": "arn:aws:iam::1:user/x"}, "no role"),
        ({"bucketName": ""}, "bucketName"),
    ],
)
def test_a_job_that_the_service_refuses_is_refused(
    gcp: httpx.Client, landing: Landing, sink: str, changes: dict[str, Any], said: str
) -> None:
    answer = gcp.post(
        "/v1/transferJobs", json=refused(job(landing, sink, "arn:aws:iam::111111111111:role/r"), **changes)
    )
    assert answer.status_code == 400 and said in answer.json()["error"]["message"]


def test_loads_and_transfers_meet_in_cloud_storage(
    gcp: httpx.Client, landing: Landing, sink: str, warehouse: Warehouse
) -> None:
    role = trust(landing, f"transfer-{next(NUMBER)}", subject(gcp))
    for number in range(3):
        landing.put(f"raw/orders/{number}.json", lines({"id": number}))
    run(gcp, gcp.post("/v1/transferJobs", json=job(landing, sink, role)).json()["name"])
    warehouse.table("orders", [{"name": "id", "type": "INTEGER"}])
    load = {
        "destinationTable": {"projectId": PROJECT, "datasetId": warehouse.dataset, "tableId": "orders"},
        "sourceUris": [f"gs://{sink}/landing/orders/*.json"],
        "sourceFormat": "NEWLINE_DELIMITED_JSON",
    }
    done = warehouse.ok("POST", f"{warehouse.base}/jobs", json={"configuration": {"load": load}})
    assert done["statistics"]["load"]["outputRows"] == "3", done


def test_a_policy_takes_only_members_that_exist_and_the_etag_it_was_read_with(gcp: httpx.Client) -> None:
    account = f"transfer-{next(NUMBER)}"
    member = f"serviceAccount:{account}@{PROJECT}.iam.gserviceaccount.com"
    policy = gcp.post(f"/v1/projects/{PROJECT}:getIamPolicy", json={}).json()
    policy["bindings"] = [{"role": "roles/bigquery.jobUser", "members": [member]}]
    answer = gcp.post(f"/v1/projects/{PROJECT}:setIamPolicy", json={"policy": policy})
    assert answer.status_code == 400 and "does not exist" in answer.text
    assert gcp.post(f"/v1/projects/{PROJECT}/serviceAccounts", json={"accountId": account}).status_code == 200
    assert gcp.post(f"/v1/projects/{PROJECT}:setIamPolicy", json={"policy": policy}).status_code == 200
    stale = gcp.post(f"/v1/projects/{PROJECT}:setIamPolicy", json={"policy": policy})
    assert stale.status_code == 409 and "concurrent" in stale.text


def test_a_service_account_is_made_once_and_gone_when_deleted(gcp: httpx.Client) -> None:
    body = {"accountId": f"loader-{next(NUMBER)}", "serviceAccount": {"displayName": "Loads orders"}}
    made = gcp.post(f"/v1/projects/{PROJECT}/serviceAccounts", json=body).json()
    assert gcp.get(f"/v1/{made['name']}").json()["displayName"] == "Loads orders"
    assert gcp.post(f"/v1/projects/{PROJECT}/serviceAccounts", json=body).status_code == 409
    assert gcp.delete(f"/v1/{made['name']}").status_code == 200
    assert gcp.get(f"/v1/{made['name']}").status_code == 404
    assert gcp.post(f"/v1/projects/{PROJECT}/serviceAccounts", json={"accountId": "Bad"}).status_code == 400


def test_a_bucket_keeps_what_it_is_told_and_its_policy(gcp: httpx.Client, sink: str) -> None:
    told = {"labels": {"a": "b"}, "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 7}}]}}
    assert gcp.patch(f"/storage/v1/b/{sink}", json=told).status_code == 200
    found = gcp.get(f"/storage/v1/b/{sink}").json()
    assert found["labels"] == {"a": "b"} and found["lifecycle"] == told["lifecycle"]
    policy = gcp.get(f"/storage/v1/b/{sink}/iam").json() | {
        "bindings": [{"role": "roles/storage.objectViewer", "members": ["group:a@b.c"]}]
    }
    assert gcp.put(f"/storage/v1/b/{sink}/iam", json=policy).json()["bindings"] == policy["bindings"]
    assert gcp.get("/storage/v1/b/none-such/iam").status_code == 404


def test_a_tables_schema_only_grows(warehouse: Warehouse) -> None:
    path = f"{warehouse.base}/datasets/{warehouse.dataset}/tables/t"
    field = {"name": "id", "type": "NUMERIC", "precision": "20", "scale": "0", "mode": "NULLABLE"}
    warehouse.table("t", [field], labels={"a": "b"}, encryptionConfiguration={"kmsKeyName": "projects/p/key"})
    found = warehouse.ok("GET", path)
    assert found["schema"]["fields"] == [field] and found["encryptionConfiguration"] == {"kmsKeyName": "projects/p/key"}
    for fields in (
        [],
        [field | {"type": "STRING"}],
        [field | {"scale": "2"}],
        [field, {"name": "x", "type": "STRING", "mode": "REQUIRED"}],
    ):
        assert warehouse.gcp.patch(path, json={"schema": {"fields": fields}}).status_code == 400
    warehouse.ok("PATCH", path, json={"schema": {"fields": [field, {"name": "order id", "type": "STRING"}]}})
    warehouse.rows("INSERT INTO $.t (id, `order id`) VALUES (18446744073709551615, 'x')")
    assert warehouse.rows("SELECT `order id` FROM $.t") == [("x",)]


@pytest.mark.parametrize(
    "more",
    [
        {"timePartitioning": {"type": "DAY", "field": "name"}},
        {"clustering": {"fields": ["none"]}},
        {"clustering": {"fields": ["name"] * 5}},
        {"schema": {"fields": [{"name": "a$", "type": "STRING"}]}},
        {"schema": {"fields": [{"name": "x", "type": "BIGNUMERIC", "precision": "60", "scale": "30"}]}},
    ],
)
def test_a_table_that_cannot_be_is_refused(warehouse: Warehouse, more: dict[str, Any]) -> None:
    body = {"tableReference": {"tableId": "t"}, "schema": {"fields": [{"name": "name", "type": "STRING"}]}, **more}
    answer = warehouse.gcp.post(f"{warehouse.base}/datasets/{warehouse.dataset}/tables", json=body)
    assert answer.status_code == 400, answer.text


def test_a_view_of_the_latest_load_survives_a_new_column(warehouse: Warehouse) -> None:
    table = warehouse.table(
        "orders", [{"name": "id", "type": "INTEGER", "mode": "NULLABLE"}], timePartitioning={"type": "DAY"}
    )
    orders = f"`{PROJECT}.{warehouse.dataset}.orders`"
    latest = f"SELECT * FROM {orders} WHERE _PARTITIONTIME = (SELECT MAX(_PARTITIONTIME) FROM {orders})"
    warehouse.ok(
        "POST",
        f"{warehouse.base}/datasets/{warehouse.dataset}/tables",
        json={"tableReference": {"tableId": "orders_latest"}, "view": {"query": latest, "useLegacySql": False}},
    )
    warehouse.load("orders$20260101", lines({"id": 1}), "NEWLINE_DELIMITED_JSON")
    warehouse.load(
        "orders$20260102", lines({"id": 2}, {"id": 3}), "NEWLINE_DELIMITED_JSON", writeDisposition="WRITE_TRUNCATE"
    )
    assert warehouse.rows("SELECT * FROM $.orders_latest ORDER BY id") == [("2",), ("3",)]
    path = f"{warehouse.base}/datasets/{warehouse.dataset}/tables/orders"
    warehouse.ok(
        "PATCH", path, json={"schema": {"fields": [*table["schema"]["fields"], {"name": "colour", "type": "STRING"}]}}
    )
    warehouse.load("orders$20260103", lines({"id": 4, "colour": "red"}), "NEWLINE_DELIMITED_JSON")
    assert warehouse.rows("SELECT id, colour FROM $.orders_latest") == [("4", "red")]
    assert warehouse.rows("SELECT COUNT(*), COUNT(DISTINCT _PARTITIONDATE) FROM $.orders") == [("4", "3")]
    assert warehouse.rows("SELECT COUNT(*) FROM $.orders WHERE _PARTITIONDATE >= '2026-01-02'") == [("3",)]
