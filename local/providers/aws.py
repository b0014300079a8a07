"""The AWS side of the local provider: what a row of the table means in API operations.

A row names operations; botocore's models say what each takes. On create the first operation makes the resource and
each further one runs when one of its properties is set. On update each operation that takes a changed property runs,
with every property it takes; a changed property that none takes replaces the resource, as the real provider's
ForceNew does. A read merges the answers; the first one decides whether the resource exists. Identity members (what
the id is made of) are filled in from the state in every operation.
"""

import re
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import Shape

from local.plain import is_object

from . import schema, shapes
from .aws_account import Account
from .aws_rows import Call, Missing, Place, Refused, Row, Step, imported, is_missing
from .values import Props, known, same, unknown

EMPTY: dict[str, Any] = {"structure": {}, "map": {}, "list": [], "string": "", "boolean": False}

LISTED = {"aws:kinesis/getStream:getStream": ("streamModeDetails",)}
"""What a function's result has as a list, where the resource has it as the one part itself: function -> properties."""


class Aws(Account):
    """The servicer's half for AWS: `rows` by Pulumi type, `invokes` by function."""

    package, tags = "aws", ("tags", "tagsAll")

    def __init__(self, rows: Mapping[str, Row], invokes: Mapping[str, tuple[str, str]]):
        super().__init__()
        self.rows, self.invokes = rows, invokes
        self.functions = (
            *invokes,
            "aws:index/getCallerIdentity:getCallerIdentity",
            "aws:index/getRegion:getRegion",
        )

    # -- one operation

    def shape(self, client: Any, operation: str) -> Shape:
        """What an operation takes, as botocore's input shape; it is named as a client's method, `put_object`."""
        api = client.meta.method_to_api_mapping[operation]
        return client.meta.service_model.operation_model(api).input_shape

    def parameters(
        self, row: Row, client: Any, operation: str, state: Props, props: Collection[str], dry: bool = False
    ) -> Props:
        """The operation's members for `props`, the identity, what is fixed and what is required."""
        shape, members = self.shape(client, operation), Props()
        for member, value in row.fixed.items():
            if member in shape.members:
                members[member] = value
        needed = set(shape.required_members)
        for prop in state.keys() | row.defaults.keys():
            value = state.get(prop, row.defaults.get(prop))
            target = shapes.resolve(shape, prop, row.paths)
            if value is None or target is None or prop in row.local:
                continue
            if (
                prop in props
                or prop in row.identity
                or (target[0][0] in needed and target[0][0] not in members)
            ):
                shapes.place(members, target[0], shapes.convert(value, target[1], prop, row.paths, dry))
        lists = {m for m, v in members.items() if is_object(v) and shape.members[m].type_name == "list"}
        return {m: [v] if m in lists else v for m, v in members.items()}

    def run(self, call: Call, step: Step, props: Collection[str] = ()) -> Props:
        """What a step came to: a function's return, or the operation's answer where the row places the resource in it.

        A removed property goes out as its type's empty value; pages become one answer. Refused where entries failed."""
        if not isinstance(step, str):
            return step(call) or {}
        parameters = self.parameters(call.row, call.client, step, call.state, props)
        for prop in call.removed & set(props) - {*call.row.local, "tags"}:
            target = shapes.resolve(self.shape(call.client, step), prop, call.row.paths)
            if target and prop not in call.row.defaults:
                shapes.place(parameters, target[0], EMPTY.get(target[1].type_name, 0))
        if call.client.can_paginate(step):
            answer = call.client.get_paginator(step).paginate(**parameters).build_full_result()
        else:
            answer = getattr(call.client, step)(**parameters)
        answer.pop("ResponseMetadata", None)
        if answer.get("FailedEntries"):
            raise Refused(f"{step}: {answer['FailedEntries'][0]}")
        return self.extract(call, answer, call.row.result.get(step))

    def extract(self, call: Call, answer: Props, place: Place | None) -> Props:
        """The resource in an answer: at `place`; without one, what the only member is if an object, else the whole."""
        if place is None:  # an envelope of one member is opened
            only = next(iter(answer.values())) if len(answer) == 1 else None
            return only if is_object(only) else answer
        return place.of(answer, call.state)

    def takes(self, row: Row, client: Any, step: Step, prop: str) -> bool:
        """Whether a step carries a property out: an operation by a member, a function if the row `handles` it."""
        if not isinstance(step, str):
            return prop in row.handles
        return shapes.resolve(self.shape(client, step), prop, row.paths) is not None

    # -- what the servicer calls

    def refuse(self, kind: str, inputs: Props) -> list[tuple[str, str]]:
        """(property, reason) of what Check refuses: a name of another form, and by botocore's model of the service a
        property that no operation takes or a value that doesn't fit."""
        row, client = self.rows[kind], self.client(self.rows[kind].service)
        failures: list[tuple[str, str]] = []
        name = inputs.get(row.name or "name")
        text = name if isinstance(name, str) and not unknown(name) else None
        if row.names[0] and text is not None and not re.fullmatch(row.names[0], text):
            failures.append((row.name or "name", f"{name!r} is not {row.names[1]}"))
        reshaped = row.before(known(inputs))
        for prop in reshaped.keys() - {"region", "timeouts", "tags", *row.local, *row.handles}:
            steps = [
                s
                for s in (*row.create, *row.update)
                if isinstance(s, str) and self.takes(row, client, s, prop)
            ]
            try:
                if not steps:
                    raise ValueError(
                        f"{prop}: the local provider doesn't carry it out (local/providers/aws_types.py)"
                    )
                self.parameters(row, client, steps[0], {prop: reshaped[prop]}, {prop}, dry=True)
            except ValueError as error:
                path, _, reason = str(error).partition(": ")
                failures += [(path, reason)] if path not in dict(failures) else []
        return failures

    def replaces(self, kind: str, changed: set[str], inputs: Props) -> set[str]:
        """The changed properties that replace the resource: what the row's `forces` names or, without it, the identity,
        `replace`, the region and whatever no step of an update takes."""
        row, client = self.rows[kind], self.client(self.rows[kind].service)
        elsewhere = {"tags", "tagsAll", "timeouts", *row.local, *row.handles}

        def updatable(prop: str) -> bool:
            reshaped = row.before({prop: known(inputs).get(prop, {})}) if prop not in row.paths else {prop: 0}
            names = {prop} | reshaped.keys() if prop in inputs else {prop}
            return any(self.takes(row, client, s, p) for s in row.update for p in names)

        if row.forces:
            return row.forces(changed, inputs)
        fixed = {*row.identity, *row.replace, "region"}
        return {p for p in changed if p in fixed or not (p in elsewhere or updatable(p))}

    def state(self, row: Row, values: Props, tags: Props | None = None) -> Props:
        """What a step works from: values reshaped by the row's `before`, the tags, and `_account` and `_region`."""
        state = {k: v for k, v in values.items() if k not in ("tags", "tagsAll", "timeouts")}
        tags = values.get("tagsAll") if tags is None else tags
        where = {"_account": self.account, "_region": values.get("region") or self.region}
        return row.before(state) | where | ({"tags": tags} if tags else {})

    def create(
        self, kind: str, inputs: Props, tags: Props, partial: Callable[[str], None]
    ) -> tuple[str, Props]:
        """Makes the resource by the row's steps: its id, and its outputs by a read. Refused where that finds none.

        `partial` gets the id as soon as there is one, for a later step may fail."""
        row = self.rows[kind]
        call = Call(
            self,
            row,
            self.client(row.service, inputs.get("region", "")),
            self.state(row, inputs, tags),
            {},
            set(),
        )
        names, first = set(call.state), row.create[0]
        answer = self.run(call, first, names)
        data = self.outputs(kind, inputs, row.after(answer, call.state))
        call.state |= {k: v for k, v in data.items() if k not in call.state}
        named = {k[0].lower() + k[1:]: v for k, v in answer.items() if isinstance(v, str)}
        if (
            set(re.findall(r"{(\w+)}", row.id)) - named.keys() - call.state.keys()
        ):  # an id that only a read gives
            call.state = (
                self.outputs(kind, inputs, row.after(self.run(call, row.read[0]), call.state)) | call.state
            )
        key = row.id.format_map(named | call.state)
        call.state = {**{k: v for k, v in named.items() if k in row.identity}, **call.state, "id": key}
        partial(key)
        taken = {p for p in names if isinstance(first, str) and self.takes(row, call.client, first, p)}
        for step in row.create[1:]:
            rest = names - taken - set(row.identity)
            if not isinstance(step, str) or any(self.takes(row, call.client, step, p) for p in rest):
                self.run(call, step, names)
        outputs = self.read(kind, key, {**data, **inputs, "tagsAll": tags}, wait=True)
        if outputs is None:
            raise Refused(f"{key} was made, but is not there")
        return key, data | outputs

    def parts(self, row: Row, key: str) -> Props:
        """The parameters that an id has by itself: all there is in an import."""
        # The first that fits: what follows a bucket's name is a key with slashes of its own.
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(row.id))
        match = re.fullmatch(pattern, key)
        if not match:
            raise Refused(f"{key!r} is not an id of the form {row.id}")
        return match.groupdict() | {"id": key}

    def identify(self, kind: str, key: str) -> tuple[str, Props]:
        """The id of what an import names, and the parameters in that name."""
        row = self.rows[kind]
        if not row.imported[0]:
            return key, self.parts(row, key)
        return imported(row.imported, key, {"_account": self.account, "_region": self.region})

    def place(self) -> Props:
        """What the provider's own settings say of where a resource is."""
        return {"region": self.region}

    def call_on(self, row: Row, key: str, state: Props) -> Call:
        """What the steps on a resource that is there start from: its id's parts and its state."""
        client = self.client(row.service, state.get("region", ""))
        return Call(self, row, client, self.state(row, self.parts(row, key) | state), {}, set())

    def read(self, kind: str, key: str, state: Props, wait: bool = False) -> Props | None:
        """A resource's outputs, or None where there is none. `wait` polls until the row's `ready` shows, 300 s at most.

        Only the first step decides whether it exists; what a further one lacks was never set."""
        row = self.rows[kind]
        state = self.parts(row, key) | state
        call = self.call_on(row, key, state)
        until = time.monotonic() + 300
        while True:
            try:
                data = self.run(call, row.read[0])
            except (ClientError, Missing) as error:
                if is_missing(error):
                    return None
                raise
            if (
                not (wait and row.ready)
                or str(data.get(row.ready[0])) == row.ready[1]
                or time.monotonic() > until
            ):
                break
            time.sleep(0.2)
        outputs = self.outputs(kind, state, row.after(data, call.state))
        call.state |= {k: v for k, v in outputs.items() if k not in call.state}
        data = dict(data)
        for step in row.read[1:]:
            try:
                data.update(self.run(call, step))
            except ClientError as error:  # a part that was never set
                if not is_missing(error):
                    raise
        return self.outputs(kind, call.state, row.after(data, call.state))

    def outputs(self, kind: str, state: Props, data: Props) -> Props:
        """Everything in an answer that the SDK has a property for."""
        row = self.rows[kind]
        outputs: Props = {"region": state.get("region") or self.region}
        inputs = schema.inputs(kind)
        for name, prop in schema.outputs(kind).items():
            if name in ("region", "tags"):
                continue
            path = "tags" if name == "tagsAll" else name
            value = shapes.revert(shapes.dig(data, path, row.paths), inputs.get(name, prop), path, row.paths)
            if value is not None:
                outputs[name] = value
        return {k: v for k, v in outputs.items() if k in schema.outputs(kind)}

    def update(
        self, kind: str, key: str, old: Props, before: Props, inputs: Props, tags: Props, changed: set[str]
    ) -> Props:
        """Runs the functions, and operations that take a changed property; removes old tags; reads the outputs."""
        row = self.rows[kind]
        client = self.client(row.service, inputs.get("region", ""))
        computed = {k: v for k, v in old.items() if k not in schema.inputs(kind)}
        own, was = self.state(row, inputs, tags), self.state(row, {**before, "tagsAll": old.get("tagsAll")})
        state = self.state(row, {**self.parts(row, key), **computed, **inputs}, tags)
        touched = {p for p in own.keys() | was.keys() if not same(own.get(p), was.get(p))}
        touched -= set() if tags or not row.untag else {"tags"}
        removed, extra = was.keys() - own.keys(), Props()
        call = Call(
            self,
            row,
            client,
            state,
            self.state(row, {**self.parts(row, key), **old, **before}),
            changed,
            removed,
        )
        for step in row.update:
            if not isinstance(step, str) or any(
                self.takes(row, client, step, p) for p in touched - set(row.identity)
            ):
                answer = self.run(call, step, touched if step in row.sparse else own.keys() | touched)
                extra |= {} if isinstance(step, str) else answer
        removed = sorted(set(old.get("tagsAll") or {}) - set(tags))
        if row.untag and removed:
            parameters = self.parameters(row, client, row.untag, state, ())
            listed = next(
                m for m in self.shape(client, row.untag).members if m.lower() in ("tagkeys", "tagstoremove")
            )
            getattr(client, row.untag)(**{**parameters, listed: removed})
        return self.read(kind, key, {**old, **inputs, **extra, "tagsAll": tags}, wait=True) or {}

    def readable(self, kind: str, inputs: Props) -> set[str]:
        """The inputs that a read returns, so that their absence in an answer is a finding."""
        row, client = self.rows[kind], self.client(self.rows[kind].service)
        outputs: list[Shape | None] = [
            client.meta.service_model.operation_model(client.meta.method_to_api_mapping[s]).output_shape
            for s in row.read if isinstance(s, str)
        ]  # fmt: skip

        def in_answer(prop: str) -> bool:
            paths = (row.paths.get(prop) or shapes.PATHS.get(prop) or prop).split("|")
            return any(
                p.startswith("Attributes.") or shapes.reaches(o, p.split(".")[-1])
                for o in outputs
                if o
                for p in paths
            )

        never_read = {*row.local, *row.withheld, *row.identity}
        return {p for p in inputs if p in row.read_by_function or (p not in never_read and in_answer(p))}

    def delete(self, kind: str, key: str, state: Props) -> None:
        """Runs the row's steps of a delete; that the service has no such thing any more is no error."""
        row = self.rows[kind]
        call = self.call_on(row, key, state)
        for step in row.delete:
            try:
                self.run(call, step)
            except ClientError as error:
                if not is_missing(error):
                    raise

    def invoke(self, token: str, args: Props) -> Props:
        """A function's result: the caller's identity, the region, or the resource that `invokes` has it read.

        Refused where there is no such resource or function."""
        if token == "aws:index/getCallerIdentity:getCallerIdentity":
            caller = self.client("sts").get_caller_identity()
            return {
                "accountId": caller["Account"],
                "arn": caller["Arn"],
                "userId": caller["UserId"],
                "id": self.account,
            }
        if token == "aws:index/getRegion:getRegion":
            return {"name": self.region, "region": self.region, "id": self.region}
        if token not in self.invokes:
            raise Refused(f"unknown function {token}: add it to INVOKES in local/providers/aws_types.py")
        kind, argument = self.invokes[token]
        lookup, key = self.rows[kind].lookup, str(args[argument])
        if lookup:
            key = lookup(self.client(self.rows[kind].service), key)
        elif self.rows[kind].imported[
            0
        ]:  # what a program names it by is what an import does, not the state's id
            key, _ = self.identify(kind, key)
        outputs = self.read(kind, key, dict(args))
        if outputs is None:
            raise Refused(
                f"{kind.split('/')[1].split(':')[0]} {args[argument]!r} doesn't exist in account {self.account}"
            )
        # The function's result has a list where the resource has the one part itself.
        outputs |= {name: [outputs[name]] for name in LISTED.get(token, ()) if name in outputs}
        return {**args, **outputs, "id": args[argument], "tags": outputs.get("tagsAll") or {}}
