"""What the local provider knows of each type at Google: where it stands, and what differs from Pulumi's properties.

Google's APIs are uniform: POST to a collection, then GET, PATCH and DELETE of the item, in JSON whose names
are Pulumi's own. A row states where (`collection`, `item` over the state) and what differs (`body`, `facts`).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.plain import within

from .values import Props


def flat(body: Props) -> Props:
    """A body or an answer unchanged, for a row whose properties at Pulumi are Google's."""
    return body


@dataclass(frozen=True)
class Row:
    """A type of resource: the REST calls that make, read, change and remove one."""

    collection: str  # where a create is posted
    item: str  # where it stands then
    id: str
    body: Callable[[Props], Props] = flat  # inputs -> what is sent
    facts: Callable[[Props], Props] = flat  # an answer -> properties
    create: str = "POST"
    update: str = "PATCH"  # "" when any change replaces
    removal: Callable[[Props], str] = lambda state: ""  # the query of a DELETE
    replace: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()  # of a create and an update: its name -> the property
    made_by: tuple[tuple[str, str], ...] = ()  # of a create alone
    change: Callable[[Props, str], Props] = lambda body, mask: (
        body
    )  # of a create's body, what an update sends
    masked: bool = False  # an update names the fields that it changes
    envelope: str = ""  # what an update puts its body and mask into
    of_project: bool = False  # a read and a delete name the project in their query
    never_deleted: bool = False  # a delete leaves it as it is
    policy: bool = False  # a member of an IAM policy
    name: str = ""
    names: tuple[str, str] = ("", "")
    local: tuple[str, ...] = ("deletionPolicy",)
    handles: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    imported: tuple[str, str] = ("", "")  # as in aws_rows.Row
    unset: Mapping[str, Any] = field(default_factory=dict[str, Any])


def text(value: Any) -> Any:
    """Google's JSON carries 64-bit integers as text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def dataset(props: Props) -> Props:
    """A dataset as BigQuery takes it: both ids in a reference, `accesses` as `access`, whole numbers as text."""
    body = {
        k: text(v)
        for k, v in props.items()
        if k not in ("project", "datasetId", "deleteContentsOnDestroy", "accesses")
    }
    body |= {"access": props["accesses"]} if props.get("accesses") else {}
    return body | {"datasetReference": {"projectId": props["project"], "datasetId": props["datasetId"]}}


def table(props: Props) -> Props:
    """A table as BigQuery takes it: its ids in a reference, the schema parsed, the clustering's columns as `fields`."""
    table_body = {
        k: text(v)
        for k, v in props.items()
        if k not in ("project", "datasetId", "tableId", "schema", "clusterings")
    }
    table_body |= {"schema": {"fields": json.loads(props["schema"])}} if props.get("schema") else {}
    table_body |= {"clustering": {"fields": props["clusterings"]}} if props.get("clusterings") else {}
    return table_body | {
        "tableReference": {
            "projectId": props["project"],
            "datasetId": props["datasetId"],
            "tableId": props["tableId"],
        }
    }


def described_table(table: Props) -> Props:
    """BigQuery's table with the schema as JSON text and the clustering as a list of columns, as Pulumi has them."""
    fields = within(table, "schema").get("fields")
    return table | {
        "schema": json.dumps(fields) if fields else None,
        "clusterings": within(table, "clustering").get("fields"),
    }


def account(props: Props) -> Props:
    """What makes a service account: its id, and beside it the account with the texts that describe it."""
    shown = {k: props[k] for k in ("displayName", "description") if k in props}
    return {"accountId": props["accountId"], "serviceAccount": shown}


def custom_role(props: Props) -> Props:
    """What makes a custom role: its id, and beside it the role with its permissions and what describes it."""
    shown = {k: props[k] for k in ("title", "description", "stage") if k in props}
    return {"roleId": props["roleId"], "role": shown | {"includedPermissions": props["permissions"]}}


def transfer_config(props: Props) -> Props:
    """The secret goes into `params` as the real provider sends it, and never into what is shown."""
    sensitive = within(props, "sensitiveParams")
    secret = sensitive.get("secretAccessKey") or sensitive.get("secretAccessKeyWo")
    taken = ("project", "location", "sensitiveParams", "serviceAccountName")
    params = props.get("params", {}) | ({"secret_access_key": secret} if secret else {})
    return {k: v for k, v in props.items() if k not in taken} | {"params": params}


def bucket(props: Props) -> Props:
    """Pulumi's names are flat where Google's are not."""
    moved = ("lifecycleRules", "uniformBucketLevelAccess", "publicAccessPrevention", "project")
    access = {"uniformBucketLevelAccess": {"enabled": bool(props.get("uniformBucketLevelAccess"))}}
    access |= {k: props[k] for k in ("publicAccessPrevention",) if k in props}
    rules = {"lifecycle": {"rule": props["lifecycleRules"]}} if props.get("lifecycleRules") else {}
    return {k: v for k, v in props.items() if k not in moved} | rules | {"iamConfiguration": access}


def described_bucket(bucket: Props) -> Props:
    """Cloud Storage's bucket with its lifecycle and access settings flat, as Pulumi has them, and its gs:// URL."""
    access = bucket["iamConfiguration"]
    return bucket | {
        "lifecycleRules": within(bucket, "lifecycle").get("rule"),
        "uniformBucketLevelAccess": access["uniformBucketLevelAccess"]["enabled"],
        "publicAccessPrevention": access.get("publicAccessPrevention", "inherited"),
        "url": f"gs://{bucket['name']}",
    }


def transfer_job(props: Props) -> Props:
    """A transfer job as Storage Transfer takes it: Pulumi's `project` is `projectId` there."""
    return {k: v for k, v in props.items() if k != "project"} | {"projectId": props["project"]}


def unless_deleted(answer: Props) -> Props:
    """Deleted jobs, pools, providers and roles are there for days still; to a stack they are gone."""
    if answer.get("deleted") or "DELETED" in (answer.get("status"), answer.get("state")):
        raise LookupError(answer["name"])
    return answer


def unless_disabled(answer: Props) -> Props:
    """A service that is not enabled is, to a stack, not there."""
    if answer["state"] != "ENABLED":
        raise LookupError(answer["name"])
    return answer


def leaf(answer: Props) -> str:
    """The last part of a resource's name."""
    return answer["name"].rpartition("/")[2]


def identified(props: Props) -> Props:
    """What a pool or provider is sent: its ids are in the path and the query."""
    return {k: v for k, v in props.items() if k != "project" and not k.startswith("workloadIdentityPool")}


POOLS = "/v1/projects/{project}/locations/global/workloadIdentityPools"


BIGQUERY = "/bigquery/v2/projects/{project}/datasets"


ROWS = {
    "gcp:bigquery/dataset:Dataset": Row(
        BIGQUERY, BIGQUERY + "/{datasetId}", "projects/{project}/datasets/{datasetId}", dataset,
        lambda answer: answer | {"accesses": answer.get("access")},
        removal=lambda s: "?deleteContents=true" if s.get("deleteContentsOnDestroy") else "", replace=("datasetId",
        "location"),
        local=("deletionPolicy", "deleteContentsOnDestroy"), unset={"maxTimeTravelHours": "168"},
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
        imported=("{project}/{name}", "{name}"),
        names=(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", "a bucket's name (3-63 of a-z, 0-9, '-', '_', '.')"),
    ),
    "gcp:storage/bucketIAMMember:BucketIAMMember": Row(
        "", "/storage/v1/b/{bucket}/iam", "{bucket} {role} {member}", update="", policy=True,
        imported=("b/{bucket} {role} {member}", "{bucket} {role} {member}")),
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
    "gcp:projects/service:Service": Row(
        "/v1/projects/{project}/services/{service}:enable", "/v1/projects/{project}/services/{service}",
        "{project}/{service}", lambda p: {}, lambda answer: unless_disabled(answer) | {"service": leaf(answer)},
        update="", name="service", replace=("service",), never_deleted=True,
        local=("deletionPolicy", "disableOnDestroy", "disableDependentServices", "checkIfServiceHasUsageOnDestroy"),
        names=(r"[a-z0-9-]+\.googleapis\.com", "a service's name, like 'bigquery.googleapis.com'"),
    ),
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
