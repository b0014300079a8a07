"""Tokens for an AWS role: the Security Token Service's exchange and a service account's impersonation.

The subject token is a signed GetCallerIdentity; it is sent to the embedded AWS, which checks the signature, as Google
sends it to AWS. Its audience must be a pool's provider for the caller's AWS account, whose mapping of `google.subject`
gives the subject. The account impersonated must exist and let that subject in (`roles/iam.workloadIdentityUser`, member
principal://iam.googleapis.com/<pool>/subject/<subject>).
"Method: token" (https://docs.cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token), "Workload identity
federation with AWS" (https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-other-clouds).
"Attribute mappings" and "Attribute conditions" (https://docs.cloud.google.com/iam/docs/workload-identity-federation).
A condition is an expression of CEL, of which this much is evaluated here, and anything else refused:
`assertion.arn.startsWith('…')`, `assertion.arn == '…'` and `assertion.account == '…'`, joined by `&&`. Missing:
mappings other than of `google.subject` to `assertion.arn` or a part of it, undeletion (Google keeps a deleted pool's id
for 30 days, here it is free at once), and other APIs take any account's token (`tokens`).
Creating, changing and deleting a pool or a provider answers a long-running operation:
"REST Resource: projects.locations.workloadIdentityPools" (https://docs.cloud.google.com/iam/docs/reference/rest/v1/
projects.locations.workloadIdentityPools).
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import httpx

from local.gcp.operations import EMPTY, Operations
from local.gcp.resources import Body, Refused, Resources

POOL = r"projects/[^/]+/locations/global/workloadIdentityPools/[^/:]+"
KIND = "type.googleapis.com/google.iam.v1.WorkloadIdentityPool"
TERM = re.compile(r"assertion\.(arn|account)(?:\.(startsWith)\('([^'\\]*)'\)| == '([^'\\]*)')")
EXTRACT = re.compile(r"assertion\.arn(?:\.extract\('([^{]*)\{\w+\}([^']*)'\))?")


def kind_of(name: str) -> str:
    return f"{KIND}Provider" if "/providers/" in name else KIND


def terms(condition: str) -> list[tuple[str, ...]]:
    """The parts of a condition, all of which must hold; none of an empty one."""
    parts = [TERM.fullmatch(part.strip()) for part in condition.split("&&")] if condition else []
    if not all(parts):
        raise Refused(400, f"The local Google Cloud evaluates no such attribute condition: {condition!r}")
    return [part.groups() for part in parts if part]


class Federation:
    def __init__(self, resources: Resources, aws_endpoint: str):
        self.resources, self.aws = resources, aws_endpoint
        self.kept: dict[str, Body] = {}  # pools and their providers by name
        self.operations = Operations()
        self.callers: dict[str, str] = {}  # federated token -> principal
        self.given: dict[str, datetime] = {}  # a service account's token -> until when it is good

    def routes(self) -> list[tuple[str, str, Any]]:
        one = rf"/v1/({POOL}(?:/providers/[^/:]+)?)"
        return [
            ("POST", r"/v1/(projects/[^/]+/locations/global/workloadIdentityPools)", self.create),
            ("POST", rf"/v1/({POOL}/providers)", self.create),
            ("GET", one, lambda b, q, name: self.find(name)),
            ("GET", rf"{one}:listAttestationRules", lambda b, q, name: self.find(name) and {}),
            ("GET", rf"/v1/({POOL}(?:/providers/[^/:]+)?/operations/[^/:]+)", self.operations.find),
            ("PATCH", one, self.patch),
            ("DELETE", one, self.delete),
            ("POST", r"/v1/token", self.exchange),
            ("POST", r"/v1/(projects/-/serviceAccounts/[^/:]+):generateAccessToken", self.impersonate),
        ]

    def create(self, body: Body, query: Body, parent: str) -> Body:
        leaf = query.get("workloadIdentityPoolProviderId") or query.get("workloadIdentityPoolId", "")
        if not re.fullmatch(r"[a-z0-9-]{4,32}", leaf) or leaf.startswith("gcp-"):
            raise Refused(400, f"The id {leaf!r} is not 4 to 32 of a-z, 0-9 and '-'")
        if parent.endswith("/providers"):
            self.find(parent.removesuffix("/providers"))
            subject = (body.get("attributeMapping") or {}).get("google.subject", "assertion.arn")
            if not EXTRACT.fullmatch(subject):
                raise Refused(400, f"The local Google Cloud maps no {subject!r}")
            terms(body.get("attributeCondition", ""))
        if (name := f"{parent}/{leaf}") in self.kept:
            raise Refused(409, "Requested entity already exists")
        self.kept[name] = body | {"name": name, "state": "ACTIVE"}
        return self.operations.begin(name, kind_of(name), self.kept[name])

    def patch(self, body: Body, query: Body, name: str) -> Body:
        """A field of the mask that the body lacks is cleared."""
        terms(body.get("attributeCondition", ""))
        there = self.find(name)
        for field in filter(None, query.get("updateMask", "").split(",")):
            if field in body:
                there[field] = body[field]
            else:
                there.pop(field, None)
        return self.operations.begin(name, kind_of(name), there)

    def delete(self, body: Body, query: Body, name: str) -> Body:
        self.find(name)
        for kept in [k for k in self.kept if k == name or k.startswith(f"{name}/")]:
            del self.kept[kept]
        return self.operations.begin(name, EMPTY, {})

    def find(self, name: str) -> Body:
        if name not in self.kept:
            raise Refused(404, f"Requested entity was not found: {name}")
        return self.kept[name]

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
        provider = self.find(body["audience"].removeprefix("//iam.googleapis.com/"))
        if arn[1].split(":")[4] != provider["aws"]["accountId"]:
            raise Refused(400, f"The caller {arn[1]} is not of account {provider['aws']['accountId']}")
        assertion = {"arn": arn[1], "account": arn[1].split(":")[4]}
        for name, starts, start, whole in terms(provider.get("attributeCondition", "")):
            if not (assertion[name].startswith(start) if starts else assertion[name] == whole):
                raise Refused(401, "The given credential is rejected by the attribute condition.")
        mapped = EXTRACT.fullmatch(
            (provider.get("attributeMapping") or {}).get("google.subject", "assertion.arn")
        )
        subject = arn[1]
        if mapped and mapped[1] is not None:
            subject = subject.partition(mapped[1])[2].partition(mapped[2])[0]
        if not 0 < len(subject) <= 127:
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
        principal = self.callers.get(query["authorization"].removeprefix("Bearer "))
        if not principal:
            raise Refused(401, "Request had invalid authentication credentials.")
        account = self.resources.account(name)
        bindings = self.resources.policy(account["name"])["bindings"]
        members = [m for b in bindings if b["role"] == "roles/iam.workloadIdentityUser" for m in b["members"]]
        if principal not in members:
            raise Refused(
                403,
                f"Permission 'iam.serviceAccounts.getAccessToken' denied on {account['email']} for {principal}",
            )
        until = datetime.now(UTC) + timedelta(hours=1)
        self.given[token := uuid.uuid4().hex] = until
        return {"accessToken": token, "expireTime": until.isoformat().replace("+00:00", "Z")}
