"""Physical names fit their services, stay apart when cut, and are the same on every run."""

import re
from typing import Any

import botocore.session
import pytest
from pulumi.runtime import mocks

from components import names
from components.accounts import AccountArgs
from tests.recording import ACCOUNT_ID, ROLE_ID

LIMITS = {
    "role": (64, r"[A-Za-z0-9_-]+"),
    "function": (64, r"[A-Za-z0-9_-]+"),
    "queue": (80, r"[A-Za-z0-9_-]+"),
    "schedule": (64, r"[A-Za-z0-9_-]+"),
    "alarm": (255, r"[A-Za-z0-9_-]+"),
    "topic": (256, r"[A-Za-z0-9_-]+"),
    "table": (255, r"[A-Za-z0-9_-]+"),
}


class NoResources(mocks.Mocks):
    """A name is made without any."""

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise AssertionError(args.name)

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(args.token)


@pytest.fixture(autouse=True)
def _prod() -> None:
    mocks.set_mocks(NoResources(), project="tributary", stack="prod")


@pytest.mark.parametrize("kind", LIMITS)
def test_a_long_name_is_cut_to_its_services_limit(kind: str) -> None:
    limit, alphabet = LIMITS[kind]
    name = getattr(names, kind)("x" * 300)
    assert len(name) == limit
    assert re.fullmatch(alphabet, name)


def test_two_long_names_that_start_alike_stay_apart() -> None:
    assert names.role("orders-" * 20 + "a") != names.role("orders-" * 20 + "b")


def test_a_name_that_loses_characters_stays_apart_from_the_one_that_had_none() -> None:
    assert names.role("a.b") != names.role("a-b")
    assert names.bucket("Orders", "111111111111") != names.bucket("orders", "111111111111")


def test_a_bucket_name_is_valid_and_ends_in_its_account() -> None:
    name = names.bucket("Orders_of.Everyone" * 9, "111111111111")
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", name)
    assert name.endswith("-111111111111")


def test_a_short_name_is_left_as_it_is() -> None:
    assert names.role("shop-lake-export") == "tributary-prod-shop-lake-export"
    assert names.log_group("/aws/lambda", "x") == "/aws/lambda/tributary-prod-x"
    assert names.key_alias("x") == "alias/tributary-prod-x"


# https://docs.cloud.google.com/storage-transfer/docs/reference/rest/v1/transferJobs#TransferJob.FIELDS.name
TRANSFER_JOB = r"transferJobs/(?!OPI)[A-Za-z0-9._~-]*[A-Za-z0-9]"


@pytest.mark.parametrize("name", ["shop-copy", "x" * 300, "OPI", "Shop_copy.", "orders~" * 20])
def test_a_transfer_jobs_name_is_one_that_the_service_takes(name: str) -> None:
    made = names.transfer_job(name, ROLE_ID)
    assert re.fullmatch(TRANSFER_JOB, made)
    assert len(made) <= 128
    assert made.endswith(f"-{ROLE_ID}")


def test_a_transfer_jobs_name_is_the_same_on_every_run_and_another_once_it_is_made_anew() -> None:
    assert names.transfer_job("shop-copy", "AROA1") == "transferJobs/tributary-prod-shop-copy-AROA1"
    assert names.transfer_job("shop-copy", "AROA1") != names.transfer_job("shop-copy", "AROA2")
    long = "x" * 300
    assert names.transfer_job(f"{long}a", "AROA1") != names.transfer_job(f"{long}b", "AROA1")


# Kinds whose service keeps a name after what had it is deleted: limits and alphabet, as in the functions' docstrings.
KEPT_BY_GOOGLE = {
    "identity_pool": (32, r"(?!gcp-)[a-z0-9-]{4,32}"),
    "custom_role": (64, r"[A-Za-z0-9_.]{3,64}"),
}


@pytest.mark.parametrize("kind", KEPT_BY_GOOGLE)
def test_a_name_that_google_keeps_after_deletion_is_another_in_each_life_of_its_stack(kind: str) -> None:
    limit, alphabet = KEPT_BY_GOOGLE[kind]
    named, long = getattr(names, kind), "x" * 300
    for name in ("a", "shop-compare", "Shop_compare.", long):
        assert re.fullmatch(alphabet, named(name, ACCOUNT_ID))
        assert named(name, ACCOUNT_ID) == named(name, ACCOUNT_ID)
        assert named(name, ACCOUNT_ID) != named(name, "1" + ACCOUNT_ID[1:-1] + "2")
    assert len(named(long, ACCOUNT_ID)) == limit
    assert named(f"{long}a", ACCOUNT_ID) != named(f"{long}b", ACCOUNT_ID)


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-northeast-1", "us-gov-west-1"])
def test_an_ingestion_pipelines_arn_is_one_that_its_service_takes(region: str) -> None:
    """The limits of botocore's model of the service."""
    model = botocore.session.Session().get_service_model("osis")
    most = {shape: model.shape_for(shape).metadata["max"] for shape in ("PipelineArn", "PipelineName")}
    account = AccountArgs(id="111111111111", region=region)
    for name in ("search", "catalog-search-products", "x" * 300):
        arn = account.arn("osis", "pipeline/") + (
            made := names.ingestion(name, account.arn("osis", "pipeline/"))
        )
        assert len(arn) <= most["PipelineArn"]
        assert len(made) <= most["PipelineName"]
