"""The components as other languages get them: a host process, spoken to over gRPC as the engine does."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from google.protobuf import struct_pb2
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    provider_pb2,
    provider_pb2_grpc,
    resource_pb2_grpc,
)

from components.plugin import COMPONENTS
from components.plugin.schema import FILE
from tests.unit.plugin.engine import Engine

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "tributary:index:ExportPipeline"
PROVIDERS = {name: f"urn:pulumi:test::shop::pulumi:providers:{name}::workload::1" for name in ("aws", "gcp")}
PROVIDER = PROVIDERS["aws"]
PLUGIN = ROOT / "components" / "plugin"
# A component that the rules refuse: one resource by itself, and one that lacks what belongs to it.
CARELESS = """
import sys
import pulumi, pulumi_aws as aws
from pulumi.provider import main
from components import plugin
from components.arguments import arguments

@arguments
class CarelessArgs:
    part: str

class Careless(pulumi.ComponentResource):
    part: pulumi.Output[str]

    def __init__(self, name, args, opts=None):
        super().__init__("tributary:pipelines:Careless", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        if args.part == "log":
            made = aws.cloudwatch.LogGroup(name, opts=child_opts).arn
        elif args.part == "bucket":
            made = aws.s3.Bucket(name, opts=child_opts).arn
        else:
            made = aws.cloudwatch.LogGroup(name, retention_in_days=14, opts=child_opts).arn
        self.part = made

plugin.COMPONENTS = {"Careless": (Careless, CarelessArgs)}
main(plugin.provider(), sys.argv[1:])
"""


@pytest.fixture(scope="module")
def listening() -> Iterator[tuple[Engine, str]]:
    servicer = Engine()
    server: Any = grpc.server(ThreadPoolExecutor(8))
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
    yield from serving([sys.executable, str(PLUGIN), listening[1]], ROOT.parent)


@pytest.fixture(scope="module")
def careless(listening: tuple[Engine, str]) -> Iterator[Any]:
    yield from serving([sys.executable, "-c", CARELESS, listening[1]], ROOT)


def serving(command: list[str], folder: Path) -> Iterator[Any]:
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
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


def construct(host: Any, monitor: str, inputs: Mapping[str, Any], token: str = TOKEN) -> Any:
    given = struct_pb2.Struct()
    given.update(inputs)
    return host.Construct(
        provider_pb2.ConstructRequest(
            project="shop",
            stack="test",
            monitorEndpoint=monitor,
            type=token,
            name="lake",
            inputs=given,
            providers=PROVIDERS,
        )
    )


CREATED = {
    "account": {"id": "111111111111", "region": "eu-central-1"},
    "sources": [{"dynamodb": "orders", "create": {"hashKey": {"name": "customer_id"}}}],
    "functions": {"logRetentionDays": 14},
    "lifecycle": {"expireDays": 90},
    "retainData": False,
}


HERE, THERE = CREATED["account"], {"id": "222222222222", "region": "eu-central-1"}
LANDING = {"account": HERE, "bucket": "shop-lake", "prefix": "raw/", "tables": ["orders"], "name": "lake"}
REPLICATED = {"account": THERE, "landing": LANDING, "retainData": False}
GIVEN: dict[str, dict[str, Any]] = {
    "ExportPipeline": CREATED,
    "ZeroEtlPipeline": {
        "account": HERE,
        "tables": [{"name": "orders", "create": {"hashKey": {"name": "customer_id"}}}],
        "collection": {"standbyReplicas": False},
    },
    "FirehosePipeline": {
        "account": HERE,
        "index": "ticks",
        "stream": {"create": {}},
        "mapping": {"properties": {"price": {"type": "double"}}},
        "generator": True,
    },
    "ReplicaRole": REPLICATED,
    "ReplicaDestination": REPLICATED | {"sourceRoleArn": "arn:aws:iam::111111111111:role/replicates"},
    "ReplicaSource": REPLICATED
    | {"roleArn": "arn:aws:iam::111111111111:role/replicates", "replicaBucket": "shop-replica"},
    "BigQueryTransferPipeline": {
        "account": HERE,
        "landing": LANDING,
        "gcp": {"project": "shop-analytics", "location": "EU"},
        "tables": {"orders": {"columns": {"order_id": "S", "total": "N"}, "keys": ["order_id"]}},
    },
}


def test_the_checked_in_schema_is_the_packages(schema: dict[str, Any]) -> None:
    assert json.loads(FILE.read_text()) == schema, "write it anew: python -m components.plugin.schema"


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_component_has_its_arguments_and_outputs_each_with_its_sentence(
    schema: dict[str, Any], name: str
) -> None:
    resource = schema["resources"][f"tributary:index:{name}"]
    assert resource["isComponent"] is True
    assert len(resource["inputProperties"]) == len(fields(COMPONENTS[name][1]))
    assert resource["description"] and resource["properties"]
    for described in (resource["inputProperties"], resource["properties"]):
        assert [key for key, member in described.items() if not member.get("description")] == []


def test_sentences_are_those_of_the_classes(schema: dict[str, Any]) -> None:
    resource = schema["resources"][TOKEN]
    assert resource["inputProperties"]["schedule"]["description"].startswith("When to export: `cron(")
    assert resource["properties"]["bucket"]["description"] == "The landing's bucket."
    for name, definition in schema["types"].items():
        assert [key for key, p in definition["properties"].items() if not p.get("description")] == [], name


def test_what_has_no_default_is_required(schema: dict[str, Any]) -> None:
    assert schema["resources"][TOKEN]["requiredInputs"] == ["account", "sources"]
    required = {
        name.rpartition(":")[2]: definition.get("required", [])
        for name, definition in schema["types"].items()
    }
    assert required["AccountArgs"] == ["id", "region"]
    assert required["NewTableArgs"] == ["hashKey"]
    assert required["LifecycleArgs"] == []


def test_types_are_those_of_the_arguments(schema: dict[str, Any]) -> None:
    inputs = schema["resources"][TOKEN]["inputProperties"]
    assert (inputs["retainData"]["type"], inputs["schedule"]["type"]) == ("boolean", "string")
    assert inputs["sources"]["items"]["$ref"] == "#/types/tributary:index:ExportSourceArgs"
    properties = {
        name.rpartition(":")[2]: definition["properties"] for name, definition in schema["types"].items()
    }
    assert properties["FunctionSettings"]["logRetentionDays"]["type"] == "integer"
    assert properties["LifecycleArgs"]["expireDays"]["type"] == "integer"
    assert properties["AttributeArgs"]["type"]["type"] == "string"


def test_an_argument_may_wait_for_a_resource_only_where_the_component_can(schema: dict[str, Any]) -> None:
    inputs = schema["resources"][TOKEN]["inputProperties"]
    assert [name for name, definition in inputs.items() if not definition.get("plain")] == ["alarmTopicArn"]


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_component_is_made_in_the_programs_providers_and_yields_what_it_promises(
    host: Any, engine: tuple[Engine, str], schema: dict[str, Any], name: str
) -> None:
    seen, address = engine
    made = construct(host, address, GIVEN[name], f"tributary:index:{name}")
    promised = schema["resources"][f"tributary:index:{name}"]
    assert {*promised.get("required", [])} <= {*made.state} <= {*promised["properties"]}
    used = [(token.split(":")[0], provider) for token, _, _, provider in seen.registered]
    clouds = {cloud for cloud, _ in used} - {"tributary"}
    assert clouds == ({"aws", "gcp"} if name.startswith("BigQuery") else {"aws"})
    assert [(cloud, provider) for cloud, provider in used if provider != PROVIDERS.get(cloud, provider)] == []


def test_the_sides_of_a_replication_name_each_other(host: Any, engine: tuple[Engine, str]) -> None:
    seen, address = engine
    for name in ("ReplicaRole", "ReplicaDestination", "ReplicaSource"):
        construct(host, address, GIVEN[name], f"tributary:index:{name}")
    inputs = {token.rpartition(":")[2]: properties for token, _, properties, _ in seen.registered}
    role = GIVEN["ReplicaSource"]["roleArn"]
    rules = inputs["BucketReplicationConfig"]
    assert (rules["role"], rules["bucket"]) == (role, "shop-lake")
    assert [rule["destination"]["bucket"] for rule in rules["rules"]] == ["arn:aws:s3:::shop-replica"]
    granted = [properties for token, _, properties, _ in seen.registered if token.endswith(":RolePolicy")]
    (replication,) = [policy for policy in granted if policy["name"] == "replication"]
    assert replication["role"] == "replicates"
    assert "arn:aws:s3:::shop-replica/raw/*" in replication["policy"]
    assert role in inputs["BucketPolicy"]["policy"]


@pytest.mark.parametrize(
    "part, why",
    [("log", "a log is kept for a time"), ("bucket", "there is no BucketPublicAccessBlock")],
)
def test_the_policies_hold_for_what_the_package_registers(
    careless: Any, engine: tuple[Engine, str], part: str, why: str
) -> None:
    seen, address = engine
    with pytest.raises(grpc.RpcError) as refused:
        construct(careless, address, {"part": part}, "tributary:index:Careless")
    assert "the policies refuse this" in str(refused.value) and why in str(refused.value)
    assert "lake" in str(refused.value)  # which resource
    assert part != "log" or "LogGroup" not in str(seen.registered)


def test_what_keeps_to_the_policies_is_registered(careless: Any, engine: tuple[Engine, str]) -> None:
    seen, address = engine
    construct(careless, address, {"part": "log with an end"}, "tributary:index:Careless")
    assert "aws:cloudwatch/logGroup:LogGroup" in [token for token, *_ in seen.registered]


def test_a_program_in_another_language_gets_the_whole_pipeline(host: Any, engine: tuple[Engine, str]) -> None:
    seen, address = engine
    made = construct(host, address, CREATED)
    inputs = {(token, name): properties for token, name, properties, _ in seen.registered}
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


def test_the_order_of_a_mapping_which_the_wire_does_not_keep_changes_nothing(
    host: Any, engine: tuple[Engine, str]
) -> None:
    seen, address = engine
    columns = dict.fromkeys("hgfedcbaponmlkji", "S")
    table = {"columns": columns, "keys": ["a"]}
    token = "tributary:index:BigQueryTransferPipeline"
    construct(host, address, GIVEN["BigQueryTransferPipeline"] | {"tables": {"orders": table}}, token)
    made = [properties for token, _, properties, _ in seen.registered if token == "gcp:bigquery/table:Table"]
    (item,) = [c for c in json.loads(made[0]["schema"]) if c["name"] == "Item"]
    assert [column["name"] for column in item["fields"]] == sorted(columns)


def test_an_adopted_table_is_read_through_the_engine(host: Any, engine: tuple[Engine, str]) -> None:
    seen, address = engine
    construct(host, address, CREATED | {"run": "simple", "sources": [{"dynamodb": "orders"}]})
    (function,) = [
        properties for token, _, properties, _ in seen.registered if token == "aws:lambda/function:Function"
    ]
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


def test_the_package_requires_what_it_imports_at_the_versions_that_are_tested() -> None:
    # The policy pack has requirements of its own.
    sources = {*ROOT.glob("components/**/*.py"), *ROOT.glob("policy/*.py")} - {ROOT / "policy/__main__.py"}
    imported = {name for path in sources if ".venv" not in path.parts for name in imports(path)}
    required = (PLUGIN / "requirements.txt").read_text()
    wanted = dict(re.findall(r"^([\w-]+)==([\w.]+)$", required, re.MULTILINE))
    # A module that bundles share may import another as a handler does.
    imported -= {path.stem for path in ROOT.glob("components/shared/*.py")}
    # annotated-types and pydantic-core come with pydantic, protobuf with pulumi.
    names = {name.replace("_", "-").replace("yaml", "pyyaml") for name in imported} - {"pydantic-core"}
    assert {*wanted} == names
    locked = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert wanted == {name: locked[name] for name in wanted}


def test_the_readmes_program_uses_what_the_package_has(schema: dict[str, Any]) -> None:
    (text,) = re.findall(r"```python\n(import pulumi\n.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    made = [
        n
        for n in ast.walk(ast.parse(text))
        if isinstance(n, ast.Call) and "tributary." in ast.unparse(n.func)
    ]
    for call in made:
        resource = schema["resources"][f"tributary:index:{ast.unparse(call.func).partition('.')[2]}"]
        given = {keyword.arg for keyword in call.keywords} - {"opts"}
        assert {*resource["requiredInputs"]} <= given <= {*resource["inputProperties"]}
    assert made and "bucket" in schema["resources"][TOKEN]["properties"]  # lake.bucket


def imports(path: Path) -> set[str]:
    """The packages that a file imports, wherever in it, that are neither Python's own nor this repository's."""
    packages: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            packages |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            packages.add(node.module.split(".")[0])
    return packages - {*sys.stdlib_module_names, "components", "policy"}


def test_what_pulumi_installs_for_the_package_does_not_show_in_git() -> None:
    made = yaml.safe_load((PLUGIN / "PulumiPlugin.yaml").read_text())["runtime"]["options"]["virtualenv"]
    inside = (PLUGIN / made / "bin" / "python").relative_to(ROOT)
    ignored = subprocess.run(["git", "check-ignore", "-q", inside], cwd=ROOT, check=False)
    assert ignored.returncode == 0
