"""What the roles, and the user, of a Firehose pipeline must be able to do, and must not.

The stack: `ticks` carries a stream with a customer's key of account HERE, delivering from a network, with a
transformation, a generator, a scheduled replay, and both kinds of reader.
"""

from typing import Any

from tests.contract.iam.proof import Case, can, cannot
from tests.contract.iam.shared_cases import (
    ELSEWHERE,
    HERE,
    NEIGHBOUR,
    REGION,
    THERE,
    alarms,
    arn,
    outsider,
    queue,
    role_arn,
    runs_as_a_function,
    scheduled,
    taken_on_by,
    tls_only,
)
from tests.contract.iam.table_grants import in_index, reached

# Another account's, so that the role's policy is needed whatever the key's own says.
STREAM_KEY = arn("kms", "key/11111111-2222-3333-4444-555555555555", THERE)
ANALYST = role_arn("analyst", THERE)
CONFIG: dict[str, Any] = {
    "accounts": {"workload": {"id": HERE, "region": REGION}},
    "pipelines": {
        "ticks": {
            "kind": "firehose",
            "index": "ticks",
            "stream": {"key_arn": STREAM_KEY},
            "collection": {"generation": "nextgen"},
            "transform": {},
            "vpc": {
                "subnet_ids": ["subnet-0a000001", "subnet-0a000002"],
                "security_group_ids": ["sg-0b000001"],
            },
            "dashboards": {"assumed_by": [ANALYST], "console_user": True},
            "generator": True,
            "replay_schedule": "rate(1 hour)",
        }
    },
}
TABLES: dict[str, Any] = {}

NAME = "tributary-proof-ticks"
SOURCE, DELIVERY, INDEX = f"{NAME}-source", f"{NAME}-delivery", f"{NAME}-index"
TRANSFORM, GENERATOR, REPLAY = f"{NAME}-transform", f"{NAME}-generator", f"{NAME}-replay"
READER, USER, SCHEDULE = f"{NAME}-dashboards", f"user/{NAME}-dashboards", f"{NAME}-replay-schedule"
STREAM, COLLECTION = arn("kinesis", f"stream/{NAME}"), arn("aoss", f"collection/{NAME}")
BUCKET = f"arn:aws:s3:::{NAME}-backup-{HERE}"
FAILED, ALL = (
    f"{BUCKET}/firehose/failed/processing-failed/2026/01/01/a.gz",
    f"{BUCKET}/firehose/all/2026/a.gz",
)
DASHBOARDS = arn("aoss", "dashboards/default")
LOG = f"log-group:/aws/kinesisfirehose/{NAME}:log-stream"
INTERFACE = arn("ec2", "network-interface/eni-1")
INDEX_FUNCTION, NEIGHBOUR_FUNCTION = arn("lambda", f"function:{INDEX}"), arn("lambda", "function:neighbour")


def in_subnet(subnet: str) -> dict[str, str]:
    """The subnet of an interface, as EC2 names it."""
    return {"ec2:Subnet": arn("ec2", f"subnet/{'' if subnet == 'neighbour' else 'subnet-0a00000'}{subnet}")}


def through_the_stream(role: str, action: str) -> list[Case]:
    """The stream's key is used for the stream only, and by Kinesis only. It is not the stack's, so the roles decide."""
    encrypting = {
        "kms:ViaService": f"kinesis.{REGION}.amazonaws.com",
        "kms:EncryptionContext:aws:kinesis:arn": STREAM,
    }
    neighbour = {"kms:EncryptionContext:aws:kinesis:arn": arn("kinesis", "stream/neighbour")}
    by_s3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
    return [
        can(role, action, STREAM_KEY, context=encrypting, alone="role"),
        *(
            cannot(role, action, STREAM_KEY, context=context, alone="role")
            for context in (encrypting | neighbour, encrypting | by_s3, {})
        ),
        cannot(role, action, arn("kms", "key/neighbour", THERE), context=encrypting, alone="role"),
    ]


def writes_the_stream(role: str) -> list[Case]:
    """A role puts records into the pipeline's stream, and does nothing else with it."""
    return [
        can(role, "kinesis:PutRecords", STREAM),
        cannot(role, "kinesis:PutRecords", arn("kinesis", "stream/neighbour")),
        cannot(role, "kinesis:GetRecords", STREAM),
        cannot(role, "kinesis:DeleteStream", STREAM),
        *through_the_stream(role, "kms:GenerateDataKey"),
        cannot(role, "kms:Decrypt", STREAM_KEY, alone="role"),
        can(role, "sqs:SendMessage", arn("sqs", f"{role}-failed")),
        cannot(role, "sqs:SendMessage", arn("sqs", "neighbour")),
        *queue(f"{role}-failed", HERE),
    ]


def reads_in_dashboards(who: str) -> list[Case]:
    """A reader searches the collection by OpenSearch's dashboards, and changes nothing."""
    return [
        can(who, "aoss:APIAccessAll", COLLECTION),
        cannot(who, "aoss:APIAccessAll", arn("aoss", "collection/neighbour")),
        can(who, "aoss:DashboardsAccessAll", DASHBOARDS),
        cannot(who, "aoss:DashboardsAccessAll", arn("aoss", "dashboards/default", THERE)),
        cannot(who, "aoss:UpdateAccessPolicy", "*"),
        cannot(who, "aoss:DeleteCollection", COLLECTION),
    ]


def both(role: str, action: str, own: str, foreign: str) -> list[Case]:
    """An action that is allowed on what is the pipeline's, and not on another's."""
    return [can(role, action, own), cannot(role, action, foreign)]


TABLE: list[Case] = [
    # --- one role reads the stream
    *(
        case
        for role in (SOURCE, DELIVERY)
        for case in taken_on_by(
            "firehose.amazonaws.com",
            role,
            HERE,
            arn("firehose", f"deliverystream/{NAME}"),
            arn("firehose", "deliverystream/neighbour"),
        )
    ),
    *(
        case
        for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListShards")
        for case in both(SOURCE, f"kinesis:{action}", STREAM, arn("kinesis", "stream/neighbour"))
    ),
    cannot(SOURCE, "kinesis:PutRecords", STREAM),
    cannot(SOURCE, "aoss:APIAccessAll", COLLECTION),
    *through_the_stream(SOURCE, "kms:Decrypt"),
    # --- the other transforms, and writes the index, the backup and the log, from its network
    *both(DELIVERY, "aoss:APIAccessAll", COLLECTION, arn("aoss", "collection/neighbour")),
    cannot(DELIVERY, "aoss:DashboardsAccessAll", DASHBOARDS),
    cannot(DELIVERY, "kinesis:GetRecords", STREAM),
    *(
        case
        for action in ("AbortMultipartUpload", "GetObject", "PutObject")
        for case in (
            can(DELIVERY, f"s3:{action}", FAILED),
            can(DELIVERY, f"s3:{action}", ALL),
            cannot(DELIVERY, f"s3:{action}", f"{BUCKET}/other/a"),
            cannot(DELIVERY, f"s3:{action}", f"{NEIGHBOUR}/firehose/all/a"),
        )
    ),
    cannot(DELIVERY, "s3:DeleteObject", FAILED),
    *(
        case
        for action in ("GetBucketLocation", "ListBucket", "ListBucketMultipartUploads")
        for case in both(DELIVERY, f"s3:{action}", BUCKET, NEIGHBOUR)
    ),
    can(DELIVERY, "logs:PutLogEvents", arn("logs", f"{LOG}:delivery")),
    can(DELIVERY, "logs:PutLogEvents", arn("logs", f"{LOG}:backup")),
    cannot(DELIVERY, "logs:PutLogEvents", arn("logs", f"{LOG}:neighbour")),
    *(
        case
        for action in ("GetFunctionConfiguration", "InvokeFunction")
        for case in both(
            DELIVERY,
            f"lambda:{action}",
            arn("lambda", f"function:{TRANSFORM}:$LATEST"),
            arn("lambda", "function:neighbour:$LATEST"),
        )
    ),
    cannot(DELIVERY, "lambda:UpdateFunctionCode", arn("lambda", f"function:{TRANSFORM}")),
    *(
        can(DELIVERY, f"ec2:Describe{what}", "*")
        for what in ("NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
    ),
    *both(DELIVERY, "ec2:DescribeVpcAttribute", arn("ec2", "vpc/vpc-1"), arn("ec2", "vpc/vpc-1", THERE)),
    can(DELIVERY, "ec2:CreateNetworkInterface", INTERFACE),
    *(
        can(DELIVERY, "ec2:CreateNetworkInterface", arn("ec2", part))
        for part in ("subnet/subnet-0a000001", "subnet/subnet-0a000002", "security-group/sg-0b000001")
    ),
    *(
        cannot(DELIVERY, "ec2:CreateNetworkInterface", arn("ec2", part))
        for part in ("subnet/neighbour", "security-group/neighbour")
    ),
    *(
        case
        for action in ("CreateNetworkInterfacePermission", "DeleteNetworkInterface")
        for case in (
            *(can(DELIVERY, f"ec2:{action}", INTERFACE, context=in_subnet(n)) for n in ("1", "2")),
            cannot(DELIVERY, f"ec2:{action}", INTERFACE, context=in_subnet("neighbour")),
            cannot(
                DELIVERY,
                f"ec2:{action}",
                arn("ec2", "network-interface/eni-1", THERE),
                context=in_subnet("1"),
            ),
        )
    ),
    # --- the functions
    *(case for role in (INDEX, TRANSFORM, GENERATOR, REPLAY) for case in runs_as_a_function(role, HERE)),
    *both(INDEX, "aoss:APIAccessAll", COLLECTION, arn("aoss", "collection/neighbour")),
    cannot(INDEX, "aoss:DeleteCollection", COLLECTION),
    # Lambda makes the function's interfaces by its role; no request of the function's own code may use these rights.
    *(
        case
        for action, on in (
            ("AssignPrivateIpAddresses", INTERFACE),
            ("CreateNetworkInterface", INTERFACE),
            ("CreateNetworkInterface", arn("ec2", "subnet/subnet-0a000001")),
            ("DeleteNetworkInterface", INTERFACE),
            ("DescribeNetworkInterfaces", "*"),
            ("DescribeSubnets", "*"),
            ("UnassignPrivateIpAddresses", INTERFACE),
        )
        for case in (
            can(INDEX, f"ec2:{action}", on, context={"lambda:SourceFunctionArn": NEIGHBOUR_FUNCTION}),
            cannot(INDEX, f"ec2:{action}", on, context={"lambda:SourceFunctionArn": INDEX_FUNCTION}),
        )
    ),
    can(INDEX, "ec2:CreateNetworkInterface", INTERFACE),
    cannot(INDEX, "ec2:DeleteNetworkInterface", arn("ec2", "network-interface/eni-1", THERE)),
    cannot(INDEX, "ec2:AttachNetworkInterface", INTERFACE),
    cannot(TRANSFORM, "ec2:CreateNetworkInterface", INTERFACE),
    cannot(TRANSFORM, "kinesis:GetRecords", STREAM),
    cannot(TRANSFORM, "s3:GetObject", FAILED),
    *writes_the_stream(GENERATOR),
    *writes_the_stream(REPLAY),
    *(
        case
        for action in ("DeleteObject", "GetObject", "PutObject")
        for case in (
            can(REPLAY, f"s3:{action}", FAILED),
            cannot(REPLAY, f"s3:{action}", ALL),
            cannot(REPLAY, f"s3:{action}", f"{NEIGHBOUR}/firehose/failed/a"),
        )
    ),
    cannot(REPLAY, "s3:DeleteObjectVersion", FAILED),
    can(REPLAY, "s3:ListBucket", BUCKET, context={"s3:prefix": "firehose/failed/processing-failed/"}),
    cannot(REPLAY, "s3:ListBucket", BUCKET, context={"s3:prefix": "firehose/all/"}),
    cannot(REPLAY, "s3:ListBucket", NEIGHBOUR, context={"s3:prefix": "firehose/failed/"}),
    *scheduled(SCHEDULE, REPLAY),
    # --- the readers
    can(ANALYST, "sts:AssumeRole", role_arn(READER)),
    cannot(role_arn("neighbour", ELSEWHERE), "sts:AssumeRole", role_arn(READER)),
    cannot("firehose.amazonaws.com", "sts:AssumeRole", role_arn(READER), context={"aws:SourceAccount": HERE}),
    *reads_in_dashboards(READER),
    *reads_in_dashboards(USER),
    can(USER, "iam:ChangePassword", f"arn:aws:iam::{HERE}:{USER}"),
    cannot(USER, "iam:ChangePassword", f"arn:aws:iam::{HERE}:user/neighbour"),
    cannot(USER, "iam:CreateAccessKey", f"arn:aws:iam::{HERE}:{USER}"),
    # --- inside the collection: https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-serverless
    *in_index(INDEX, "CreateIndex DescribeIndex UpdateIndex", NAME, "ticks"),
    *in_index(DELIVERY, "DescribeIndex UpdateIndex WriteDocument", NAME, "ticks"),
    *in_index(READER, "DescribeIndex ReadDocument", NAME, "ticks"),
    *in_index(USER, "DescribeIndex ReadDocument", NAME, "ticks"),
    *reached(NAME, endpoint="public", dashboards="public"),
    # --- the bucket and the alarms
    cannot(outsider(ELSEWHERE), "s3:GetObject", FAILED),
    *tls_only(BUCKET, HERE),
    *alarms(HERE, "workload-alarms"),
]
