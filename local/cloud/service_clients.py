"""boto3 and OpenSearch clients of a role that an AWS service assumes, against this cloud's own address."""

from __future__ import annotations

import os
import secrets
from typing import Any

import boto3
from botocore.config import Config
from opensearchpy import AWSV4SignerAuth, OpenSearch, RequestsHttpConnection

from .iam import authorization


def session(role_arn: str, resource_arn: str, service: str) -> boto3.Session:
    """A session of the role, if its trust lets the service assume it for this resource; Denied otherwise."""
    from .seams import sts

    region = resource_arn.split(":")[3]
    as_whom = service.split(".", maxsplit=1)[0].removesuffix("-pipelines")
    authorization.check_trust(role_arn, service, resource_arn)
    key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(32)
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{as_whom}",
            "UserId": f"{name}:{as_whom}",
            "AccountId": account,
            "SecretAccessKey": secret,
            "SessionToken": token,
        },
    )
    return boto3.Session(key, secret, token, region)


def client(service: str, of: boto3.Session) -> Any:
    """A boto3 client of this cloud with a session's credentials, which makes every call once."""
    return of.client(
        service,
        endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def search(endpoint: str, of: boto3.Session) -> OpenSearch:
    """A client of a collection's endpoint, which signs with a session's credentials and makes every request once."""
    signer = AWSV4SignerAuth(of.get_credentials(), str(of.region_name), "aoss")
    return OpenSearch(
        endpoint, http_auth=signer, connection_class=RequestsHttpConnection, max_retries=0, timeout=60
    )
