"""What the tests put in place of a part of Pulumi's SDK says the same."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.loaders
import botocore.session
import botocore.useragent
import pulumi
import pytest
from pulumi.runtime import rpc

from tests import sdk

UNKNOWN = pulumi.UNKNOWN
ROUND: list[Any] = [1]
ROUND.append({"itself": ROUND})
VALUES: list[Any] = [
    None, 0, "text", UNKNOWN, [], {}, [UNKNOWN], [[1], [2, [UNKNOWN]]], {"a": {"b": [None, {"c": UNKNOWN}]}},
    {"a": {"b": [None, {"c": 1}]}}, (UNKNOWN,), {UNKNOWN}, ROUND, [ROUND, UNKNOWN], pulumi.FileAsset("/"),
    {"known": ["x"] * 3, "list": [[], {}, UNKNOWN]},
]  # fmt: skip


def the_packages_own(changed: ModuleType) -> Any:
    """A module as it is in its package."""
    assert changed.__spec__
    module = importlib.util.module_from_spec(changed.__spec__)
    assert changed.__spec__.loader
    changed.__spec__.loader.exec_module(module)
    return module


def test_a_value_that_is_not_known_is_seen_where_the_sdk_sees_it() -> None:
    original = the_packages_own(rpc).contains_unknowns
    assert original is not sdk.contains_unknowns and rpc.contains_unknowns is sdk.contains_unknowns
    answers = [original(value) for value in VALUES]
    assert [sdk.contains_unknowns(value) for value in VALUES] == answers
    assert {True, False} == set(answers)


@pytest.mark.parametrize("known", [True, False])
def test_an_output_of_the_sdks_asks_the_cheaper_form(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def contains_unknowns(value: Any) -> bool:
        seen.append(value)
        return not known

    monkeypatch.setattr(rpc, "contains_unknowns", contains_unknowns)
    assert pulumi.contains_unknowns(["value"]) is not known
    assert seen == [["value"]]


@pytest.mark.parametrize("service", ["s3", "dynamodb", "osis", "iam"])
def test_a_model_that_is_parsed_once_is_the_one_that_botocore_reads(service: str) -> None:
    """Also after clients were made of it, and one who read it has changed it."""
    loader: Any = botocore.loaders
    own: Any = the_packages_own(botocore.loaders)
    for name in ("service-2", "paginators-1"):
        expected = own.Loader().load_service_model(service, name)
        for _ in range(2):
            botocore.session.Session().create_client(
                service, region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="y"
            )
            model = loader.Loader().load_service_model(service, name)
            assert model == expected and type(model) is type(expected)
            model.clear()


def test_a_file_is_parsed_once(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"a": [1]}')
    loaders = [botocore.loaders.JSONFileLoader() for _ in range(2)]
    first = loaders[0].load_file(str(tmp_path / "model"))
    (tmp_path / "model.json").unlink()
    again = loaders[1].load_file(str(tmp_path / "model"))
    assert first == again == {"a": [1]} and first["a"] is not again["a"]


def test_a_file_that_is_not_there_yet_is_looked_for_again(tmp_path: Path) -> None:
    loader = botocore.loaders.JSONFileLoader()
    assert loader.load_file(str(tmp_path / "late")) is None
    (tmp_path / "late.json").write_text("[1]")
    assert loader.load_file(str(tmp_path / "late")) == [1]


def test_which_services_there_are_is_what_botocore_lists_also_of_models_that_are_ones_own(
    tmp_path: Path,
) -> None:
    loader: Any = botocore.loaders
    own: Any = the_packages_own(botocore.loaders)
    for name in ("service-2", "waiters-2"):
        expected = own.Loader().list_available_services(name)
        for _ in range(2):
            services = loader.Loader().list_available_services(name)
            assert services == expected and len(services) > 100
            services.clear()
    folder = tmp_path / "models"
    loaders = [loader.Loader(extra_search_paths=[str(folder)]) for _ in range(2)]
    assert "private" not in loaders[0].list_available_services("service-2")
    (folder / "private" / "2026-01-01").mkdir(parents=True)
    (folder / "private" / "2026-01-01" / "service-2.json").write_text("{}")
    assert "private" in loaders[1].list_available_services("service-2")


def test_a_request_names_its_client_as_botocore_does_whatever_the_words() -> None:
    own: Any = the_packages_own(botocore.useragent)
    cached: Any = botocore.useragent
    words = ["Linux", "5.4#x", "a b/c", "größe", "", "5.4#x"]
    for allow_hash in (True, False):
        expected = [own.sanitize_user_agent_string_component(word, allow_hash=allow_hash) for word in words]
        assert [
            cached.sanitize_user_agent_string_component(word, allow_hash=allow_hash) for word in words
        ] == expected
    before = cached.sanitize_user_agent_string_component.cache_info().hits
    client: Any = botocore.session.Session().create_client(
        "sts", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="y"
    )
    client.generate_presigned_url("get_caller_identity")
    assert cached.sanitize_user_agent_string_component.cache_info().hits > before
