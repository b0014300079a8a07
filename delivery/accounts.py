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
            chain: list[dict[str, Any]] = list(_plain(inputs.get("assumeRoles")) or [])
            if self.role:  # by the same way, to another end
                [account] = _plain(inputs["allowedAccountIds"])
                region = _plain(inputs["region"])
                partition = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
                part = next((name for start, name in partition.items() if region.startswith(start)), "aws")
                last = chain[-1] if chain else {}
                chain = [*chain[:-1], last | {"roleArn": f"arn:{part}:iam::{account}:role/{self.role}"}]
            session = boto3.Session()
            for role in chain:
                session = self._assumed(session, role, _plain(inputs["region"]))
            self._sessions[provider] = session
        return self._sessions[provider]

    def _assumed(self, session: boto3.Session, role: Mapping[str, Any], region: str) -> boto3.Session:
        # The provider's region, as the provider has it: whoever runs this may have none.
        sts = session.client("sts", region_name=region, endpoint_url=self.endpoint)
        more = {"ExternalId": role["externalId"]} if role.get("externalId") else {}
        if role.get("tags"):
            more["Tags"] = [{"Key": key, "Value": value} for key, value in role["tags"].items()]
        if role.get("transitiveTagKeys"):
            more["TransitiveTagKeys"] = role["transitiveTagKeys"]
        assumed = sts.assume_role(RoleArn=role["roleArn"], RoleSessionName="tributary-drift", **more)[
            "Credentials"
        ]
        return boto3.Session(assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"])


def _plain(value: Any) -> Any:
    """A provider's inputs are texts in the state, of JSON where they are more than a text."""
    if isinstance(value, str) and value[:1] in "[{":
        return json.loads(value)
    return value
