"""What an event requests, and how long to wait for a collection that is not ready. Pure.

A new collection, and a new data access policy, answer 401 or 403 for about a minute; a cold one 429 or 5xx. The
answer does not show whether such a 403 passes or a grant is missing, so either is tried until the deadline.
"""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import variables
from opensearchpy.exceptions import ConnectionError, TransportError

FIRST_WAIT, LONGEST_WAIT = 1.0, 20.0  # seconds
ACTIONS = ("create", "update", "delete")


@dataclass(frozen=True)
class Settings:
    """The function's environment."""

    patience_seconds: int

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """From the environment. Raises KeyError for a variable that is not there."""
        return cls(int(environ[variables.PATIENCE_SECONDS]))


@dataclass(frozen=True)
class Wanted:
    """The index as the component declares it."""

    endpoint: str
    region: str
    index: str
    mapping: Mapping[str, Any]
    delete: bool

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> "Wanted":
        """From the function's event."""
        return cls(
            event["endpoint"],
            event["region"],
            event["index"],
            event["mapping"],
            event["delete"],
        )

    def same_index(self, other: "Wanted") -> bool:
        """Whether both are one index, whatever its mapping."""
        return (self.endpoint, self.index) == (other.endpoint, other.index)


class Refused(Exception):
    """The collection's answer, where waiting does not help."""


class NotReady(Exception):
    """The collection did not let the function in, or did not answer, until the deadline."""


def former(event: Mapping[str, Any]) -> list[Wanted]:
    """The index that this event ends, if its documents are to go with it."""
    tf: dict[str, Any] = event.get("tf") or {}
    action = tf.get("action")
    if action not in ACTIONS:
        raise ValueError(
            f"tf.action is {action!r}; expected one of {', '.join(ACTIONS)} (lifecycle_scope CRUD)"
        )
    now = Wanted.read(event)
    if action == "delete":
        return [now] if now.delete else []
    if not tf.get("prev_input"):  # it is made for the first time
        return []
    before = Wanted.read(tf["prev_input"])
    # An index in a collection that was replaced went with it.
    return (
        [before] if before.delete and before.endpoint == now.endpoint and not before.same_index(now) else []
    )


def words(error: Exception) -> str:
    """The collection's own words; the client's text of an error leaves most of them out."""
    if isinstance(error, TransportError) and isinstance(error.status_code, int):
        return f"{error.status_code} {json.dumps(error.info, default=str)[:2000]}"
    return str(error)


def passes(error: Exception) -> bool:
    """Whether the same call may succeed later."""
    if isinstance(error, ConnectionError):
        return True
    status = error.status_code if isinstance(error, TransportError) else None
    return isinstance(status, int) and (status in (401, 403, 408, 429) or status >= 500)


def patiently(
    step: Callable[..., str],
    *arguments: Any,
    deadline: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    log_retry: Callable[[Exception, float], None],
) -> str:
    """What the step returns, tried until the deadline while its failure may pass. Raises NotReady or Refused."""
    began, tries = clock(), 0
    while True:
        tries += 1
        try:
            return step(*arguments)
        except Exception as error:
            if not passes(error):
                raise Refused(words(error)) from error
            # Full jitter: functions of many pipelines don't come back at once.
            seconds = random.uniform(0.5, 1) * min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(tries - 1, 10))
            if clock() + seconds > deadline:
                raise NotReady(
                    f"gave up after {tries} tries in {clock() - began:.0f} s; the collection's last answer: "
                    f"{words(error)}. On 401 or 403: the function's role needs aoss:APIAccessAll on the collection, "
                    "a data access policy on the index, and a network policy that lets it in"
                ) from error
            log_retry(error, seconds)
            sleep(seconds)
