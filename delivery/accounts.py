"""The accounts of a stack as a job enters them: by the provider that the state says made a resource."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import boto3
from botocore.config import Config


class Accounts:
    """Clients for the resources of a state. `role`, where it is given, is the role's name that is taken on in each
    account, instead of the one that the deployment took on."""

    def __init__(self, resources: Iterable[Mapping[str, Any]], role: str = "", endpoint: str | None = None):
        self.providers = {
            resource["urn"]: resource for resource in resources if resource["type"] == "pulumi:providers:aws"
        }
        self.role, self.endpoint = role, endpoint
        self._sessions: dict[str, boto3.Session] = {}
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, resource: Mapping[str, Any]) -> Any:
        """A client in the account and region of a resource."""
        provider = resource["provider"].rpartition("::")[0]
        if (service, provider) not in self._clients:
            inputs = self.providers[provider]["inputs"]
            self._clients[service, provider] = self._session(provider).client(
                service, region_name=_plain(inputs["region"]), endpoint_url=self.endpoint,
                config=Config(retries={"mode": "standard", "total_max_attempts": 8}, s3={"addressing_style": "path"}),
            )  # fmt: skip
        return self._clients[service, provider]

    def _session(self, provider: str) -> boto3.Session:
        if provider not in self._sessions:
            inputs = self.providers[provider]["inputs"]
            assumed = _plain(inputs.get("assumeRoles")) or []
            arn = assumed[0]["roleArn"] if assumed else ""
            if self.role:
                [account] = _plain(inputs["allowedAccountIds"])
                region = _plain(inputs["region"])
                partition = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
                part = next((name for start, name in partition.items() if region.startswith(start)), "aws")
                arn = f"arn:{part}:iam::{account}:role/{self.role}"
            self._sessions[provider] = self._assumed(arn) if arn else boto3.Session()
        return self._sessions[provider]

    def _assumed(self, arn: str) -> boto3.Session:
        sts = boto3.client("sts", endpoint_url=self.endpoint)
        given = sts.assume_role(RoleArn=arn, RoleSessionName="tributary-drift")["Credentials"]
        return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def _plain(value: Any) -> Any:
    """A provider's inputs are texts in the state, of JSON where they are more than a text."""
    if isinstance(value, str) and value[:1] in "[{":
        return json.loads(value)
    return value
