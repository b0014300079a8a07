"""An import by the local providers: the real providers' ids, and nothing stated that nobody set."""

import collections.abc
import inspect
from typing import Any, get_origin

import botocore.session
import pytest
from pulumi.runtime.proto import provider_pb2
from pulumi_aws import kinesis

from local.providers.aws import Aws
from local.providers.aws_rows import Refused, imported
from local.providers.aws_types import INVOKES, ROWS
from local.providers.servicer import Servicer
from local.providers.values import plain, wire, without
from tests.typed import fake

NOBODY: Any = None  # the context of a call, which a read and a comparison do not use

QUEUE, DATABASE = "aws:sqs/queue:Queue", "aws:glue/catalogDatabase:CatalogDatabase"


@pytest.fixture
def servicer(monkeypatch: pytest.MonkeyPatch) -> Servicer:
    """Of a cloud that has a queue and a database with nothing set but the name."""
    cloud: Any = Aws(ROWS, INVOKES)
    cloud.endpoint, cloud.account, cloud.region = "http://127.0.0.1:9", "111111111111", "eu-central-1"
    cloud.session = botocore.session.Session()
    data = {
        QUEUE: {"name": "q", "region": "eu-central-1", "visibilityTimeoutSeconds": 30, "delaySeconds": 7, "url": "u",
                "maxMessageSize": 1048576},
        DATABASE: {"name": "lake", "catalogId": "111111111111", "region": "eu-west-1"},
    }  # fmt: skip
    monkeypatch.setattr(cloud, "read", fake(lambda kind, key, state, wait=False: {**data[kind], "arn": key}))
    return Servicer(cloud)


def read(servicer: Servicer, kind: Any, key: Any):
    answer = servicer.Read(provider_pb2.ReadRequest(id=key, urn=f"urn:pulumi:s::p::{kind}::thing"), NOBODY)
    return answer.id, plain(answer.inputs)


def test_an_import_states_what_somebody_may_have_set_and_no_region_of_the_provider(servicer: Servicer):
    assert read(servicer, QUEUE, "http://q") == ("http://q", {"name": "q", "delaySeconds": 7})


def test_an_import_takes_the_real_providers_id_and_gives_the_resource_its_own(servicer: Servicer):
    """The catalog of the account itself is nothing that a program states."""
    assert read(servicer, DATABASE, "111111111111:lake") == ("lake", {"name": "lake", "region": "eu-west-1"})
    assert imported(("{name}/{type}", "{name}"), "a/data", {}) == ("a", {"name": "a", "type": "data"})
    with pytest.raises(Refused, match="not an id of the form"):
        imported(("{name}/{type}", "{name}"), "a", {})


def test_what_stands_where_nothing_is_set_is_no_difference(servicer: Servicer):
    def differing(old: Any, new: Any):
        request = provider_pb2.DiffRequest(
            urn=f"urn:pulumi:s::p::{QUEUE}::thing", olds=wire(old), old_inputs=wire(old), news=wire(new)
        )
        return set(servicer.Diff(request, NOBODY).diffs) - {"tagsAll"}

    assert differing({"name": "q"}, {"name": "q", "visibilityTimeoutSeconds": 30}) == set()
    assert differing({"name": "q", "visibilityTimeoutSeconds": 30}, {"name": "q"}) == set()
    assert differing({"name": "q", "visibilityTimeoutSeconds": 60}, {"name": "q"}) == {
        "visibilityTimeoutSeconds"
    }
    assert differing({"name": "q"}, {"name": "q", "visibilityTimeoutSeconds": 60}) == {
        "visibilityTimeoutSeconds"
    }


def test_a_part_is_left_out_once_nothing_of_it_was_set():
    unset = {"a": {"x": 1, "y": False}, "b": ...}
    assert without({"a": {"x": 1, "y": False}, "b": 5, "c": "", "d": 1}, unset) == {"d": 1}
    assert without({"a": {"x": 2, "y": False}}, unset) == {"a": {"x": 2}}


def test_a_function_reads_what_the_program_names_and_has_its_parts_in_the_functions_form(
    monkeypatch: pytest.MonkeyPatch,
):
    """A stream is read by its ARN, on which a policy lets it be read; pulumi_aws takes its mode as a list only."""
    cloud = Aws(ROWS, INVOKES)
    read: list[Any] = []
    cloud.endpoint, cloud.account, cloud.region = "http://127.0.0.1:9", "111111111111", "eu-central-1"
    stream = {"name": "s", "arn": "a", "streamModeDetails": {"streamMode": "ON_DEMAND"}}
    monkeypatch.setattr(cloud, "read", fake(lambda kind, key, state: read.append(key) or dict(stream)))
    answer = cloud.invoke("aws:kinesis/getStream:getStream", {"name": "s"})
    assert read == ["arn:aws:kinesis:eu-central-1:111111111111:stream/s"]
    getter: Any = kinesis.GetStreamResult.stream_mode_details.fget
    assert get_origin(inspect.signature(getter).return_annotation) is collections.abc.Sequence
    assert answer["streamModeDetails"] == [{"streamMode": "ON_DEMAND"}]
