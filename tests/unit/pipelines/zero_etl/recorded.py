"""A zero-ETL pipeline under Pulumi's mocks, for the tests of this room."""

from typing import Any

import yaml

from tests.recording import Recording, record

WORKLOAD = {"id": "111111111111", "region": "eu-central-1"}


COLLECTION = "tributary-test-search"


BUCKET = "tributary-test-search-export-111111111111"


TABLE = "arn:aws:dynamodb:mock:mock:table/orders"


ENDPOINT = f"https://{COLLECTION}.mock.aoss.amazonaws.com"


PIPELINE = "aws:opensearchingest/pipeline:Pipeline"


def config(**keys: Any) -> dict[str, Any]:
    """A stack's config with the pipeline `search`."""
    pipeline = {"kind": "zero-etl", "tables": [{"name": "orders"}]} | keys
    return {"accounts": {"workload": WORKLOAD}, "pipelines": {"search": pipeline}}


def search(**keys: Any) -> Recording:
    """That stack, recorded."""
    return record("test", config(**keys))


def body(recorded: Recording, name: str = "search-orders") -> dict[str, Any]:
    """The body of an ingestion pipeline."""
    return yaml.safe_load(recorded.inputs_of(PIPELINE, name)["pipelineConfigurationBody"])


def made(recorded: Recording) -> dict[str, int]:
    """The pipeline's own AWS resources, without the account's alarm topic."""
    kinds: dict[str, int] = {}
    for resource in recorded.resources:
        if resource.type.startswith("aws:") and resource.name.startswith("search"):
            kinds[resource.type] = kinds.get(resource.type, 0) + 1
    return kinds


BUCKET_PARTS = {
    f"aws:s3/{part[0].lower()}{part[1:]}:{part}": 1
    for part in (
        "Bucket",
        "BucketLifecycleConfiguration",
        "BucketOwnershipControls",
        "BucketPolicy",
        "BucketPublicAccessBlock",
        "BucketServerSideEncryptionConfiguration",
        "BucketVersioning",
    )
}


COLLECTION_PARTS = {
    "aws:opensearch/serverlessCollection:ServerlessCollection": 1,
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": 2,
}


def parts(pipelines: int, tables: int) -> dict[str, int]:
    """How many resources of each type so many ingestion pipelines of so many tables bring."""
    return {
        "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": pipelines,
        "aws:iam/role:Role": pipelines,
        "aws:iam/rolePolicy:RolePolicy": pipelines,
        "aws:cloudwatch/logGroup:LogGroup": pipelines,
        PIPELINE: pipelines,
        "aws:cloudwatch/metricAlarm:MetricAlarm": 5 * tables,
    }
