"""What Google's predefined roles hold, of those that the program grants; a role that isn't here is an error.

Each service's page lists them: https://docs.cloud.google.com/iam/docs/roles-permissions/bigquery (and /storage,
/pubsub, /iam); a dataset's basic roles: https://docs.cloud.google.com/bigquery/docs/access-control-basic-roles. Left
out is what has no say in data: a project's name, folders and managed folders of a bucket, Dataform.
"""

_READ_BUCKET = {"storage.buckets.get", "storage.objects.list", "storage.multipartUploads.list"}
_UPLOADS = {f"storage.multipartUploads.{verb}" for verb in ("abort", "create", "listParts")}
_VIEW = {
    "bigquery.datasets.get", "bigquery.datasets.getIamPolicy", "bigquery.models.export", "bigquery.models.getData",
    "bigquery.models.getMetadata", "bigquery.models.list", "bigquery.routines.get", "bigquery.routines.list",
    "bigquery.tables.createSnapshot", "bigquery.tables.export", "bigquery.tables.get", "bigquery.tables.getData",
    "bigquery.tables.getIamPolicy", "bigquery.tables.list", "bigquery.tables.replicateData",
}  # fmt: skip
_EDIT = _VIEW | {
    "bigquery.datasets.updateTag", "bigquery.models.create", "bigquery.models.delete", "bigquery.models.updateData",
    "bigquery.models.updateMetadata", "bigquery.routines.create", "bigquery.routines.delete",
    "bigquery.routines.update", "bigquery.tables.create", "bigquery.tables.createIndex", "bigquery.tables.delete",
    "bigquery.tables.deleteIndex", "bigquery.tables.deleteSnapshot", "bigquery.tables.restoreSnapshot",
    "bigquery.tables.update", "bigquery.tables.updateData", "bigquery.tables.updateTag",
}  # fmt: skip
_OWN = _EDIT | {"bigquery.datasets.delete", "bigquery.datasets.setIamPolicy", "bigquery.datasets.update"}

ROLES: dict[str, set[str]] = {
    "roles/bigquery.jobUser": {"bigquery.config.get", "bigquery.jobs.create"},
    "roles/bigquery.dataViewer": _VIEW,
    "roles/bigquery.dataEditor": _EDIT,
    "roles/bigquery.dataOwner": _OWN,
    "roles/storage.legacyBucketReader": _READ_BUCKET,
    "roles/storage.legacyBucketWriter": (
        _READ_BUCKET | _UPLOADS | {"storage.objects.create", "storage.objects.delete"}
    ),
    "roles/storage.objectCreator": _UPLOADS | {"storage.objects.create"},
    "roles/storage.objectViewer": {"storage.objects.get", "storage.objects.list"},
    "roles/pubsub.publisher": {"pubsub.topics.publish"},
    "roles/iam.workloadIdentityUser": {
        f"iam.serviceAccounts.{what}" for what in ("get", "getAccessToken", "getOpenIdToken", "list")
    },
}
BASIC = {
    "READER": "roles/bigquery.dataViewer",
    "WRITER": "roles/bigquery.dataEditor",
    "OWNER": "roles/bigquery.dataOwner",
}
KNOWN = {right for rights in ROLES.values() for right in rights}
