"""A resource that can have a name is given one: else the provider makes one up, by its own rule and not the service's.

It would be another one on every machine, too."""

import re

import pytest

from local.providers import schema
from tests import recording
from tests.recording import ROLE_ID, Recording, record

JOB = "gcp:storage/transferJob:TransferJob"
# What keeps its name after it is deleted -> the property. The services' pages stand at the functions of
# components/names.py.
KEPT_AFTER_DELETION = {
    JOB: "name",
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": "workloadIdentityPoolId",
    "gcp:projects/iAMCustomRole:IAMCustomRole": "roleId",
}


@pytest.fixture(scope="module", params=["dev", "prod", "local"])
def recorded(request: pytest.FixtureRequest) -> Recording:
    return record(request.param)


def test_every_resource_that_takes_a_name_is_given_one(recorded: Recording) -> None:
    named = [
        resource
        for resource in recorded.resources
        if resource.type.startswith(("aws:", "gcp:")) and "name" in schema.inputs(resource.type)
    ]
    assert len(named) > 100
    assert [(resource.type, resource.name) for resource in named if not resource.inputs.get("name")] == []


def test_a_transfer_job_is_called_as_the_service_has_it(recorded: Recording) -> None:
    """https://docs.cloud.google.com/storage-transfer/docs/reference/rest/v1/transferJobs#TransferJob.FIELDS.name"""
    jobs = recorded.of(JOB)
    assert jobs
    for inputs in jobs.values():
        assert re.fullmatch(r"transferJobs/(?!OPI)[A-Za-z0-9._~-]*[A-Za-z0-9]", inputs["name"])
        assert len(inputs["name"]) <= 128
        assert inputs["name"].endswith(ROLE_ID)
    assert len({inputs["name"] for inputs in jobs.values()}) == len(jobs)


def test_what_keeps_its_name_after_deletion_is_called_otherwise_in_a_stacks_next_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else `pulumi destroy` and `pulumi up` are refused by the service."""

    def called(anew: bool = True) -> dict[str, set[str]]:
        if anew:
            monkeypatch.setattr(recording, "recorded", {})
        recorded = record("local")
        return {
            kind: {inputs[name] for inputs in recorded.of(kind).values()}
            for kind, name in KEPT_AFTER_DELETION.items()
        }

    first, again = called(anew=False), called()
    assert first == again
    # Whatever is made anew has other ids of its service's.
    for kind in ("aws:iam/role:Role", "gcp:serviceaccount/account:Account"):
        made = recording.COMPUTED[kind]
        monkeypatch.setitem(
            recording.COMPUTED, kind, lambda i, name, made=made: made(i, name) | {"uniqueId": f"{name}2"}
        )
    for kind, names in called().items():
        assert names and not names & first[kind], kind
