"""handlers/load_check between the embedded AWS and the local Google Cloud, with its own role and no key of Google's."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
import pytest

from components.shared import metric_names
from tests.contract.embedded_cloud import SECRET
from tests.contract.gcp.conftest import NUMBER, PROJECT, ROOT, Denials, Landing, Transfer, Warehouse, lines

POOLS = f"projects/{PROJECT}/locations/global/workloadIdentityPools"
SESSIONS = "arn:aws:sts::111111111111:assumed-role/load-check-"
AUDIENCE = f"//iam.googleapis.com/{POOLS}/pool/providers/amazon"
# As in a bundle, the shared modules stand beside the handler's own.
PLACES = (ROOT / "handlers" / "load_check", ROOT / "components" / "shared")
RUN = """
import json, sys, types
sys.path[:0] = sys.argv[2:]
import app
context = types.SimpleNamespace(function_name="f", memory_limit_in_mb=1, invoked_function_arn="a", aws_request_id="r")
print(json.dumps(app.handler(json.loads(sys.argv[1]), context)))
"""


class LoadCheck:
    """The function as its role: a load time to come, so that what a test writes belongs to its load, however slow the
    machine is."""

    def __init__(
        self, endpoint: str, aws_endpoint: str, landing: Landing, warehouse: Warehouse, transfer: Transfer
    ):
        self.aws, self.landing, self.warehouse = aws_endpoint, landing, warehouse
        self.load = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=30)
        role = f"load-check-{next(NUMBER)}"
        trusted = {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
            "Action": "sts:AssumeRole",
        }
        landing.iam.create_role(
            RoleName=role,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trusted]}),
        )
        grants = [
            *landing.statements,
            {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*"},
        ]
        landing.iam.put_role_policy(
            RoleName=role,
            PolicyName="own",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": grants}),
        )
        self.role, self.arn = role, f"arn:aws:iam::111111111111:role/{role}"
        made = warehouse.ok(
            "POST",
            f"/v1/projects/{PROJECT}/serviceAccounts",
            json={"accountId": f"load-check-{next(NUMBER)}"},
        )
        self.account = made
        self.environment = {
            "TABLES": json.dumps([{"table": "orders", "transfer": transfer.name, "prefix": "raw/orders/"}]),
            # The load time is to come, and a run of now is to count as its own.
            "CHECKED_MINUTES_AFTER": "60",
            "RUN_WITHIN_MINUTES": "120",
            "BUCKET": landing.bucket,
            "PIPELINE": warehouse.dataset,
            "LOAD_TIME": f"{self.load:%H:%M}",
            "PROJECT": PROJECT,
            "DATASET": warehouse.dataset,
            "LOCATION": "US",
            "AUDIENCE": AUDIENCE,
            "SERVICE_ACCOUNT": made["email"],
            "GOOGLE_ENDPOINT": endpoint,
        }

    def let_in(self, role: str) -> None:
        member = f"principal://iam.googleapis.com/{POOLS}/pool/subject/{role}"
        policy = {"bindings": [{"role": "roles/iam.workloadIdentityUser", "members": [member]}]}
        self.warehouse.ok("POST", f"/v1/{self.account['name']}:setIamPolicy", json={"policy": policy})

    def run(self) -> subprocess.CompletedProcess[str]:
        given = self.landing.sts.assume_role(RoleArn=self.arn, RoleSessionName="load-check")["Credentials"]
        credentials = {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.aws,
        }
        event = {"scheduled_time": (self.load + timedelta(hours=1)).isoformat()}
        return subprocess.run(
            [sys.executable, "-c", RUN, json.dumps(event), *map(str, PLACES)],
            text=True,
            capture_output=True,
            check=False,
            env={"PATH": os.environ["PATH"], **credentials, **self.environment},
        )

    def published(self, metric: str = "BigQueryDifference") -> list[float]:
        cloudwatch = boto3.client(
            "cloudwatch",
            endpoint_url=self.aws,
            region_name="us-east-1",
            aws_access_key_id="111111111111",
            aws_secret_access_key=SECRET,
        )
        now = datetime.now(UTC)
        points = cloudwatch.get_metric_statistics(
            Namespace=metric_names.NAMESPACE,
            MetricName=metric,
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=60,
            Statistics=["Sum"],
            Dimensions=[
                {"Name": "Pipeline", "Value": self.warehouse.dataset},
                {"Name": "Table", "Value": "orders"},
            ],
        )
        return [point["Sum"] for point in points["Datapoints"]]


@pytest.fixture(scope="module", autouse=True)
def pool(gcp: httpx.Client) -> None:
    """Identities of the AWS account 111111111111, their subject being the role's name."""
    gcp.post(f"/v1/{POOLS}?workloadIdentityPoolId=pool", json={}).raise_for_status()
    provider = {
        "aws": {"accountId": "111111111111"},
        "attributeMapping": {"google.subject": "assertion.arn.extract('assumed-role/{role}/')"},
        # As components/pipelines/bigquery_transfer/load_check.py writes it, for any role of this module's.
        "attributeCondition": f"assertion.arn.startsWith('{SESSIONS}')",
    }
    where = f"/v1/{POOLS}/pool/providers?workloadIdentityPoolProviderId=amazon"
    gcp.post(where, json=provider).raise_for_status()


@pytest.fixture
def load_check(
    endpoint: str, aws_endpoint: str, landing: Landing, warehouse: Warehouse, transfer: Transfer
) -> LoadCheck:
    warehouse.table("orders", [{"name": "id", "type": "INTEGER"}], timePartitioning={"type": "DAY"})
    later = {"schedule": f"every day {datetime.now(UTC) + timedelta(hours=12):%H:%M}"}
    transfer.create(data_path=f"s3://{landing.bucket}/raw/files/*", more=later)
    made = LoadCheck(endpoint, aws_endpoint, landing, warehouse, transfer)
    for number, items in enumerate((2, 1)):
        landing.put(
            f"raw/orders/AWSDynamoDB/{number}/manifest-summary.json",
            json.dumps({"itemCount": items}).encode(),
        )
    landing.put("raw/orders/AWSDynamoDB/0/data/a.json.gz", b"")
    return made


@pytest.mark.parametrize(("rows", "difference"), [(3, 0), (2, -1), (5, 2)])
def test_the_difference_between_exports_and_the_load_is_published(
    load_check: LoadCheck, rows: int, difference: int
) -> None:
    load_check.let_in(load_check.role)
    records = lines(*({"id": n} for n in range(rows)))
    load_check.warehouse.load(f"orders${load_check.load:%Y%m%d}", records, "NEWLINE_DELIMITED_JSON")
    load_check.warehouse.load("orders$20200101", records, "NEWLINE_DELIMITED_JSON")
    done = load_check.run()
    assert done.returncode == 0, done.stderr + done.stdout
    [table] = json.loads(done.stdout.strip().splitlines()[-1])["tables"]
    assert (table["expected"], table["loaded"], table["difference"]) == (3, rows, difference)
    assert load_check.published() == [difference]


def test_a_load_that_did_not_come_failed_or_succeeded_is_reported_as_that(
    load_check: LoadCheck, transfer: Transfer
) -> None:
    load_check.let_in(load_check.role)

    def state_and_failures() -> tuple[str, int]:
        done = load_check.run()
        assert done.returncode == 0, done.stderr + done.stdout
        [table] = json.loads(done.stdout.strip().splitlines()[-1])["tables"]
        return table["state"], table["failed"]

    assert state_and_failures() == ("AWAITED", 0)  # its time comes in twelve hours
    transfer.warehouse.ok("PATCH", f"/v1/{transfer.name}?updateMask=disabled", json={"disabled": True})
    assert state_and_failures() == ("MISSING", 1)
    transfer.warehouse.ok("PATCH", f"/v1/{transfer.name}?updateMask=disabled", json={"disabled": False})
    load_check.landing.put("raw/files/a.json", lines({"id": "many"}))
    assert transfer.run()["state"] == "FAILED"
    assert state_and_failures() == ("FAILED", 1)
    assert sum(load_check.published("BigQueryLoadFailed")) == 2
    load_check.landing.put("raw/files/a.json", lines({"id": 1}))
    assert transfer.run()["state"] == "SUCCEEDED"
    assert state_and_failures() == ("SUCCEEDED", 0)
    assert sum(load_check.published("BigQueryLoadFailed")) == 2


def test_a_role_that_is_not_let_in_is_refused_and_the_table_named(
    load_check: LoadCheck, denials: Denials
) -> None:
    """Who is denied is the principal that its token stands for."""
    load_check.let_in(f"{load_check.role}-other")
    done = load_check.run()
    assert (
        done.returncode == 1
        and "NotChecked: orders: iamcredentials" in done.stderr
        and "getAccessToken" in done.stderr
    )
    assert load_check.published() == []
    principal = f"principal://iam.googleapis.com/{POOLS}/pool/subject/{load_check.role}"
    assert denials(load_check.account["email"]) == [(principal, "iam.serviceAccounts.getAccessToken")]


def exchanged(gcp: httpx.Client, audience: str, **keys: str) -> httpx.Response:
    """The token for the holder of these keys, requested as handlers/load_check does."""
    spec = importlib.util.spec_from_file_location(
        "federation", ROOT / "handlers" / "load_check" / "federation.py"
    )
    assert spec and spec.loader
    federation = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(federation)
    google = federation.Google(boto3.Session(region_name="us-east-1", **keys), audience, "nobody", None)
    body = {
        "audience": audience,
        "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
        "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "subjectToken": google.caller_identity(),
        "subjectTokenType": "urn:ietf:params:aws:token-type:aws4_request",
    }
    return gcp.post("/v1/token", json=body)


@pytest.mark.parametrize("guarded", [True, False])
def test_an_iam_user_whose_path_resembles_the_roles_session_is_not_the_role(
    gcp: httpx.Client, load_check: LoadCheck, guarded: bool
) -> None:
    """Without the condition the forged subject is the role's; paths are free text:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-friendly-names"""
    user = f"u{next(NUMBER)}"
    load_check.landing.iam.create_user(UserName=user, Path=f"/assumed-role/{load_check.role}/")
    made = load_check.landing.iam.create_access_key(UserName=user)["AccessKey"]
    keys = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}
    audience = AUDIENCE
    if not guarded:
        audience = AUDIENCE.replace("/amazon", f"/open-{user}")
        where = f"/v1/{POOLS}/pool/providers?workloadIdentityPoolProviderId=open-{user}"
        open_to_all = {
            "aws": {"accountId": "111111111111"},
            "attributeMapping": {"google.subject": "assertion.arn.extract('assumed-role/{role}/')"},
        }
        gcp.post(where, json=open_to_all).raise_for_status()
    answer = exchanged(gcp, audience, **keys)
    if guarded:
        assert answer.status_code == 401 and "attribute condition" in answer.text
        return
    load_check.let_in(load_check.role)
    token = {"authorization": f"Bearer {answer.json()['access_token']}"}
    name = f"projects/-/serviceAccounts/{load_check.account['email']}"
    forged = gcp.post(f"/v1/{name}:generateAccessToken", json={"scope": []}, headers=token)
    assert forged.status_code == 200  # the forgery that the condition is for


@pytest.mark.parametrize(
    "condition", ["true", "assertion.arn.contains('role')", "assertion.arn == 'a' || true"]
)
def test_a_condition_that_is_not_evaluated_here_is_refused(gcp: httpx.Client, condition: str) -> None:
    where = f"/v1/{POOLS}/pool/providers?workloadIdentityPoolProviderId=other"
    made = gcp.post(where, json={"aws": {"accountId": "111111111111"}, "attributeCondition": condition})
    assert made.status_code == 400 and "attribute condition" in made.text


def test_a_subject_token_with_another_signature_is_no_identity(gcp: httpx.Client) -> None:
    url = "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"
    signed: dict[str, Any] = {
        "url": url,
        "method": "POST",
        "headers": [
            {"key": "host", "value": "sts.us-east-1.amazonaws.com"},
            {"key": "x-goog-cloud-target-resource", "value": AUDIENCE},
            {
                "key": "authorization",
                "value": "AWS4-HMAC-SHA256 Credential=AKIANONE/20260101/us-east-1/sts/aws4_request, "
                "SignedHeaders=host, Signature=0",
            },
        ],
    }
    answer = gcp.post(
        "/v1/token",
        json={
            "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
            "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
            "audience": AUDIENCE,
            "subjectToken": json.dumps(signed),
            "subjectTokenType": "urn:ietf:params:aws:token-type:aws4_request",
        },
    )
    assert answer.status_code == 400 and "AWS refused" in answer.json()["error"]["message"]
