"""The file in which a person names their sandboxes: nothing is made anywhere else.

    allowed_account_ids: ["111111111111", "222222222222"]   # everything that tests make and destroy is in these
    accounts:                                               # one, or two: the second takes replicas
      - {id: "111111111111", region: eu-central-1}
      - {id: "222222222222", region: eu-central-1, role: "arn:aws:iam::222222222222:role/deploy"}
    allowed_projects: [my-sandbox]                          # of Google, where there is one
    google: {project: my-sandbox, location: EU}
    database: shop                                          # an RDS instance of MySQL in the first account, if any
    lake_formation: true                                    # if you are an administrator of its data lake there, and
                                                            # new tables are not open to IAMAllowedPrincipals

`role` is assumed with the credentials of the environment; without it these are the account's own. An account whose id
is not the one that its credentials are of is refused before anything is made, as `allowed_account_ids` of the AWS
provider does it (https://www.pulumi.com/registry/packages/aws/installation-configuration/).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import boto3
import yaml
from botocore.config import Config
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from components.accounts import AccountArgs, GcpArgs
from tests.live.command_line import SandboxFront, missing
from tests.live.google import Google, signed_in
from tests.live.place import Sandbox


class NotASandbox(Exception):
    """The file, or the account behind the credentials, is not what may be used."""


class SandboxFile(BaseModel):
    """The file's content, checked."""

    model_config = ConfigDict(extra="forbid")

    allowed_account_ids: list[str]
    accounts: Annotated[list[AccountArgs], Field(min_length=1, max_length=2)]
    allowed_projects: list[str] = []
    google: GcpArgs | None = None
    database: str = ""
    lake_formation: bool = False

    @model_validator(mode="after")
    def _named_as_a_sandbox(self) -> SandboxFile:
        for account in self.accounts:
            if account.id not in self.allowed_account_ids:
                raise ValueError(
                    f"account {account.id} is not one of allowed_account_ids: nothing is made in it"
                )
        if len({account.id for account in self.accounts}) < len(self.accounts):
            raise ValueError("both accounts are the same one; leave the second out")
        if len({account.region for account in self.accounts}) > 1:
            raise ValueError("the accounts are of two regions; give both the same")
        if self.google and self.google.project not in self.allowed_projects:
            raise ValueError(
                f"project {self.google.project} is not one of allowed_projects: nothing is made in it"
            )
        return self

    @classmethod
    def read(cls, path: Path) -> SandboxFile:
        """The file at a path. Raises NotASandbox."""
        try:
            return cls.model_validate(yaml.safe_load(path.read_text()) or {})
        except (OSError, yaml.YAMLError, ValidationError) as error:
            raise NotASandbox(f"{path}: {error}") from None

    def sandbox(self) -> Sandbox:
        """The accounts, each reached with its role; refused where credentials are of another account."""
        accounts = {account.id: account for account in self.accounts}

        @cache
        def session(id: str) -> boto3.Session:
            account = accounts[id]
            own = boto3.Session(region_name=account.region)
            if account.role is None:
                return own
            given = own.client("sts").assume_role(RoleArn=account.role, RoleSessionName="tributary-live")
            return boto3.Session(region_name=account.region, **keys(given["Credentials"]))

        def client(service: str, id: str, credentials: Mapping[str, Any] | None = None) -> Any:
            made = (
                boto3.Session(region_name=accounts[id].region, **keys(credentials))
                if credentials
                else session(id)
            )
            return made.client(service, config=Config(retries={"mode": "standard", "total_max_attempts": 5}))

        google = None
        if self.google:
            google = Google(self.google.project, self.google.location, signed_in())
        roles = {account.id: account.role for account in self.accounts if account.role}
        sandbox = Sandbox(client, tuple(accounts), self.accounts[0].region, google, self.database, roles)
        sandbox.lake_formation = self.lake_formation
        if missing() is None:
            sandbox.deploys = SandboxFront
        refuse_another(sandbox)
        return sandbox


def keys(credentials: Mapping[str, Any]) -> dict[str, str]:
    """What STS gives, as boto3 takes it."""
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


def refuse_another(sandbox: Sandbox) -> None:
    """NotASandbox where credentials are of another account than the file has them for."""
    for id in sandbox.accounts:
        real = sandbox.client("sts", id).get_caller_identity()["Account"]
        if real != id:
            raise NotASandbox(
                f"the credentials for account {id} are of account {real}: nothing is made in it"
            )
