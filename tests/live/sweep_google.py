"""What is left in a Google project of what the lives made, and its deletion: as in `sweep`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jmespath

from tests.live.google import Google, Refused
from tests.live.place import PREFIX
from tests.live.sweep import named

# (API, path of the list, what of it names each, what of it is a person's name for it, path of one)
KINDS = (
    ("bigquerydatatransfer", "/v1/projects/{p}/locations/{l}/transferConfigs", "transferConfigs[].[name, displayName]",
     "/v1/{}"),
    ("bigquery", "/bigquery/v2/projects/{p}/datasets", "datasets[].datasetReference.[datasetId, datasetId]",
     "/bigquery/v2/projects/{p}/datasets/{}"),
    ("storage", "/storage/v1/b", "items[].[name, name]", "/storage/v1/b/{}"),
    ("pubsub", "/v1/projects/{p}/subscriptions", "subscriptions[].[name, name]", "/v1/{}"),
    ("pubsub", "/v1/projects/{p}/topics", "topics[].[name, name]", "/v1/{}"),
    ("iam", "/v1/projects/{p}/serviceAccounts", "accounts[].[name, email]", "/v1/{}"),
    ("iam", "/v1/projects/{p}/roles", "roles[].[name, name]", "/v1/{}"),
    ("iam", "/v1/projects/{p}/locations/global/workloadIdentityPools",
     "workloadIdentityPools[?state!='DELETED'].[name, name]", "/v1/{}"),
)  # fmt: skip


def left(google: Google, prefix: str = PREFIX) -> Iterator[tuple[str, str, str]]:
    """(API, path of one, name) of what is still there; of Storage Transfer's jobs a deleted one stays for 30 days."""
    place = {"p": google.project, "l": google.location.lower()}
    for api, path, names, kind in KINDS:
        more: dict[str, Any] = {"project": google.project} if api == "storage" else {}
        answer = google(api, "GET", path.replace("{p}", place["p"]).replace("{l}", place["l"]), **more)
        listed: list[tuple[str, str]] = jmespath.search(names, answer) or []
        for name, shown in listed:
            if named(shown.partition("@")[0], prefix):
                yield api, kind.replace("{p}", place["p"]), name
    wanted = f'{{"projectId": "{google.project}"}}'
    for job in google("storagetransfer", "GET", "/v1/transferJobs", filter=wanted).get("transferJobs", []):
        if job["status"] != "DELETED" and named(job.get("description", ""), prefix):
            yield "storagetransfer", "/v1/{}", job["name"]


def sweep(google: Google, prefix: str = PREFIX) -> list[str]:
    """Deletes it, and returns what could not be deleted, a line each with the API's reason."""
    failed: list[Any] = []
    for api, path, name in list(left(google, prefix)):
        more: dict[str, Any] = {}
        if api == "bigquery":
            more = {"deleteContents": "true"}
        if api == "storagetransfer":
            more = {"projectId": google.project}
        try:
            if api == "storage":
                for key in [o["name"] for o in google("storage", "GET", path + "/o", name).get("items", [])]:
                    google("storage", "DELETE", path + "/o/{}", name, key.replace("/", "%2F"))
            google(api, "DELETE", path, name, **more)
        except Refused as error:
            failed.append(f"{api} {name}: {error}")
    return failed
