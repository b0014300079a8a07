"""The Google Cloud side of the local provider: REST resources by table, over plain HTTP to the embedded cloud.

Google's APIs are uniform: POST to a collection, then GET, PATCH and DELETE of the item, in JSON whose names
are Pulumi's own. A row states where (`collection`, `item` over the state) and what differs (`body`, `facts`).
The endpoint of a service is in TRIBUTARY_LOCAL_GCP_<SERVICE>, loopback only; no credentials are read or sent.
"""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from . import schema
from .aws_rows import Refused, loopback
from .values import known

ENDPOINT = "TRIBUTARY_LOCAL_GCP_{}"


def flat(body: dict) -> dict:
    return body


@dataclass(frozen=True)
class Row:
    service: str
    collection: str  # where a create is posted
    item: str  # where it stands then
    id: str
    body: Callable[[dict], dict] = flat  # inputs -> what is sent
    facts: Callable[[dict], dict] = flat  # an answer -> properties
    create: str = "POST"
    update: str = "PATCH"  # "" when any change replaces
    removal: Callable[[dict], str] = lambda state: ""  # the query of a DELETE
    replace: tuple[str, ...] = ()
    policy: str = ""  # for a member of an IAM policy: the verbs' form, "/iam" or ":"
    name: str = ""
    names: tuple[str, str] = ("", "")
    local: tuple[str, ...] = ("deletionPolicy",)
    handles: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)


def text(value: Any) -> Any:
    """Google's JSON carries 64-bit integers as text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def dataset(props: dict) -> dict:
    body = {
        k: text(v)
        for k, v in props.items()
        if k not in ("project", "datasetId", "deleteContentsOnDestroy", "accesses")
    }
    body |= {"access": props["accesses"]} if props.get("accesses") else {}
    return body | {"datasetReference": {"projectId": props["project"], "datasetId": props["datasetId"]}}


def table(props: dict) -> dict:
    kept = {
        k: text(v)
        for k, v in props.items()
        if k not in ("project", "datasetId", "tableId", "schema", "clusterings")
    }
    kept |= {"schema": {"fields": json.loads(props["schema"])}} if props.get("schema") else {}
    kept |= {"clustering": {"fields": props["clusterings"]}} if props.get("clusterings") else {}
    return kept | {
        "tableReference": {
            "projectId": props["project"],
            "datasetId": props["datasetId"],
            "tableId": props["tableId"],
        }
    }


def described_table(found: dict) -> dict:
    fields = (found.get("schema") or {}).get("fields")
    return found | {
        "schema": json.dumps(fields) if fields else None,
        "clusterings": (found.get("clustering") or {}).get("fields"),
    }


def bucket(props: dict) -> dict:
    """https://cloud.google.com/storage/docs/json_api/v1/buckets"""
    access = {}
    if "uniformBucketLevelAccess" in props:
        access["uniformBucketLevelAccess"] = {"enabled": props["uniformBucketLevelAccess"]}
    if "publicAccessPrevention" in props:
        access["publicAccessPrevention"] = props["publicAccessPrevention"]
    rules = props.get("lifecycleRules")
    taken = (
        "project",
        "forceDestroy",
        "uniformBucketLevelAccess",
        "publicAccessPrevention",
        "lifecycleRules",
    )
    body = {k: v for k, v in props.items() if k not in taken}
    return (
        body
        | ({"iamConfiguration": access} if access else {})
        | ({"lifecycle": {"rule": rules}} if rules else {})
    )


def described_bucket(found: dict) -> dict:
    access = found.get("iamConfiguration") or {}
    uniform = (access.get("uniformBucketLevelAccess") or {}).get("enabled")
    return found | {
        "uniformBucketLevelAccess": uniform, "publicAccessPrevention": access.get("publicAccessPrevention"),
        "lifecycleRules": (found.get("lifecycle") or {}).get("rule"), "url": f"gs://{found['name']}",
    }  # fmt: skip


def account(props: dict) -> dict:
    shown = {k: props[k] for k in ("displayName", "description") if k in props}
    return {"accountId": props["accountId"], "serviceAccount": shown}


def transfer_config(props: dict) -> dict:
    """The secret goes into `params` as the real provider sends it, and never into what is shown."""
    sensitive = props.get("sensitiveParams") or {}
    secret = sensitive.get("secretAccessKey") or sensitive.get("secretAccessKeyWo")
    taken = ("project", "location", "sensitiveParams", "serviceAccountName")
    params = props.get("params", {}) | ({"secret_access_key": secret} if secret else {})
    return {k: v for k, v in props.items() if k not in taken} | {"params": params}


BIGQUERY = "/bigquery/v2/projects/{project}/datasets"
ROWS = {
    "gcp:bigquery/dataset:Dataset": Row(
        "bigquery", BIGQUERY, BIGQUERY + "/{datasetId}", "projects/{project}/datasets/{datasetId}", dataset,
        removal=lambda s: "?deleteContents=true" if s.get("deleteContentsOnDestroy") else "", replace=("datasetId",
        "location"),
        local=("deletionPolicy", "deleteContentsOnDestroy"), withheld=("accesses",),
        names=(r"\w{1,1024}", "a dataset id (1-1024 of letters, digits, '_')"), name="datasetId",
    ),
    "gcp:bigquery/table:Table": Row(
        "bigquery", BIGQUERY + "/{datasetId}/tables", BIGQUERY + "/{datasetId}/tables/{tableId}",
        "projects/{project}/datasets/{datasetId}/tables/{tableId}", table, described_table, replace=("datasetId",
        "tableId"),
        local=("deletionPolicy", "deletionProtection"), name="tableId",
    ),
    "gcp:bigquery/dataTransferConfig:DataTransferConfig": Row(
        "bigquerydatatransfer", "/v1/projects/{project}/locations/{location}/transferConfigs", "/v1/{name}", "{name}",
        transfer_config, replace=("dataSourceId", "destinationDatasetId", "location"), withheld=("sensitiveParams",
        "serviceAccountName"),
        inputs={"location": "US"},
    ),
    "gcp:storage/bucket:Bucket": Row(
        "storage", "/storage/v1/b?project={project}", "/storage/v1/b/{name}", "{name}", bucket, described_bucket,
        replace=("location", "name"), local=("deletionPolicy", "forceDestroy"), name="name",
        names=(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", "a bucket name (3-63 of a-z, 0-9, '-', '_', '.')"),
    ),
    "gcp:storage/bucketIAMMember:BucketIAMMember": Row(
        "storage", "", "/storage/v1/b/{bucket}/iam", "{bucket} {role} {member}", update="", policy="/iam"),
    "gcp:projects/iAMMember:IAMMember": Row(
        "resourcemanager", "", "/v1/projects/{project}", "{project} {role} {member}", update="", policy=":"),
    "gcp:pubsub/topic:Topic": Row(
        "pubsub", "/v1/projects/{project}/topics/{name}", "/v1/projects/{project}/topics/{name}",
        "projects/{project}/topics/{name}", lambda p: {k: v for k, v in p.items() if k not in ("project", "name")},
        lambda found: found | {"name": found["name"].split("/")[-1]}, create="PUT", replace=("name",), name="name",
    ),
    "gcp:serviceaccount/account:Account": Row(
        "iam", "/v1/projects/{project}/serviceAccounts",
        "/v1/projects/{project}/serviceAccounts/{accountId}@{project}.iam.gserviceaccount.com",
        "projects/{project}/serviceAccounts/{accountId}@{project}.iam.gserviceaccount.com", account,
        lambda found: found | {"member": f"serviceAccount:{found['email']}"}, replace=("accountId",),
        name="accountId",
        names=(r"[a-z]([a-z0-9-]{4,28}[a-z0-9])",
        "a service account id (6-30 of a-z, 0-9, '-', starting with a letter)"),
    ),
    "gcp:storage/transferJob:TransferJob": Row(
        "storagetransfer", "/v1/transferJobs", "/v1/{name}?projectId={project}", "{name}",
        lambda p: {k: v for k, v in p.items() if k != "project"} | {"projectId": p["project"]},
    ),
}  # fmt: skip


class Gcp:
    package, tags = "gcp", ("labels", "effectiveLabels")

    def __init__(self, rows: Mapping[str, Row] = ROWS):
        self.rows, self.default_tags, self.project = rows, {}, ""

    def refuse_config(self, config: dict) -> list[tuple[str, str]]:
        found = [] if config.get("project") else [("project", "is required")]
        for key in ("credentials", "accessToken", "impersonateServiceAccount", "externalCredentials"):
            found += [(key, "has no meaning in the embedded cloud")] if config.get(key) else []
        return found

    def configure(self, config: dict) -> None:
        self.project, self.default_tags = config["project"], config.get("defaultLabels") or {}

    def call(self, row: Row, method: str, path: str, body: dict | None = None) -> dict:
        endpoint = loopback(ENDPOINT.format(row.service.upper()))
        request = urllib.request.Request(
            endpoint + path, method=method, headers={"Content-Type": "application/json"}
        )
        request.data = None if body is None else json.dumps(body).encode()
        try:
            # An empty ProxyHandler: loopback is never asked for through a proxy.
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                request, timeout=300
            ) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            if error.code == 404 and method in ("GET", "DELETE"):
                raise LookupError(path) from None
            raise Refused(
                f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:500]}"
            ) from None

    def full(self, inputs: dict) -> dict:
        return {"project": self.project} | inputs

    def path(self, template: str, state: dict) -> str:
        return template.format_map(
            {k: quote(v, safe="/@") for k, v in self.full(state).items() if isinstance(v, str)}
        )

    def refuse(self, kind: str, inputs: dict) -> list[tuple[str, str]]:
        row = self.rows[kind]
        name = inputs.get(row.name)
        if row.names[0] and isinstance(name, str) and not re.fullmatch(row.names[0], name):
            return [(row.name, f"{name!r} is not {row.names[1]}")]
        return []

    def replaces(self, kind: str, changed: set[str], inputs: dict) -> set[str]:
        row = self.rows[kind]
        return {
            c for c in changed if (not row.update and c not in row.local) or c in (*row.replace, "project")
        }

    def readable(self, kind: str, inputs: dict) -> set[str]:
        row = self.rows[kind]
        identity = re.findall(r"{(\w+)}", row.id)  # an answer has it in a reference
        return set(inputs) - {*row.local, *row.withheld, *identity, "project", "location"}

    def sent(self, kind: str, inputs: dict, labels: dict) -> dict:
        row = self.rows[kind]
        props = {
            k: v for k, v in self.full(known(inputs)).items() if k not in (*row.local, "labels", "timeouts")
        }
        return row.body(props) | ({"labels": labels} if labels else {})

    def create(
        self, kind: str, inputs: dict, labels: dict, partial: Callable[[str], None]
    ) -> tuple[str, dict]:
        row, state = self.rows[kind], self.full(inputs)
        if row.policy:
            self.member(row, state, True)
            found = {}
        else:
            found = self.call(
                row, row.create, self.path(row.collection, state), self.sent(kind, inputs, labels)
            )
        key = row.id.format_map(
            state | {k: v for k, v in found.items() if isinstance(v, str) and k not in state}
        )
        partial(key)
        read = self.read(
            kind, key, state | {k: v for k, v in found.items() if k == "name" and "name" not in state}
        )
        if read is None:
            raise Refused(f"{key} was made, but is not there")
        return key, read

    def read(self, kind: str, key: str, state: dict) -> dict | None:
        row, state = self.rows[kind], self.full({"name": key} | state)
        pattern = re.sub(
            r"\\{(\w+)\\}", r"(?P<\1>[^/ ]+)", re.sub(r"(\\{\w+\\}).*?\1", r"\1", re.escape(row.id))
        )
        found = re.match(pattern, key)
        state = (found.groupdict() if found and row.id != "{name}" else {}) | state
        try:
            if row.policy:
                return dict(state) if self.member(row, state, None) else None
            answer = self.call(row, "GET", self.path(row.item, state))
        except LookupError:
            return None
        facts = row.facts(answer)
        facts = {**facts, "effectiveLabels": facts.get("labels"), "project": state["project"]}
        numbers = {n for n, p in schema.outputs(kind).items() if p.shape == "int"}
        return {k: int(v) if k in numbers and isinstance(v, str) else v
                for k, v in facts.items() if k in schema.outputs(kind) and v is not None}  # fmt: skip

    def update(
        self, kind: str, key: str, old: dict, before: dict, inputs: dict, labels: dict, changed: set[str]
    ) -> dict:
        row, state = self.rows[kind], self.full({"name": key} | old | inputs)
        body = self.sent(kind, inputs, labels)
        removed = before.keys() - inputs.keys() - {*row.local, "labels"}
        body = dict.fromkeys(removed) | body  # null takes a member away
        self.call(row, row.update, self.path(row.item, state), body)
        return self.read(kind, key, state) or {}

    def delete(self, kind: str, key: str, state: dict) -> None:
        row, state = self.rows[kind], self.full({"name": key} | state)
        try:
            if row.policy:
                self.member(row, state, False)
                return
            if state.get("forceDestroy"):
                for each in self.call(row, "GET", self.path(row.item, state) + "/o").get("items", []):
                    self.call(
                        row, "DELETE", self.path(row.item, state) + f"/o/{quote(each['name'], safe='')}"
                    )
            self.call(row, "DELETE", self.path(row.item, state) + row.removal(state))
        except LookupError:
            return

    def member(self, row: Row, state: dict, wanted: bool | None) -> bool:
        """Whether the policy has the binding's member; adds or removes it as wanted."""
        at = self.path(row.item, state)
        rest = row.policy == "/iam"
        policy = self.call(row, "GET", at) if rest else self.call(row, "POST", at + ":getIamPolicy", {})
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
        self.call(row, "PUT", at, policy) if rest else self.call(
            row, "POST", at + ":setIamPolicy", {"policy": policy}
        )
        return wanted

    def invoke(self, token: str, args: dict) -> dict:
        if token == "gcp:organizations/getProject:getProject":
            return {"projectId": self.project, "id": f"projects/{self.project}", "number": "1"}
        raise Refused(f"unknown function {token}: add it to local/providers/gcp.py")
