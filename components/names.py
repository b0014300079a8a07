"""Physical names: one function a kind of name, each with its service's limit and alphabet.

A physical name is `<project>-<stack>-<logical name>`, so it is the same on every run and on every machine, and an ARN
is known before its resource exists. A name over the limit is cut and ends in eight hex digits of the whole name's
SHA-256, so two long names that start alike stay apart; so does a name that had to lose characters.

Limits: S3 "Bucket naming rules", IAM and STS quotas, Lambda `FunctionName`, SQS `QueueName`, SNS `CreateTopic`,
EventBridge and EventBridge Scheduler API references, KMS `AliasName`, CloudWatch `AlarmName`, `DashboardName` and
`LogGroupName`, DynamoDB `TableName`, OpenSearch Serverless and OpenSearch Ingestion API references, Kinesis, Firehose,
Glue and Athena.
"""

import hashlib
import re

import pulumi

_DASHED = "a-z0-9-"
_WORDS = "A-Za-z0-9_-"


def bucket(name: str, account_id: str) -> str:
    """3-63 of a-z 0-9 '-'. Unique among all accounts of the world, so it ends in the account's id."""
    return f"{_fit(name, 63 - 13, _DASHED, lower=True)}-{account_id}"


def role(name: str) -> str:
    """At most 64 of A-Z a-z 0-9 '_+=,.@-'."""
    return _fit(name, 64, _WORDS)


def user(name: str) -> str:
    """An IAM user: at most 64 of A-Z a-z 0-9 '_+=,.@-'."""
    return _fit(name, 64, _WORDS)


def function(name: str) -> str:
    """At most 64 of A-Z a-z 0-9 '-_'."""
    return _fit(name, 64, _WORDS)


def queue(name: str) -> str:
    """At most 80 of A-Z a-z 0-9 '-_'."""
    return _fit(name, 80, _WORDS)


def topic(name: str) -> str:
    """At most 256 of A-Z a-z 0-9 '-_'."""
    return _fit(name, 256, _WORDS)


def schedule(name: str) -> str:
    """At most 64 of A-Z a-z 0-9 '-_.'."""
    return _fit(name, 64, _WORDS)


def rule(name: str) -> str:
    """At most 64 of A-Z a-z 0-9 '-_.'."""
    return _fit(name, 64, _WORDS)


def key_alias(name: str) -> str:
    """`alias/` and at most 250 of A-Z a-z 0-9 '/_-'."""
    return "alias/" + _fit(name, 250, _WORDS)


def alarm(name: str) -> str:
    """At most 255 characters."""
    return _fit(name, 255, _WORDS)


def dashboard(name: str) -> str:
    """A CloudWatch dashboard: at most 255 of A-Z a-z 0-9 '-_'."""
    return _fit(name, 255, _WORDS)


def log_group(service: str, name: str) -> str:
    """At most 512 of A-Z a-z 0-9 '-_/.#'; `service` is the folder, such as `/aws/lambda`."""
    return f"{service}/{_fit(name, 512 - len(service) - 1, _WORDS)}"


def table(name: str) -> str:
    """A DynamoDB table: 3-255 of A-Z a-z 0-9 '-_.'."""
    return _fit(name, 255, _WORDS)


def collection(name: str) -> str:
    """An OpenSearch Serverless collection or policy: 3-32 of a-z 0-9 '-', starting with a letter."""
    return _fit(name, 32, _DASHED, lower=True)


def ingestion(name: str, arn_of: str = "") -> str:
    """An OpenSearch Ingestion pipeline: 3-28 of a-z 0-9 '-', starting with a letter. Its ARN, of which `arn_of` is
    what comes before the name, is at most 76 in all, which leaves less in a region with a long name
    (https://docs.aws.amazon.com/opensearch-service/latest/APIReference/API_osis_ListTagsForResource.html)."""
    return _fit(name, min(28, 76 - len(arn_of)), _DASHED, lower=True)


def stream(name: str) -> str:
    """A Kinesis stream: at most 128 of A-Z a-z 0-9 '-_.'."""
    return _fit(name, 128, _WORDS)


def delivery_stream(name: str) -> str:
    """A Firehose stream: at most 64 of A-Z a-z 0-9 '-_.'."""
    return _fit(name, 64, _WORDS)


def state_machine(name: str) -> str:
    """At most 80 of A-Z a-z 0-9 '-_'."""
    return _fit(name, 80, _WORDS)


def database(name: str) -> str:
    """A Glue or BigQuery database: a-z 0-9 '_', at most 255; Athena wants no dash."""
    return _fit(name, 255, "a-z0-9_", lower=True, filler="_")


def crawler(name: str) -> str:
    """A Glue crawler or security configuration: at most 255 characters."""
    return _fit(name, 255, _WORDS)


def workgroup(name: str) -> str:
    """An Athena workgroup: at most 128 of A-Z a-z 0-9 '-_.'."""
    return _fit(name, 128, _WORDS)


def service_account(name: str) -> str:
    """A Google service account's id: 6-30 of a-z 0-9 '-', starting with a letter."""
    return _fit(name, 30, _DASHED, lower=True)


def identity_pool(name: str, unique: str) -> str:
    """A Google workload identity pool's id: 4-32 of a-z 0-9 '-', and not `gcp-` first
    (https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/create).

    A pool that is deleted keeps its id for 30 days (".../workloadIdentityPools#state"), so the id ends in eight hex
    digits of the SHA-256 of `unique`: what is another once the pool is made anew."""
    return f"{_fit(name, 32 - 9, _DASHED, lower=True)}-{hashlib.sha256(unique.encode()).hexdigest()[:8]}"


def custom_role(name: str, unique: str) -> str:
    """A Google project's own role: 3-64 of A-Z a-z 0-9 '_.'.

    A role that is deleted keeps its id for 37 days, and can be brought back for seven of them only
    (https://docs.cloud.google.com/iam/docs/creating-custom-roles#deleting-custom-role), so the id ends in `unique`:
    letters and digits that are others when the role is made anew."""
    return f"{_fit(name, 64 - 1 - len(unique), 'A-Za-z0-9_', filler='_')}_{unique}"


def cloud_bucket(name: str, project: str) -> str:
    """A Cloud Storage bucket: 3-63 of a-z 0-9 '-'. Unique among all projects, so it ends in the project's id."""
    return f"{_fit(name, 63 - 1 - len(project), _DASHED, lower=True)}-{project}"


def transfer_job(name: str, unique: str) -> str:
    """A Storage Transfer job: `transferJobs/` and what ends in a letter or digit, at most 128 in all, not `OPI` first
    (https://docs.cloud.google.com/storage-transfer/docs/reference/rest/v1/transferJobs#TransferJob.FIELDS.name).

    A job that is deleted keeps its name for 30 days, so the name ends in `unique`: letters and digits that are others
    when the job is made anew."""
    prefix = "transferJobs/"
    return f"{prefix}{_fit(name, 128 - len(prefix) - 1 - len(unique), _DASHED, lower=True)}-{unique}"


def _fit(name: str, limit: int, alphabet: str, *, lower: bool = False, filler: str = "-") -> str:
    whole = f"{pulumi.get_project()}{filler}{pulumi.get_stack()}{filler}{name}"
    fitted = re.sub(f"[^{alphabet}]+", filler, whole.lower() if lower else whole).strip(filler)
    faithful = fitted == whole.replace("-", filler)
    if faithful and len(fitted) <= limit:
        return fitted
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return fitted[: limit - 9].rstrip(filler) + filler + digest
