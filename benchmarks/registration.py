"""What a component costs to register, beside a flat program that registers the same resources.

    python -m benchmarks.registration [--pipelines 10 100 1000] [--runs 5]

Three programs under Pulumi's mocks, each in a fresh process:
- `__main__.py` with N pipelines of one kind: config check, components, resources; without the rules of policy/;
- a flat program, which makes the same resources with the same inputs and dependencies by calling their classes;
- that flat program with an empty component above each group, as the components have them, which shows what registering
  components costs and what our code does.

The flat program is written from a recording of the first: every input of one pipeline, with a reference where the
value was another resource's output. Before anything is measured both are recorded and compared. Measured is the
process' CPU time from the first registration to the last answer, without imports and without building bundles, over the
number of AWS resources. Printed are the median of the runs and the ratio of medians, for each AWS resource
and for each registration (a component is one, too).

Limits: the mocks answer in process, a real engine and its providers take longer for each resource. Tables are created,
not adopted: Pulumi's synchronous invoke queues what is pending again, so each read of an adopted table costs more than
the last.
"""

import argparse
import asyncio
import contextlib
import gc
import importlib
import inspect
import json
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi.runtime.stack
from google.protobuf import json_format
from pulumi.runtime import mocks, rpc, settings

import policy
from components.arguments.plain import is_list, is_mapping

ROOT = Path(__file__).resolve().parent.parent
# Private to Pulumi's SDK, as is the table of modules below: without them no flat program can be written.
ARCHIVE: str = vars(rpc)["_special_sig_key"]
HERE, THERE = "111111111111", "222222222222"
ACCOUNTS = {name: {"id": id, "region": "eu-central-1"} for name, id in (("here", HERE), ("there", THERE))}
KINDS: dict[str, Callable[[int], dict[str, Any]]] = {
    "export": lambda i: {
        "kind": "export",
        "account": "here",
        "sources": [{"dynamodb": f"t{i:04}", "create": {"hash_key": {"name": "id"}}}],
    },
    "replication": lambda i: {
        "kind": "replication",
        "account": "there",
        "landing": {"account": "here", "bucket": f"l{i:04}", "prefix": "raw/"},
        "take_over": True,
    },
}


class Monitor(mocks.MockMonitor):
    """Answers each registration with its inputs and what others refer to; keeps the requests if `keep` is set."""

    def __init__(self, keep: bool):
        super().__init__(_Answers())
        self.keep = keep
        self.requests: list[tuple[Any, Any]] = []
        """Each request with its answer, which are messages of Pulumi's protocol."""

    def RegisterResource(self, request: Any) -> Any:
        """Keeps the request and its answer, where they are wanted."""
        answer: Any = super().RegisterResource(request)  # pyright: ignore[reportUnknownMemberType] - as in the SDK
        if self.keep:
            self.requests.append((request, answer))
        return answer


class _Answers(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if args.resource_id:  # an adopted bucket's versioning, which is read
            return args.resource_id, {"versioningConfiguration": {"status": "Enabled"}}
        if not args.custom:
            return None, {}
        # A bare dict in the SDK.
        inputs: dict[str, Any] = args.inputs  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        physical = inputs.get("name") or inputs.get("bucket") or args.name
        outputs = {
            "arn": f"arn:aws:{args.typ}:{args.name}",
            "keyId": f"key-{args.name}",
            "url": f"https://{args.name}",
        }
        return f"id-{args.name}", outputs | {"name": physical, **inputs}

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(f"a call that nobody expected: {args.token}")


def run(program: Callable[[], Any], keep: bool = False) -> tuple[Monitor, float]:
    """Runs a program; what it registered, and the CPU seconds it took."""
    monitor = Monitor(keep)
    asyncio.set_event_loop(asyncio.new_event_loop())
    pulumi.runtime.set_mocks(_Answers(), project="tributary", stack="bench", preview=False, monitor=monitor)
    runtime: Any = settings.SETTINGS  # of Pulumi's SDK, without types
    runtime.rpc_manager.clear()
    runtime.outputs.clear()
    settings.ROOT.set(None)
    began = time.process_time()
    asyncio.get_event_loop().run_until_complete(pulumi.runtime.stack.run_in_stack(program))
    return monitor, time.process_time() - began


class _Unchecked:
    """In place of the checks that know all that is registered: they know of nothing."""

    async def resources(self) -> list[policy.Resource]:
        return []


def whole(kind: str, count: int) -> Callable[[], Any]:
    """`__main__.py` with `count` pipelines."""
    config = {"accounts": ACCOUNTS, "pipelines": {f"p{i:04}": KINDS[kind](i) for i in range(count)}}
    pulumi.runtime.set_all_config({f"tributary:{key}": json.dumps(value) for key, value in config.items()})
    # Rules and prices are of what is registered, and no part of registering it.
    policy.enforced = lambda: contextlib.nullcontext(_Unchecked())
    return lambda: runpy.run_path(str(ROOT / "__main__.py"))


def flat(source: Path, count: int, grouped: bool) -> Callable[[], None]:
    """The flat program at `source`, its pipeline's part `count` times."""
    written = runpy.run_path(str(source))

    def program() -> None:
        resources: dict[str, Any] = {}
        written["once"](resources, grouped)
        for i in range(count):
            written["pipeline"](f"{i:04}", resources, grouped)

    return program


# Writing the flat program.


def write(kind: str) -> str:
    """The flat program's text, from a recording of `__main__.py` with one pipeline."""
    monitor, _ = run(whole(kind, 1), keep=True)
    parts: dict[str, list[str]] = {"once": [], "pipeline": []}
    # A resource's URN -> (value, the expression that yields it).
    known_outputs: dict[str, list[tuple[str, str]]] = {}
    for request, answer in monitor.requests:
        if request.type == "pulumi:pulumi:Stack":
            continue
        known_outputs[answer.urn] = list(_outputs(answer))
        part = "pipeline" if request.name.startswith("p0000") else "once"
        parts[part] += _call(request, answer.urn, known_outputs)
    head = (
        "import pulumi\nfrom pulumi import ResourceOptions\n\nfrom benchmarks.registration import Classes\n"
    )
    head += "\nC = Classes()\n"
    once = "".join(f"    {line}\n" for line in parts["once"]) or "    pass\n"
    each = "".join(f"    {line}\n" for line in parts["pipeline"])
    return f"{head}\n\ndef once(m, grouped):\n{once}\n\ndef pipeline(n, m, grouped):\n{each}"


def _outputs(answer: Any) -> Any:
    key = _text(answer.urn)
    yield answer.id, f"m[{key}].id"
    for name in ("arn", "keyId", "url", "bucket", "name"):
        if name in answer.object.fields and answer.object[name]:
            attribute = "key_id" if name == "keyId" else name
            yield answer.object[name], f"m[{key}].{attribute}"


def _call(request: Any, urn: str, known_outputs: dict[str, list[tuple[str, str]]]) -> list[str]:
    """One resource: the class, its inputs, its dependencies; a component is one only in the grouped program."""
    # The parent is kept for groups only, so every URN of the recording names one variable.
    options, parent = list[str](), request.parent if request.parent in known_outputs else ""
    if not request.custom:
        above = f"ResourceOptions(parent=m[{_text(parent)}])" if parent else "None"
        component = f"pulumi.ComponentResource({request.type!r}, {_text(request.name)}, None, {above})"
        return [f"m[{_text(urn)}] = {component} if grouped else None"]
    wired = {urn for dependencies in request.propertyDependencies.values() for urn in dependencies.urns}
    after = [u for u in request.dependencies if u not in wired and u in known_outputs]
    if request.provider:
        options.append(f"provider=m[{_text(request.provider.rpartition('::')[0])}]")
    if after:
        options.append(
            f"depends_on=[x for x in ({', '.join(f'm[{_text(u)}]' for u in after)},) if x is not None]"
        )
    if parent:
        options.append(f"parent=m[{_text(parent)}]")
    if request.retainOnDelete:
        options.append("retain_on_delete=True")
    inputs: list[str] = []
    for name, value in json_format.MessageToDict(request.object).items():
        urns = request.propertyDependencies[name].urns if name in request.propertyDependencies else ()
        known = [pair for u in urns for pair in known_outputs.get(u, ())]
        inputs.append(f"{name!r}: {_value(value, known)}")
    inputs_text, opts = ", ".join(inputs), ", ".join(options)
    return [
        f"m[{_text(urn)}] = C[{request.type!r}]({_text(request.name)}, {{{inputs_text}}}, ResourceOptions({opts}))"
    ]


def _value(value_or_text: object, known: list[tuple[str, str]]) -> str:
    """Python's text of an input; where it holds an output of a dependency, that output."""
    value: Any = value_or_text
    if is_mapping(value) and ARCHIVE in value:
        return f"pulumi.FileArchive({value['path']!r})"
    if is_mapping(value):
        return "{" + ", ".join(f"{k!r}: {_value(v, known)}" for k, v in value.items()) + "}"
    if is_list(value):
        return "[" + ", ".join(_value(v, known) for v in value) + "]"
    if isinstance(value, str):
        for output, expression in known:
            if value == output:
                return expression
            if output in value and len(output) > 8:
                before, _, rest = value.partition(output)
                return f"pulumi.Output.concat({_text(before)}, {expression}, {_value(rest, known)})"
        return _text(value)
    # Every number on the wire is a float.
    return repr(
        int(value_or_text)
        if isinstance(value_or_text, float) and value_or_text.is_integer()
        else value_or_text
    )


def _text(value: str) -> str:
    """A text in which the number of the pipeline is the flat program's `n`."""
    if "0000" not in value:
        return repr(value)
    return " + n + ".join(repr(piece) for piece in value.split("0000"))


class Classes(dict[str, Callable[..., pulumi.Resource]]):
    """What makes a resource of a type from inputs as the engine gets them: its own class, called by keyword."""

    def __missing__(self, token: str) -> Callable[..., pulumi.Resource]:
        kind = token.rpartition(":")[2]
        provider = token.startswith("pulumi:providers:")
        if provider:
            cls = importlib.import_module(f"pulumi_{kind}").Provider
        else:
            importlib.import_module("pulumi_aws._utilities")  # fills the table of modules
            tables: dict[str, list[Any]] = vars(rpc)["_RESOURCE_MODULES"]
            (module,) = tables[token.rpartition(":")[0]]
            info = module.mod_info
            cls = getattr(importlib.import_module(info["fqn"]), info["classes"][token])
        known = {
            name.replace("_", "").lower(): name for name in inspect.signature(cls._internal_init).parameters
        }

        def make(name: str, inputs: dict[str, Any], opts: pulumi.ResourceOptions) -> pulumi.Resource:
            arguments = {known[key.lower()]: value for key, value in inputs.items()}
            if provider:  # on the wire all but text is JSON
                arguments = {
                    k: json.loads(v) if v[:1] in ("[", "{", "t", "f") else v for k, v in arguments.items()
                }
            return cls(name, **arguments, opts=opts)

        self[token] = make
        return make


# Measuring.


def same(kind: str, source: Path, grouped: bool) -> None:
    """Fails unless the flat program registers what `__main__.py` does, for three pipelines."""

    def seen(monitor: Monitor) -> dict[tuple[str, str], Any]:
        customs = (r for r, _ in monitor.requests if r.custom)
        return {(r.type, r.name): json_format.MessageToDict(r.object) for r in customs}

    with_components, without = (
        seen(run(whole(kind, 3), keep=True)[0]),
        seen(run(flat(source, 3, grouped), keep=True)[0]),
    )
    if with_components != without:
        other = [
            key
            for key in with_components.keys() | without.keys()
            if with_components.get(key) != without.get(key)
        ]
        first = f"{with_components.get(other[0])}\n{without.get(other[0])}"
        raise SystemExit(f"{kind}: the flat program differs in {other[:3]}, first:\n{first}")


def measure(kind: str, program: str, source: Path, count: int) -> dict[str, float]:
    """One run in this process."""
    run(whole(kind, 1))  # imports and bundles
    chosen = whole(kind, count) if program == "components" else flat(source, count, program == "grouped")
    gc.collect()
    monitor, seconds = run(chosen)
    of_aws = [urn.split("::")[2].split("$")[-1].startswith("aws:") for urn in monitor.resources]
    return {"seconds": seconds, "resources": sum(of_aws), "registrations": len(of_aws)}


def main() -> None:
    """Prints the table, or measures one program."""
    parser = argparse.ArgumentParser(description="What components cost to register, beside a flat program.")
    parser.add_argument("--pipelines", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--one", nargs=4, help=argparse.SUPPRESS
    )  # kind, program, source, count: in a fresh process
    arguments = parser.parse_args()
    if arguments.one:
        kind, program, source, count = arguments.one
        print(json.dumps(measure(kind, program, Path(source), int(count))))
        return
    columns = [
        "kind",
        "pipelines",
        "AWS resources",
        "registrations",
        "flat",
        "empty components",
        "components",
    ]
    columns += ["ratio a resource", "ratio a registration"]
    print("| " + " | ".join(columns) + " |\n|---" + "|--:" * (len(columns) - 1) + "|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for kind in arguments.kinds:
            source = Path(folder, f"{kind}.py")
            source.write_text(write(kind))
            same(kind, source, grouped=False)
            same(kind, source, grouped=True)
            for count in arguments.pipelines:
                print(row(kind, source, count, arguments.runs), flush=True)


def row(kind: str, source: Path, count: int, runs: int) -> str:
    """One line of the table, each program run `runs` times in turn."""
    times: dict[str, list[dict[str, float]]] = {"flat": [], "grouped": [], "components": []}
    for _ in range(runs):
        for program, measured in times.items():
            command = [sys.executable, "-m", "benchmarks.registration"]
            command += ["--one", kind, program, str(source), str(count)]
            printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
            measured.append(json.loads(printed.splitlines()[-1]))
    plain, grouped, with_components = (
        statistics.median(m["seconds"] for m in measured) for measured in times.values()
    )
    resources, calls = times["flat"][0]["resources"], times["flat"][0]["registrations"]
    registrations = times["components"][0]["registrations"]
    each = [f"{seconds / resources * 1000:.2f} ms" for seconds in (plain, grouped, with_components)]
    ratios = [f"{with_components / plain:.2f}", f"{(with_components / registrations) / (plain / calls):.2f}"]
    return (
        "| " + " | ".join([kind, f"{count:,}", f"{resources:,}", f"{registrations:,}", *each, *ratios]) + " |"
    )


if __name__ == "__main__":
    main()
