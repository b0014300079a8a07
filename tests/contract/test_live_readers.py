"""The life of Lake Formation's readers. The embedded cloud has no Lake Formation: grants are kept and judged here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.embedded_cloud import WORKLOAD, Cloud
from tests.live import answers
from tests.live.place import Sandbox
from tests.live.readers import READERS
from tests.live.sandbox import record


class Formation:
    """What was granted and not revoked, for each principal; it is no client that could be recorded."""

    def __init__(self, defaults: list[Any]):
        self.defaults = defaults
        self.granted: dict[Any, Any] = {}
        self.registered: set[str] = set()
        self.meta = self
        self.events = self

    def register(self, *_: Any) -> None:
        """As a client's events."""

    def get_data_lake_settings(self) -> dict[str, Any]:
        return {"DataLakeSettings": {"CreateTableDefaultPermissions": self.defaults}}

    def register_resource(self, ResourceArn: str, **_: Any) -> dict[str, Any]:
        self.registered.add(ResourceArn)
        return {"registered": True}

    def deregister_resource(self, ResourceArn: str) -> None:
        self.registered.remove(ResourceArn)

    def grant_permissions(self, Principal: dict[str, str], Permissions: list[str], Resource: Any) -> None:
        key = (Principal["DataLakePrincipalIdentifier"], next(iter(Resource)))
        self.granted[key] = {*self.granted.get(key, ()), *Permissions}

    def revoke_permissions(self, Principal: dict[str, str], Permissions: list[str], Resource: Any) -> None:
        key = (Principal["DataLakePrincipalIdentifier"], next(iter(Resource)))
        self.granted[key] -= set(Permissions)

    def selects(self, role: str) -> bool:
        return bool(self.registered) and "SELECT" in self.granted.get((role, "Table"), ())


def lake(cloud: Cloud, formation: Formation, leak: bool = False) -> Sandbox:
    """The embedded cloud with this Lake Formation in front of Athena; with `leak` anybody is let in."""

    def client(service: str, account: str, credentials: Any = None) -> Any:
        if service == "lakeformation":
            return formation
        made = cloud.keyed(service, account, credentials)
        if service == "athena" and credentials:
            arn = cloud.keyed("sts", account, credentials).get_caller_identity()["Arn"]
            caller = arn.replace(":sts:", ":iam:").replace(":assumed-role/", ":role/").rpartition("/")[0]

            def judged(**_: Any) -> None:
                if not (leak or formation.selects(caller)):
                    error = {
                        "Code": "AccessDeniedException",
                        "Message": "Insufficient Lake Formation permission(s)",
                    }
                    raise ClientError({"Error": error}, "StartQueryExecution")

            made.meta.events.register("before-call.athena.StartQueryExecution", judged)
        return made

    return Sandbox(client, (WORKLOAD,), "us-east-1", lake_formation=True)


def test_who_was_granted_reads_and_who_was_not_does_not(cloud: Cloud, tmp_path: Path) -> None:
    formation = Formation([])
    path = record("readers", lake(cloud, formation), "embedded", tmp_path)
    settled = answers.settled(path)
    assert settled[READERS]["answer"] == {"reader": "3", "other": "refused"}
    assert answers.unreliable(settled) == []
    assert not formation.registered and not any(formation.granted.values())
    assert cloud.client("glue", WORKLOAD).get_databases()["DatabaseList"] == []
    recorded = answers.FOLDER / path.name
    if recorded.exists():  # Lake Formation's own answers have nothing here to be compared with
        before = [call for call in answers.read(recorded) if call.service != "lakeformation"]
        assert answers.compare(before, answers.read(path)) == []


def test_a_lake_that_lets_anybody_in_is_reported(cloud: Cloud, tmp_path: Path) -> None:
    settled = answers.settled(record("readers", lake(cloud, Formation([]), leak=True), "embedded", tmp_path))
    assert answers.unreliable(settled) == [f"{READERS}: other is '3', and the program relies on 'refused'"]


def test_a_data_lake_with_open_defaults_is_not_used(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="open to all"):
        record("readers", lake(cloud, Formation([{"Principal": "everybody"}])), "embedded", tmp_path)
