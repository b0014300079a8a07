"""The package schema that the local providers serve: complete, and true to the installed SDK."""

import inspect
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pulumi_aws
import pulumi_gcp
import pytest
from pulumi.runtime.proto import provider_pb2

from local.providers.aws import Aws
from local.providers.aws_types import INVOKES, ROWS
from local.providers.gcp import Gcp
from local.providers.servicer import Servicer

NO_CALL: Any = None  # GetSchema takes nothing of its call
CLOUDS = {"aws": lambda: Aws(ROWS, INVOKES), "gcp": Gcp}


@pytest.fixture(scope="module", params=CLOUDS)
def served(request: pytest.FixtureRequest) -> SimpleNamespace:
    cloud = CLOUDS[request.param]()
    answer = Servicer(cloud).GetSchema(provider_pb2.GetSchemaRequest(), NO_CALL)
    return SimpleNamespace(cloud=cloud, schema=json.loads(answer.schema))


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = [*cast("dict[str, Any]", value).values()]
    for item in cast("list[Any]", value) if isinstance(value, list) else ():
        yield from references(item)


def test_the_schema_has_each_type_and_function_that_the_provider_knows(served: SimpleNamespace):
    assert set(served.schema["resources"]) == set(served.cloud.rows)
    assert set(served.schema["functions"]) == set(served.cloud.functions)
    for described in served.schema["resources"].values():
        assert described["inputProperties"] and described["properties"]
        assert set(described["requiredInputs"]) <= set(described["inputProperties"])
    for described in served.schema["functions"].values():
        assert described["outputs"]["properties"]


def test_each_reference_of_the_schema_leads_to_a_type_of_it(served: SimpleNamespace):
    targets = {f"#/types/{token}" for token in served.schema["types"]} | {"pulumi.json#/Any"}
    assert set(references(served.schema)) <= targets


def test_the_schema_describes_what_the_provider_itself_takes():
    aws = json.loads(Servicer(CLOUDS["aws"]()).GetSchema(provider_pb2.GetSchemaRequest(), NO_CALL).schema)
    given = aws["provider"]["inputProperties"]
    assert given["allowedAccountIds"] == {"type": "array", "items": {"type": "string"}}
    assert given["region"] == {"type": "string"}
    roles = given["assumeRoles"]["items"]["$ref"].removeprefix("#/types/")
    assert "roleArn" in aws["types"][roles]["properties"]
    gcp = json.loads(Servicer(CLOUDS["gcp"]()).GetSchema(provider_pb2.GetSchemaRequest(), NO_CALL).schema)
    assert gcp["provider"]["inputProperties"]["project"] == {"type": "string"}


@pytest.mark.parametrize(
    ("token", "args"),
    [
        ("aws:s3/bucketPolicy:BucketPolicy", pulumi_aws.s3.BucketPolicyArgs),
        ("aws:sqs/queue:Queue", pulumi_aws.sqs.QueueArgs),
        ("aws:lambda/function:Function", pulumi_aws.lambda_.FunctionArgs),
        ("gcp:bigquery/table:Table", pulumi_gcp.bigquery.TableArgs),
    ],
)
def test_a_types_inputs_are_those_that_the_sdk_sends(token: str, args: Any):
    """Pulumi's own decorator of the class has the wire names, and its constructor what is required."""
    package = token.split(":", maxsplit=1)[0]
    described = json.loads(
        Servicer(CLOUDS[package]()).GetSchema(provider_pb2.GetSchemaRequest(), NO_CALL).schema
    )["resources"][token]
    wire = {
        vars(p.fget)["_pulumi_name"] for p in vars(cast("type", args)).values() if isinstance(p, property)
    }
    assert set(described["inputProperties"]) == wire
    given = inspect.signature(args.__init__).parameters.values()
    required = {p.name for p in given if p.default is inspect.Parameter.empty} - {"__self__"}
    assert {name.replace("_", "") for name in required} == {
        name.lower() for name in described["requiredInputs"]
    }
