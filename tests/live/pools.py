"""A workload identity pool, which keeps its id for 30 days after it was deleted."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import Any

from tests.live.google import Google, Refused
from tests.live.life import Life, until
from tests.live.place import Place

KEPT = "is the id of a deleted workload identity pool refused to a new one, and does the old one come back"
POOLS, POOL = "/v1/{}/workloadIdentityPools", "/v1/{}"


def ended(google: Google, begun: dict[str, Any]) -> dict[str, Any]:
    """The result of a long-running operation
    (https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.operations/get)."""
    done = until(lambda: (o := google("iam", "GET", POOL, begun["name"])).get("done") and o)
    if error := done.get("error"):
        raise Refused(error.get("code", 0), "", error.get("message", ""))
    return done.get("response", {})


def pool(place: Place, name: str, undo: ExitStack) -> None:
    """A pool made, deleted, made again under its id, and undeleted: a deleted pool is there for 30 days more, with
    `state: DELETED`, and its id is not free
    (https://docs.cloud.google.com/iam/docs/manage-workload-identity-pools-providers#delete-pool)."""
    google, parent = place.google, f"projects/{place.google.project}/locations/global"
    at, body = f"{parent}/workloadIdentityPools/{name}", {"displayName": "of a test"}

    def delete() -> None:
        ended(google, google("iam", "DELETE", POOL, at))

    def delete_pool() -> None:
        with suppress(Refused):  # it is deleted already
            delete()

    ended(google, google("iam", "POST", POOLS, parent, body=body, workloadIdentityPoolId=name))
    undo.callback(delete_pool)
    delete()
    answer: dict[str, Any] = {"state": _state(google, at), "made again": "made", "undeleted": "no"}
    try:
        ended(google, google("iam", "POST", POOLS, parent, body=body, workloadIdentityPoolId=name))
    except Refused as error:
        answer["made again"] = f"{error.code}"
    with suppress(Refused):
        ended(google, google("iam", "POST", POOL + ":undelete", at, body={}))
        answer["undeleted"] = _state(google, at)
    place.settle(KEPT, answer, **{"made again": "409", "undeleted": "ACTIVE"})


def _state(google: Google, at: str) -> str:
    try:
        return google("iam", "GET", POOL, at).get("state", "ACTIVE")
    except Refused as error:
        return f"{error.code}"


LIVES = {"pool": Life(pool, (KEPT,), frozenset({"google"}), "a workload identity pool", "nothing")}
