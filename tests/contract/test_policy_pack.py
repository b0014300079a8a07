"""The policy pack as the engine drives it: started as its analyzer starts it, in an environment of its own, and called
over gRPC (https://github.com/pulumi/pulumi/blob/master/proto/pulumi/analyzer.proto)."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from components.cost import estimate
from policy.rules import RULES, UNKNOWN
from tests.policy_pack import PACK, environment
from tests.unit.policy.documents import ACCOUNT, DENY, policy
from tests.unit.policy.programs import ROWS
from tests.waiting import eventually

# How an unknown text crosses the wire: https://github.com/pulumi/pulumi/blob/master/sdk/python/lib/pulumi/runtime/rpc.py
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# Two must know what is a secret.
NOT_IN_THE_PACK = {"no access key is written down", "no secret stands in a functions environment"}
CEILING = "a stack costs no more than its ceiling"  # judged of the whole program
QUEUE, QUEUE_POLICY = "aws:sqs/queue:Queue", "aws:sqs/queuePolicy:QueuePolicy"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pack writes: its port, and then what the engine shows as information."""
    return tmp_path_factory.mktemp("pack") / "stdout"


@pytest.fixture(scope="module")
def pack(shown: Path) -> Iterator[Any]:
    python = environment()
    variables = os.environ | {"PULUMI_PROJECT": "shop", "PULUMI_STACK": "test", "PULUMI_DRY_RUN": "true"}
    command = [python, "-u", "-m", "pulumi.policy", "127.0.0.1:9", "."]
    with (
        shown.open("w") as output,
        subprocess.Popen(command, cwd=PACK, env=variables, stdout=output) as process,
    ):
        try:
            port = int(eventually(lambda: shown.read_text().rpartition("\n")[0]))
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield analyzer_pb2_grpc.AnalyzerStub(channel)
        finally:
            process.kill()


def _wire(value: Any) -> Any:
    if value is UNKNOWN:
        return UNKNOWN_TEXT
    if isinstance(value, Mapping):
        return {_camel(key): _wire(inner) for key, inner in cast("dict[str, Any]", value).items()}
    return [_wire(inner) for inner in cast("list[Any]", value)] if isinstance(value, list) else value


def _camel(key: str) -> str:
    if not re.fullmatch(r"[a-z]\w*", key):
        return key
    return re.sub(r"_([a-z])", lambda after: after[1].upper(), key)


def _urn(token: str, name: str) -> str:
    return f"urn:pulumi:test::shop::{token}::{name}"


def _given(message: type, token: str, name: str, props: Mapping[str, Any], **more: Any) -> Any:
    properties, of_provider = struct_pb2.Struct(), struct_pb2.Struct()
    properties.update(_wire(props))
    of_provider.update({"allowedAccountIds": f'["{ACCOUNT}"]'})
    token_of_it = "pulumi:providers:aws"
    provider = analyzer_pb2.AnalyzerProviderResource(
        type=token_of_it, properties=of_provider, urn=_urn(token_of_it, "here"), name="here"
    )
    return message(
        type=token, name=name, urn=_urn(token, name), properties=properties, provider=provider, **more
    )


def _broken(pack: Any, token: str, props: Mapping[str, Any]) -> set[tuple[str, int]]:
    request = _given(analyzer_pb2.AnalyzeRequest, token, "it", props)
    return {
        (diagnostic.policyName, diagnostic.enforcementLevel)
        for diagnostic in pack.Analyze(request).diagnostics
    }


def test_the_pack_has_each_rule_with_its_page_and_is_mandatory(pack: Any) -> None:
    info = pack.GetAnalyzerInfo(struct_pb2.Struct())
    rules = {rule.id: rule for rule in RULES if rule.title not in NOT_IN_THE_PACK}
    assert {policy.name: policy.url for policy in info.policies} == {id: r.page for id, r in rules.items()}
    assert {policy.enforcementLevel for policy in info.policies} == {analyzer_pb2.MANDATORY}
    assert all(rules[policy.name].write in policy.description for policy in info.policies)


@pytest.mark.parametrize(
    ("title", "token", "bad", "good"), [row for row in ROWS if row[0] not in NOT_IN_THE_PACK | {CEILING}]
)
def test_the_pack_refuses_what_the_program_refuses(
    pack: Any, title: str, token: str, bad: dict[str, Any], good: dict[str, Any]
) -> None:
    assert (title.replace(" ", "-"), analyzer_pb2.MANDATORY) in _broken(pack, token, bad)
    assert _broken(pack, token, good) == set()


def test_the_level_is_what_the_config_says(pack: Any) -> None:
    advisory = analyzer_pb2.PolicyConfig(enforcementLevel=analyzer_pb2.ADVISORY)
    as_before = analyzer_pb2.PolicyConfig(enforcementLevel=analyzer_pb2.MANDATORY)
    names = [rule.id for rule in RULES]
    try:
        pack.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=dict.fromkeys(names, advisory)))
        assert _broken(pack, QUEUE, {}) == {("a-queue-is-encrypted", analyzer_pb2.ADVISORY)}
    finally:
        pack.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=dict.fromkeys(names, as_before)))


def _stack_broken(pack: Any, *resources: Any) -> dict[str, str]:
    answer = pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources))
    return {diagnostic.urn: diagnostic.policyName for diagnostic in answer.diagnostics}


def _queue(name: str) -> Any:
    return _given(analyzer_pb2.AnalyzerResource, QUEUE, name, {"name": name, "kms_master_key_id": "k"})


def _policy(props: Mapping[str, Any], of: str) -> Any:
    urns = analyzer_pb2.AnalyzerPropertyDependencies(urns=[_urn(QUEUE, of)])
    return _given(
        analyzer_pb2.AnalyzerResource, QUEUE_POLICY, of, props, propertyDependencies={"queueUrl": urns}
    )


def test_what_resources_break_together_is_reported_on_the_one_at_fault(pack: Any) -> None:
    denies = policy(DENY | {"Action": "sqs:*", "Resource": "*"}) | {"queue_url": UNKNOWN}
    broken = _stack_broken(pack, _queue("open"), _queue("closed"), _policy(denies, "closed"))
    assert broken == {_urn(QUEUE, "open"): "a-queue-is-reached-by-tls-only"}


def test_what_is_not_known_yet_waits_for_the_update(pack: Any) -> None:
    waiting = _policy({"policy": UNKNOWN, "queue_url": UNKNOWN}, "orders")
    assert _stack_broken(pack, _queue("orders"), waiting) == {}


COLLECTION, STACK = "aws:opensearch/serverlessCollection:ServerlessCollection", "pulumi:pulumi:Stack"


def _collection(name: str, **props: Any) -> Any:
    return _given(
        analyzer_pb2.AnalyzerResource, COLLECTION, name, {"name": name, "region": "us-east-1"} | props
    )


def _ceiling(pack: Any, ceiling: float, level: Any, *resources: Any) -> list[tuple[str, int]]:
    """What the pack reports of a program's cost, with its level."""
    rule, limit = CEILING.replace(" ", "-"), struct_pb2.Struct()
    limit.update({"ceiling": ceiling})
    config = {rule: analyzer_pb2.PolicyConfig(enforcementLevel=level, properties=limit)}
    pack.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=config))
    try:
        answer = pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources))
    finally:
        without = {rule: analyzer_pb2.PolicyConfig(enforcementLevel=analyzer_pb2.MANDATORY)}
        pack.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=without))
    return [
        (diagnostic.message, diagnostic.enforcementLevel)
        for diagnostic in answer.diagnostics
        if diagnostic.policyName == rule
    ]


@pytest.mark.parametrize("level", [analyzer_pb2.ADVISORY, analyzer_pb2.MANDATORY])
def test_the_pack_holds_any_program_to_a_ceiling_by_what_it_costs_at_rest(pack: Any, level: Any) -> None:
    """2 units * 730 hours * 0.24 dollars; a second collection may share them, so that the least stays."""
    both = (_collection("one"), _collection("two"))
    assert _ceiling(pack, 350.40, level, *both) == []
    [(message, reported)] = _ceiling(pack, 350.39, level, *both)
    assert "at least 350.40 dollars a month, and the ceiling is 350.39; take something out" in message
    assert reported == level
    assert _ceiling(pack, 175.20, level, _collection("one", standby_replicas="DISABLED")) == []
    assert _ceiling(pack, 0, level, _collection("one", collection_group_name="g")) == []
    unknown = dict.fromkeys(("collection_group_name", "standby_replicas", "kms_key_arn"), UNKNOWN)
    assert _ceiling(pack, 350.39, level, _collection("one", **unknown)) != []  # by the service's defaults


def test_a_program_that_has_estimated_itself_is_held_to_its_own_estimate(pack: Any) -> None:
    cost = estimate([], {}).described()
    cost["month"] |= {"at_rest": [500.01, 500.01], "by_use": [0, 399.99], "all": [500.01, 900]}
    cost["pipelines"] = {"shop": {"at_rest": [500.01, 500.01], "by_use": [0, 399.99], "once": [0, 0]}}
    stack = _given(analyzer_pb2.AnalyzerResource, STACK, "shop-test", {"cost": cost})
    assert _ceiling(pack, 500.01, analyzer_pb2.MANDATORY, stack, _collection("one")) == []
    [(message, _)] = _ceiling(pack, 500, analyzer_pb2.MANDATORY, stack)
    assert "at least 500.01 dollars a month, and the ceiling is 500.00" in message


@pytest.mark.parametrize("cost", [{"month": {"all": [0, 0]}}, {"month": "July"}, {"month": {"total": 3}}, 12])
def test_another_output_of_that_name_is_no_estimate(pack: Any, cost: Any) -> None:
    stack = _given(analyzer_pb2.AnalyzerResource, STACK, "shop-test", {"cost": cost})
    [(message, _)] = _ceiling(pack, 350.39, analyzer_pb2.MANDATORY, stack, _collection("one"))
    assert "at least 350.40 dollars a month" in message


def test_what_has_no_price_is_named_above_the_ceiling_and_within_it(pack: Any, shown: Path) -> None:
    database = _given(analyzer_pb2.AnalyzerResource, "aws:rds/instance:Instance", "shop", {})
    without = ", without what no price is known of: aws:rds/instance:Instance"
    [(message, _)] = _ceiling(pack, 1, analyzer_pb2.MANDATORY, database, _collection("one"))
    assert without in message
    assert _ceiling(pack, 400, analyzer_pb2.MANDATORY, database, _collection("one")) == []
    eventually(lambda: f"{CEILING}: within the ceiling{without}" in shown.read_text())
    assert shown.read_text().count(without) == 1


def test_without_a_ceiling_nothing_is_too_dear(pack: Any) -> None:
    assert _stack_broken(pack, _collection("one"), _collection("two", standby_replicas="ENABLED")) == {}
