"""Every request is signed, and each signature is checked: ministack takes an account's own key on trust.

An account's key (its 12 digits) is checked with the run's secret, as a user's or a role's is with its own: by the
header, in the query of a presigned URL, and in a form posted to S3. A function's credentials, which ministack
derives from its ARN, depend on the secret too. Where the cloud was started without a secret, an account's signature
in the `Authorization` header, which no page can send without a preflight, is taken as it is, and only there.

Unsigned requests get no further than the services' own unsigned operations: reading an object that a bucket's policy
opens to all, and STS's exchange of a web identity. ministack's own paths (`/_ministack/`), which reset it or give out
code, are closed but for health.
"Signing AWS API requests" (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qs

from ..seams import app, lambda_runtime
from ..seams import iam_evaluator as iam
from ..seams.parts import Record

UNCHECKED = "TRIBUTARY_CLOUD_UNCHECKED"  # set: started without a secret
HEALTH = {"/_ministack/health", "/_ministack/ready", "/_localstack/health", "/health"}
STS = re.compile(r"sts(\.[a-z0-9-]+)?\.amazonaws\.com")
header_signed: ContextVar[bool] = ContextVar("header_signed", default=False)


def authorization(headers: dict[str, str]) -> bool:
    """Whether the `Authorization` header is of AWS's signature, version 4 or 2."""
    return headers.get("authorization", "").startswith(("AWS4-", "AWS "))


def refuse(scope: dict[str, Any], headers: dict[str, str]) -> str | None:
    """Why a request may not go on to ministack, which checks what is signed; None if it may."""
    path, method = scope["path"], scope.get("method", "GET")
    if path in HEALTH and method in ("GET", "HEAD"):
        return None
    if path.startswith(("/_ministack/", "/_localstack/")):
        return f"{path} is closed: the embedded cloud is reset by stopping it"
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    if authorization(headers) or {"X-Amz-Signature", "Signature"} & query.keys():
        return None
    if method in ("GET", "HEAD") and "Action" not in query:
        return None
    # STS reads its operation from the body, and ministack lets only those through that are sent unsigned.
    form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if method == "POST" and path == "/" and form and "Action" not in query:
        return None
    return f"Missing Authentication Token: {method} {path} is not signed"


def signed_for_sts(scope: dict[str, Any], headers: dict[str, str]) -> bool:
    """Whether this is a signed GetCallerIdentity that was passed on, whose Host must stay as it was signed."""
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return bool(
        STS.fullmatch(headers.get("host", ""))
        and scope["path"] == "/"
        and query.get("Action") == ["GetCallerIdentity"]
        and authorization(headers)
    )


def pin(
    stock: Any,
    method: str,
    raw_path: str,
    query: Record,
    raw_headers: list[tuple[bytes, bytes]],
    handshake: bool = False,
) -> None:
    """Notes whether the request is signed in its header, and has ministack keep it as it was sent."""
    header_signed.set(any(n.lower() == b"authorization" and v.startswith(b"AWS4-") for n, v in raw_headers))
    stock(method, raw_path, query, raw_headers, handshake)


def taken_on_trust(stock: Any, access_key_id: str) -> bool:
    """Whether a signature is left unchecked; ministack calls this."""
    return bool(os.environ.get(UNCHECKED)) and header_signed.get() and stock(access_key_id)


def execution_credentials(stock: Any, config: Record) -> dict[str, str]:
    """A function's credentials: ministack's, with secret and token keyed by the run's secret, in STS's session too."""
    from ..seams import sts

    variables = stock(config)
    key = os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    for name, member in (("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"), ("AWS_SESSION_TOKEN", "SessionToken")):
        variables[name] = hmac.new(key, variables[name].encode(), hashlib.sha256).hexdigest()
        sts.sessions[variables["AWS_ACCESS_KEY_ID"]][member] = variables[name]
    return variables


def install() -> None:
    """Puts these functions around ministack's; `refuse` and `signed_for_sts` are for the front."""
    from ..seams import lambda_svc

    iam.pin_signed_request.wrap(pin)
    app.pin_signed_request.wrap(pin)
    iam.is_root_key.wrap(taken_on_trust)
    lambda_runtime.execution_credentials.wrap(execution_credentials)
    lambda_svc.execution_credentials.wrap(execution_credentials)
