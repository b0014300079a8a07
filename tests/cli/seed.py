"""Makes in the embedded cloud what a stack's config adopts, tables and databases, and in each of its accounts the roles
that docs/accounts.md has: `deploy` (or what the config calls it), `preview` and `refresh`, with the policies that
`python -m bootstrap <stack>` prints for them and nothing else; and the boundary of each account whose config names one.

    ENDPOINT=http://127.0.0.1:4566 .venv/bin/python tests/cli/seed.py [stack ...]

Without a stack, what all shipped ones adopt. What is there already stays as it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3  # pyright: ignore[reportMissingTypeStubs] - has none
import yaml
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs] - has none

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "components" / "shared")]

from components.accounts import AccountArgs  # noqa: E402
from components.stack import settings  # noqa: E402

new_client: Any = boto3.client  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - made at run time

STACKS = ("dev", "local", "prod")
ROLES = ("deploy", "preview", "refresh")


def stack_settings(stack: str, root: Path = ROOT) -> settings.Settings:
    """The settings of Pulumi.<stack>.yaml, over the defaults of Pulumi.yaml; `root` is the project's folder."""
    declared = yaml.safe_load((root / "Pulumi.yaml").read_text())["config"]
    config = {key: value["default"] for key, value in declared.items() if "default" in value}
    config |= yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text())["config"]
    return settings.read(
        {k.removeprefix("tributary:"): v for k, v in config.items() if k[:10] == "tributary:"}
    )


class Adopted:
    """What one account of a stack has before the stack is deployed."""

    def __init__(self, endpoint: str, account: AccountArgs):
        self.endpoint, self.account = endpoint, account

    def client(self, service: str) -> Any:
        """A client of a service, as the account's administrator."""
        return new_client(
            service, endpoint_url=self.endpoint, region_name=self.account.region,
            aws_access_key_id=self.account.id, aws_secret_access_key="local", config=Config(proxies={}),
        )  # fmt: skip

    def role(self, name: str, trusted: list[str], policies: dict[str, str]) -> None:
        """A role that the accounts `trusted` may assume, with these managed policies, by their names."""
        iam, principals = self.client("iam"), [f"arn:aws:iam::{account}:root" for account in trusted]
        trust = {"Effect": "Allow", "Principal": {"AWS": principals}, "Action": "sts:AssumeRole"}
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
        for policy, text in policies.items():
            with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
                iam.create_policy(PolicyName=policy, PolicyDocument=text)
            iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::{self.account.id}:policy/{policy}")

    def boundary(self, arn: str, text: str) -> None:
        """The managed policy that the config names as the boundary of the account's roles."""
        iam = self.client("iam")
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_policy(PolicyName=arn.rpartition("/")[2], PolicyDocument=text)

    def table(self, name: str) -> None:
        """A table with a stream and point-in-time recovery, as an adopted one must have them."""
        dynamodb = self.client("dynamodb")
        with contextlib.suppress(dynamodb.exceptions.ResourceInUseException):
            dynamodb.create_table(
                TableName=name, BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            )  # fmt: skip
        recovery = {"PointInTimeRecoveryEnabled": True}
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)

    def database(self, kind: str, name: str) -> None:
        """A database instance or a cluster, by the key that names it in a config."""
        rds, engine = self.client("rds"), {"MasterUsername": "admin", "MasterUserPassword": "not-a-secret"}
        if kind == "rds_instance":
            with contextlib.suppress(rds.exceptions.DBInstanceAlreadyExistsFault):
                rds.create_db_instance(
                    DBInstanceIdentifier=name, Engine="mysql", DBInstanceClass="db.t4g.micro",
                    AllocatedStorage=20, **engine,
                )  # fmt: skip
        else:
            with contextlib.suppress(rds.exceptions.DBClusterAlreadyExistsFault):
                rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-mysql", **engine)


def document(statement: dict[str, Any]) -> str:
    """A policy of one statement, as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def adopted(stack: settings.Settings) -> Iterator[tuple[AccountArgs, str, str]]:
    """(account, kind, name) of each source that the config adopts rather than creates."""
    for pipeline in stack.pipelines.values():
        args = pipeline.args
        for source in getattr(args, "sources", []):
            if not source.create:
                yield args.account, source.kind, source.name
        if pipeline.kind == "zero-etl":
            for table in args.tables:
                if not table.create:
                    yield args.account, "dynamodb", table.name


def printed(stack: str, root: Path = ROOT) -> dict[str, str]:
    """What the documented command prints for a stack: `<stack>-<account>-<role>[-<number>]` -> policy."""
    command = [sys.executable, "-m", "bootstrap", stack]
    text = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    parts = re.split(r"^# (\S+)\.json$", text, flags=re.MULTILINE)
    return {name: policy.strip() for name, policy in zip(parts[1::2], parts[2::2], strict=True)}


def role_arns(stack: settings.Settings, role: str) -> dict[str, str]:
    """The role `deploy`, `preview` or `refresh` in each account, by the account's name in the config."""
    own = {name: account.role if role == "deploy" else "" for name, account in stack.accounts.items()}
    return {
        name: own[name] or f"arn:aws:iam::{account.id}:role/{role}"
        for name, account in stack.accounts.items()
    }


def seed(endpoint: str, stack: str, root: Path = ROOT) -> None:
    """Makes what a stack's config adopts, and in each account the roles of `ROLES`."""
    read, policies = stack_settings(stack, root), printed(stack, root)
    for name, account in read.accounts.items():
        if account.permissions_boundary:
            text = policies[f"{stack}-{name}-boundary"]
            Adopted(endpoint, account).boundary(account.permissions_boundary, text)
    for role in ROLES:
        for name, arn in role_arns(read, role).items():
            form = re.compile(rf"{re.escape(stack)}-{re.escape(name)}-{role}(-\d+)?")
            its = {policy: text for policy, text in policies.items() if form.fullmatch(policy)}
            trusted = [account.id for account in read.accounts.values()]
            Adopted(endpoint, read.accounts[name]).role(arn.rpartition("/")[2], trusted, its)
    for account, kind, name in adopted(read):
        place = Adopted(endpoint, account)
        place.table(name) if kind == "dynamodb" else place.database(kind, name)


if __name__ == "__main__":
    for named in sys.argv[1:] or STACKS:
        seed(os.environ["ENDPOINT"], named)
