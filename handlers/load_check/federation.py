"""Asks Google for a count and for a transfer's runs, as a service account that the function's own AWS role may
impersonate; no key is stored.

The role's signed GetCallerIdentity is exchanged for a federated token, and that for the service account's, which
lasts an hour and is kept until 5 minutes before its end.
"Workload identity federation with AWS" (https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-other-clouds),
"Method: token" (https://docs.cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token), "generateAccessToken"
(https://docs.cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken),
"Method: jobs.query" (https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query), "Method: runs.list"
(https://docs.cloud.google.com/bigquery/docs/reference/datatransfer/rest/v1/projects.locations.transferConfigs.runs/list).
"""

import json
import time
import urllib.error
import urllib.request
from datetime import datetime
from typing import Any
from urllib.parse import quote

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
HOSTS = {
    name: f"https://{name}.googleapis.com"
    for name in ("sts", "iamcredentials", "bigquery", "bigquerydatatransfer")
}
PATIENCE = 30  # seconds an answer may take; a count of a partition reads metadata only


class GoogleRefused(Exception):
    """The request and Google's answer; never a token."""


class Google:
    """Google's APIs, as the service account that the function's role stands for."""

    def __init__(self, session: boto3.Session, audience: str, service_account: str, endpoint: str | None):
        self.session, self.audience, self.account = session, audience, service_account
        self.hosts = dict.fromkeys(HOSTS, endpoint) if endpoint else HOSTS
        self.token, self.until = "", 0.0

    def count(self, project: str, location: str, sql: str) -> int:
        """The one number that the statement selects."""
        path = f"/bigquery/v2/projects/{project}/queries"
        body = {"query": sql, "useLegacySql": False, "location": location, "timeoutMs": PATIENCE * 1000}
        answer = self.ask("bigquery", path, body, self.access_token())
        if not answer.get("jobComplete") or answer.get("errors"):
            raise GoogleRefused(
                f"BigQuery has no answer to {sql}: {answer.get('errors') or 'not complete in time'}"
            )
        return int(answer["rows"][0]["f"][0]["v"])

    def transfer(self, name: str) -> dict[str, Any]:
        """A transfer's config."""
        return self.ask("bigquerydatatransfer", f"/v1/{name}", None, self.access_token())

    def runs(self, transfer: str) -> list[dict[str, Any]]:
        """All runs that the service remembers, in no order that it promises."""
        runs: list[dict[str, Any]] = []
        page = ""
        while True:
            answer = self.ask(
                "bigquerydatatransfer",
                f"/v1/{transfer}/runs?pageToken={quote(page)}",
                None,
                self.access_token(),
            )
            runs += answer.get("transferRuns", [])
            if not (page := answer.get("nextPageToken", "")):
                return runs

    def access_token(self) -> str:
        """A token of the service account, kept until it is about to end."""
        if time.time() > self.until - 300:
            exchange = {
                "audience": self.audience,
                "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
                "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
                "subjectTokenType": "urn:ietf:params:aws:token-type:aws4_request",
                "subjectToken": self.caller_identity(),
                "scope": SCOPE,
            }
            federated = self.ask("sts", "/v1/token", exchange)["access_token"]
            path = f"/v1/projects/-/serviceAccounts/{self.account}:generateAccessToken"
            answer = self.ask("iamcredentials", path, {"scope": [SCOPE]}, federated)
            self.token, self.until = (
                answer["accessToken"],
                datetime.fromisoformat(answer["expireTime"]).timestamp(),
            )
        return self.token

    def caller_identity(self) -> str:
        """A signed and unsent GetCallerIdentity, which Google sends to learn who signed it."""
        region = self.session.region_name
        # https://docs.aws.amazon.com/general/latest/gr/sts.html: China's regions have a domain of their own.
        host = f"sts.{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")
        url = f"https://{host}/?Action=GetCallerIdentity&Version=2011-06-15"
        headers = {"host": host, "x-goog-cloud-target-resource": self.audience}
        request = AWSRequest("POST", url, headers=headers)
        SigV4Auth(self.session.get_credentials().get_frozen_credentials(), "sts", region).add_auth(request)
        signed = [{"key": key, "value": value} for key, value in request.headers.items()]
        return quote(json.dumps({"url": url, "method": "POST", "headers": signed}))

    def ask(self, host: str, path: str, body: dict[str, Any] | None, token: str = "") -> dict[str, Any]:
        """Google's answer to a request, a GET where there is no body. Raises GoogleRefused."""
        headers = {
            "content-type": "application/json",
            **({"authorization": f"Bearer {token}"} if token else {}),
        }
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.hosts[host] + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE + 10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise GoogleRefused(
                f"{host}{path}: {error.code} {error.read()[:500].decode(errors='replace')}"
            ) from None
        except (urllib.error.URLError, TimeoutError, json.JSONDecodeError) as error:
            raise GoogleRefused(f"{host}{path}: no answer ({error})") from None
