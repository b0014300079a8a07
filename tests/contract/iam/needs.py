"""What the services' pages say that a resource needs to work, whatever the program grants: an independent judge.

Each kind of resource that acts under a role, or that a service acts on, is read for whom it names, and its page for
what they have to be allowed. The cases are made from the resource itself, so every stack is judged, and nothing of them
is copied from a statement of the program.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tests.contract.iam.harvest import Whole
from tests.contract.iam.proof import Case, can

Others = Mapping[tuple[str, str], Whole]
"""The stack's resources by their type and physical name."""


def needs(resources: Iterable[Whole]) -> Iterator[Case]:
    """The cases that these resources' own pages ask for."""
    resources = list(resources)
    named = {
        (r.type, r.inputs.get("name") or r.inputs.get("bucket") or r.name): r
        for r in resources
        if r.type.startswith("aws:")
    }
    for resource in resources:
        if resource.type in _NEEDS:
            yield from _NEEDS[resource.type](resource, named)


def _role(arn: str) -> str:
    return arn.partition(":role/")[2]


def _function_role(function: str, named: Others) -> str:
    """The role of a function by the function's name or ARN."""
    name = function.rsplit(":function:", maxsplit=1)[-1].split(":", maxsplit=1)[0]
    return _role(named["aws:lambda/function:Function", name].inputs["role"])


def _invoke_config(r: Whole, named: Others) -> Iterator[Case]:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    destination = r.inputs["destinationConfig"]["onFailure"]["destination"]
    yield can(_function_role(r.inputs["functionName"], named), "sqs:SendMessage", destination)


def _source_mapping(r: Whole, named: Others) -> Iterator[Case]:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions"""
    for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
        yield can(
            _function_role(r.inputs["functionName"], named), f"sqs:{action}", r.inputs["eventSourceArn"]
        )


def _function(r: Whole, named: Others) -> Iterator[Case]:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html"""
    group = r.inputs.get("loggingConfig", {}).get("logGroup") or f"/aws/lambda/{r.inputs['name']}"
    stream = f"arn:aws:logs:{r.region}:{r.account}:log-group:{group}:log-stream:2026/01/01/1"
    for action in ("CreateLogStream", "PutLogEvents"):
        yield can(_role(r.inputs["role"]), f"logs:{action}", stream)


def _invokes(target: str) -> str:
    return "lambda:InvokeFunction" if ":lambda:" in target else "states:StartExecution"


def _schedule(r: Whole, named: Others) -> Iterator[Case]:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html#setting-up-execution-role and
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html"""
    target = r.inputs["target"]
    role = _role(target["roleArn"])
    yield can(role, _invokes(target["arn"]), target["arn"])
    yield can(role, "sqs:SendMessage", target["deadLetterConfig"]["arn"])
    context = {"aws:SourceAccount": r.account}
    group = f"arn:aws:scheduler:{r.region}:{r.account}:schedule-group/{r.inputs['groupName']}"
    yield can(
        "scheduler.amazonaws.com",
        "sts:AssumeRole",
        target["roleArn"],
        context=context | {"aws:SourceArn": group},
    )


def _event_target(r: Whole, named: Others) -> Iterator[Case]:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html"""
    yield can(_role(r.inputs["roleArn"]), _invokes(r.inputs["arn"]), r.inputs["arn"])


def _registered(r: Whole, named: Others) -> Iterator[Case]:
    """https://docs.aws.amazon.com/lake-formation/latest/dg/registration-role.html, of a location that is only read."""
    bucket, _, prefix = r.inputs["arn"].partition("/")
    role = _role(r.inputs["roleArn"])
    yield can(role, "s3:GetObject", f"{r.inputs['arn']}/a")
    yield can(role, "s3:ListBucket", bucket, context={"s3:prefix": f"{prefix}/"})
    yield can("lakeformation.amazonaws.com", "sts:AssumeRole", r.inputs["roleArn"], context=_lake(r))


def _lake(r: Whole) -> dict[str, str]:
    """https://docs.aws.amazon.com/lake-formation/latest/dg/cross-service-confused-deputy-prevention.html"""
    source = f"arn:aws:lakeformation:{r.region}:{r.account}:resource"
    return {"aws:SourceAccount": r.account, "aws:SourceArn": source}


def _notification(r: Whole, named: Others) -> Iterator[Case]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html"""
    bucket = f"arn:aws:s3:::{r.inputs['bucket']}"
    owner = named["aws:s3/bucket:Bucket", r.inputs["bucket"]].account
    context = {"aws:SourceArn": bucket, "aws:SourceAccount": owner}
    for queue in r.inputs.get("queues", ()):
        yield can("s3.amazonaws.com", "sqs:SendMessage", queue["queueArn"], context=context)


def _replication(r: Whole, named: Others) -> Iterator[Case]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html: the role's policy,
    and the policy of a destination in another account; encrypted objects and Bucket Keys:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html"""
    source, role = f"arn:aws:s3:::{r.inputs['bucket']}", _role(r.inputs["role"])
    for action in ("GetReplicationConfiguration", "ListBucket"):
        yield can(role, f"s3:{action}", source)
    for rule in r.inputs["rules"]:
        key = f"{rule.get('filter', {}).get('prefix', '')}a"
        destination = rule["destination"]["bucket"]
        for action in ("ForReplication", "Acl", "Tagging"):
            yield can(role, f"s3:GetObjectVersion{action}", f"{source}/{key}")
        actions = ["ReplicateObject", "ReplicateTags"]
        if rule.get("deleteMarkerReplication", {}).get("status") == "Enabled":
            actions.append("ReplicateDelete")
        if rule["destination"].get("accessControlTranslation"):
            actions.append("ObjectOwnerOverrideToBucketOwner")
        for action in actions:
            yield can(role, f"s3:{action}", f"{destination}/{key}")
        if replica_key := rule["destination"].get("encryptionConfiguration", {}).get("replicaKmsKeyId"):
            through = {
                "kms:ViaService": f"s3.{replica_key.split(':')[3]}.amazonaws.com",
                "kms:EncryptionContext:aws:s3:arn": destination,
            }
            for action in ("Encrypt", "Decrypt"):
                yield can(role, f"kms:{action}", replica_key, context=through)


def _delivery(r: Whole, named: Others) -> Iterator[Case]:
    """https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-serverless and
    https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3; a stream as the source:
    https://docs.aws.amazon.com/streams/latest/dev/controlling-access.html"""
    source = r.inputs["kinesisSourceConfiguration"]
    for action in ("DescribeStream", "GetShardIterator", "GetRecords", "ListShards"):
        yield can(_role(source["roleArn"]), f"kinesis:{action}", source["kinesisStreamArn"])
    sink: Mapping[str, Any] = r.inputs["opensearchserverlessConfiguration"]
    backup = sink["s3Configuration"]
    role = _role(sink["roleArn"])
    for action in ("GetBucketLocation", "ListBucket", "ListBucketMultipartUploads"):
        yield can(_role(backup["roleArn"]), f"s3:{action}", backup["bucketArn"])
    for action in ("AbortMultipartUpload", "GetObject", "PutObject"):
        at = f"{backup['bucketArn']}/{backup['errorOutputPrefix'].split('!')[0]}a"
        yield can(_role(backup["roleArn"]), f"s3:{action}", at)
    for processor in sink.get("processingConfiguration", {}).get("processors", ()):
        for parameter in processor["parameters"]:
            if parameter["parameterName"] == "LambdaArn":
                for action in ("InvokeFunction", "GetFunctionConfiguration"):
                    yield can(role, f"lambda:{action}", parameter["parameterValue"])


_NEEDS: dict[str, Callable[[Whole, Others], Iterator[Case]]] = {
    "aws:cloudwatch/eventTarget:EventTarget": _event_target,
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": _delivery,
    "aws:lakeformation/resource:Resource": _registered,
    "aws:lambda/eventSourceMapping:EventSourceMapping": _source_mapping,
    "aws:lambda/function:Function": _function,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": _invoke_config,
    "aws:s3/bucketNotification:BucketNotification": _notification,
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _replication,
    "aws:scheduler/schedule:Schedule": _schedule,
}
