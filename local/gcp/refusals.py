"""Errors as Google's APIs answer them (https://docs.cloud.google.com/apis/design/errors)."""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger("tributary.gcp")
log.setLevel(logging.WARNING)  # of its own: bqemulator lets nothing through that is less than an error
Body = dict[str, Any]
CODES = {
    400: (3, "INVALID_ARGUMENT"),
    401: (16, "UNAUTHENTICATED"),
    403: (7, "PERMISSION_DENIED"),
    404: (5, "NOT_FOUND"),
    409: (6, "ALREADY_EXISTS"),
    412: (9, "FAILED_PRECONDITION"),
}


class Refused(Exception):
    """`status` where the code has several, as 400 has."""

    def __init__(self, code: int, message: str, status: str = ""):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status or CODES[code][1]

    def body(self) -> Body:
        """The answer's JSON, which has code, message and status below `error`."""
        return {"error": {"code": self.code, "message": self.message, "status": self.status}}


def denied(principal: str, permission: str, resource: str, message: str) -> Refused:
    """The 403 of a principal that lacks a permission on a resource, to raise; `message` is the API's own. It is a line
    of the log too, in the words in which AWS refuses: whoever asks what was denied has nothing else to read it from."""
    log.warning(
        "refused: User: %s is not authorized to perform: %s on resource: %s", principal, permission, resource
    )
    return Refused(403, message)
