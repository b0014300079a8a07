"""Tokens for an AWS role: the Security Token Service's exchange and a service account's impersonation.

The subject token is a signed GetCallerIdentity; it is sent to the embedded AWS, which checks the signature, as Google
sends it to AWS. The account impersonated must exist and let the caller in (`roles/iam.workloadIdentityUser`, member
principalSet://…/attribute.aws_role/<ARN> or …/*).
"Method: token" (https://docs.cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token), "Workload identity
federation with AWS" (https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-other-clouds).
Missing: pools and providers are not resources here, and no other API asks for the token.
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import httpx

from local.gcp.resources import Body, Refused, Resources


class Federation:
    def __init__(self, resources: Resources, aws_endpoint: str):
        self.resources, self.aws = resources, aws_endpoint
        self.callers: dict[str, str] = {}  # federated token -> ARN

    def routes(self) -> list[tuple[str, str, Any]]:
        return [
            ("POST", r"/v1/token", self.exchange),
            ("POST", r"/v1/(projects/-/serviceAccounts/[^/:]+):generateAccessToken", self.impersonate),
        ]

    def exchange(self, body: Body, query: Body) -> Body:
        if body.get("subjectTokenType") != "urn:ietf:params:aws:token-type:aws4_request":
            raise Refused(400, f"subjectTokenType {body.get('subjectTokenType')!r} is not here")
        signed = json.loads(unquote(body.get("subjectToken", "")))
        headers = {item["key"]: item["value"] for item in signed["headers"]}
        target = {k.lower(): v for k, v in headers.items()}.get("x-goog-cloud-target-resource")
        match = re.fullmatch(
            r"https://sts[^/]*\.amazonaws\.com(/\?Action=GetCallerIdentity&Version=2011-06-15)", signed["url"]
        )
        if not match or target != body.get("audience"):
            raise Refused(400, "The AWS request is no GetCallerIdentity for this audience")
        answer = httpx.post(self.aws + match[1], headers=headers)
        arn = re.search(r"<Arn>(.*?)</Arn>", answer.text)
        if answer.status_code != 200 or not arn:
            raise Refused(400, f"AWS refused the signed GetCallerIdentity: {answer.text[:300]}")
        token = uuid.uuid4().hex
        self.callers[token] = re.sub(r":sts:(.*):assumed-role/([^/]+)/.*", r":iam:\1:role/\2", arn[1])
        return {
            "access_token": token,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": 3600,
        }

    def impersonate(self, body: Body, query: Body, name: str) -> Body:
        arn = self.callers.get(query["authorization"].removeprefix("Bearer "))
        if not arn:
            raise Refused(401, "Request had invalid authentication credentials.")
        account = self.resources.account(name)
        bindings = self.resources.policy(account["name"])["bindings"]
        members = [m for b in bindings if b["role"] == "roles/iam.workloadIdentityUser" for m in b["members"]]
        if not any(
            m.endswith((f"/attribute.aws_role/{arn}", "/*")) and m.startswith("principalSet://") for m in members
        ):
            raise Refused(
                403, f"Permission 'iam.serviceAccounts.getAccessToken' denied on {account['email']} for {arn}"
            )
        until = datetime.now(UTC) + timedelta(hours=1)
        return {"accessToken": uuid.uuid4().hex, "expireTime": until.isoformat().replace("+00:00", "Z")}
