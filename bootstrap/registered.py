"""What a stack's program registers and asks for, by running it under mocks: no engine, no account, no request.

Every table and stream that the program adopts is answered for as one that has what a pipeline needs. A key under which
an adopted table or stream is encrypted is known to AWS only, so that what such a key needs is not in the list.
"""

# What Pulumi's mocks are given is a bare dict.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

import asyncio
import contextlib
import gc
import json
import os
import runpy
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pulumi.runtime.stack
import yaml
from pulumi.runtime import mocks
from pulumi.runtime import settings as typed_settings

from bootstrap.kinds import ADOPTED_GROUP, KINDS, arns
from components.arguments.plain import is_mapping
from components.arguments.report import Refused, nearest

settings: Any = typed_settings  # what a run leaves in Pulumi's SDK is unknown to its types
ROOT = Path(__file__).resolve().parent.parent
ID = "11111111-2222-3333-4444-555555555555"
AGENT = "project-1@storage-transfer-service.iam.gserviceaccount.com"


@dataclass(frozen=True)
class Registered:
    """One resource, or one question to a provider: its type, its name in the program, its inputs (camelCase), and the
    account that it is in: what it is `called` in the config, `account`, `region`, `partition`. Google's have none."""

    type: str
    name: str
    inputs: dict[str, Any]
    place: dict[str, str]
    read: bool = False
    """Whether it is only read: what the program did not make."""

    @property
    def arns(self) -> list[str]:
        """The ARNs that it has, or hangs on."""
        return arns(self.type, self.inputs, self.place)


@dataclass
class Program:
    """What a program registered, in order, its outputs, and its pipelines' names in the config."""

    resources: list[Registered] = field(default_factory=list[Registered])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    pipelines: list[str] = field(default_factory=list[str])


class _Mocks(mocks.Mocks):
    def __init__(self, program: Program):
        self.program = program
        self.places: dict[str, dict[str, str]] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        inputs: dict[str, Any] = dict(args.inputs)
        place = self._place(args.provider)
        if args.typ == "pulumi:providers:aws":
            region = inputs["region"]
            allowed = inputs["allowedAccountIds"]
            account = (json.loads(allowed) if isinstance(allowed, str) else allowed)[0]
            partition = {"cn-": "aws-cn", "us-": "aws-us-gov"}.get(region[:3], "aws")
            partition = "aws" if partition == "aws-us-gov" and "gov" not in region else partition
            self.places[args.name] = {
                "called": args.name, "account": account, "region": region, "partition": partition,
            }  # fmt: skip
        if args.resource_id:
            inputs["bucket"] = args.resource_id
            inputs["versioningConfiguration"] = {"status": "Enabled"}
        self.program.resources.append(
            Registered(args.typ, args.name, inputs, place, read=bool(args.resource_id))
        )
        if args.typ.startswith(("tributary:", "pulumi:pulumi:")):
            return None, {}
        physical = inputs.get("name") or inputs.get("bucket") or args.name
        outputs: dict[str, Any] = {"url": f"https://sqs/{physical}", "uniqueId": "AROAEXAMPLE"}
        if args.typ in KINDS and KINDS[args.typ].arns and args.typ != "aws:sns/topicPolicy:TopicPolicy":
            outputs["arn"] = arns(args.typ, inputs, place)[0].replace("key/*", f"key/{args.name}")
            outputs["arn"] = outputs["arn"].replace("collection/*", f"collection/{physical}")
        if args.typ.startswith("aws:opensearch/serverlessCollection"):
            address = f"https://{physical}.aoss.amazonaws.com"
            outputs |= {"collectionEndpoint": address, "dashboardEndpoint": f"{address}/_dashboards"}
        if args.typ == "gcp:serviceaccount/account:Account":
            outputs["email"] = f"{inputs['accountId']}@project.iam.gserviceaccount.com"
        if args.typ == "aws:iam/accessKey:AccessKey":
            outputs["secret"] = "a secret"
        return args.resource_id or f"{args.name}-id", {"keyId": ID, "name": physical, **outputs, **inputs}

    def call(self, args: mocks.MockCallArgs) -> Any:
        place = self._place(args.provider)
        self.program.resources.append(Registered(args.token, args.token, dict(args.args), place, read=True))
        name = args.args.get("name", "")
        if args.token == "aws:dynamodb/getTable:getTable":
            return {
                "name": name, "arn": arns(args.token, args.args, place)[0], "hashKey": "id",
                "pointInTimeRecovery": {"enabled": True}, "attributes": [{"name": "id", "type": "S"}],
                "streamEnabled": True, "streamViewType": "NEW_AND_OLD_IMAGES",
            }  # fmt: skip
        if args.token == "aws:kinesis/getStream:getStream":
            arn = arns(args.token, args.args, place)[0]
            return {"name": name, "arn": arn, "encryptionType": "NONE", "kmsKeyId": ""}
        if args.token == ADOPTED_GROUP:
            return {"name": name, "generation": "NEXTGEN"}
        if args.token == "aws:lakeformation/getDataLakeSettings:getDataLakeSettings":
            nobody: list[Any] = []
            return {
                "admins": [f"arn:aws:iam::{place['account']}:role/deploy"],
                "createDatabaseDefaultPermissions": nobody, "createTableDefaultPermissions": nobody,
            }  # fmt: skip
        if args.token == "gcp:storage/getTransferProjectServiceAccount:getTransferProjectServiceAccount":
            return {"email": AGENT, "member": f"serviceAccount:{AGENT}", "subjectId": "1" * 21, "id": AGENT}
        raise NotImplementedError(f"{args.token} {args.args}: write its answer here")

    def _place(self, provider: str | None) -> dict[str, str]:
        return self.places.get((provider or "").rpartition("::")[0].rpartition("::")[2], {})


def config_of(stack: str, root: Path = ROOT) -> dict[str, Any]:
    """The tributary keys of Pulumi.<stack>.yaml over the defaults of Pulumi.yaml, without their namespace. Raises
    Refused where there is no such stack, or its file is none."""
    path = root / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        stacks = (
            each.name.removeprefix("Pulumi.").removesuffix(".yaml") for each in root.glob("Pulumi.*.yaml")
        )
        raise Refused([f"'{stack}' is not a stack of this folder: {nearest(stack, stacks, listed=True)}"])
    return config_in(path, root)


def config_in(path: Path, root: Path = ROOT) -> dict[str, Any]:
    """The tributary keys of a file like Pulumi.<stack>.yaml over the defaults of Pulumi.yaml, without their namespace,
    which the project's own keys may leave out (https://www.pulumi.com/docs/iac/concepts/config/); an object that stands
    there as text is an object, as `pulumi config set` writes it. Raises Refused where it is no such file."""
    try:
        file = yaml.safe_load(path.read_text())
    except OSError as error:
        raise Refused([f"{path}: can't be read: {error.strerror}"]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Refused([f"{path}: is not YAML: {' '.join(str(error).split())}"]) from None
    whole = {} if file is None else file
    own = whole.get("config") if is_mapping(whole) else file
    own = {} if own is None else own
    if not is_mapping(own):
        raise Refused([f"{path}: is not a stack's file; expected: {{config: {{tributary:accounts: …}}}}"])
    declared = yaml.safe_load((root / "Pulumi.yaml").read_text())["config"]
    merged = {key: value["default"] for key, value in declared.items() if "default" in value} | {
        key if ":" in str(key) else f"tributary:{key}": value for key, value in own.items()
    }
    return {
        key.removeprefix("tributary:"): _object(value)
        for key, value in merged.items()
        if key.startswith("tributary:")
    }


def _object(value: Any) -> Any:
    try:
        read = json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        return value
    return read if is_mapping(read) else value


@contextlib.contextmanager
def in_words() -> Generator[None]:
    """Ends a command with a config's errors, or the rules that it breaks, in words and without a traceback."""
    try:
        yield
    except pulumi.RunError as error:
        raise SystemExit(str(error)) from None


def registered(stack: str, config: dict[str, Any], project: str = "tributary") -> Program:
    """What the program registers as this stack with this config. Raises what the program raises; a mandatory ceiling of
    its cost only warns: it stops a deployment, not what shows where the money goes or which rights are needed."""
    config = _with_a_ceiling_that_warns(config)
    pipelines = config.get("pipelines")
    program = Program(pipelines=list(pipelines) if is_mapping(pipelines) else [])
    before = os.environ.get("PULUMI_ERROR_OUTPUT_STRING")
    os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"
    asyncio.set_event_loop(asyncio.new_event_loop())
    pulumi.runtime.set_mocks(_Mocks(program), project=project, stack=stack, preview=False)
    settings.SETTINGS.rpc_manager.clear()
    settings.SETTINGS.outputs.clear()
    settings.set_root_resource(None)  # a stack of its own for each run; the mocks made one already
    program.resources.clear()
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in config.items()}
    pulumi.runtime.set_all_config({f"tributary:{key}": value for key, value in texts.items()})

    def run() -> None:
        runpy.run_path(str(ROOT / "__main__.py"))
        outputs = pulumi.Output.from_input(dict(settings.get_root_resource().outputs))
        waits = asyncio.ensure_future(outputs.apply(program.outputs.update).future())
        settings.SETTINGS.outputs.add(waits)

    collects = gc.isenabled()
    gc.disable()  # to go through the SDKs' objects, which never go, is a third of a run's time
    try:
        asyncio.get_event_loop().run_until_complete(pulumi.runtime.stack.run_in_stack(run))
    finally:
        if collects:
            gc.enable()
        if before is None:
            del os.environ["PULUMI_ERROR_OUTPUT_STRING"]
    return program


def _with_a_ceiling_that_warns(config: dict[str, Any]) -> dict[str, Any]:
    cost = _object(config.get("cost"))
    if is_mapping(cost) and cost.get("enforcement") == "mandatory":
        return config | {"cost": {**cost, "enforcement": "advisory"}}
    return config
