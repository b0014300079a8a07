"""The AWS account that a provider acts in, and its clients.

The account is the one entry of `allowedAccountIds`: the embedded cloud knows an account by its 12-digit access key.
Where TRIBUTARY_LOCAL_SESSION has a session's keys, as JSON, whoever runs the program is that session and not the
account. From there `assumeRoles` are assumed, one after the other, as the cloud's IAM lets. Nothing else is ever used
as credentials, and no endpoint but loopback is spoken to.
"""

import json
import os
import re
import threading
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.config import Config

from local import secret
from local.plain import within

from .aws_rows import Refused, loopback
from .values import Props

ENDPOINT, SESSION = "TRIBUTARY_LOCAL_ENDPOINT", "TRIBUTARY_LOCAL_SESSION"


class Account:
    """One account in one region, as its own root or as the last of the roles that it was configured to assume."""

    def __init__(self) -> None:
        self.default_tags: dict[str, str] = {}
        self.lock, self.clients = threading.Lock(), dict[tuple[str, str], Any]()
        self.account = self.region = ""
        self.keys: dict[str, Any] = {"aws_access_key_id": "", "aws_secret_access_key": ""}

    def refuse_config(self, config: Props) -> list[tuple[str, str]]:
        """(setting, reason) of what CheckConfig refuses: other than one account id of 12 digits, no region, and
        credentials or endpoints of the user's own."""
        ids: str | list[Any] = config.get("allowedAccountIds") or []
        failures: list[tuple[str, str]] = []
        if not isinstance(ids, str) and (len(ids) != 1 or not re.fullmatch(r"\d{12}", str(ids[0]))):
            failures.append(
                ("allowedAccountIds", f"must hold the one 12-digit id of the account, found {ids}")
            )
        if not config.get("region"):
            failures.append(("region", "is required"))
        for key in (
            "accessKey",
            "secretKey",
            "assumeRoleWithWebIdentity",
            "endpoints",
            "profile",
        ):
            if config.get(key):
                failures.append(
                    (key, "has no meaning in the embedded cloud: the account is allowedAccountIds")
                )
        return failures

    def configure(self, config: Props) -> None:
        """Takes account, region and default tags from the settings, clears the process of AWS_ variables and assumes
        the roles. Refused where STS then names another account."""
        self.endpoint = loopback(ENDPOINT)
        for key in [k for k in os.environ if k.startswith("AWS_")]:
            del os.environ[key]
        os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
        self.account, self.region = str(config["allowedAccountIds"][0]), config["region"]
        self.keys = {"aws_access_key_id": self.account, "aws_secret_access_key": secret.of(self.endpoint)}
        if in_file := os.environ.get(
            SESSION
        ):  # who runs it is somebody's session, not an account's administrator
            self.keys = json.loads(in_file)
        self.default_tags = within(within(config, "defaultTags"), "tags")
        self.session = botocore.session.Session()
        roles: list[Props] = config.get("assumeRoles") or []
        for role in roles:
            self.assume(role)
        caller = self.client("sts").get_caller_identity()["Account"]
        if caller != self.account:
            raise Refused(f"the account is {caller}, but allowedAccountIds allows only {self.account}")

    def assume(self, role: Mapping[str, Any]) -> None:
        """Goes on as the role, as the one before it lets: an hour, which no deployment here takes."""
        parameters: Props = {
            "RoleArn": role["roleArn"],
            "RoleSessionName": role.get("sessionName") or "pulumi",
        }
        parameters |= {"ExternalId": role["externalId"]} if role.get("externalId") else {}
        if role.get("tags"):
            parameters["Tags"] = [{"Key": key, "Value": value} for key, value in role["tags"].items()]
        if role.get("transitiveTagKeys"):
            parameters["TransitiveTagKeys"] = role["transitiveTagKeys"]
        credentials = self.client("sts").assume_role(**parameters)["Credentials"]
        self.keys = {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }
        self.clients.clear()

    def client(self, service: str, region: str = "") -> Any:
        """The service's client in a region, by default the provider's; made once, as threads may share a client."""
        with self.lock:  # botocore's sessions are not safe to share, its clients are
            key = service, region or self.region
            if key not in self.clients:
                self.clients[key] = self.session.create_client(
                    service, key[1], endpoint_url=self.endpoint, **self.keys,
                    config=Config(
                        s3={"addressing_style": "path"}, inject_host_prefix=False, proxies={}, max_pool_connections=32,
                        retries={"mode": "standard", "total_max_attempts": 4}, read_timeout=900,
                    ),
                )  # fmt: skip
            return self.clients[key]
