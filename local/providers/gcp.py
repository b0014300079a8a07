"""The Google Cloud side of the local provider: REST resources by table, over plain HTTP to the embedded cloud.

What a row of the table (gcp_types.py) means in requests. The endpoint of them
all is in TRIBUTARY_LOCAL_GCP, loopback only, its bearer token the run's secret (local/secret.py).
"""

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode

from local import secret
from local.plain import within

from . import schema
from .aws_rows import Refused, imported, loopback
from .gcp_answers import finished, typed
from .gcp_types import ROWS, Row
from .values import Props, known, unknown

ENDPOINT = "TRIBUTARY_LOCAL_GCP"


def query(of: tuple[tuple[str, str], ...], state: Props, **more: str) -> str:
    """The query of a create or an update."""
    parameters = {name: state[key] for name, key in of if state.get(key)} | more
    return f"?{urlencode(parameters)}" if parameters else ""


def identity(form: str, key: str) -> Props:
    """What an id says by itself, by the form of its type's ids; nothing where the whole of it is the name."""
    if form == "{name}":
        return {}
    pieces, seen = re.split(r"{(\w+)}", form), set[str]()
    part = "[^ ]+" if " " in form else "[^/ ]+"  # a member's are apart by spaces, and some are paths
    for at in range(1, len(pieces), 2):  # every second one is a name; one that comes again has the same value
        name = pieces[at]
        pieces[at] = f"(?P={name})" if name in seen else f"(?P<{name}>{part})"
        seen.add(name)
    pattern = "".join(piece if at % 2 else re.escape(piece) for at, piece in enumerate(pieces))
    match = re.fullmatch(pattern, key)
    return match.groupdict() if match else {}


class Gcp:
    """The servicer's half for Google Cloud: `rows` by Pulumi type, in one project."""

    package, tags = "gcp", ("labels", "effectiveLabels")
    functions = (
        "gcp:organizations/getProject:getProject",
        "gcp:storage/getTransferProjectServiceAccount:getTransferProjectServiceAccount",
    )

    def __init__(self, rows: Mapping[str, Row] = ROWS):
        self.rows, self.default_tags, self.project = rows, dict[str, str](), ""
        self.policies = threading.Lock()

    def refuse_config(self, config: Props) -> list[tuple[str, str]]:
        """(setting, reason) of what CheckConfig refuses: no project, and credentials of the user's own."""
        failures = [] if config.get("project") else [("project", "is required")]
        for key in ("credentials", "accessToken", "impersonateServiceAccount", "externalCredentials"):
            failures += [(key, "has no meaning in the embedded cloud")] if config.get(key) else []
        return failures

    def configure(self, config: Props) -> None:
        """Takes from the settings the project, and the labels that every resource gets that can have any."""
        self.project, self.default_tags = config["project"], within(config, "defaultLabels")

    def call(self, method: str, path: str, body: Props | None = None) -> Props:
        """A method's answer from the embedded cloud, as JSON; {} for an empty one. LookupError for a 404 to what
        reads or deletes, Refused with status and body for any other error."""
        endpoint = loopback(ENDPOINT)
        request = urllib.request.Request(
            endpoint + path,
            method=method,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {secret.of(endpoint)}"},
        )
        request.data = None if body is None else json.dumps(body).encode()
        try:
            # An empty ProxyHandler: a request to loopback never goes through a proxy.
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                request, timeout=300
            ) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            if error.code == 404 and (method in ("GET", "DELETE") or path.endswith(":getIamPolicy")):
                raise LookupError(path) from None
            raise Refused(
                f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:500]}"
            ) from None

    def full(self, inputs: Props) -> Props:
        """The values, in the provider's project unless they name another."""
        return {"project": self.project} | inputs

    def path(self, template: str, state: Props) -> str:
        """A template of gcp_types filled from the state's texts, percent-encoded except for '/' and '@'."""
        return template.format_map(
            {k: quote(v, safe="/@") for k, v in self.full(state).items() if isinstance(v, str)}
        )

    def scope(self, row: Row, state: Props) -> str:
        """The query that names the project, for a type whose read and delete need it (`of_project`); else empty."""
        return f"?{urlencode({'projectId': state['project']})}" if row.of_project else ""

    def refuse(self, kind: str, inputs: Props) -> list[tuple[str, str]]:
        """(property, reason) of what Check refuses: a name that is known and not of the row's form (`names`)."""
        row = self.rows[kind]
        name = inputs.get(row.name)
        text = name if isinstance(name, str) and not unknown(name) else None
        if row.names[0] and text is not None and not re.fullmatch(row.names[0], text):
            return [(row.name, f"{name!r} is not {row.names[1]}")]
        return []

    def replaces(self, kind: str, changed: set[str], inputs: Props) -> set[str]:
        """What of the changes replaces the resource: `replace`, the project and, without an update, all but `local`."""
        row = self.rows[kind]
        return {
            c for c in changed if (not row.update and c not in row.local) or c in (*row.replace, "project")
        }

    def readable(self, kind: str, inputs: Props) -> set[str]:
        """The inputs that a read returns: none of `local` and `withheld`, and none that identifies or places it."""
        row = self.rows[kind]
        identity = re.findall(r"{(\w+)}", row.id)  # an answer has it in a reference
        return set(inputs) - {*row.local, *row.withheld, *identity, "project", "location"}

    def sent(self, kind: str, inputs: Props, labels: Props) -> Props:
        """The body of a create or an update: the known inputs, as the row's `body` has them, and the labels."""
        row = self.rows[kind]
        props = {
            k: v for k, v in self.full(known(inputs)).items() if k not in (*row.local, "labels", "timeouts")
        }
        return row.body(props) | ({"labels": labels} if labels else {})

    def create(
        self, kind: str, inputs: Props, labels: Props, partial: Callable[[str], None]
    ) -> tuple[str, Props]:
        """Makes the resource, or puts the member into the policy: its id, and its outputs by a read.

        `partial` gets the id first. Refused where the read finds none."""
        row, state = self.rows[kind], self.full(inputs)
        if row.policy:
            self.member(row, state, True)
            answer = {}
        else:
            at = self.path(row.collection, state) + query(row.query + row.made_by, state)
            answer = finished(self.call, self.call(row.create, at, self.sent(kind, inputs, labels)))
        key = row.id.format_map(
            state | {k: v for k, v in answer.items() if isinstance(v, str) and k not in state}
        )
        partial(key)
        read = self.read(
            kind, key, state | {k: v for k, v in answer.items() if k == "name" and "name" not in state}
        )
        if read is None:
            raise Refused(f"{key} was made, but is not there")
        return key, read

    def identify(self, kind: str, key: str) -> tuple[str, Props]:
        """As in aws.Aws."""
        forms = self.rows[kind].imported
        if not forms[0]:
            return key, identity(self.rows[kind].id, key)
        return imported(forms, key, {"_project": self.project})

    def place(self) -> Props:
        """What the provider's own settings say of where a resource is: its project."""
        return {"project": self.project}

    def read(self, kind: str, key: str, state: Props) -> Props | None:
        """A resource's outputs, or None where there is none; of a policy's member, the state that it was found by."""
        row = self.rows[kind]
        state = self.full({"name": key} | identity(row.id, key) | state)
        try:
            if row.policy:
                return dict(state) if self.member(row, state, None) else None
            facts = row.facts(self.call("GET", self.path(row.item, state) + self.scope(row, state)))
        except LookupError:
            return None
        facts = {**facts, "effectiveLabels": facts.get("labels"), "project": state["project"]}
        shapes = schema.outputs(kind)
        return {k: typed(v, shapes[k]) for k, v in facts.items() if k in shapes and v is not None}

    def update(
        self, kind: str, key: str, old: Props, before: Props, inputs: Props, labels: Props, changed: set[str]
    ) -> Props:
        """Sends the inputs, null for one that was removed, with the mask that the row wants; reads the outputs."""
        row, state = self.rows[kind], self.full({"name": key} | old | inputs)
        body = self.sent(kind, inputs, labels)
        removed = before.keys() - inputs.keys() - {*row.local, "labels"}
        body = dict.fromkeys(removed) | body  # null takes a member away
        sent = {"params" if name == "sensitiveParams" else name for name in changed} - {*row.local, "labels"}
        mask = ",".join(sorted(sent))
        more = {"updateMask": mask} if row.masked and not row.envelope else {}
        if row.envelope:
            body = {"projectId": self.project, row.envelope: body, "updateTransferJobFieldMask": mask}
        at = self.path(row.item, state) + query(row.query, state, **more)
        finished(self.call, self.call(row.update, at, row.change(body, mask)))
        return self.read(kind, key, state) or {}

    def delete(self, kind: str, key: str, state: Props) -> None:
        """Deletes the resource, or takes the member out of the policy; a row that is `never_deleted` stays.

        What is gone already is no error. By `forceDestroy`, a bucket's objects go first."""
        row, state = self.rows[kind], self.full({"name": key} | state)
        if row.never_deleted:
            return
        try:
            if row.policy:
                self.member(row, state, False)
                return
            if state.get("forceDestroy"):
                at = f"/storage/v1/b/{state['name']}/o"
                for item in self.call("GET", at)["items"]:
                    self.call("DELETE", f"{at}/{quote(item['name'], safe='')}")
            at = self.path(row.item, state) + (row.removal(state) or self.scope(row, state))
            finished(self.call, self.call("DELETE", at))
        except LookupError:
            return

    def member(self, row: Row, state: Props, wanted: bool | None) -> bool:
        """Whether the policy has the binding's member; adds or removes it as wanted."""
        with self.policies:  # a policy is read, changed and written as a whole
            return self.change_member(row, state, wanted)

    def change_member(self, row: Row, state: Props, wanted: bool | None) -> bool:
        """As member, whose lock it needs: reads the policy, and writes it back only where it isn't as wanted."""
        at = self.path(row.item, state)
        plain = at.endswith("/iam")  # Cloud Storage's policies are older than the others' two methods
        if plain or "/topics/" in at:
            policy = self.call("GET", at if plain else at + ":getIamPolicy")
        else:
            policy = self.call("POST", at + ":getIamPolicy", {})
        bindings = policy.setdefault("bindings", [])
        binding = next((b for b in bindings if b["role"] == state["role"] and not b.get("condition")), None)
        there = binding is not None and state["member"] in binding["members"]
        if wanted is None or wanted == there:
            return there
        if binding is None:
            bindings.append({"role": state["role"], "members": [state["member"]]})
        elif wanted:
            binding["members"].append(state["member"])
        else:
            binding["members"].remove(state["member"])
        policy["bindings"] = [b for b in bindings if b["members"]]
        self.call("PUT", at, policy) if plain else self.call("POST", at + ":setIamPolicy", {"policy": policy})
        return wanted

    def invoke(self, token: str, args: Props) -> Props:
        """A function's result: the project, or the service agent of Storage Transfer. Refused for any other."""
        if token == "gcp:organizations/getProject:getProject":
            return {"projectId": self.project, "id": f"projects/{self.project}", "number": "1"}
        if token == "gcp:storage/getTransferProjectServiceAccount:getTransferProjectServiceAccount":
            agent = self.call("GET", f"/v1/googleServiceAccounts/{args.get('project') or self.project}")
            member = f"serviceAccount:{agent['accountEmail']}"
            return {"email": agent["accountEmail"], "member": member, "subjectId": agent["subjectId"],
                    "id": agent["accountEmail"], "project": self.project}  # fmt: skip
        raise Refused(f"unknown function {token}: add it to local/providers/gcp.py")
