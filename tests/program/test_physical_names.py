"""A resource that can have a name is given one: else the provider makes one up, by its own rule and not the service's.

It would be another one on every machine, too."""

import re

import pytest

from local.providers import schema
from tests.recording import ROLE_ID, Recording, record

JOB = "gcp:storage/transferJob:TransferJob"


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
    assert [(one.type, one.name) for one in named if not one.inputs.get("name")] == []


def test_a_transfer_job_is_called_as_the_service_has_it(recorded: Recording) -> None:
    """https://docs.cloud.google.com/storage-transfer/docs/reference/rest/v1/transferJobs#TransferJob.FIELDS.name"""
    jobs = recorded.of(JOB)
    assert jobs
    for inputs in jobs.values():
        assert re.fullmatch(r"transferJobs/(?!OPI)[A-Za-z0-9._~-]*[A-Za-z0-9]", inputs["name"])
        assert len(inputs["name"]) <= 128
        assert inputs["name"].endswith(ROLE_ID)
    assert len({inputs["name"] for inputs in jobs.values()}) == len(jobs)
