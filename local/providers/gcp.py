"""The Google Cloud side of the local provider: REST resources by table, over plain HTTP to the embedded cloud.

Google's APIs are uniform: POST to a collection, then GET, PATCH and DELETE of the item, in JSON whose names
are Pulumi's own. A row states where (`collection`, `item` over the state) and what differs (`body`, `facts`).
The endpoint of them all is in TRIBUTARY_LOCAL_GCP, loopback only, its bearer token the run's secret (local/secret.py).
"""

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from local import secret

from . import schema
from .aws_rows import Refused, loopback
from .gcp_answers import finished, typed
from .values import known, unknown

ENDPOINT = "TRIBUTARY_LOCAL_GCP"


def flat(body: dict) -> dict:
    return body


@dataclass(frozen=True)
class Row:
    collection: str  # where a create is posted
    item: str  # where it stands then
    id: str
    body: Callable[[dict], dict] = flat  # inputs -> what is sent
    facts: Callable[[dict], dict] = flat  # an answer -> properties
    create: str = "POST"
    update: str = "PATCH"  # "" when any change replaces
    removal: Callable[[dict], str] = lambda state: ""  # the query of a DELETE
    replace: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()  # of a create and an update: its name -> the property
    made_by: tuple[tuple[str, str], ...] = ()  # of a create alone
    change: Callable[[dict, str], dict] = lambda body, mask: body  # of a create's body, what an update sends
    masked: bool = False  # an update names the fields that it changes
    envelope: str = ""  # what an update puts its body and mask into
    of_project: bool = False  # a read and a delete name the project in their query
    policy: bool = False  # a member of an IAM policy
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


def described_table(table: dict) -> dict:
    fields = (table.get("schema") or {}).get("fields")
    return table | {
        "schema": json.dumps(fields) if fields else None,
        "clusterings": (table.get("clustering") or {}).get("fields"),
    }


def account(props: dict) -> dict:
    shown = {k: props[k] for k in ("displayName", "description") if k in props}
    return {"accountId": props["accountId"], "serviceAccount": shown}


def custom_role(props: dict) -> dict:
    shown = {k: props[k] for k in ("title", "description", "stage") if k in props}
    return {"roleId": props["roleId"], "role": shown | {"includedPermissions": props["permissions"]}}


def transfer_config(props: dict) -> dict:
    """The secret goes into `params` as the real provider sends it, and never into what is shown."""
    sensitive = props.get("sensitiveParams") or {}
    secret = sensitive.get("secretAccessKey") or sensitive.get("secretAccessKeyWo")
    taken = ("project", "location", "sensitiveParams", "serviceAccountName")
    params = props.get("params", {}) | ({"secret_access_key": secret} if secret else {})
    return {k: v for k, v in props.items() if k not in taken} | {"params": params}


def bucket(props: dict) -> dict:
    """Pulumi's names are flat where Google's are not."""
    moved = ("lifecycleRules", "uniformBucketLevelAccess", "publicAccessPrevention", "project")
    access = {"uniformBucketLevelAccess": {"enabled": bool(props.get("uniformBucketLevelAccess"))}}
    access |= {k: props[k] for k in ("publicAccessPrevention",) if k in props}
    rules = {"lifecycle": {"rule": props["lifecycleRules"]}} if props.get("lifecycleRules") else {}
    return {k: v for k, v in props.items() if k not in moved} | rules | {"iamConfiguration": access}


def described_bucket(bucket: dict) -> dict:
    access = bucket["iamConfiguration"]
    return bucket | {
        "lifecycleRules": (bucket.get("lifecycle") or {}).get("rule"),
        "uniformBucketLevelAccess": access["uniformBucketLevelAccess"]["enabled"],
        "publicAccessPrevention": access.get("publicAccessPrevention", "inherited"),
        "url": f"gs://{bucket['name']}",
    }


def transfer_job(props: dict) -> dict:
    return {k: v for k, v in props.items() if k != "project"} | {"projectId": props["project"]}


def unless_deleted(answer: dict) -> dict:
    """Deleted jobs, pools, providers and roles are there for days still; to a stack they are gone."""
    if answer.get("deleted") or "DELETED" in (answer.get("status"), answer.get("state")):
        raise LookupError(answer["name"])
    return answer


def identified(props: dict) -> dict:
    """What a pool or provider is sent: its ids are in the path and the query."""
    return {k: v for k, v in props.items() if k != "project" and not k.startswith("workloadIdentityPool")}


POOLS = "/v1/projects/{project}/locations/global/workloadIdentityPools"
BIGQUERY = "/bigquery/v2/projects/{project}/datasets"
ROWS = {
    "gcp:bigquery/dataset:Dataset": Row(
        BIGQUERY, BIGQUERY + "/{datasetId}", "projects/{project}/datasets/{datasetId}", dataset,
        removal=lambda s: "?deleteContents=true" if s.get("deleteContentsOnDestroy") else "", replace=("datasetId",
        "location"),
        local=("deletionPolicy", "deleteContentsOnDestroy"), withheld=("accesses",),
        names=(r"\w{1,1024}", "a dataset id (1-1024 of letters, digits, '_')"), name="datasetId",
    ),
    "gcp:bigquery/table:Table": Row(
        BIGQUERY + "/{datasetId}/tables", BIGQUERY + "/{datasetId}/tables/{tableId}",
        "projects/{project}/datasets/{datasetId}/tables/{tableId}", table, described_table, replace=("datasetId",
        "tableId"),
        local=("deletionPolicy", "deletionProtection"), name="tableId",
    ),
    "gcp:bigquery/dataTransferConfig:DataTransferConfig": Row(
        "/v1/projects/{project}/locations/{location}/transferConfigs", "/v1/{name}", "{name}",
        transfer_config, replace=("dataSourceId", "destinationDatasetId", "location"), withheld=("sensitiveParams",
        "serviceAccountName"),
        inputs={"location": "US"}, query=(("serviceAccountName", "serviceAccountName"),), masked=True,
    ),
    "gcp:storage/bucket:Bucket": Row(
        "/storage/v1/b", "/storage/v1/b/{name}", "{name}", bucket, described_bucket, replace=("name", "location"),
        made_by=(("project", "project"),), local=("deletionPolicy", "forceDestroy"), name="name",
        names=(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", "a bucket's name (3-63 of a-z, 0-9, '-', '_', '.')"),
    ),
    "gcp:storage/bucketIAMMember:BucketIAMMember": Row(
        "", "/storage/v1/b/{bucket}/iam", "{bucket} {role} {member}", update="", policy=True),
    "gcp:storage/transferJob:TransferJob": Row(
        "/v1/transferJobs", "/v1/{name}", "{name}", transfer_job, unless_deleted, replace=("name",), name="name",
        masked=True, envelope="transferJob", of_project=True,
        names=(r"transferJobs/(?!OPI)[A-Za-z0-9._~-]{0,114}[A-Za-z0-9]",
        "a transfer job's name ('transferJobs/' and 1-115 of letters, digits and -._~, a letter or digit last)"),
    ),
    "gcp:pubsub/topicIAMMember:TopicIAMMember": Row(
        "", "/v1/projects/{project}/topics/{topic}", "{topic} {role} {member}", update="", policy=True),
    "gcp:projects/iAMMember:IAMMember": Row(
        "", "/v1/projects/{project}", "{project} {role} {member}", update="", policy=True),
    "gcp:projects/iAMCustomRole:IAMCustomRole": Row(
        "/v1/projects/{project}/roles", "/v1/projects/{project}/roles/{roleId}", "projects/{project}/roles/{roleId}",
        custom_role, lambda answer: unless_deleted(answer) | {"permissions": answer["includedPermissions"]},
        replace=("roleId",),
        change=lambda body, mask: body["role"],
        name="roleId", names=(r"[a-zA-Z0-9_.]{3,64}", "a role's id (3-64 of letters, digits, '_' and '.')"),
    ),
    "gcp:pubsub/topic:Topic": Row(
        "/v1/projects/{project}/topics/{name}", "/v1/projects/{project}/topics/{name}",
        "projects/{project}/topics/{name}", lambda p: {k: v for k, v in p.items() if k not in ("project", "name")},
        lambda answer: answer | {"name": answer["name"].split("/")[-1]}, create="PUT", replace=("name",), name="name",
        change=lambda body, mask: {"topic": body, "updateMask": mask},
    ),
    "gcp:serviceaccount/account:Account": Row(
        "/v1/projects/{project}/serviceAccounts",
        "/v1/projects/{project}/serviceAccounts/{accountId}@{project}.iam.gserviceaccount.com",
        "projects/{project}/serviceAccounts/{accountId}@{project}.iam.gserviceaccount.com", account,
        lambda answer: answer | {"member": f"serviceAccount:{answer['email']}"}, replace=("accountId",),
        change=lambda body, mask: {"serviceAccount": body["serviceAccount"], "updateMask": mask}, name="accountId",
        names=(r"[a-z]([a-z0-9-]{4,28}[a-z0-9])",
        "a service account id (6-30 of a-z, 0-9, '-', starting with a letter)"),
    ),
    "gcp:serviceaccount/iAMMember:IAMMember": Row(
        "", "/v1/{serviceAccountId}", "{serviceAccountId} {role} {member}", update="", policy=True),
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": Row(
        POOLS, POOLS + "/{workloadIdentityPoolId}",
        POOLS[4:] + "/{workloadIdentityPoolId}", identified, unless_deleted, masked=True,
        made_by=(("workloadIdentityPoolId", "workloadIdentityPoolId"),), replace=("workloadIdentityPoolId",),
        name="workloadIdentityPoolId", names=(r"(?!gcp-)[a-z0-9-]{4,32}", "a pool's id (4-32 of a-z, 0-9, '-')"),
    ),
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": Row(
        POOLS + "/{workloadIdentityPoolId}/providers",
        POOLS + "/{workloadIdentityPoolId}/providers/{workloadIdentityPoolProviderId}",
        POOLS[4:] + "/{workloadIdentityPoolId}/providers/{workloadIdentityPoolProviderId}", identified,
        unless_deleted, masked=True,
        made_by=(("workloadIdentityPoolProviderId", "workloadIdentityPoolProviderId"),),
        replace=("workloadIdentityPoolId", "workloadIdentityPoolProviderId"), name="workloadIdentityPoolProviderId",
        names=(r"(?!gcp-)[a-z0-9-]{4,32}", "a provider's id (4-32 of a-z, 0-9, '-')"),
    ),
}  # fmt: skip


def query(of: tuple[tuple[str, str], ...], state: dict, **more: str) -> str:
    """The query of a create or an update."""
    given = {name: state[key] for name, key in of if state.get(key)} | more
    return f"?{urlencode(given)}" if given else ""


class Gcp:
    package, tags = "gcp", ("labels", "effectiveLabels")
    functions = (
        "gcp:organizations/getProject:getProject",
        "gcp:storage/getTransferProjectServiceAccount:getTransferProjectServiceAccount",
    )

    def __init__(self, rows: Mapping[str, Row] = ROWS):
        self.rows, self.default_tags, self.project = rows, {}, ""
        self.policies = threading.Lock()

    def refuse_config(self, config: dict) -> list[tuple[str, str]]:
        failures = [] if config.get("project") else [("project", "is required")]
        for key in ("credentials", "accessToken", "impersonateServiceAccount", "externalCredentials"):
            failures += [(key, "has no meaning in the embedded cloud")] if config.get(key) else []
        return failures

    def configure(self, config: dict) -> None:
        self.project, self.default_tags = config["project"], config.get("defaultLabels") or {}

    def call(self, method: str, path: str, body: dict | None = None) -> dict:
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

    def full(self, inputs: dict) -> dict:
        return {"project": self.project} | inputs

    def path(self, template: str, state: dict) -> str:
        return template.format_map(
            {k: quote(v, safe="/@") for k, v in self.full(state).items() if isinstance(v, str)}
        )

    def scope(self, row: Row, state: dict) -> str:
        return f"?{urlencode({'projectId': state['project']})}" if row.of_project else ""

    def refuse(self, kind: str, inputs: dict) -> list[tuple[str, str]]:
        row = self.rows[kind]
        name = inputs.get(row.name)
        text = name if isinstance(name, str) and not unknown(name) else None
        if row.names[0] and text is not None and not re.fullmatch(row.names[0], text):
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

    def read(self, kind: str, key: str, state: dict) -> dict | None:
        row, state = self.rows[kind], self.full({"name": key} | state)
        pattern = re.sub(
            r"\\{(\w+)\\}", r"(?P<\1>[^/ ]+)", re.sub(r"(\\{\w+\\}).*?\1", r"\1", re.escape(row.id))
        )
        match = re.match(pattern, key)
        state = (match.groupdict() if match and row.id != "{name}" else {}) | state
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
        self, kind: str, key: str, old: dict, before: dict, inputs: dict, labels: dict, changed: set[str]
    ) -> dict:
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

    def delete(self, kind: str, key: str, state: dict) -> None:
        row, state = self.rows[kind], self.full({"name": key} | state)
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

    def member(self, row: Row, state: dict, wanted: bool | None) -> bool:
        """Whether the policy has the binding's member; adds or removes it as wanted."""
        with self.policies:  # a policy is read, changed and written as a whole
            return self.change_member(row, state, wanted)

    def change_member(self, row: Row, state: dict, wanted: bool | None) -> bool:
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

    def invoke(self, token: str, args: dict) -> dict:
        if token == "gcp:organizations/getProject:getProject":
            return {"projectId": self.project, "id": f"projects/{self.project}", "number": "1"}
        if token == "gcp:storage/getTransferProjectServiceAccount:getTransferProjectServiceAccount":
            agent = self.call("GET", f"/v1/googleServiceAccounts/{args.get('project') or self.project}")
            member = f"serviceAccount:{agent['accountEmail']}"
            return {"email": agent["accountEmail"], "member": member, "subjectId": agent["subjectId"],
                    "id": agent["accountEmail"], "project": self.project}  # fmt: skip
        raise Refused(f"unknown function {token}: add it to local/providers/gcp.py")
