"""The embedded cloud as the contract tests see it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3  # pyright: ignore[reportMissingTypeStubs] - has none
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs] - has none
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs] - has none

from local import secret

new_client: Any = boto3.client  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - made at run time

WORKLOAD, ANALYTICS = "111111111111", "222222222222"
SECRET = secret.fresh()  # of every cloud that these tests start


def refused(call: Callable[..., Any], **given: Any) -> bool:
    """Whether a call is refused for want of a right. Any other error is of the service, which the call has reached."""
    try:
        call(**given)
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
    return False


class Cloud:
    """A running cloud: clients by account, optionally as one of the account's roles, and what it logged."""

    def __init__(self, port: int, log: Path):
        self.endpoint, self.log_file = f"http://127.0.0.1:{port}", log
        secret.remember(self.endpoint, SECRET)

    def keyed(self, service: str, account: str, credentials: dict[str, str] | None = None) -> Any:
        """A client in the account, signed with these credentials of STS where there are some."""
        return self.client(service, account, credentials=credentials)

    def client(
        self, service: str, account: str, role: str | None = None, credentials: dict[str, str] | None = None
    ) -> Any:
        """A client in an account: its administrator's, one of a role of the account, or of credentials of STS."""
        keys = {"aws_access_key_id": account, "aws_secret_access_key": SECRET}
        if role:
            credentials = self.client("sts", account).assume_role(
                RoleArn=f"arn:aws:iam::{account}:role/{role}", RoleSessionName="test"
            )["Credentials"]
        if credentials:
            keys = {
                "aws_access_key_id": credentials["AccessKeyId"],
                "aws_secret_access_key": credentials["SecretAccessKey"],
                "aws_session_token": credentials["SessionToken"],
            }
        client = new_client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            **keys,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
        if service == "s3control":
            # S3 Control puts the account before the host's name, which loopback has no name for.
            client.meta.events.register("before-sign", self._without_account)
        return client

    def _without_account(self, request: Any, **_: Any) -> None:
        request.url = self.endpoint + "/v20180820" + request.url.split("/v20180820", 1)[1]

    def role(
        self,
        account: str,
        name: str,
        service: str,
        *statements: dict[str, Any],
        condition: dict[str, Any] | None = None,
    ) -> str:
        """Create or replace a role that `service` and its own account may assume. Returns its ARN."""
        iam = self.client("iam", account)
        trust: dict[str, Any] = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": service},
                    "Action": "sts:AssumeRole",
                    **({"Condition": condition} if condition else {}),
                },
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": "sts:AssumeRole",
                },
            ],
        }
        try:
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        except iam.exceptions.EntityAlreadyExistsException:
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
        iam.put_role_policy(
            RoleName=name,
            PolicyName="grants",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}),
        )
        return f"arn:aws:iam::{account}:role/{name}"

    def logged(self) -> str:
        """All that the cloud has logged so far."""
        return self.log_file.read_text()
