"""Pulumi's resource provider protocol (pulumi/proto/pulumi/provider.proto) over a table of types, for either cloud.

Outputs are the inputs and whatever a read finds. A diff compares inputs with the inputs of last time, JSON documents by
meaning and archives by hash; a refresh writes what it found into the inputs, so drift shows as a diff. Secrets: the
provider says it doesn't take them, and the engine then marks every output under a secret input's name as secret
(annotateSecrets in sdk/go/common/resource/plugin/provider_plugin.go). Errors abort the call with one sentence; a
resource that was made but not finished is reported with its id, so the state keeps it.
"""

import json
import os
import secrets
import signal
import sys
import threading
import traceback
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from local.plain import is_object, within

from . import package, schema
from .cloud import Cloud, Row
from .values import UNKNOWN, Props, document, plain, same, seen, unknown, wire, without

Context = grpc.ServicerContext
Request = (
    provider_pb2.CheckRequest
    | provider_pb2.DiffRequest
    | provider_pb2.CreateRequest
    | provider_pb2.ReadRequest
    | provider_pb2.UpdateRequest
    | provider_pb2.DeleteRequest
)
SETTINGS = ("timeouts",)  # settings of the provider, not of the resource
FILES = {"aws": "local/providers/aws_types.py", "gcp": "local/providers/gcp_types.py"}


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """The protocol's calls, in plain Python values, over `cloud`: aws.Aws or gcp.Gcp."""

    def __init__(self, cloud: Cloud):
        self.cloud = cloud

    def __getattribute__(self, name: str) -> Any:
        """Every call answers an exception with a gRPC error that reads as a sentence."""
        method = super().__getattribute__(name)
        if not (name[:1].isupper() and callable(method)):
            return method

        def guarded(request: Any, context: Context) -> Any:
            try:
                return method(request, context)
            except Exception as error:
                if os.environ.get("TRIBUTARY_PROVIDER_TRACE"):
                    traceback.print_exc(file=sys.stderr)
                kind, label = getattr(request, "type", ""), getattr(request, "name", "")
                context.abort(grpc.StatusCode.UNKNOWN, f"{kind} {label}: {sentence(error)}".strip(": "))

        return guarded

    def row(self, request: Request) -> tuple[str, Row]:
        """The type in a request's URN, and its row. LookupError where the cloud's table has none."""
        kind = request.urn.split("::")[2].split("$")[-1]
        if kind not in self.cloud.rows:
            raise LookupError(f"unknown type {kind}: add it to {FILES[self.cloud.package]}")
        return kind, self.cloud.rows[kind]

    # -- the provider itself

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: Context
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Answers that the provider wants nothing of the engine: what it can, Configure states."""
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: Context) -> plugin_pb2.PluginInfo:
        """Answers the version of the installed SDK, whose types the provider speaks."""
        from importlib.metadata import version

        return plugin_pb2.PluginInfo(version=version(f"pulumi_{self.cloud.package}"))

    def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: Context
    ) -> provider_pb2.GetSchemaResponse:
        """Answers the package's schema as JSON text: the types and functions that the provider knows (package.py)."""
        described = package.specification(self.cloud.package, self.cloud.rows, self.cloud.functions)
        return provider_pb2.GetSchemaResponse(schema=json.dumps(described))

    def Attach(self, request: plugin_pb2.PluginAttach | empty_pb2.Empty, context: Context) -> empty_pb2.Empty:
        """Answers Attach and Cancel with nothing: the provider calls no engine, and a signal ends it (serve)."""
        return empty_pb2.Empty()

    Cancel = Attach

    def CheckConfig(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        """Answers the settings unchanged, with what the cloud refuses of them once all of them are known."""
        config = settings(plain(request.news))
        failures = [] if unknown(config) else self.cloud.refuse_config(config)
        return provider_pb2.CheckResponse(inputs=request.news, failures=[failure(*f) for f in failures])

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        """Another account or region is another place: what stands there is replaced."""
        old, new = settings(plain(request.old_inputs)), settings(plain(request.news))
        changed = sorted(k for k in old.keys() | new.keys() if not same(old.get(k), new.get(k)))
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=changed, replaces=[k for k in changed if k in ("allowedAccountIds", "region", "project")],
        )  # fmt: skip

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: Context
    ) -> provider_pb2.ConfigureResponse:
        """Sets the cloud up, or fails with all that it refuses; answers that it takes previews, but no secrets."""
        config = settings(plain(request.args))
        failures = self.cloud.refuse_config(config)
        if failures:
            raise ValueError("; ".join(f"{p} {reason}" for p, reason in failures))
        self.cloud.configure(config)
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    # -- resources

    def Check(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        """Answers the inputs with what the provider fills in, and what the SDK's types or else the cloud refuse.

        A name that is left out stays that of last time, or is the resource's own with seven hexadecimal digits."""
        kind, row = self.row(request)
        inputs, old = plain(request.news), plain(request.olds)
        if row.name and inputs.get(row.name) is None:
            stem = request.urn.split("::")[-1]
            inputs[row.name] = (
                old.get(row.name) or f"{stem}-{(request.randomSeed or secrets.token_bytes(8)).hex()[:7]}"
            )
        inputs = {**row.inputs, **inputs}
        failures = schema.refusals(schema.inputs(kind), inputs) or self.cloud.refuse(kind, inputs)
        return provider_pb2.CheckResponse(inputs=wire(inputs), failures=[failure(*f) for f in failures])

    def all_tags(self, kind: str, inputs: Props) -> Any:
        """The resource's tags over the provider's; None for a type without."""
        name, every = self.cloud.tags
        if every not in schema.outputs(kind):
            return None
        own: str | Props = inputs.get(name) or {}
        override = within(within(inputs, "overrideProvider"), "defaultTags").get("tags")
        default = self.cloud.default_tags if override is None else override
        return own if isinstance(own, str) else {**default, **own}

    def Diff(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        """Answers which inputs differ from last time's, and the tags from the state's, and which replace the resource.

        The old one is deleted first if its physical name is fixed, because two resources cannot share a name."""
        kind, row = self.row(request)
        news, olds, state = plain(request.news), plain(request.old_inputs), plain(request.olds)
        # What is left out is what stands where nothing is set, in the place of the provider.
        stands = {**row.inputs, **self.cloud.place(), **row.unset}
        unset = {k: v for k, v in stands.items() if v is not ... and not is_object(v)}
        changed = {
            k for k in news.keys() | olds.keys()
            if k not in SETTINGS and not same(news.get(k, unset.get(k)), olds.get(k, unset.get(k)))
        }  # fmt: skip
        tags, every = self.all_tags(kind, news), self.cloud.tags[1]
        if tags is not None and not same(tags, state.get(every) or {}):
            changed.add(every)
        replaces = self.cloud.replaces(kind, changed, news)
        named = row.name or "name"
        detail: dict[str, provider_pb2.PropertyDiff] = {}
        for key in sorted(changed):
            verb = (
                "ADD"
                if key not in olds and key != every
                else "DELETE"
                if key not in news and key != every
                else "UPDATE"
            )
            verb += "_REPLACE" if key in replaces else ""
            detail[key] = provider_pb2.PropertyDiff(kind=verb, inputDiff=key != every)  # type: ignore[arg-type]  # enum by name
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted(changed), replaces=sorted(replaces), detailedDiff=detail, hasDetailedDiff=bool(changed),
            deleteBeforeReplace=bool(replaces) and named in news and same(news[named], olds.get(named)),
        )  # fmt: skip

    def Create(self, request: provider_pb2.CreateRequest, context: Context) -> provider_pb2.CreateResponse:
        """Makes the resource and answers its id and outputs; a preview gets the outputs that aren't inputs as unknown.

        What was made before an error is reported with it (unfinished)."""
        kind, _ = self.row(request)
        inputs = plain(request.properties)
        tags, every = self.all_tags(kind, inputs), self.cloud.tags[1]
        if request.preview:
            computed = dict.fromkeys(schema.outputs(kind).keys() - inputs.keys(), UNKNOWN)
            later = computed | inputs | ({every: tags} if tags is not None else {})
            return provider_pb2.CreateResponse(properties=wire(later))
        ids: list[str] = []
        try:
            key, data = self.cloud.create(kind, inputs, tags or {}, ids.append)
        except Exception as error:
            if ids:
                unfinished(context, ids[0], inputs, inputs, f"{kind} {request.name}: {sentence(error)}")
            raise
        return provider_pb2.CreateResponse(id=key, properties=wire(self.outputs(kind, inputs, data, tags)))

    def outputs(self, kind: str, inputs: Props, data: Props, tags: Any = None) -> Props:
        """The inputs, and what the service adds to them."""
        state = {k: v for k, v in data.items() if v is not None} | inputs
        if tags is not None:
            state[self.cloud.tags[1]] = tags
        return state

    def Read(self, request: provider_pb2.ReadRequest, context: Context) -> provider_pb2.ReadResponse:
        """Answers a refresh or an import with inputs and outputs as the service has them; without an id, none is there.

        An import has no inputs yet, and gets those that somebody may have set (values.without)."""
        kind, row = self.row(request)
        inputs, state = plain(request.inputs), plain(request.properties)
        key, parts = (request.id, {}) if inputs or state else self.cloud.identify(kind, request.id)
        data = self.cloud.read(kind, key, {**parts, **inputs, **state})
        if data is None:
            return provider_pb2.ReadResponse()
        known_inputs, (own, every) = schema.inputs(kind), self.cloud.tags
        if every in schema.outputs(
            kind
        ):  # a default tag is the provider's, unless the resource states it too
            is_read = own in self.cloud.readable(kind, {own: {}})
            tags: Props = data.get(every, {} if is_read else state.get(every)) or {}
            default = {k: v for k, v in self.cloud.default_tags.items() if k not in (inputs.get(own) or {})}
            data = {**data, every: tags, own: {k: v for k, v in tags.items() if default.get(k) != v} or None}
        if not inputs:  # an import: all that the service returns and somebody may have set
            stated = {k: v for k, v in {**parts, **data}.items() if k in known_inputs}
            fresh = without(stated, {**row.unset, **self.cloud.place()})
        else:
            hidden = {*row.local, *row.handles, *SETTINGS} - data.keys()
            fresh = {k: v if k in hidden or k not in self.cloud.readable(kind, inputs) else seen(v, data.get(k))
                     for k, v in inputs.items()}  # fmt: skip
            if own not in inputs and data.get(own):
                fresh[own] = data[own]
        fresh = {k: v for k, v in fresh.items() if v is not None}
        return provider_pb2.ReadResponse(
            id=key,
            inputs=wire(fresh),
            properties=wire({**state, **self.outputs(kind, fresh, data, data.get(every))}),
        )

    def Update(self, request: provider_pb2.UpdateRequest, context: Context) -> provider_pb2.UpdateResponse:
        """Changes the resource and answers its outputs; a preview gets those that the row calls volatile as unknown."""
        kind, row = self.row(request)
        old, inputs, before = plain(request.olds), plain(request.news), plain(request.old_inputs)
        tags, every = self.all_tags(kind, inputs), self.cloud.tags[1]
        changed = {k for k in inputs.keys() | before.keys() if not same(inputs.get(k), before.get(k))}
        computed = {k: v for k, v in old.items() if k not in schema.inputs(kind)}
        if request.preview:
            later = {**computed, **dict.fromkeys(row.volatile, UNKNOWN), **inputs}
            return provider_pb2.UpdateResponse(
                properties=wire(later | ({every: tags} if tags is not None else {}))
            )
        if tags is not None and not same(tags, old.get(every) or {}):
            changed.add(every)
        data = self.cloud.update(kind, request.id, old, before, inputs, tags or {}, changed)
        return provider_pb2.UpdateResponse(
            properties=wire(self.outputs(kind, inputs, {**computed, **data}, tags))
        )

    def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> empty_pb2.Empty:
        """Deletes the resource, which its id, inputs and outputs identify; answers nothing."""
        kind, _ = self.row(request)
        self.cloud.delete(kind, request.id, {**plain(request.old_inputs), **plain(request.properties)})
        return empty_pb2.Empty()

    def Invoke(self, request: provider_pb2.InvokeRequest, context: Context) -> provider_pb2.InvokeResponse:
        """Answers what a function gives for its arguments, the cloud's `invoke`."""
        answer = provider_pb2.InvokeResponse()
        getattr(answer, "return").CopyFrom(wire(self.cloud.invoke(request.tok, plain(request.args))))
        return answer


def settings(config: Props) -> Props:
    """A provider's configuration: anything but a string travels as JSON text."""
    parsed = {
        k: document(v) if document(v) is not None else v for k, v in config.items() if not k.startswith("__")
    }
    return {k: v == "true" if v in ("true", "false") else v for k, v in parsed.items() if k != "version"}


def failure(where: str, reason: str) -> provider_pb2.CheckFailure:
    """A refusal as Check and CheckConfig answer it, with the property's path also in its reason."""
    return provider_pb2.CheckFailure(property=where, reason=f"{where}: {reason}")


def sentence(error: Exception) -> str:
    """An error as text: a service's operation, code and message, a KeyError's key, else its message or its class."""
    answer = getattr(error, "response", None)
    if is_object(answer) and "Error" in answer:
        operation = getattr(error, "operation_name", "")
        return f"{operation}: {answer['Error'].get('Code')}: {answer['Error'].get('Message')}"
    return str(error.args[0]) if isinstance(error, KeyError) else f"{error}" or type(error).__name__


def unfinished(context: Context, key: str, state: Props, inputs: Props, reason: str) -> None:
    """Ends the call with ErrorResourceInitFailed, in which the engine finds the id and the state that it keeps."""
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reason)
    status.details.add().Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=key, properties=wire(state), inputs=wire(inputs), reasons=[reason]
        )
    )
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, reason)


def serve(cloud: Cloud) -> None:
    """Serves on a free loopback port, prints it on stdout as the engine expects, and ends with the engine."""
    limit = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(32), options=limit)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(cloud), server)  # pyright: ignore[reportArgumentType] - of the stub
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # the engine interrupts a plugin that it needs no more
        signal.signal(number, lambda _number, _frame: ended.set())
    engine = os.getppid()
    while os.getppid() == engine and not ended.wait(0.5):
        pass
    server.stop(None)
