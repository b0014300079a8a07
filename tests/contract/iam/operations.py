"""What the local providers call for a type of resource, as IAM calls it."""

import boto3

from local.providers.aws_types import ROWS
from tests.contract.iam.provider_log import ACTIONS

PREFIX = {"stepfunctions": "states", "opensearchserverless": "aoss"}


def operations(type: str) -> set[str]:
    """The actions of the row's operations; what its functions call besides is theirs."""
    row = ROWS[type]
    client = boto3.client(
        row.service, region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local"
    )
    steps = [step for part in (row.create, row.read, row.update, row.delete) for step in part]
    names = {client.meta.method_to_api_mapping[step] for step in steps if isinstance(step, str)}
    prefix = PREFIX.get(row.service, row.service)
    return {f"{prefix}:{ACTIONS.get(prefix, {}).get(name, name)}" for name in names}
