"""Runs the program of a stack under Pulumi's mocks and records every resource it registers.

A program that is run again with the same arguments registers the same, and is not: a copy of its recording is returned.

`record("dev")` runs `__main__.py` with the config of `Pulumi.dev.yaml`; `record(config={...})` with another. A call
that nobody expected raises. Inputs are as the engine would get them: camelCase keys, Outputs resolved.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import json
import os
import runpy
from collections import Counter
from collections.abc import Callable, Generator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
import pulumi.runtime.stack
import yaml
from pulumi.runtime import mocks, resource, settings
from pulumi.runtime.proto import source_pb2

from tests import sdk
from tests.outputs import AtOnce

ROOT = Path(__file__).resolve().parent.parent
sdk.make_cheaper()  # as tests/conftest.py does, for what writes files without pytest
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"

PITR_ON = {
    "pointInTimeRecovery": {"enabled": True},
    "streamEnabled": True,
    "streamViewType": "NEW_AND_OLD_IMAGES",
    "hashKey": "id",
    "attributes": [{"name": "id", "type": "S"}],
}
TABLES = dict.fromkeys(("customers", "orders", "products", "reviews"), PITR_ON)

# An account whose data lake has an administrator, and no default that lets anybody in.
GOVERNED: dict[str, Any] = {
    "admins": ["arn:aws:iam::111111111111:role/deploy"],
    "createDatabaseDefaultPermissions": [],
    "createTableDefaultPermissions": [],
}

AGENT = "101234567890123456789"  # the subject of the project's Storage Transfer service agent
ROLE_ID = "AROACKCEVSQ6C2EXAMPLE"
ACCOUNT_ID = "112233445566778899001"  # a Google service account's unique id
_POOL = "projects/1/locations/global/workloadIdentityPools/"
# What a resource's service makes up and the program reads: type -> of its inputs and name.
COMPUTED: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "aws:iam/role:Role": lambda i, name: {"uniqueId": ROLE_ID},
    "aws:iam/accessKey:AccessKey": lambda i, name: {"secret": f"secret of {name}"},
    "gcp:serviceaccount/account:Account": lambda i, name: {
        "email": f"{i['accountId']}@mock.iam.gserviceaccount.com",
        "uniqueId": ACCOUNT_ID,
        "name": f"projects/mock/serviceAccounts/{i['accountId']}@mock.iam.gserviceaccount.com",
    },
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": lambda i, name: {
        "name": _POOL + i["workloadIdentityPoolId"]
    },
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": lambda i, name: {
        "name": f"{_POOL}{i['workloadIdentityPoolId']}/providers/{i['workloadIdentityPoolProviderId']}"
    },
    "gcp:projects/iAMCustomRole:IAMCustomRole": lambda i, name: {
        "name": f"projects/{i['project']}/roles/{i['roleId']}"
    },
    "gcp:bigquery/dataTransferConfig:DataTransferConfig": lambda i, name: {
        "name": f"projects/1/locations/eu/transferConfigs/{name}"
    },
}


@dataclass(frozen=True)
class Recorded:
    """One registered resource."""

    type: str
    name: str
    inputs: dict[str, Any]
    provider: str = ""


@dataclass
class Recording:
    """What a program registered, in order, and the stack's outputs."""

    resources: list[Recorded] = field(default_factory=list[Recorded])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    requests: dict[str, Any] = field(default_factory=dict[str, Any])
    """The requests to the engine, by `<type>::<name>`."""

    def waits_for(self, resource: str, input: str | None = None) -> set[str]:
        """What `<type>::<name>` is made after, as `<type>::<name>` each; with `input`, because of that input alone."""
        request = self.requests[resource]
        urns = request.propertyDependencies[input].urns if input else request.dependencies
        return {urn.split("::", 2)[2].rpartition("$")[2] for urn in urns}

    def copy(self) -> Recording:
        """One that a test may change."""
        resources = [replace(resource, inputs=deepcopy(resource.inputs)) for resource in self.resources]
        return Recording(resources, deepcopy(self.outputs), dict(self.requests))

    def counts(self) -> dict[str, int]:
        """How many resources of each type, components among them."""
        return dict(sorted(Counter(resource.type for resource in self.resources).items()))

    def of(self, type: str) -> dict[str, dict[str, Any]]:
        """The inputs of a type's resources by name."""
        return {r.name: r.inputs for r in self.resources if r.type == type}

    def inputs_of(self, type: str, name: str) -> dict[str, Any]:
        """The inputs of one resource."""
        return self.of(type)[name]


class _Monitor(mocks.MockMonitor):
    def __init__(self, recording: Recording, answers: mocks.Mocks):
        super().__init__(answers)
        self.recording = recording

    def RegisterResource(self, request: Any) -> Any:
        self.recording.requests[f"{request.type}::{request.name}"] = request
        answer: Any = super().RegisterResource(request)  # pyright: ignore[reportUnknownMemberType] - as in the SDK
        return answer


class _Mocks(mocks.Mocks):
    def __init__(
        self,
        recording: Recording,
        tables: dict[str, dict[str, Any]],
        streams: dict[str, dict[str, Any]],
        data_lake: dict[str, Any],
        versioning: str,
        preview: bool,
    ):
        self.recording, self.tables, self.streams, self.data_lake = recording, tables, streams, data_lake
        self.versioning, self.preview = versioning, preview

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if args.resource_id:  # read, not made
            assert args.typ == "aws:s3/bucketVersioning:BucketVersioning", (
                f"nobody expected to read {args.typ}"
            )
            status = {"status": self.versioning} if self.versioning else {}
            return args.resource_id, {"bucket": args.resource_id, "versioningConfiguration": status}
        provider = (args.provider or "").rpartition("::")[0].rpartition("::")[2]
        inputs: dict[str, Any] = dict(args.inputs)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - as in the SDK
        self.recording.resources.append(Recorded(args.typ, args.name, dict(inputs), provider))
        if args.typ.startswith(("tributary:", "pulumi:pulumi:")):
            return None, {}
        if self.preview:  # what the service makes up is not known yet, nor the id
            return "", inputs
        physical = inputs.get("name") or inputs.get("bucket") or args.name
        arn = f"arn:aws:{args.typ.split(':')[1].split('/')[0]}:{provider}:mock:{physical}"
        if args.typ == "aws:s3/bucket:Bucket":
            arn = f"arn:aws:s3:::{physical}"
        if args.typ == "aws:opensearch/serverlessCollection:ServerlessCollection":
            arn = f"arn:aws:aoss:{provider}:mock:collection/{physical}"
            address = f"https://{physical}.mock.aoss.amazonaws.com"
            inputs |= {"collectionEndpoint": address, "dashboardEndpoint": f"{address}/_dashboards"}
        if args.typ == "aws:iam/user:User":  # a role may have the same name
            arn = f"arn:aws:iam:{provider}:mock:user/{physical}"
        if args.typ == "aws:kinesis/stream:Stream":
            arn = f"arn:aws:kinesis:{provider}:mock:stream/{physical}"
        inputs |= COMPUTED[args.typ](inputs, args.name) if args.typ in COMPUTED else {}
        return f"{args.name}-id", {
            "arn": arn,
            "keyId": f"{args.name}-key-id",
            "url": f"https://{physical}",
            **inputs,
        }

    def call(self, args: mocks.MockCallArgs) -> Any:
        given: dict[str, Any] = dict(args.args)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - as in the SDK
        if args.token == "aws:dynamodb/getTable:getTable" and given["name"] in self.tables:
            name = given["name"]
            return {"name": name, "arn": f"arn:aws:dynamodb:mock:mock:table/{name}"} | self.tables[name]
        if args.token == "aws:kinesis/getStream:getStream" and given["name"] in self.streams:
            name = given["name"]
            return {"name": name, "arn": f"arn:aws:kinesis:mock:mock:stream/{name}"} | self.streams[name]
        if args.token == "aws:opensearch/getServerlessCollectionGroup:getServerlessCollectionGroup":
            name = given["name"]
            return {"name": name, "generation": "CLASSIC" if name == "classic" else "NEXTGEN"}
        if args.token == "aws:lakeformation/getDataLakeSettings:getDataLakeSettings" and not given:
            return self.data_lake
        if args.token == "gcp:storage/getTransferProjectServiceAccount:getTransferProjectServiceAccount":
            agent = "project-1@storage-transfer-service.iam.gserviceaccount.com"
            return {"email": agent, "member": f"serviceAccount:{agent}", "subjectId": AGENT, "id": agent}
        raise AssertionError(f"a call that nobody expected: {args.token} {given}")


def record(
    stack: str = "dev",
    config: dict[str, Any] | None = None,
    *,
    tables: dict[str, dict[str, Any]] | None = None,
    streams: dict[str, dict[str, Any]] | None = None,
    data_lake: dict[str, Any] | None = None,
    versioning: str = "Enabled",
    program: Path | None = None,
    preview: bool = False,
) -> Recording:
    """Returns what the program registers. Raises what the program raises. With `preview`, as the first preview of an
    empty stack does: nothing is known of what a service makes up."""
    stack_values = config if config is not None else stack_config(stack)
    known = TABLES if tables is None else tables
    answers = (known, streams or {}, GOVERNED | (data_lake or {}), versioning, preview)
    key = json.dumps([stack, stack_values, answers, str(program or "")])
    if key not in recorded:
        recorded[key] = _run(stack, stack_values, program or ROOT / "__main__.py", *answers)
    return recorded[key].copy()


recorded: dict[str, Recording] = {}
"""What was recorded in this process; a test that changes what a program finds clears it."""


# Of Pulumi's SDK, without types: what its runtime has yet to await, and the stack that resources are children of.
runtime: Any = settings.SETTINGS


def forget_the_stack_before() -> None:
    """A stack of its own for each run; the mocks made one already."""
    runtime.rpc_manager.clear()
    runtime.outputs.clear()
    settings.ROOT.set(None)


def _run(stack: str, stack_values: dict[str, Any], program: Path, *answered: Any) -> Recording:
    recording = Recording()
    asyncio.set_event_loop(loop := asyncio.new_event_loop())
    loop.set_default_executor(AtOnce())
    answers = _Mocks(recording, *answered)
    pulumi.runtime.set_mocks(
        answers,
        project="tributary",
        stack=stack,
        preview=answers.preview,
        monitor=_Monitor(recording, answers),
    )
    forget_the_stack_before()
    recording.resources.clear()
    pulumi.runtime.set_all_config({f"tributary:{key}": _text(value) for key, value in stack_values.items()})

    def run() -> None:
        runpy.run_path(str(program))
        # Awaited with everything else that the program left to do, so an error in an output is raised here.
        root: Any = settings.get_root_resource()
        outputs = pulumi.Output.from_input(dict(root.outputs))
        runtime.outputs.add(asyncio.ensure_future(outputs.apply(recording.outputs.update).future()))

    # Where in the program a resource stands is the engine's to show; reading the stack is a tenth of the time.
    with mock.patch.object(resource, "_get_stack_trace", source_pb2.StackTrace), _objects_left_alone():
        loop.run_until_complete(pulumi.runtime.stack.run_in_stack(run))
        loop.run_until_complete(loop.shutdown_default_executor())  # else its threads are there for good
        loop.close()
        asyncio.set_event_loop(asyncio.new_event_loop())
    return recording


@contextlib.contextmanager
def _objects_left_alone() -> Generator[None, None, None]:
    """Keeps the garbage collector from going through hundreds of thousands of objects that never go, in each run again:
    the providers' SDKs, and what Pulumi keeps of each program. That is up to half the time of a run."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


def stack_config(stack: str) -> dict[str, Any]:
    """The tributary keys of Pulumi.<stack>.yaml over the defaults of Pulumi.yaml; what a test may change."""
    return deepcopy(_stack_config(stack))


@functools.cache
def _stack_config(stack: str) -> dict[str, Any]:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    own = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    merged = {key: value["default"] for key, value in declared.items() if "default" in value} | own
    return {k.removeprefix("tributary:"): v for k, v in merged.items() if k.startswith("tributary:")}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
