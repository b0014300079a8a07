"""A processor's parameters: the service adds its defaults, the provider drops them, and what is set stays."""

import json
from typing import Any

import pytest

from local.cloud.firehose.described import described
from local.providers.aws_analytics_steps import described_delivery

ROLE, FUNCTION = (
    "arn:aws:iam::111111111111:role/delivery",
    "arn:aws:lambda:us-east-1:111111111111:function:t:$LATEST",
)


def configured(**parameters: str) -> dict[str, Any]:
    listed = [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()]
    return {
        "RoleARN": ROLE,
        "S3Configuration": {"BucketARN": "arn:aws:s3:::backup"},
        "ProcessingConfiguration": {
            "Enabled": True,
            "Processors": [{"Type": "Lambda", "Parameters": listed}],
        },
    }


def parameters_of(description: dict[str, Any]) -> dict[str, str]:
    [processor] = description["ProcessingConfiguration"]["Processors"]
    return {parameter["ParameterName"]: parameter["ParameterValue"] for parameter in processor["Parameters"]}


def as_the_provider_reads(config: dict[str, Any]) -> dict[str, str]:
    destination = {
        "AmazonOpenSearchServerlessDestinationDescription": described(json.loads(json.dumps(config)))
    }
    read = described_delivery({"Destinations": [destination]}, {})
    return parameters_of(read["AmazonOpenSearchServerlessDestinationConfiguration"])


def test_the_service_describes_a_processor_with_its_defaults() -> None:
    assert parameters_of(described(configured(LambdaArn=FUNCTION, NumberOfRetries="5"))) == {
        "LambdaArn": FUNCTION,
        "NumberOfRetries": "5",
        "BufferSizeInMBs": "1",
        "BufferIntervalInSeconds": "60",
        "RoleArn": ROLE,
    }


@pytest.mark.parametrize(
    "default",
    [
        {"NumberOfRetries": "3"},
        {"BufferSizeInMBs": "1"},
        {"BufferIntervalInSeconds": "60"},
        {"RoleArn": ROLE},
    ],
)
def test_the_provider_drops_what_is_at_its_default(default: dict[str, str]) -> None:
    assert as_the_provider_reads(configured(LambdaArn=FUNCTION, **default)) == {"LambdaArn": FUNCTION}


def test_the_provider_keeps_what_is_not() -> None:
    other = {
        "LambdaArn": FUNCTION,
        "NumberOfRetries": "0",
        "BufferSizeInMBs": "2.5",
        "RoleArn": f"{ROLE}-other",
    }
    assert as_the_provider_reads(configured(**other)) == other
