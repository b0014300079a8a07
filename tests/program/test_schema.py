"""The components as other languages get them: a host process, spoken to over gRPC as the engine does."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    provider_pb2,
    provider_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
)

from components.pipelines.export import ExportArgs
from tests.recording import PITR_ON

ROOT = Path(__file__).resolve().parent.parent.parent
TOKEN = "tributary:index:ExportPipeline"
PROVIDER = "urn:pulumi:test::shop::pulumi:providers:aws::workload::1"


class Engine(resource_pb2_grpc.ResourceMonitorServicer, engine_pb2_grpc.EngineServicer):
    """The engine's side of a construction: takes every registration, and answers with the inputs and an ARN."""

    def __init__(self) -> None:
        self.registered: list[tuple[str, str, dict[str, Any], str]] = []

    def SupportsFeature(self, request: Any, context: Any) -> Any:
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id != "outputValues")

    def RegisterResource(self, request: Any, context: Any) -> Any:
        inputs = json_format.MessageToDict(request.object)
        provider = request.provider or dict(request.providers).get("aws", "")
        self.registered.append((request.type, request.name, inputs, provider))
        answer = struct_pb2.Struct()
        answer.update({"arn": f"arn:aws:mock:::{request.name}", "url": f"https://{request.name}", **inputs})
        urn = f"urn:pulumi:test::shop::{request.type}::{request.name}"
        return resource_pb2.RegisterResourceResponse(urn=urn, id=f"{request.name}-id", object=answer)

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Log(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        if request.tok == "pulumi:pulumi:getResource":  # the provider that the program passed on
            known = struct_pb2.Struct()
            known.update({"urn": request.args["urn"], "id": "1", "state": {}})
            return resource_pb2.ResourceInvokeResponse(**{"return": known})
        assert request.tok == "aws:dynamodb/getTable:getTable", request.tok
        name = request.args["name"]
        found = struct_pb2.Struct()
        found.update({"name": name, "arn": f"arn:aws:dynamodb:mock:mock:table/{name}"} | PITR_ON)
        return resource_pb2.ResourceInvokeResponse(**{"return": found})


@pytest.fixture(scope="module")
def listening() -> Iterator[tuple[Engine, str]]:
    servicer, server = Engine(), grpc.server(ThreadPoolExecutor(8))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(servicer, server)
    engine_pb2_grpc.add_EngineServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"127.0.0.1:{port}"
    server.stop(None)


@pytest.fixture
def engine(listening: tuple[Engine, str]) -> tuple[Engine, str]:
    listening[0].registered.clear()
    return listening


@pytest.fixture(scope="module")
def host(listening: tuple[Engine, str]) -> Iterator[Any]:
    """The process that Pulumi's Python runtime starts for PulumiPlugin.yaml, from another folder."""
    command = [sys.executable, str(ROOT / "components" / "plugin"), listening[1]]
    with subprocess.Popen(command, cwd=ROOT.parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield provider_pb2_grpc.ResourceProviderStub(channel)
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def schema(host: Any) -> dict[str, Any]:
    return json.loads(host.GetSchema(provider_pb2.GetSchemaRequest()).schema)


def construct(host: Any, monitor: str, inputs: dict[str, Any]) -> Any:
    given = struct_pb2.Struct()
    given.update(inputs)
    return host.Construct(
        provider_pb2.ConstructRequest(
            project="shop",
            stack="test",
            monitorEndpoint=monitor,
            type=TOKEN,
            name="lake",
            inputs=given,
            providers={"aws": PROVIDER},
        )
    )


CREATED = {
    "account": {"id": "111111111111", "region": "eu-central-1"},
    "sources": [{"dynamodb": "orders", "create": {"hashKey": {"name": "customer_id"}}}],
    "functions": {"logRetentionDays": 14},
    "lifecycle": {"expireDays": 90},
    "retainData": False,
}


def test_every_argument_of_the_class_is_an_input_with_its_sentence(schema: dict[str, Any]) -> None:
    resource = schema["resources"][TOKEN]
    inputs = resource["inputProperties"]
    assert resource["isComponent"] is True
    assert len(inputs) == len(fields(ExportArgs))
    assert inputs["schedule"]["description"].startswith("When to export: `cron(")
    assert [name for name, found in inputs.items() if not found.get("description")] == []
    for name, found in schema["types"].items():
        assert [key for key, p in found["properties"].items() if not p.get("description")] == [], name


def test_what_has_no_default_is_required(schema: dict[str, Any]) -> None:
    assert schema["resources"][TOKEN]["requiredInputs"] == ["account", "sources"]
    required = {name.rpartition(":")[2]: found.get("required", []) for name, found in schema["types"].items()}
    assert required["AccountArgs"] == ["id", "region"]
    assert required["NewTableArgs"] == ["hashKey"]
    assert required["LifecycleArgs"] == []


def test_types_are_those_of_the_arguments(schema: dict[str, Any]) -> None:
    inputs = schema["resources"][TOKEN]["inputProperties"]
    assert (inputs["retainData"]["type"], inputs["schedule"]["type"]) == ("boolean", "string")
    assert inputs["sources"]["items"]["$ref"] == "#/types/tributary:index:ExportSourceArgs"
    properties = {name.rpartition(":")[2]: found["properties"] for name, found in schema["types"].items()}
    assert properties["FunctionSettings"]["logRetentionDays"]["type"] == "integer"
    assert properties["LifecycleArgs"]["expireDays"]["type"] == "integer"
    assert properties["AttributeArgs"]["type"]["type"] == "string"


def test_an_argument_may_wait_for_a_resource_only_where_the_component_can(schema: dict[str, Any]) -> None:
    inputs = schema["resources"][TOKEN]["inputProperties"]
    assert [name for name, found in inputs.items() if not found.get("plain")] == ["alarmTopicArn"]


def test_the_outputs_are_the_components(schema: dict[str, Any]) -> None:
    assert schema["resources"][TOKEN]["properties"] == {
        "bucket": {"type": "string"},
        "function": {"type": "string"},
    }


def test_a_program_in_another_language_gets_the_whole_pipeline(host: Any, engine: tuple[Engine, str]) -> None:
    seen, address = engine
    made = construct(host, address, CREATED)
    inputs = {(token, name): found for token, name, found, _ in seen.registered}
    assert made.urn.endswith("tributary:pipelines:ExportPipeline::lake")
    assert made.state["bucket"] == "shop-test-lake-landing-111111111111"
    assert inputs["aws:cloudwatch/logGroup:LogGroup", "lake-source"]["retentionInDays"] == 14
    rules = inputs["aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "lake-landing"][
        "rules"
    ]
    expiring = {rule["filter"]["prefix"]: rule["expiration"] for rule in rules if "expiration" in rule}
    assert expiring == {"": {"days": 90}, "windows/": {"days": 7}}
    assert inputs["aws:dynamodb/table:Table", "lake-orders"]["hashKey"] == "customer_id"
    elsewhere = [n for t, n, _, provider in seen.registered if t.startswith("aws:") and provider != PROVIDER]
    assert elsewhere == []


def test_an_adopted_table_is_looked_at_through_the_engine(host: Any, engine: tuple[Engine, str]) -> None:
    seen, address = engine
    construct(host, address, CREATED | {"run": "simple", "sources": [{"dynamodb": "orders"}]})
    (function,) = [found for token, _, found, _ in seen.registered if token == "aws:lambda/function:Function"]
    tables = json.loads(function["environment"]["variables"]["TABLES"])
    assert tables == ["arn:aws:dynamodb:mock:mock:table/orders"]


def test_what_a_stacks_config_refuses_is_refused_from_another_language(
    host: Any, engine: tuple[Engine, str]
) -> None:
    seen, address = engine
    with pytest.raises(grpc.RpcError) as refused:
        construct(host, address, CREATED | {"schedule": "every night", "timezone": "Mars"})
    assert "'every night' is not a schedule" in str(refused.value)
    assert "'Mars' is not a time zone" in str(refused.value)
    assert seen.registered == []


def test_the_package_requires_what_the_project_does() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    lines = (ROOT / "components" / "plugin" / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == project
