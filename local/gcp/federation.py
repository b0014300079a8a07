"""Tokens for an AWS role, or for a job of an OpenID Connect issuer: the Security Token Service's exchange and a service
account's impersonation.

Of AWS the subject token is a signed GetCallerIdentity; it is sent to the embedded AWS, which checks the signature, as
Google sends it to AWS. Its audience must be a pool's provider for the caller's AWS account, whose mapping of
`google.subject` gives the subject. The account impersonated must exist and let that subject in
(`roles/iam.workloadIdentityUser`, member principal://iam.googleapis.com/<pool>/subject/<subject>). "Method: token"
(https://docs.cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token), "Workload identity federation with AWS"
(https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-other-clouds). A job's token is a JWT of the
provider's issuer for the provider's own audience; its claims meet the condition. Here its signature is not checked, as
no issuer is here (https://docs.cloud.google.com/iam/docs/ workload-identity-federation-with-deployment-pipelines).
"Attribute mappings" and "Attribute conditions" (https://docs.cloud.google.com/iam/docs/workload-identity-federation).
Pools, providers, mappings and conditions are in `identity_pools`. Missing: other APIs take any account's token
(`tokens`).
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import httpx

from local.gcp.identity_pools import CLAIM, CLAIM_TERM, EXTRACT, IdentityPools, terms
from local.gcp.refusals import Body, Refused, denied
from local.gcp.resources import Resources
from local.gcp.wire import Route
from local.plain import within


class Federation:
    """Federated tokens with the principal of each, and the tokens of service accounts given for them."""

    def __init__(self, resources: Resources, pools: IdentityPools, aws_endpoint: str):
        self.resources, self.pools, self.aws = resources, pools, aws_endpoint
        self.callers: dict[str, str] = {}  # federated token -> principal
        self.service_tokens: dict[str, datetime] = {}  # a service account's token -> until when it is good

    def routes(self) -> list[Route]:
        """STS's `token` and IAM Credentials' `generateAccessToken`, each as HTTP verbs, path and handler."""
        return [
            ("POST", r"/v1/token", self.exchange),
            ("POST", r"/v1/(projects/-/serviceAccounts/[^/:]+):generateAccessToken", self.impersonate),
        ]

    def exchange(self, body: Body, query: Body) -> Body:
        """Answers STS's `token`: a federated token for a job's JWT or a signed GetCallerIdentity; Refused, with 400,
        401 or 404, where neither is good."""
        if body.get("subjectTokenType") == "urn:ietf:params:oauth:token-type:jwt":
            provider = self.pools.active(body["audience"].removeprefix("//iam.googleapis.com/"))
            return self._given_to(provider, _subject_of_job(provider, body.get("subjectToken", "")))
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
        provider = self.pools.active(body["audience"].removeprefix("//iam.googleapis.com/"))
        if arn[1].split(":")[4] != provider["aws"]["accountId"]:
            raise Refused(400, f"The caller {arn[1]} is not of account {provider['aws']['accountId']}")
        assertion = {"arn": arn[1], "account": arn[1].split(":")[4]}
        for name, starts, start, whole in terms(provider.get("attributeCondition", "")):
            if not (assertion[name].startswith(start) if starts else assertion[name] == whole):
                raise Refused(401, "The given credential is rejected by the attribute condition.")
        mapped = EXTRACT.fullmatch(
            within(provider, "attributeMapping").get("google.subject", "assertion.arn")
        )
        subject = arn[1]
        if mapped and mapped[1] is not None:
            subject = subject.partition(mapped[1])[2].partition(mapped[2])[0]
        return self._given_to(provider, subject)

    def _given_to(self, provider: Body, subject: str) -> Body:
        if not 0 < len(subject.encode()) <= 127:
            raise Refused(400, f"The mapped attribute 'google.subject' must have 1 to 127 bytes: {subject!r}")
        token = uuid.uuid4().hex
        pool = provider["name"].partition("/providers/")[0]
        self.callers[token] = f"principal://iam.googleapis.com/{pool}/subject/{subject}"
        return {
            "access_token": token,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": 3600,
        }

    def impersonate(self, body: Body, query: Body, name: str) -> Body:
        """Answers `generateAccessToken`: a token for an hour; 401 without a federated token, 403 where the account's
        policy does not let its principal in."""
        principal = self.callers.get(query["authorization"].removeprefix("Bearer "))
        if not principal:
            raise Refused(401, "Request had invalid authentication credentials.")
        account = self.resources.account(name)
        bindings = self.resources.policy(account["name"])["bindings"]
        members = [m for b in bindings if b["role"] == "roles/iam.workloadIdentityUser" for m in b["members"]]
        if principal not in members:
            raise denied(
                principal,
                "iam.serviceAccounts.getAccessToken",
                account["email"],
                f"Permission 'iam.serviceAccounts.getAccessToken' denied on {account['email']} for {principal}",
            )
        until = datetime.now(UTC) + timedelta(hours=1)
        self.service_tokens[token := uuid.uuid4().hex] = until
        return {"accessToken": token, "expireTime": until.isoformat().replace("+00:00", "Z")}


def _subject_of_job(provider: Body, token: str) -> str:
    """What `google.subject` is mapped to of a JWT, if its issuer, its audience and the condition agree."""
    try:
        part = token.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        raise Refused(400, "Error parsing the JWT of the subject token") from None
    wanted = provider.get("oidc", {})
    audiences = wanted.get("allowedAudiences") or [f"https://iam.googleapis.com/{provider['name']}"]
    if claims.get("iss") != wanted.get("issuerUri"):
        raise Refused(400, f"The issuer in ID Token {claims.get('iss')} does not match the expected ones")
    if claims.get("aud") not in audiences:
        raise Refused(
            400, f"The audience in ID Token [{claims.get('aud')}] does not match the expected audience"
        )
    for name, _, whole in terms(provider.get("attributeCondition", ""), CLAIM_TERM):
        if claims.get(name) != whole:
            raise Refused(401, "The given credential is rejected by the attribute condition.")
    mapped = CLAIM.fullmatch(provider["attributeMapping"]["google.subject"])
    return str(claims.get(mapped[1], "")) if mapped else ""
