"""Google's APIs as the lives call them: each answer is recorded, and a refusal is an exception with its code.

A method is called by its API, verb and path; `{}` in the path is filled with the names behind it, so that a recorded
call is the same whatever the names are (https://developers.google.com/discovery/v1/reference/apis has the paths).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx

from tests.live.answers import Recorder

PATIENCE = 120  # seconds for one answer


class Refused(Exception):
    """An error as Google's APIs answer it (https://docs.cloud.google.com/apis/design/errors)."""

    def __init__(self, code: int, status: str, message: str):
        super().__init__(f"{code} {status}: {message}")
        self.code, self.status, self.message = code, status, message


def signed_in() -> Callable[[], str]:
    """A bearer token of whoever is signed in (`gcloud auth application-default login`), whenever one is needed
    (https://googleapis.dev/python/google-auth/latest/user-guide.html)."""
    import google.auth
    from google.auth.transport.requests import Request

    auth: Any = google.auth
    credentials, _ = auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])

    def token() -> str:
        if not credentials.valid:
            credentials.refresh(Request())
        return credentials.token

    return token


class Google:
    """The APIs of one project: `endpoint` is that of the local Google Cloud, else each API has its own host."""

    def __init__(self, project: str, location: str, token: Callable[[], str], endpoint: str = ""):
        self.project, self.location, self.token, self.endpoint = project, location, token, endpoint
        self.recorder: Recorder | None = None

    def __call__(
        self, api: str, verb: str, path: str, *names: str, body: Any = None, data: bytes = b"", **query: str
    ) -> dict[str, Any]:
        """The answer. `data` is a file that goes along with the body, as one upload
        (https://docs.cloud.google.com/bigquery/docs/reference/api-uploads#multipart)."""
        url = (self.endpoint or f"https://{api}.googleapis.com") + path.format(*names)
        headers = {"authorization": f"Bearer {self.token()}", "x-goog-user-project": self.project}
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["content-type"] = "application/json"
        if data:
            boundary = uuid.uuid4().hex
            parts = [(b"application/json", content or b"{}"), (b"application/octet-stream", data)]
            content = b"".join(
                b"--%b\r\nContent-Type: %b\r\n\r\n%b\r\n" % (boundary.encode(), kind, part)
                for kind, part in parts
            )
            content += b"--%b--\r\n" % boundary.encode()
            headers["content-type"] = f"multipart/related; boundary={boundary}"
        answer = httpx.request(
            verb, url, params=query, content=content, headers=headers, timeout=PATIENCE,
            trust_env=not self.endpoint,
        )  # fmt: skip
        parsed: dict[str, Any] = answer.json() if answer.content else {}
        error: dict[str, Any] = parsed.get("error", {}) if answer.status_code >= 400 else {}
        errors: list[dict[str, Any]] = error.get("errors") or [{}]
        status: str = error.get("status") or errors[0].get("reason", "")
        if self.recorder:
            request = {"names": list(names), "body": body, **query}
            kept: dict[str, Any] = {"Message": error.get("message", "")} if error else parsed
            code = f"{answer.status_code} {status}" if answer.status_code >= 400 else ""
            self.recorder.add(f"google-{api}", f"{verb} {path}", request, kept, code)
        if answer.status_code >= 400:
            raise Refused(answer.status_code, status, error.get("message", answer.text[:500]))
        return parsed
