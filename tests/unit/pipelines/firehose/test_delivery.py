"""The delivery: what Firehose is configured with, its rights, and the transformation."""

import json

import pytest

from tests.unit.pipelines.firehose.recorded import (
    BUCKET,
    COLLECTION,
    DELIVERY,
    ENDPOINT,
    FUNCTION,
    NAME,
    STREAM,
    granted,
    role,
    statements,
    ticks,
)


def test_firehose_delivers_from_the_stream_to_the_index() -> None:
    recorded = ticks(buffer_seconds=0, buffer_mb=100, retry_seconds=7200)
    made = recorded.inputs_of(DELIVERY, "ticks")
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
    [trusted] = json.loads(ticks().inputs_of("aws:iam/role:Role", f"ticks-{part}")["assumeRolePolicy"])[
        "Statement"
    ]
    assert trusted["Principal"] == {"Service": "firehose.amazonaws.com"}
    assert trusted["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111111111111"},
        "ArnLike": {"aws:SourceArn": f"arn:aws:firehose:eu-central-1:111111111111:deliverystream/{NAME}"},
    }


def test_a_transformation_is_called_by_firehose_in_requests_that_fit_its_answer() -> None:
    recorded = ticks(transform={"timestamp": "EVENT_TIME", "drop": {"TICKER": ["TEST"]}})
    arn = f"arn:aws:lambda:eu-central-1:111111111111:function:{NAME}-transform:$LATEST"
    processing = recorded.inputs_of(DELIVERY, "ticks")["opensearchserverlessConfiguration"][
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
    function = recorded.inputs_of(FUNCTION, "ticks-transform")
    assert function["timeout"] == 300
    assert function["environment"]["variables"] == {"TIMESTAMP": "EVENT_TIME", "DROP": '{"TICKER": ["TEST"]}'}
    assert set(statements(recorded, "ticks-transform")) == {"WriteLog"}


def test_firehose_delivers_from_the_network_of_the_config() -> None:
    vpc = {"subnet_ids": ["subnet-0a000001"], "security_group_ids": ["sg-0b000001"]}
    recorded = ticks(vpc=vpc)
    made = recorded.inputs_of(DELIVERY, "ticks")["opensearchserverlessConfiguration"]["vpcConfig"]
    assert made == {
        "roleArn": role("delivery"),
        "subnetIds": ["subnet-0a000001"],
        "securityGroupIds": ["sg-0b000001"],
    }
    ec2 = "arn:aws:ec2:eu-central-1:111111111111"
    rights = statements(recorded, "ticks-delivery")
    assert rights["JoinNetwork"] == {
        "Effect": "Allow",
        "Action": ["ec2:CreateNetworkInterface"],
        "Resource": [
            f"{ec2}:network-interface/*",
            f"{ec2}:subnet/subnet-0a000001",
            f"{ec2}:security-group/sg-0b000001",
        ],
    }
    interfaces = {"Effect": "Allow", "Resource": [f"{ec2}:network-interface/*"]}
    assert rights["KeepInterfaces"] == interfaces | {
        "Action": ["ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"],
        "Condition": {"ArnEquals": {"ec2:Subnet": [f"{ec2}:subnet/subnet-0a000001"]}},
    }
    assert rights["SeeVpc"] == {
        "Effect": "Allow",
        "Action": ["ec2:DescribeVpcAttribute"],
        "Resource": [f"{ec2}:vpc/*"],
    }
    assert rights["SeeNetwork"]["Action"] == [
        f"ec2:Describe{what}" for what in ("NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
    ]
    assert [sid for sid, statement in rights.items() if statement["Resource"] == ["*"]] == ["SeeNetwork"]
