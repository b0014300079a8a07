"""A web page that the developer opens plays against the clouds on loopback, and their own clients still get in.

What a page may send without a preflight stands in the Fetch standard, "CORS-safelisted request-header" and "forbidden
request-header" (https://fetch.spec.whatwg.org/#cors-safelisted-request-header); it cannot leave out or choose `Host`,
`Origin` and `Sec-Fetch-Site`. The clouds run with a secret, as `make up` starts them.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType] - it has no types

from local import secret
from local.opensearch import free_port
from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "111111111111"
SECRET = "0123456789abcdef0123456789abcdef01234567"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
CREATE_ROLE = urlencode({"Action": "CreateRole", "Version": "2010-05-08", "RoleName": "page",
                         "AssumeRolePolicyDocument": TRUST})  # fmt: skip
FORM, TEXT = "application/x-www-form-urlencoded", "text/plain;charset=UTF-8"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Both clouds with a secret, as they are started in the background."""
    state = tmp_path_factory.mktemp("cloud") / "state"
    command = [sys.executable, "-m", "local.cloud", "--port", str(free_port()), "--state", str(state),
               "--gcp-port", str(free_port())]  # fmt: skip
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, secret.VARIABLE: SECRET}
    ) as process:
        try:
            assert process.stdout
            ready = json.loads(process.stdout.readline())
            assert SECRET not in json.dumps(ready)
            yield SimpleNamespace(aws=ready["endpoint"], gcp=ready["gcp"], state=state, pid=process.pid)
        finally:
            process.terminate()
            process.wait(PATIENCE)


@pytest.fixture(scope="module")
def unchecked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The embedded cloud, started by hand without a secret; its endpoint and what it warned of."""
    state = tmp_path_factory.mktemp("cloud")
    command = [sys.executable, "-m", "local.cloud", "--port", str(free_port()), "--state", str(state)]
    environment = {name: value for name, value in os.environ.items() if name != secret.VARIABLE}
    log = state / "log"
    with log.open("w") as err, subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=err, text=True, env=environment
    ) as process:  # fmt: skip
        try:
            assert process.stdout
            yield json.loads(process.stdout.readline())["endpoint"], log
        finally:
            process.terminate()
            process.wait(PATIENCE)


def client(endpoint: str, service: str, given: str = SECRET, key: str = ACCOUNT, **config: Any):
    return boto3.client(
        service, endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=given,
        config=Config(retries={"total_max_attempts": 1}, **config),
    )  # fmt: skip


def send(
    endpoint: str, method: str, path: str, headers: dict[str, str], body: str = ""
) -> tuple[int, dict[str, Any], str]:
    """One request with exactly these headers (and a length), its Host the endpoint's own if none is given."""
    at = urlsplit(str(endpoint))
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=PATIENCE)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": at.netloc, "Content-Length": str(len(body)), **headers}.items():
            connection.putheader(name, value)
        connection.endheaders(body.encode())
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode("latin-1")
    finally:
        connection.close()


# What a browser adds to a page's requests: (the page, the headers).
PAGES = {
    "another site": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    "an older browser": {"Origin": "https://evil.example"},
    "a sandboxed frame": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    "an image": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    "a link": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"},
    "another port of this machine": {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
    "a rebound name": {"Host": "evil.example:{port}"},
    "a rebound name like an address": {"Host": "127.0.0.1.evil.example:{port}"},
    "a rebound name like localhost": {"Host": "localhost.evil.example:{port}"},
    "a rebound name with localhost in it": {"Host": "evil-localhost:{port}"},
    "a rebound name of Amazon's": {"Host": "page.s3.amazonaws.com:{port}"},
    "all addresses": {"Host": "0.0.0.0:{port}"},
    "another service's port": {"Host": "127.0.0.1:1"},
    "no host": {"Host": ""},
    "a page kept in the cloud itself": {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"},
}
BODIES = [(FORM, CREATE_ROLE), (TEXT, CREATE_ROLE), (TEXT, json.dumps({"query": "SELECT 1", "useLegacySql": False})),
          ("multipart/form-data; boundary=x", "--x--")]  # fmt: skip


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_refused_whatever_it_sends_and_reads_no_answer(run: SimpleNamespace, cloud: str, page: Any):
    endpoint = getattr(run, cloud)
    headers = {name: value.format(port=urlsplit(str(endpoint)).port) for name, value in PAGES[page].items()}
    # Even with the right secret, as of a page that got hold of it.
    signed = {"Authorization": f"Bearer {SECRET}"}
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
        for path in ("/", "/bigquery/v2/projects/p/queries", "/2015-03-31/functions", "/_ministack/reset"):
            for media, body in BODIES:
                status, answer, _ = send(
                    endpoint, method, path, {**headers, **signed, "Content-Type": media}, body
                )
                assert status == 403, (method, path, media)
                assert not [name for name in answer if name.startswith("access-control-")]


def test_no_role_came_of_it_and_the_same_request_of_a_client_makes_one(run: SimpleNamespace):
    iam = client(run.aws, "iam")
    assert "page" not in [role["RoleName"] for role in iam.list_roles()["Roles"]]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                        "Principal": {"Service": "lambda.amazonaws.com"}}]}  # fmt: skip
    iam.create_role(RoleName="clients", AssumeRolePolicyDocument=json.dumps(document))
    assert "clients" in [role["RoleName"] for role in iam.list_roles()["Roles"]]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "query",
    [
        "",
        f"{CREATE_ROLE}&AWSAccessKeyId={ACCOUNT}&Signature=x",
        f"{CREATE_ROLE}&X-Amz-Credential={ACCOUNT}/20260101/us-east-1/iam/aws4_request",
    ],
)
def test_without_headers_that_a_page_cannot_set_nothing_is_done(
    run: SimpleNamespace, unchecked: tuple[str, Path], method: str, query: str
):
    """An old browser that sends neither Origin nor Sec-Fetch-Site: what is left is the signature."""
    for endpoint, own in ((run.aws, SECRET), (unchecked[0], "any")):
        for path in (f"/?{query}", f"/?{CREATE_ROLE}"):
            status, _, text = send(endpoint, method, path, {"Content-Type": FORM}, CREATE_ROLE)
            assert status in (400, 403), text
        assert "page" not in [role["RoleName"] for role in client(endpoint, "iam", own).list_roles()["Roles"]]


def test_a_url_presigned_as_an_account_needs_the_secret_also_where_headers_do_not(
    run: SimpleNamespace, unchecked: tuple[str, Path]
):
    for endpoint, own in ((run.aws, SECRET), (unchecked[0], "any")):
        client(endpoint, "s3", own).create_bucket(Bucket="presigned")
        for guess in ("local", "test", ""):
            if guess:
                url = client(endpoint, "s3", guess).generate_presigned_url(
                    "put_object", {"Bucket": "presigned", "Key": "k"}
                )
                assert httpx.put(url, content=b"x", trust_env=False).status_code == 403
                url = client(endpoint, "iam", guess).generate_presigned_url("list_users")
                assert httpx.get(url, trust_env=False).status_code == 403
        assert "Contents" not in client(endpoint, "s3", own).list_objects_v2(Bucket="presigned")
    url = client(run.aws, "s3").generate_presigned_url("put_object", {"Bucket": "presigned", "Key": "k"})
    assert httpx.put(url, content=b"x", trust_env=False).status_code == 200


# A call of each service that the program, its functions and its providers use.
CALLS: dict[str, Any] = {
    "athena": ("list_work_groups", {}),
    "cloudwatch": ("list_metrics", {}),
    "dynamodb": ("list_tables", {}),
    "events": ("list_rules", {}),
    "firehose": ("list_delivery_streams", {}),
    "glue": ("get_databases", {}),
    "iam": ("list_roles", {}),
    "kinesis": ("list_streams", {}),
    "kms": ("list_keys", {}),
    "lambda": ("list_functions", {}),
    "logs": ("describe_log_groups", {}),
    "opensearchserverless": ("list_collections", {}),
    "osis": ("list_pipelines", {}),
    "rds": ("describe_db_instances", {}),
    "s3": ("list_buckets", {}),
    "s3control": ("list_jobs", {"AccountId": ACCOUNT}),
    "scheduler": ("list_schedules", {}),
    "secretsmanager": ("list_secrets", {}),
    "sns": ("list_topics", {}),
    "sqs": ("list_queues", {}),
    "stepfunctions": ("list_state_machines", {}),
    "sts": ("get_caller_identity", {}),
}


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch):
    """RFC 6761: a name below localhost is loopback; the C library may not know."""
    resolve = socket.getaddrinfo

    def loopback(host: Any, *arguments: Any, **named: Any):
        return resolve("127.0.0.1" if str(host).endswith(".localhost") else host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", loopback)


@pytest.mark.parametrize("service", CALLS)
def test_a_service_takes_the_secret_and_no_other(run: SimpleNamespace, names: Any, service: Any):
    operation, arguments = CALLS[service]
    endpoint = run.aws.replace("127.0.0.1", "localhost")  # S3 Control puts the account before it
    getattr(client(endpoint, service), operation)(**arguments)
    for guess in ("local", "test", ACCOUNT):
        with pytest.raises(ClientError) as refused:
            getattr(client(endpoint, service, guess), operation)(**arguments)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
        assert refused.value.response["Error"]["Code"] != "500"


def test_a_session_of_an_account_and_the_key_of_no_account_need_the_secret_too(run: SimpleNamespace):
    for key in ("test", "000000000000", "222222222222"):
        with pytest.raises(ClientError):
            client(run.aws, "iam", "test", key).list_roles()
    client(run.aws, "iam", SECRET, "222222222222").list_roles()


def test_started_without_a_secret_it_warns_and_takes_any_signature_in_a_header(unchecked: tuple[str, Path]):
    endpoint, log = unchecked
    for given in ("local", "test", "whatever"):
        client(endpoint, "iam", given).list_roles()
    assert secret.WARNING in log.read_text()


def test_hosts_below_localhost_pass_as_buckets_and_accounts_have_them(run: SimpleNamespace):
    port = urlsplit(str(run.aws)).port
    for host in (
        f"bucket.localhost:{port}",
        f"my.own_bucket.s3.LocalHost:{port}",
        "bucket.localhost",
        f"[::1]:{port}",
    ):
        for cloud in (run.aws, run.gcp):
            _, _, text = send(
                cloud, "GET", "/healthz", {"Host": host.replace(str(port), str(urlsplit(str(cloud)).port))}
            )
            assert "loopback" not in text
    for host in ("bucket.localhost.", ".localhost", "a@localhost", "localhost:", "localhost,localhost"):
        assert "loopback" in send(run.aws, "GET", "/", {"Host": host})[2]


def test_a_functions_credentials_do_not_follow_from_its_arn(run: SimpleNamespace):
    """ministack derives them from the function's and the role's ARN, which whoever writes a policy knows."""
    import hashlib

    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:clients"
    role = f"arn:aws:iam::{ACCOUNT}:role/clients"
    digest = hashlib.sha256(f"{function}:{role}".encode()).hexdigest()
    guessed = boto3.client(
        "sts", endpoint_url=run.aws, region_name="us-east-1", aws_access_key_id=f"ASIA{digest[:16].upper()}",
        aws_secret_access_key=hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        aws_session_token=hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    )  # fmt: skip
    with pytest.raises(ClientError):
        guessed.get_caller_identity()


def test_ministacks_own_paths_are_closed_to_whoever_is_not_signed_and_who_is(run: SimpleNamespace):
    signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/us-east-1/s3/aws4_request, x"}
    for method, path in (("POST", "/_ministack/reset"), ("POST", "/_ministack/config"),
                         ("GET", "/_ministack/lambda-code/f"), ("GET", "/_ministack/sqs/messages"),
                         ("POST", "/_ministack/rds/iam-auth")):  # fmt: skip
        for headers in ({}, signed):
            assert send(run.aws, method, path, headers)[0] == 403
    assert send(run.aws, "GET", "/_ministack/health", {})[0] == 200


def test_google_takes_the_secret_as_bearer_and_googles_own_client_works(run: SimpleNamespace):
    project = "tributary-local"
    bigquery = cast("Any", build)(
        "bigquery",
        "v2",
        credentials=Credentials(SECRET),
        client_options={"api_endpoint": f"{run.gcp}/bigquery/v2/"},
    )
    body = {"query": "SELECT 1", "useLegacySql": False}
    answer = bigquery.jobs().query(projectId=project, body=body).execute()
    assert answer["rows"][0]["f"][0]["v"] == "1"
    for path in (
        f"/bigquery/v2/projects/{project}/queries",
        "/storage/v1/b?project=p",
        f"/v1/projects/{project}",
    ):
        for headers in ({}, {"Authorization": "Bearer local"}, {"Authorization": f"Basic {SECRET}"}):
            media = {"Content-Type": "application/json"}
            status, answer, _ = send(run.gcp, "POST", path, headers | media, json.dumps(body))
            assert status == 401
            assert not [name for name in answer if name.startswith("access-control-")]


def test_only_the_user_can_read_the_state_and_the_secret_is_in_no_command_line(run: SimpleNamespace):
    assert stat.S_IMODE(run.state.stat().st_mode) == 0o700
    assert stat.S_IMODE((run.state / "gcp").stat().st_mode) == 0o700
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            assert SECRET.encode() not in (folder / "cmdline").read_bytes()
        except OSError:
            continue


def test_the_clouds_listen_on_no_port_but_the_two_that_are_guarded(run: SimpleNamespace):
    """Whatever a part opens beside them (bqemulator's gRPC) would take anybody on the machine. By the kernel's tables
    (https://docs.kernel.org/networking/proc_net_tcp.html): state 0A listens, and a process has its sockets by inode."""
    listening: dict[Any, Any] = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{run.pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A":
                listening[f"socket:[{inode}]"] = int(local.rpartition(":")[2], 16)
    handles = [
        handle
        for process in (run.pid, *_children(run.pid))
        for handle in Path(f"/proc/{process}/fd").iterdir()
    ]
    ports = {listening.get(_points_to(handle)) for handle in handles} - {None}
    assert ports == {urlsplit(str(endpoint)).port for endpoint in (run.aws, run.gcp)}


def _children(process: int) -> list[int]:
    folders = Path(f"/proc/{process}/task").iterdir()
    own = [int(child) for folder in folders for child in (folder / "children").read_text().split()]
    return own + [of for child in own for of in _children(child)]


def _points_to(handle: Path) -> str:
    try:
        return str(handle.readlink())
    except FileNotFoundError:  # closed meanwhile
        return ""


def test_an_answer_has_no_cors_header_even_where_ministack_sends_one(run: SimpleNamespace):
    signer = client(run.aws, "sqs")
    signer.create_queue(QueueName="plain")
    seen: list[Any] = []

    def answered(http_response: Any, **_: Any) -> None:
        seen.append(http_response)

    signer.meta.events.register("after-call.sqs.ListQueues", answered)
    signer.list_queues()
    assert seen and not [name for name in seen[0].headers if name.lower().startswith("access-control-")]


def test_a_websocket_of_a_page_is_closed_before_it_opens(run: SimpleNamespace):
    key = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
    for endpoint in (run.aws, run.gcp):
        for page in (
            {"Origin": "https://evil.example"},
            {"Host": f"evil.example:{urlsplit(str(endpoint)).port}"},
        ):
            assert send(endpoint, "GET", "/", key | page)[0] == 403
