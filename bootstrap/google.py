"""The permissions in the Google Cloud project of who deploys a stack, previews it and looks for drift.

From the pages of each product, as no log of Google's own provider is here:
https://cloud.google.com/bigquery/docs/access-control, https://cloud.google.com/bigquery/docs/enable-transfer-service,
https://cloud.google.com/storage/docs/access-control/iam-permissions,
https://cloud.google.com/storage-transfer/docs/access-control, https://cloud.google.com/pubsub/docs/access-control,
https://cloud.google.com/iam/docs/permissions-reference.

Two go beyond a type's own life. A dataset is made with its access, which asks for its policy since March 2026
(https://docs.cloud.google.com/bigquery/docs/dataset-access-control). After a pool the provider reads its attestation
rules, by a permission of which a report says that a custom role can't have it
(https://github.com/hashicorp/terraform-provider-google/issues/26963): `POOLS` has it in that case.
"""

from typing import Literal

from bootstrap.registered import Program

_POLICY = ("getIamPolicy", "setIamPolicy")
_LIFE = ("create", "delete", "get", "update")
PERMISSIONS = {
    "gcp:bigquery/dataTransferConfig:DataTransferConfig": [
        "bigquery.transfers.get", "bigquery.transfers.update", "iam.serviceAccounts.actAs",
    ],
    "gcp:bigquery/dataset:Dataset": [f"bigquery.datasets.{verb}" for verb in (*_LIFE, *_POLICY)],
    "gcp:bigquery/table:Table": [f"bigquery.tables.{verb}" for verb in _LIFE],
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": [
        f"iam.workloadIdentityPools.{verb}" for verb in (*_LIFE, "getAttestationRules")
    ],
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": [
        f"iam.workloadIdentityPoolProviders.{verb}" for verb in _LIFE
    ],
    "gcp:projects/iAMCustomRole:IAMCustomRole": [f"iam.roles.{verb}" for verb in _LIFE],
    "gcp:projects/iAMMember:IAMMember": [f"resourcemanager.projects.{verb}" for verb in _POLICY],
    "gcp:pubsub/topic:Topic": [f"pubsub.topics.{verb}" for verb in _LIFE],
    "gcp:pubsub/topicIAMMember:TopicIAMMember": [f"pubsub.topics.{verb}" for verb in _POLICY],
    "gcp:serviceaccount/account:Account": [f"iam.serviceAccounts.{verb}" for verb in _LIFE],
    "gcp:serviceaccount/iAMMember:IAMMember": [f"iam.serviceAccounts.{verb}" for verb in _POLICY],
    "gcp:storage/bucket:Bucket": [f"storage.buckets.{verb}" for verb in _LIFE],
    "gcp:storage/bucketIAMMember:BucketIAMMember": [f"storage.buckets.{verb}" for verb in _POLICY],
    "gcp:storage/transferJob:TransferJob": [f"storagetransfer.jobs.{verb}" for verb in _LIFE],
}  # fmt: skip
# The predefined roles of pools and their providers: https://docs.cloud.google.com/iam/docs/roles-permissions/iam.
POOLS, POOLS_READ = "roles/iam.workloadIdentityPoolAdmin", "roles/iam.workloadIdentityPoolViewer"
# What a program reads at every preview.
PREVIEW_READS = {
    "gcp:storage/getTransferProjectServiceAccount:getTransferProjectServiceAccount": [
        "storagetransfer.projects.getServiceAccount"
    ]
}


# What reading a resource back is called: its settings, its policy, a pool's rules.
_READS = (".get", ".getIamPolicy", ".getAttestationRules")


# What `operate` calls: runs and tables are read by their configs' and tables' own permission, a run is started by the
# right to change its config (https://docs.cloud.google.com/bigquery/docs/reference/datatransfer/rest/v1/
# projects.locations.transferConfigs/startManualRuns). Changing one that runs as a service account asks for that account
# as well (https://docs.cloud.google.com/bigquery/docs/use-service-accounts#required_permissions): in a custom role that
# would be every account of the project, so it is granted on the one, by hand.
_STATUS = {
    "gcp:bigquery/dataTransferConfig:DataTransferConfig": ["bigquery.transfers.get"],
    "gcp:bigquery/table:Table": ["bigquery.tables.get"],
    "gcp:storage/transferJob:TransferJob": ["storagetransfer.jobs.get"],
}
_OPERATE = {
    "gcp:bigquery/dataTransferConfig:DataTransferConfig": ["bigquery.transfers.get", "bigquery.transfers.update"],
    "gcp:storage/transferJob:TransferJob": [
        "storagetransfer.jobs.get", "storagetransfer.jobs.run", "storagetransfer.jobs.update",
    ],
}  # fmt: skip


def permissions(
    program: Program, *, during: Literal["deploy", "preview", "refresh", "status", "operate"]
) -> list[str]:
    """What a custom role includes for the deployer, the previewer, who compares the project with the state (a preview
    with `--refresh`, which reads each resource), who sees how it does, or who runs and pauses it. Raises KeyError for
    an unknown type."""
    gathered: set[str] = set()
    if during in ("status", "operate"):
        of_type = _STATUS if during == "status" else _OPERATE
        return sorted({name for r in program.resources if not r.read for name in of_type.get(r.type, [])})
    for r in program.resources:
        if r.type in PREVIEW_READS:
            gathered.update(PREVIEW_READS[r.type])
        elif r.type.startswith("gcp:") and during != "preview":
            every = PERMISSIONS[r.type]
            gathered.update(name for name in every if during == "deploy" or name.endswith(_READS))
    return sorted(gathered)


# The API of each product: https://docs.cloud.google.com/apis/docs/cloud-client-libraries and
# https://docs.cloud.google.com/service-usage/docs/list-services. Federation needs the last four
# (https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines).
_APIS = {
    "gcp:bigquery/dataTransferConfig": "bigquerydatatransfer", "gcp:bigquery/": "bigquery", "gcp:pubsub/": "pubsub",
    "gcp:storage/transferJob": "storagetransfer", "gcp:storage/getTransferProject": "storagetransfer",
    "gcp:storage/": "storage",
}  # fmt: skip
_FEDERATION = ("cloudresourcemanager", "iam", "iamcredentials", "sts")


def services(program: Program) -> list[str]:
    """The services of a project that are enabled for a stack, like `bigquery.googleapis.com`."""
    types = {r.type for r in program.resources if r.type.startswith("gcp:")}
    named = {next((api for start, api in _APIS.items() if type.startswith(start)), "") for type in types}
    return [f"{name}.googleapis.com" for name in sorted((named - {""}) | set(_FEDERATION))]
