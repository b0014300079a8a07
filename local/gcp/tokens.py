"""Who may call the local Google Cloud: the bearer of the run's secret, or of a token that `Federation` has given out.

The secret stands for a signed-in user's token, as `gcloud auth print-access-token` prints one. A service account's
token is good for its hour. STS's exchange and `generateAccessToken` check the caller themselves. Google answers 401
without a token (https://docs.cloud.google.com/docs/authentication/rest).

Started without a secret, everybody on this machine may call; what a page could send without a preflight (Fetch
standard, "CORS-safelisted request-header") is refused then too.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

SIMPLE = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data")


class Tokens:
    """`given` has the tokens of service accounts and until when they are good."""

    def __init__(self, secret: str | None, service_tokens: Mapping[str, datetime]):
        self.secret, self.service_tokens = secret, service_tokens

    def refuse(self, scope: dict[str, Any], headers: dict[str, str]) -> str | None:
        """Why a request is refused, None where it is not; takes ASGI's scope and headers with names in lower case."""
        kind, _, token = headers.get("authorization", "").partition(" ")
        if self.secret is None:
            media = headers.get("content-type", "").partition(";")[0].strip().lower()
            if not token and media in SIMPLE:
                return f"a request without credentials has no Content-Type {media}"
            return None
        path, method = scope["path"], scope.get("method", "")
        if (method, path) in (("GET", "/healthz"), ("POST", "/v1/token")):
            return None
        if method == "POST" and path.endswith(":generateAccessToken"):
            return None
        if kind.lower() == "bearer" and hmac.compare_digest(token.encode(), self.secret.encode()):
            return None
        if (
            kind.lower() == "bearer"
            and token in self.service_tokens
            and datetime.now(UTC) < self.service_tokens[token]
        ):
            return None
        return "Request had invalid authentication credentials. Expected OAuth 2 access token."
