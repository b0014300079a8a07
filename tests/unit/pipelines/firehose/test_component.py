"""What a Firehose pipeline registers for its config."""

import json
from typing import Any

import pulumi
import pytest

from tests.recording import Recording, record

WORKLOAD = {"id": "111111111111", "region": "eu-central-1"}
NAME = "tributary-test-ticks"
COLLECTION = f"arn:aws:aoss:workload:mock:collection/{NAME}"
ENDPOINT = f"https://{NAME}.mock.aoss.amazonaws.com"
BUCKET = f"{NAME}-backup-111111111111"
STREAM = f"arn:aws:kinesis:workload:mock:stream/{NAME}"
KEY = "arn:aws:kms:eu-central-1:111111111111:key/11111111-2222-3333-4444-555555555555"
DELIVERY = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
ACCESS = "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy"
FUNCTION = "aws:lambda/function:Function"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def config(**keys: Any) -> dict[str, Any]:
    pipeline = {"kind": "firehose", "index": "ticks"} | keys
    return {"accounts": {"workload": WORKLOAD}, "pipelines": {"ticks": pipeline}}


def ticks(**keys: Any) -> Recording:
    return record("test", config(**keys))


def adopting(found: dict[str, Any], **keys: Any) -> Recording:
    return record("test", config(stream={"adopt": "trades", **keys}), streams={"trades": found})


def statements(recorded: Recording, name: str, kind: str = "role") -> dict[str, dict[str, Any]]:
    token = f"aws:iam/{kind}Policy:{kind.capitalize()}Policy"
    policy = json.loads(recorded.one(token, name)["policy"])
    return {statement.pop("Sid"): statement for statement in policy["Statement"]}


def granted(recorded: Recording, name: str) -> tuple[list[str], dict[str, list[str]]]:
    """The principals of a data access policy, and their permissions by resource."""
    [policy] = json.loads(recorded.one(ACCESS, name)["policy"])
    return policy["Principal"], {rule["Resource"][0]: rule["Permission"] for rule in policy["Rules"]}


def role(part: str) -> str:
    return f"arn:aws:iam:workload:mock:{NAME}-{part}"


def test_the_least_config_makes_exactly_these_resources() -> None:
    made: dict[str, int] = {}
    for resource in ticks().resources:
        if resource.type.startswith("aws:") and resource.name.startswith("ticks"):
            made[resource.type.split(":")[-1]] = made.get(resource.type.split(":")[-1], 0) + 1
    assert made == {
        "Bucket": 1,
        "BucketLifecycleConfiguration": 1,
        "BucketOwnershipControls": 1,
        "BucketPolicy": 1,
        "BucketPublicAccessBlock": 1,
        "BucketServerSideEncryptionConfiguration": 1,
        "BucketVersioning": 1,
        "FirehoseDeliveryStream": 1,
        "Function": 2,
        "FunctionEventInvokeConfig": 1,
        "Invocation": 1,
        "LogGroup": 3,
        "LogStream": 2,
        "MetricAlarm": 11,
        "Queue": 1,
        "QueuePolicy": 1,
        "Role": 4,
        "RolePolicy": 4,
        "ServerlessAccessPolicy": 2,
        "ServerlessCollection": 1,
        "ServerlessSecurityPolicy": 2,
        "Stream": 1,
    }


# --- the stream


def test_a_created_stream_is_on_demand_and_encrypted() -> None:
    assert ticks().one("aws:kinesis/stream:Stream", "ticks-stream") == {
        "name": NAME,
        "streamModeDetails": {"streamMode": "ON_DEMAND"},
        "retentionPeriod": 24,
        "encryptionType": "KMS",
        "kmsKeyId": "alias/aws/kinesis",
    }


def test_a_stream_can_have_shards_a_retention_and_a_key() -> None:
    recorded = ticks(stream={"shards": 3, "retention_hours": 168, "key_arn": KEY}, generator=True)
    assert recorded.one("aws:kinesis/stream:Stream", "ticks-stream") == {
        "name": NAME,
        "streamModeDetails": {"streamMode": "PROVISIONED"},
        "shardCount": 3,
        "retentionPeriod": 168,
        "encryptionType": "KMS",
        "kmsKeyId": KEY,
    }
    through = {
        "StringEquals": {
            "kms:ViaService": "kinesis.eu-central-1.amazonaws.com",
            "kms:EncryptionContext:aws:kinesis:arn": STREAM,
        }
    }
    decrypt = {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": [KEY], "Condition": through}
    encrypt = decrypt | {"Action": ["kms:GenerateDataKey"]}
    assert statements(recorded, "ticks-source")["DecryptStream"] == decrypt
    for writer in ("generator", "replay"):
        assert statements(recorded, f"ticks-{writer}")["EncryptStream"] == encrypt


def test_an_adopted_stream_is_read_and_never_changed() -> None:
    recorded = adopting({"encryptionType": "NONE", "kmsKeyId": ""})
    assert recorded.of("aws:kinesis/stream:Stream") == {}
    source = recorded.one(DELIVERY, "ticks")["kinesisSourceConfiguration"]
    assert source["kinesisStreamArn"] == "arn:aws:kinesis:mock:mock:stream/trades"
    assert recorded.one(FUNCTION, "ticks-replay")["environment"]["variables"]["STREAM"] == "trades"
    assert set(statements(recorded, "ticks-source")) == {"ReadStream"}


@pytest.mark.parametrize(("key", "given"), [(KEY, {}), ("alias/trades", {"key_arn": KEY})])
def test_an_adopted_streams_key_may_be_used(key: str, given: dict[str, str]) -> None:
    recorded = adopting({"encryptionType": "KMS", "kmsKeyId": key}, **given)
    assert statements(recorded, "ticks-source")["DecryptStream"]["Resource"] == [KEY]


def test_an_adopted_streams_key_of_aws_needs_no_grant() -> None:
    recorded = adopting({"encryptionType": "KMS", "kmsKeyId": "alias/aws/kinesis"})
    assert set(statements(recorded, "ticks-source")) == {"ReadStream"}


def test_an_adopted_stream_whose_key_is_known_by_an_alias_is_refused_with_what_to_write() -> None:
    with pytest.raises(
        pulumi.RunError, match=r"stream 'trades' is encrypted with 'alias/trades'.*stream\.key_arn: arn"
    ):
        adopting({"encryptionType": "KMS", "kmsKeyId": "alias/trades"})


# --- the collection and the index


def test_the_collection_is_one_of_time_series() -> None:
    made = ticks(collection={"standby_replicas": False}).one(
        "aws:opensearch/serverlessCollection:ServerlessCollection", "ticks"
    )
    assert (made["type"], made["standbyReplicas"]) == ("TIMESERIES", "DISABLED")


def test_documents_are_kept_as_long_as_the_config_says() -> None:
    token = "aws:opensearch/serverlessLifecyclePolicy:ServerlessLifecyclePolicy"
    policy = json.loads(ticks(retention="90d").one(token, "ticks-retention")["policy"])
    assert policy == {
        "Rules": [{"ResourceType": "index", "Resource": [f"index/{NAME}/*"], "MinIndexRetention": "90d"}]
    }
    assert ticks().of(token) == {}


def test_the_deployment_makes_the_index_and_keeps_its_mapping() -> None:
    mapping = {"properties": {"PRICE": {"type": "double"}}}
    made = ticks(mapping=mapping).one("aws:lambda/invocation:Invocation", "ticks-index")
    assert made["functionName"] == f"{NAME}-index"
    assert made["lifecycleScope"] == "CRUD"
    assert json.loads(made["input"]) == {
        "endpoint": ENDPOINT,
        "region": "eu-central-1",
        "index": "ticks",
        "mapping": mapping,
        "delete": False,
    }


def test_the_index_and_all_that_its_roles_may_do_are_there_before_anything_is_delivered() -> None:
    recorded, made = ticks(transform={}), "aws:lambda/invocation:Invocation"
    assert recorded.waits_for(f"{DELIVERY}::ticks") >= {
        f"{made}::ticks-index",
        f"{ACCESS}::ticks-delivery",
        "aws:iam/rolePolicy:RolePolicy::ticks-source",
        "aws:iam/rolePolicy:RolePolicy::ticks-delivery",
        f"{FUNCTION}::ticks-transform",
    }
    assert f"{ACCESS}::ticks-index-ticks" in recorded.waits_for(f"{made}::ticks-index")


def test_a_collection_is_made_after_the_policies_that_it_needs() -> None:
    kind = "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy"
    collection = "aws:opensearch/serverlessCollection:ServerlessCollection"
    awaited = ticks().waits_for(f"{collection}::ticks")
    assert awaited == {f"{kind}::ticks-encryption", f"{kind}::ticks-network"}


def test_a_stream_outlives_the_stack_where_data_are_retained() -> None:
    stream = "aws:kinesis/stream:Stream::ticks-stream"
    assert ticks().requests[stream].retainOnDelete
    assert not record("test", config() | {"retain_data": False}).requests[stream].retainOnDelete


@pytest.mark.parametrize("retained", [True, False])
def test_a_collection_and_its_documents_go_with_the_stack_whatever_is_retained(retained: bool) -> None:
    made = record("test", config() | {"retain_data": retained}).requests
    assert not made["aws:opensearch/serverlessCollection:ServerlessCollection::ticks"].retainOnDelete
    assert made["aws:s3/bucket:Bucket::ticks-backup"].retainOnDelete is retained


def test_a_pipeline_reserves_one_concurrent_run_of_the_account_and_no_more() -> None:
    made = ticks(generator=True, transform={}).of(FUNCTION)
    reserved = {name: one.get("reservedConcurrentExecutions") for name, one in made.items()}
    assert reserved == {
        "ticks-replay": 1,
        "ticks-index": None,
        "ticks-transform": None,
        "ticks-generator": None,
    }


def test_the_index_function_may_make_its_index_and_nothing_else() -> None:
    recorded = ticks()
    makes = ["aoss:CreateIndex", "aoss:DescribeIndex", "aoss:UpdateIndex"]
    assert granted(recorded, "ticks-index-ticks") == ([role("index")], {f"index/{NAME}/ticks": makes})
    reaches = {"Effect": "Allow", "Action": ["aoss:APIAccessAll"], "Resource": [COLLECTION]}
    assert statements(recorded, "ticks-index")["ReachCollection"] == reaches
    # The function gives up, and reports why, before its own time is over.
    function = recorded.one(FUNCTION, "ticks-index")
    assert function["timeout"] == 660
    assert function["environment"]["variables"] == {"PATIENCE_SECONDS": "600"}


def test_the_index_is_deleted_only_where_the_config_says_so() -> None:
    recorded = ticks(delete_index=True)
    assert (
        json.loads(recorded.one("aws:lambda/invocation:Invocation", "ticks-index")["input"])["delete"] is True
    )
    assert "aoss:DeleteIndex" in granted(recorded, "ticks-index-ticks")[1][f"index/{NAME}/ticks"]


def test_a_renamed_index_has_another_grant_so_the_former_one_holds_until_the_former_index_is_deleted() -> (
    None
):
    # One invocation, which is updated and deletes the former index; a policy that is left out goes after all updates.
    before, after = (ticks(delete_index=True, index=index) for index in ("ticks", "quotes"))
    invoked = "aws:lambda/invocation:Invocation"
    assert set(before.of(invoked)) == set(after.of(invoked)) == {"ticks-index"}
    grants = [
        {name: made["name"] for name, made in recorded.of(ACCESS).items() if "-index" in name}
        for recorded in (before, after)
    ]
    assert grants == [
        {"ticks-index-ticks": "tributary-test-ticks-index-ticks"},
        {"ticks-index-quotes": "tributary-test-ticks-in-3bc1e8e0"},
    ]


# --- delivery


def test_firehose_delivers_from_the_stream_to_the_index() -> None:
    recorded = ticks(buffer_seconds=0, buffer_mb=100, retry_seconds=7200)
    made = recorded.one(DELIVERY, "ticks")
    log = {"enabled": True, "logGroupName": f"/aws/kinesisfirehose/{NAME}"}
    assert made == {
        "name": NAME,
        "destination": "opensearchserverless",
        "kinesisSourceConfiguration": {"kinesisStreamArn": STREAM, "roleArn": role("source")},
        "opensearchserverlessConfiguration": {
            "collectionEndpoint": ENDPOINT,
            "indexName": "ticks",
            "roleArn": role("delivery"),
            "bufferingInterval": 0,
            "bufferingSize": 100,
            "retryDuration": 7200,
            "s3BackupMode": "FailedDocumentsOnly",
            "cloudwatchLoggingOptions": log | {"logStreamName": "delivery"},
            "s3Configuration": {
                "bucketArn": f"arn:aws:s3:::{BUCKET}",
                "roleArn": role("delivery"),
                "prefix": "firehose/all/",
                "errorOutputPrefix": "firehose/failed/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/",
                "bufferingInterval": 0,
                "bufferingSize": 100,
                "compressionFormat": "GZIP",
                "cloudwatchLoggingOptions": log | {"logStreamName": "backup"},
            },
        },
    }
    logs = recorded.of("aws:cloudwatch/logStream:LogStream")
    assert {(made["name"], made["logGroupName"]) for made in logs.values()} == {
        ("delivery", log["logGroupName"]),
        ("backup", log["logGroupName"]),
    }


def test_firehose_writes_its_index_and_nothing_else() -> None:
    recorded = ticks()
    writes = ["aoss:DescribeIndex", "aoss:UpdateIndex", "aoss:WriteDocument"]
    assert granted(recorded, "ticks-delivery") == ([role("delivery")], {f"index/{NAME}/ticks": writes})
    log = f"arn:aws:logs:eu-central-1:111111111111:log-group:/aws/kinesisfirehose/{NAME}:log-stream"
    assert statements(recorded, "ticks-delivery") == {
        "ReachCollection": {"Effect": "Allow", "Action": ["aoss:APIAccessAll"], "Resource": [COLLECTION]},
        "WriteBackup": {
            "Effect": "Allow",
            "Action": ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            "Resource": [f"arn:aws:s3:::{BUCKET}/firehose/{part}/*" for part in ("all", "failed")],
        },
        "FindBackup": {
            "Effect": "Allow",
            "Action": ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            "Resource": [f"arn:aws:s3:::{BUCKET}"],
        },
        "WriteLog": {
            "Effect": "Allow",
            "Action": ["logs:PutLogEvents"],
            "Resource": [f"{log}:delivery", f"{log}:backup"],
        },
    }
    assert statements(recorded, "ticks-source") == {
        "ReadStream": {
            "Effect": "Allow",
            "Action": [
                "kinesis:DescribeStream",
                "kinesis:GetRecords",
                "kinesis:GetShardIterator",
                "kinesis:ListShards",
            ],
            "Resource": [STREAM],
        }
    }


@pytest.mark.parametrize("part", ["source", "delivery"])
def test_only_this_firehose_stream_takes_the_roles_on(part: str) -> None:
    [trusted] = json.loads(ticks().one("aws:iam/role:Role", f"ticks-{part}")["assumeRolePolicy"])["Statement"]
    assert trusted["Principal"] == {"Service": "firehose.amazonaws.com"}
    assert trusted["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111111111111"},
        "ArnLike": {"aws:SourceArn": f"arn:aws:firehose:eu-central-1:111111111111:deliverystream/{NAME}"},
    }


def test_a_transformation_is_called_by_firehose_in_requests_that_fit_its_answer() -> None:
    recorded = ticks(transform={"timestamp": "EVENT_TIME", "drop": {"TICKER": ["TEST"]}})
    arn = f"arn:aws:lambda:eu-central-1:111111111111:function:{NAME}-transform:$LATEST"
    processing = recorded.one(DELIVERY, "ticks")["opensearchserverlessConfiguration"][
        "processingConfiguration"
    ]
    assert processing == {
        "enabled": True,
        "processors": [
            {
                "type": "Lambda",
                # The provider drops its defaults as it reads: one that is set is a change at every preview.
                "parameters": [{"parameterName": "LambdaArn", "parameterValue": arn}],
            }
        ],
    }
    assert statements(recorded, "ticks-delivery")["Transform"] == {
        "Effect": "Allow",
        "Action": ["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"],
        "Resource": [arn],
    }
    function = recorded.one(FUNCTION, "ticks-transform")
    assert function["timeout"] == 300
    assert function["environment"]["variables"] == {"TIMESTAMP": "EVENT_TIME", "DROP": '{"TICKER": ["TEST"]}'}
    assert set(statements(recorded, "ticks-transform")) == {"WriteLog"}


CLOSED = {"network": {"public": False, "public_dashboards": False, "vpc_endpoints": ["vpce-0a1"]}}
VPC = {"subnet_ids": ["subnet-0a000001", "subnet-0a000002"], "security_group_ids": ["sg-0b000001"]}


def test_a_closed_collection_is_reached_by_firehose_and_the_index_function_from_its_network() -> None:
    recorded = ticks(vpc=VPC, collection=CLOSED, transform={}, generator=True)
    policies = recorded.of("aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy")
    rules = [
        {"ResourceType": kind, "Resource": [f"collection/{NAME}"]} for kind in ("collection", "dashboard")
    ]
    [reached] = json.loads(policies["ticks-network"]["policy"])
    reached.pop("Description")
    assert reached == {"Rules": rules, "AllowFromPublic": False, "SourceVPCEs": ["vpce-0a1"]}
    stands = {"subnetIds": ["subnet-0a000001", "subnet-0a000002"], "securityGroupIds": ["sg-0b000001"]}
    assert recorded.one(DELIVERY, "ticks")["opensearchserverlessConfiguration"]["vpcConfig"] == {
        "roleArn": role("delivery"),
        **stands,
    }
    # The others reach Kinesis, S3 and nothing of the network.
    inside = {name: made.get("vpcConfig") for name, made in recorded.of(FUNCTION).items()}
    assert inside == {
        "ticks-index": stands,
        "ticks-transform": None,
        "ticks-generator": None,
        "ticks-replay": None,
    }


def test_the_index_function_may_join_its_network_and_its_code_may_not() -> None:
    found = statements(ticks(vpc=VPC), "ticks-index")
    makes = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:UnassignPrivateIpAddresses",
    ]
    sees = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    of_the_account = ["arn:aws:ec2:eu-central-1:111111111111:*"]
    itself = f"arn:aws:lambda:eu-central-1:111111111111:function:{NAME}-index"
    assert set(found) == {"WriteLog", "ReachCollection", "SeeNetwork", "JoinNetwork", "NotByItsOwnCode"}
    assert found["SeeNetwork"] == {"Effect": "Allow", "Action": sees, "Resource": ["*"]}
    assert found["JoinNetwork"] == {"Effect": "Allow", "Action": makes, "Resource": of_the_account}
    assert found["NotByItsOwnCode"] == {
        "Effect": "Deny",
        "Action": [*makes, *sees],
        "Resource": ["*"],
        "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": itself}},
    }
    assert set(statements(ticks(), "ticks-index")) == {"WriteLog", "ReachCollection"}


def test_two_pipelines_share_a_closed_collection_from_their_networks() -> None:
    both = config(vpc=VPC, collection=CLOSED)
    both["pipelines"]["quotes"] = {
        "kind": "firehose",
        "index": "quotes",
        "collection_of": "ticks",
        "vpc": VPC,
    }
    made = record("test", both).one(FUNCTION, "quotes-index")["vpcConfig"]
    assert made["subnetIds"] == ["subnet-0a000001", "subnet-0a000002"]


def test_firehose_delivers_from_the_network_of_the_config() -> None:
    vpc = {"subnet_ids": ["subnet-0a000001"], "security_group_ids": ["sg-0b000001"]}
    recorded = ticks(vpc=vpc)
    made = recorded.one(DELIVERY, "ticks")["opensearchserverlessConfiguration"]["vpcConfig"]
    assert made == {
        "roleArn": role("delivery"),
        "subnetIds": ["subnet-0a000001"],
        "securityGroupIds": ["sg-0b000001"],
    }
    ec2 = "arn:aws:ec2:eu-central-1:111111111111"
    found = statements(recorded, "ticks-delivery")
    assert found["JoinNetwork"] == {
        "Effect": "Allow",
        "Action": ["ec2:CreateNetworkInterface"],
        "Resource": [
            f"{ec2}:network-interface/*",
            f"{ec2}:subnet/subnet-0a000001",
            f"{ec2}:security-group/sg-0b000001",
        ],
    }
    interfaces = {"Effect": "Allow", "Resource": [f"{ec2}:network-interface/*"]}
    assert found["KeepInterfaces"] == interfaces | {
        "Action": ["ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"],
        "Condition": {"ArnEquals": {"ec2:Subnet": [f"{ec2}:subnet/subnet-0a000001"]}},
    }
    assert found["SeeVpc"] == {
        "Effect": "Allow",
        "Action": ["ec2:DescribeVpcAttribute"],
        "Resource": [f"{ec2}:vpc/*"],
    }
    assert found["SeeNetwork"]["Action"] == [
        f"ec2:Describe{what}" for what in ("NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
    ]
    assert [sid for sid, statement in found.items() if statement["Resource"] == ["*"]] == ["SeeNetwork"]


# --- readers


def test_a_role_reads_the_index_in_dashboards_for_those_who_are_named() -> None:
    analyst = "arn:aws:iam::111111111111:role/analyst"
    recorded = ticks(dashboards={"assumed_by": [analyst]})
    [trusted] = json.loads(recorded.one("aws:iam/role:Role", "ticks-dashboards")["assumeRolePolicy"])[
        "Statement"
    ]
    assert (trusted["Principal"], trusted["Action"]) == ({"AWS": [analyst]}, ["sts:AssumeRole"])
    reads = ["aoss:DescribeIndex", "aoss:ReadDocument"]
    assert granted(recorded, "ticks-dashboards") == ([role("dashboards")], {f"index/{NAME}/ticks": reads})
    assert statements(recorded, "ticks-dashboards") == {
        "ReachCollection": {"Effect": "Allow", "Action": ["aoss:APIAccessAll"], "Resource": [COLLECTION]},
        "OpenDashboards": {
            "Effect": "Allow",
            "Action": ["aoss:DashboardsAccessAll"],
            "Resource": ["arn:aws:aoss:eu-central-1:111111111111:dashboards/default"],
        },
    }
    assert recorded.of("aws:iam/user:User") == {}


def test_a_user_with_a_password_is_made_only_where_the_config_asks() -> None:
    recorded = ticks(dashboards={"console_user": True})
    profile = recorded.one("aws:iam/userLoginProfile:UserLoginProfile", "ticks-dashboards")
    assert profile == {"user": f"{NAME}-dashboards", "passwordLength": 32, "passwordResetRequired": True}
    request = recorded.requests["aws:iam/userLoginProfile:UserLoginProfile::ticks-dashboards"]
    assert list(request.additionalSecretOutputs) == ["password"]
    # Whatever its owner has added, such as an access key, goes with the user.
    assert recorded.one("aws:iam/user:User", "ticks-dashboards")["forceDestroy"] is True
    user = f"arn:aws:iam:workload:mock:user/{NAME}-dashboards"
    assert granted(recorded, "ticks-dashboards")[0] == [user]
    found = statements(recorded, "ticks-dashboards", "user")
    assert set(found) == {"ReachCollection", "OpenDashboards", "ChangeOwnPassword"}
    assert found["ChangeOwnPassword"]["Resource"] == [f"arn:aws:iam::111111111111:user/{NAME}-dashboards"]
    assert recorded.of("aws:iam/role:Role").keys() == ticks().of("aws:iam/role:Role").keys()


def test_nobody_is_named_and_nobody_reads() -> None:
    recorded = ticks()
    assert set(recorded.of(ACCESS)) == {"ticks-index-ticks", "ticks-delivery"}
    assert recorded.outputs["pipelines"]["ticks"]["reader_role"] is None


# --- the generator and the replay


def test_the_generator_puts_records_and_nothing_else() -> None:
    recorded = ticks(generator=True)
    found = statements(recorded, "ticks-generator")
    assert set(found) == {"WriteLog", "PutRecords", "KeepWhatFailed"}
    assert found["PutRecords"] == {"Effect": "Allow", "Action": ["kinesis:PutRecords"], "Resource": [STREAM]}
    assert "ticks-generator" not in ticks().of(FUNCTION)


def test_the_replay_takes_failed_records_and_puts_them_on_the_stream_one_run_at_a_time() -> None:
    recorded = ticks()
    function = recorded.one(FUNCTION, "ticks-replay")
    assert (function["reservedConcurrentExecutions"], function["timeout"]) == (1, 900)
    assert function["environment"]["variables"] == {
        "BUCKET": BUCKET,
        "PREFIX": "firehose/failed/",
        "STREAM": NAME,
    }
    found = statements(recorded, "ticks-replay")
    assert found["ListFailed"] == {
        "Effect": "Allow",
        "Action": ["s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{BUCKET}"],
        "Condition": {"StringLike": {"s3:prefix": "firehose/failed/*"}},
    }
    assert found["TakeFailed"] == {
        "Effect": "Allow",
        "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
        "Resource": [f"arn:aws:s3:::{BUCKET}/firehose/failed/*"],
    }


def test_a_scheduled_replay_tries_only_what_may_have_passed() -> None:
    recorded = ticks(replay_schedule="rate(1 hour)", timezone="Asia/Tokyo")
    made = recorded.one("aws:scheduler/schedule:Schedule", "ticks-replay-schedule")
    assert (made["scheduleExpression"], made["scheduleExpressionTimezone"]) == ("rate(1 hour)", "Asia/Tokyo")
    assert json.loads(made["target"]["input"]) == {"errors": "transient"}
    assert made["target"]["arn"].endswith(f":function:{NAME}-replay")
    assert ticks().of("aws:scheduler/schedule:Schedule") == {}


def test_lambda_does_not_repeat_a_replay_that_failed_and_its_queue_keeps_the_event() -> None:
    recorded = ticks(generator=True)
    kept = recorded.of("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
    retried = {name: made["maximumRetryAttempts"] for name, made in kept.items()}
    assert retried == {"ticks-replay": 0, "ticks-generator": 2}
    assert "failed once on an event" in recorded.one(ALARM, "ticks-replay-failed")["alarmDescription"]
    assert (
        "failed three times on an event" in recorded.one(ALARM, "ticks-generator-failed")["alarmDescription"]
    )


# --- alarms


def test_what_is_late_refused_throttled_or_kept_rings() -> None:
    own = {
        name: made
        for name, made in ticks(buffer_seconds=60).of(ALARM).items()
        if made["namespace"] != "AWS/Lambda"
    }
    alarms = {
        name: (
            f"{made['namespace']}/{made['metricName']}",
            made["dimensions"],
            made["statistic"],
            made["comparisonOperator"],
            made["threshold"],
        )
        for name, made in own.items()
    }
    firehose, stream = {"DeliveryStreamName": NAME}, {"StreamName": NAME}
    serverless, more = "AWS/Firehose/DeliveryToAmazonOpenSearchServerless", "GreaterThanThreshold"
    assert alarms == {
        "ticks-delivery": (f"{serverless}.Success", firehose, "Average", "LessThanThreshold", 1),
        "ticks-freshness": (f"{serverless}.DataFreshness", firehose, "Maximum", more, 960),
        "ticks-read-throttles": ("AWS/Firehose/ThrottledGetRecords", firehose, "Sum", more, 0),
        "ticks-write-throttles": ("AWS/Kinesis/WriteProvisionedThroughputExceeded", stream, "Sum", more, 0),
        "ticks-iterator-age": (
            "AWS/Kinesis/GetRecords.IteratorAgeMilliseconds",
            stream,
            "Maximum",
            more,
            1_800_000,
        ),
        "ticks-backup": ("AWS/Firehose/DeliveryToS3.Success", firehose, "Sum", more, 0),
        "ticks-replay-failed": (
            "AWS/SQS/ApproximateNumberOfMessagesVisible",
            {"QueueName": f"{NAME}-replay-failed"},
            "Maximum",
            more,
            0,
        ),
    }


def test_of_a_backup_of_all_documents_those_that_failed_ring() -> None:
    recorded = ticks(backup="AllDocuments")
    counted = recorded.one("aws:s3/bucketMetric:BucketMetric", "ticks-failed")
    assert counted == {"bucket": BUCKET, "name": "failed", "filter": {"prefix": "firehose/failed/"}}
    made = recorded.one(ALARM, "ticks-backup")
    assert (made["namespace"], made["metricName"]) == ("AWS/S3", "PutRequests")
    assert made["dimensions"] == {"BucketName": BUCKET, "FilterId": "failed"}
    assert (made["statistic"], made["comparisonOperator"], made["threshold"]) == (
        "Sum",
        "GreaterThanThreshold",
        0,
    )
    assert made["alarmActions"] == recorded.one(ALARM, "ticks-delivery")["alarmActions"] != []
    assert ticks().of("aws:s3/bucketMetric:BucketMetric") == {}
    assert (
        recorded.one(DELIVERY, "ticks")["opensearchserverlessConfiguration"]["s3BackupMode"] == "AllDocuments"
    )


# --- two pipelines and one collection


def test_a_collection_is_shared_and_each_pipeline_reaches_its_own_index() -> None:
    other = {"kind": "firehose", "index": "quotes", "collection_of": "ticks"}
    both = config()
    both["pipelines"]["quotes"] = other
    recorded = record("test", both)
    assert set(recorded.of("aws:opensearch/serverlessCollection:ServerlessCollection")) == {"ticks"}
    made = recorded.one(DELIVERY, "quotes")["opensearchserverlessConfiguration"]
    assert (made["collectionEndpoint"], made["indexName"]) == (ENDPOINT, "quotes")
    assert set(granted(recorded, "quotes-delivery")[1]) == {f"index/{NAME}/quotes"}


def test_the_outputs_name_what_a_user_needs() -> None:
    outputs = ticks(generator=True).outputs["pipelines"]["ticks"]
    assert {
        key: outputs[key] for key in ("stream", "index", "endpoint", "backup", "generator", "replay")
    } == {
        "stream": NAME,
        "index": "ticks",
        "endpoint": ENDPOINT,
        "backup": f"s3://{BUCKET}/firehose/failed/",
        "generator": f"{NAME}-generator",
        "replay": f"{NAME}-replay",
    }
