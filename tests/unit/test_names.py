"""Physical names fit their services, stay apart when cut, and are the same on every run."""

import re

import pulumi
import pytest

from components import names
from tests.recording import record

LIMITS = {
    "role": (64, r"[A-Za-z0-9_-]+"),
    "function": (64, r"[A-Za-z0-9_-]+"),
    "queue": (80, r"[A-Za-z0-9_-]+"),
    "schedule": (64, r"[A-Za-z0-9_-]+"),
    "alarm": (255, r"[A-Za-z0-9_-]+"),
    "topic": (256, r"[A-Za-z0-9_-]+"),
    "custom_role": (64, r"[A-Za-z0-9_]+"),
    "table": (255, r"[A-Za-z0-9_-]+"),
}


@pytest.fixture(autouse=True)
def _prod() -> None:
    record("prod")
    assert (pulumi.get_project(), pulumi.get_stack()) == ("tributary", "prod")


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
