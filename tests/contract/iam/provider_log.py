"""Reads the real AWS provider's log into what the deploy and preview roles are made of, and judged by.

    python -m tests.contract.iam.provider_log <stack> <terraform-provider.log>

A log at level `debug` holds every request that the provider sent, with its body, and the type of resource that it was
for. Written are `bootstrap/seen.json` (what is called for a type of resource, joined with what is there) and
`seen/<stack>.json` beside this file (each request of this stack: action, resource, what its conditions are judged by).

The action of an operation is the operation's own name, but for S3 and Lambda's Invoke: the table below, from
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html and
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html. The embedded cloud's own table, which is not ours, must
say the same of every request (`test_roles`).
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from bootstrap.kinds import PROVIDER_NAMES

ROOT = Path(__file__).resolve().parents[3]
SEEN = ROOT / "bootstrap" / "seen.json"
REQUESTS = Path(__file__).with_name("seen")
SERVICES = {
    "Athena": "athena", "CloudWatch": "cloudwatch", "CloudWatch Logs": "logs", "DynamoDB": "dynamodb",
    "EventBridge": "events", "Firehose": "firehose", "Glue": "glue", "IAM": "iam", "Kinesis": "kinesis", "KMS": "kms",
    "Lambda": "lambda", "OpenSearchServerless": "aoss", "OSIS": "osis", "S3": "s3", "Scheduler": "scheduler",
    "SFN": "states", "SNS": "sns", "SQS": "sqs",
}  # fmt: skip
ACTIONS = {
    "lambda": {"Invoke": "InvokeFunction"},
    "s3": {
        "CompleteMultipartUpload": "PutObject",
        "CreateMultipartUpload": "PutObject",
        "DeleteBucketEncryption": "PutEncryptionConfiguration",
        "DeleteBucketLifecycle": "PutLifecycleConfiguration",
        "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
        "DeleteBucketReplication": "PutReplicationConfiguration",
        "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
        "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
        "GetBucketCors": "GetBucketCORS",
        "GetBucketEncryption": "GetEncryptionConfiguration",
        "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
        "GetBucketNotificationConfiguration": "GetBucketNotification",
        "GetBucketReplication": "GetReplicationConfiguration",
        "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
        "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
        "HeadBucket": "ListBucket",
        "HeadObject": "GetObject",
        "ListObjectVersions": "ListBucketVersions",
        "PutBucketEncryption": "PutEncryptionConfiguration",
        "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
        "PutBucketNotificationConfiguration": "PutBucketNotification",
        "PutBucketReplication": "PutReplicationConfiguration",
        "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
        "UploadPart": "PutObject",
    },
}
DURING = {
    "PlanResourceChange": "plan",
    "ReadDataSource": "plan",
    "ReadResource": "read",
    "ApplyResourceChange": "write",
}
# Where a request names what it is about: a member, and what stands before it in the ARN.
NAMED = {
    "athena": {"WorkGroup": "workgroup/", "Name": "workgroup/"},
    "cloudwatch": {"AlarmName": "alarm:", "AlarmNames.member.1": "alarm:"},
    "dynamodb": {"TableName": "table/"},
    "events": {"Rule": "rule/", "Name": "rule/"},
    "firehose": {"DeliveryStreamName": "deliverystream/"},
    "glue": {"DatabaseInput": "database/", "Name": "database/"},
    "kinesis": {"StreamName": "stream/"},
    "kms": {"AliasName": "", "KeyId": "key/"},
    "lambda": {"FunctionName": "function:"},
    "logs": {"logGroupName": "log-group:"},
    "sns": {"Name": ""},
    "sqs": {"QueueName": "", "QueueUrl": ""},
    "states": {"name": "stateMachine:"},
}
# Requests that no resource can be named for, or whose resource is an id that only the service knows.
EVERY = re.compile(
    "aoss:(?!DeleteCollection)|kms:(CreateKey|ListAliases)|logs:DescribeLogGroups|"
    "kinesis:DescribeLimits|states:Validate|lambda:CreateEventSourceMapping|glue:.*SecurityConfiguration|"
    "glue:CreateCrawler|osis:CreatePipeline|athena:(Get|Delete)NamedQuery"
)
TAGGED_WHEN_MADE = ("aoss:CreateCollection", "glue:CreateCrawler", "kms:CreateKey", "osis:CreatePipeline")
OF_A_MAPPING = (
    "lambda:DeleteEventSourceMapping",
    "lambda:GetEventSourceMapping",
    "lambda:UpdateEventSourceMapping",
)


@dataclass(frozen=True)
class Sent:
    """One request as the log has it."""

    type: str
    during: str
    action: str
    account: str
    region: str
    method: str
    url: str
    target: str
    body: str

    @property
    def members(self) -> dict[str, Any]:
        """The request's own words: of its JSON, or of its form."""
        if self.body.startswith("{"):
            return json.JSONDecoder().raw_decode(self.body)[0]  # the log adds a line of its own to a long one
        return {key: values[0] for key, values in parse_qs(self.body).items()}

    @property
    def resource(self) -> str:
        """The ARN of what the request is about; `*` where there is none."""
        service, path = self.action.split(":")[0], unquote(urlsplit(self.url).path)
        before = f"arn:aws:{service}:{self.region}:{self.account}:"
        if EVERY.match(self.action):
            return "*"
        if service == "s3":
            return f"arn:aws:s3:::{path[1:]}"
        if gathered := re.search("arn:aws:[^/]+/?.*", path):
            return gathered[0]
        if gathered := re.match("/[^/]+/functions/([^/]+)", path):
            return f"{before}function:{gathered[1]}" + (":$LATEST" if path.endswith("/invocations") else "")
        if gathered := re.match("/[^/]+/event-source-mappings/(.+)", path):
            return f"{before}event-source-mapping:{gathered[1]}"
        if gathered := re.match("/schedule-groups/(.+)", path):
            return f"{before}schedule-group/{gathered[1]}"
        if gathered := re.match("/schedules/(.+)", path):
            group = parse_qs(urlsplit(self.url).query).get("groupName", [""])[0]
            return f"{before}schedule/{group or self.members['GroupName']}/{gathered[1]}"
        members = self.members
        if "SubscriptionArn" in members:  # SNS judges by its topic
            return str(members["SubscriptionArn"]).rpartition(":")[0]
        for name, value in members.items():
            if name.lower().endswith("arn") and name != "roleArn" and str(value).startswith("arn:"):
                return str(value)
        if service == "iam":
            kind = "role" if "RoleName" in members else "user"
            return (
                f"arn:aws:iam::{self.account}:{kind}/{members['RoleName' if kind == 'role' else 'UserName']}"
            )
        if service == "aoss":
            return f"{before}collection/{members['id']}"
        if service == "glue" and "Crawler" in self.action:
            return f"{before}crawler/{members['Name']}"
        if self.action in ("logs:CreateLogStream", "logs:DeleteLogStream"):
            return f"{before}log-group:{members['logGroupName']}:log-stream:{members['logStreamName']}"
        for name, prefix in NAMED[service].items():
            if name in members:
                value = members[name]["Name"] if isinstance(value := members[name], dict) else value
                return before + prefix + str(value).rpartition("/" if name == "QueueUrl" else "\0")[2]
        raise ValueError(f"{self.action}: what it is about is not understood: {self.url} {self.body[:200]}")


def read(lines: Iterable[str]) -> Iterator[Sent]:
    """The requests of a log, in order, without those by which the provider finds out who it is: iam:GetUser without a
    name goes to the embedded cloud only, as the judge's bridge leaves out the check of the credentials."""
    for line in lines:
        if '"HTTP Request Sent"' not in line:
            continue
        logged = json.loads(line)
        if logged["tf_rpc"] == "ConfigureProvider":
            continue
        service, operation = SERVICES[logged["rpc.service"]], str(logged["rpc.method"])
        if service == "s3" and "versionId=" in logged["http.url"]:
            operation = {"DeleteObject": "DeleteObjectVersion"}.get(operation, operation)
        kind = str(logged.get("tf_resource_type") or logged["tf_data_source_type"])
        yield Sent(
            type=PROVIDER_NAMES[kind + (" (data)" if logged["tf_rpc"] == "ReadDataSource" else "")],
            during=DURING[logged["tf_rpc"]],
            action=f"{service}:{ACTIONS.get(service, {}).get(operation, operation)}",
            account=logged["http.request.header.authorization"].partition("Credential=")[2][:12],
            region=logged["aws.region"],
            method=logged["http.method"],
            url=logged["http.url"],
            target=logged.get("http.request.header.x_amz_target", ""),
            body=(logged.get("http.request.body") or "").strip(),
        )


def requests(sent: Iterable[Sent], stack: str) -> dict[str, dict[str, list[Any]]]:
    """At `preview` and at an `update`, by action: each request once, as its account, its resource, and where there is
    any its context. And as `sent`, by action, the method and the address
    of one of each form, where these say what is called."""
    collections: dict[str, str] = {}
    workgroup = mapped = ""
    gathered: dict[str, dict[str, dict[str, list[Any]]]] = {"preview": {}, "update": {}}
    words: dict[str, dict[Any, list[str]]] = {}
    tags = {"tributary-project": "tributary", "tributary-stack": stack}
    for request in sent:
        context: dict[str, str] = {}
        service = request.action.split(":")[0]
        if service == "aoss" and "Policy" in request.action:
            name = str(request.members.get("name") or request.members.get("identifiers", [{}])[0].get("name"))
            if about := re.search(
                r"(?:collection|index)/([a-z0-9-]+)", str(request.members.get("policy", ""))
            ):
                collections[name] = about[1]
            context = {"aoss:collection": collections[name]}
            if "Lifecycle" in request.action:  # one that is read names a policy, and the reference no key
                context = {} if "Get" in request.action else {"aoss:index": f"{collections[name]}/*"}
        elif request.action == "aoss:BatchGetCollection":  # by an id, of a collection that has a policy
            context = {"aoss:collection": next(iter(collections.values()))}
        elif request.action == "lambda:CreateEventSourceMapping":
            function = f"arn:aws:lambda:{request.region}:{request.account}:function:{request.members['FunctionName']}"
            context = {"lambda:FunctionArn": function}
            mapped = function
        elif request.action in OF_A_MAPPING:
            context = {"lambda:FunctionArn": mapped}
        elif request.action in TAGGED_WHEN_MADE:
            context = {
                f"aws:RequestTag/{key}": value for key, value in tags.items() if f'"{key}"' in request.body
            }
        elif re.search(":key/|:collection/|:event-source-mapping:", request.resource):
            context = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
        workgroup = request.resource if request.action == "athena:CreateNamedQuery" else workgroup
        # Athena knows a query by its id, and asks for the right on the query's workgroup.
        resource = (
            workgroup if re.match("athena:(Get|Delete)NamedQuery", request.action) else request.resource
        )
        entry = [request.account, resource, *([context] if context else [])]
        when = gathered["preview" if request.during == "plan" else "update"]
        when.setdefault(request.action, {})[json.dumps(entry)] = entry
        if service in ("s3", "lambda", "scheduler", "osis"):
            address = urlsplit(request.url)._replace(scheme="", netloc="").geturl()
            shape = request.method, *sorted(parse_qs(urlsplit(request.url).query, keep_blank_values=True))
            words.setdefault(request.action, {}).setdefault(shape, [request.method, address])
    listed = {
        when: {action: [by[key] for key in sorted(by)] for action, by in sorted(actions.items())}
        for when, actions in gathered.items()
    }
    return listed | {"sent": {action: list(words[action].values()) for action in sorted(words)}}


def calls(sent: Iterable[Sent], before: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """By type of resource and by when, the actions; joined with those of `before`."""
    gathered = {type: {during: set(which) for during, which in by.items()} for type, by in before.items()}
    for request in sent:
        gathered.setdefault(request.type, {}).setdefault(request.during, set()).add(request.action)
    return {t: {d: sorted(gathered[t][d]) for d in sorted(gathered[t])} for t in sorted(gathered)}


def lined(by: Mapping[str, Any]) -> str:
    """JSON with a line for each entry of the object."""
    return "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in by.items()) + "\n}"


if __name__ == "__main__":
    stack, log = sys.argv[1:]
    with Path(log).open() as lines:
        every = list(read(lines))
    REQUESTS.mkdir(exist_ok=True)
    parts = requests(every, stack.partition("-")[0])
    text = ",\n".join(f"{json.dumps(when)}: {lined(by)}" for when, by in parts.items())
    (REQUESTS / f"{stack}.json").write_text("{" + text + "}\n")
    kept: dict[str, Any] = json.loads(SEEN.read_text()) if SEEN.exists() else {}
    SEEN.write_text(lined(calls(every, kept)) + "\n")
