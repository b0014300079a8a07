"""Each type that the program registers can be looked for and imported, or there is a reason why it is made anew."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import json
import re
from collections.abc import Iterable
from typing import Any

import botocore.session
import jmespath
import pytest

from adoption import aws, google
from adoption.kinds import Known, Lacking, by, filled
from adoption.looking import KINDS
from bootstrap.kinds import KINDS as REGISTERED
from local.providers.aws_types import ROWS
from local.providers.gcp_types import ROWS as GOOGLE_ROWS
from tests.contract.iam.operations import PREFIX
from tests.contract.iam.provider_log import ACTIONS
from tests.recording import ROOT, record
from tests.typed import fake

IMPORTED = sorted(token for token, kind in KINDS.items() if kind.search)


@functools.cache
def client_of(service: str) -> Any:
    """A client that calls nobody; one a service, as each reads the service's model anew."""
    return botocore.session.get_session().create_client(
        service, region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="y"
    )


READS = re.compile(r"^(get|list|describe|head|batch_get)_")


# What the SDK's docstring leaves out of the page, from the Terraform provider's, which it is made of:
# https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/<name>#import
PAGES = {
    "gcp:bigquery/table:Table": "projects/{{project}}/datasets/{{dataset}}/tables/{{name}}",
    "gcp:projects/iAMCustomRole:IAMCustomRole": "projects/{{project}}/roles/{{role_id}}",
    "gcp:projects/iAMMember:IAMMember": "{{your-project-id}} roles/viewer user:foo@example.com",
    "gcp:serviceaccount/account:Account": "projects/{{project_id}}/serviceAccounts/{{email}}",
    "gcp:serviceaccount/iAMMember:IAMMember": (
        "projects/{{project}}/serviceAccounts/{{email}} roles/editor user:foo@example.com"
    ),
    "gcp:storage/bucket:Bucket": "{{project_id}}/{{bucket}}",
    "gcp:storage/bucketIAMMember:BucketIAMMember": "b/{{bucket}} roles/viewer user:jane@example.com",
}


def examples(token: str) -> list[str]:
    """What the provider's page gives to `pulumi import`: it is in the SDK's docstring, too."""
    package, module, name = token.split(":")
    room = {"lambda": "lambda_"}.get(module.split("/")[0], module.split("/")[0])
    source = inspect.getsource(getattr(importlib.import_module(f"pulumi_{package}.{room}"), name))
    lines = re.findall(r"\$ (?:pulumi|terraform) import \S+ (?:\S+ )?(\"[^\"]+\"|\S+)$", source, re.M)
    return [line.strip('"') for line in lines] + ([PAGES[token]] if token in PAGES else [])


def test_every_type_that_is_registered_is_here() -> None:
    registered = {token for token in REGISTERED if ":get" not in token}
    for stack in ("dev", "local", "prod"):
        registered |= {each.type for each in record(stack).resources}
    registered |= {
        token for token in GOOGLE_ROWS if token != "gcp:projects/service:Service"
    }  # bootstrap's own
    registered = {token for token in registered if token.startswith(("aws:", "gcp:"))}
    assert registered - KINDS.keys() == set()
    assert KINDS.keys() - registered == set(), "nothing registers it any more"
    for token, kind in KINDS.items():
        assert bool(kind.search) == bool(kind.id) == (not kind.made_anew), token


SIGNS = re.compile(r"[^/:, ]+")
# What an input looks like that has signs of its own.
SAMPLES = {
    "alias": "alias/x", "arn": "arn:aws:sns:x:x:x", "queueUrl": "https://x/x/x", "key": "x/x", "role": "x/x",
    "member": "x:x", "topic": "projects/x/topics/x", "serviceAccountId": "projects/x/serviceAccounts/x",
}  # fmt: skip


def shape(text: str) -> str:
    """The signs between the parts."""
    return SIGNS.sub("x", re.sub(r"\{+[\w-]+\}+", "x", text))


@pytest.mark.parametrize("token", IMPORTED)
def test_an_id_has_the_form_that_the_providers_page_gives(token: str) -> None:
    """As many parts, between the same signs, as in an example of the page. Of an id that the service makes up, the
    search has it as it is."""
    form, given = KINDS[token].id, examples(token)
    assert given, f"{token} has no Import section"
    if form != "{found}":
        signs = SAMPLES if token.startswith("gcp:") or "{role}" not in form else SAMPLES | {"role": "x"}
        name = "alias/x" if token == "aws:kms/alias:Alias" else "x"
        filled_in = re.sub(r"\{(\w+)\}", lambda part: signs.get(part[1], name), form)
        assert shape(filled_in) in {shape(each) for each in given}, (form, given)


@pytest.mark.parametrize("token", sorted(token for token in aws.KINDS if aws.KINDS[token].search))
def test_what_is_called_is_an_operation_of_the_service_and_only_reads(token: str) -> None:
    kind = aws.KINDS[token]
    client = client_of(kind.service)
    assert kind.search
    for operation in kind.search.operations:
        assert READS.match(operation), operation
        assert operation in client.meta.method_to_api_mapping, operation


class Client:
    """Answers one operation."""

    def __init__(self, **answer: Any):
        self.answer = answer
        self.calls: list[Any] = []

    def can_paginate(self, operation: str) -> bool:
        return False

    def __getattr__(self, operation: str) -> Any:
        return fake(lambda **arguments: self.calls.append((operation, arguments)) or self.answer)


def test_a_look_fills_its_forms_and_knows_what_is_not_there() -> None:
    search = by("get_thing", "Thing[?Name=='{name}'].Id|[0]", Names=["{name}"])
    client = Client(Thing=[{"Name": "a", "Id": "1"}])
    assert search.run(client, {"name": "a"}) == "1"
    assert client.calls == [("get_thing", {"Names": ["a"]})]
    assert search.run(client, {"name": "b"}) is None
    with pytest.raises(Lacking):
        search.run(client, {})
    assert filled({"a": "{x}", "b": [1]}, Known(x="y")) == {"a": "y", "b": [1]}


def test_answers_are_looked_up_by_members_that_the_service_has() -> None:
    """The first name of each expression is a member of the operation's answer, by botocore's model."""
    for token, kind in aws.KINDS.items():
        if kind.search and len(kind.search.operations) == 1 and kind.search.run.__closure__:
            cells = dict(zip(kind.search.run.__code__.co_freevars, kind.search.run.__closure__, strict=True))
            answer, operation = (cells[name].cell_contents for name in ("answer", "operation"))
            client = client_of(kind.service)
            model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
            arguments = cells["arguments"].cell_contents
            assert arguments.keys() <= model.input_shape.members.keys(), token
            jmespath.compile(answer.replace("{", "").replace("}", ""))
            for first in re.findall(r"(?:^|\|\|)([A-Za-z]+)", answer):
                assert first in model.output_shape.members, (token, first)


def test_an_import_by_the_local_provider_takes_the_real_ones_ids() -> None:
    for token, kind in KINDS.items():
        row = {**ROWS, **GOOGLE_ROWS}.get(token)
        if kind.search and row and row.imported[0]:
            assert shape(row.imported[0]) == shape(kind.id), token
    assert google.KINDS.keys() <= KINDS.keys()


def needed(types: Iterable[str]) -> set[str]:
    """The actions that searches for resources of these types call."""
    actions: set[str] = set()
    for token in {*types} & aws.KINDS.keys():
        kind = aws.KINDS[token]
        if kind.search:
            client = client_of(kind.service)
            prefix = PREFIX.get(kind.service, kind.service)
            for operation in kind.search.operations:
                name = client.meta.method_to_api_mapping[operation]
                actions.add(f"{prefix}:{ACTIONS.get(prefix, {}).get(name, name)}")
    return actions


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_role_that_compares_may_make_each_call_of_who_adopts(stack: str) -> None:
    """Of each account of a stack whose policies are kept in bootstrap/policies."""
    resources = [each for each in record(stack).resources if each.type.startswith("aws:")]
    for account in {each.provider for each in resources}:
        files = [*(ROOT / "bootstrap" / "policies").glob(f"{stack}-{account}-refresh*.json")]
        policies = [json.loads(file.read_text()) for file in files]
        granted = {
            action
            for policy in policies
            for statement in policy["Statement"]
            for action in statement["Action"]
        }
        own = needed(each.type for each in resources if each.provider == account)
        assert len(own) > 15 and own - granted == set(), (account, own - granted)


def test_a_search_of_more_than_one_call_names_each_of_them() -> None:
    """So that what is compared with the roles is all that is called."""
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(aws))) if isinstance(node, ast.Call)]
    words = [ast.unparse(call) for call in calls]
    called = {word for text in words for word in re.findall(r"^client\.(?!get_paginator)(\w+)\(", text)}
    called |= {word for text in words for word in re.findall(r"^client\.get_paginator\('(\w+)'\)$", text)}
    named = {operation for kind in aws.KINDS.values() if kind.search for operation in kind.search.operations}
    assert len(called) == 4 and called <= named


class Pages:
    """A client whose lists have these answers."""

    def __init__(self, answer: dict[str, Any]):
        self.answer = answer

    def get_paginator(self, operation: str) -> Pages:
        return self

    def paginate(self, **arguments: Any) -> Pages:
        return self

    def build_full_result(self) -> dict[str, Any]:
        return self.answer


ENDS = (
    ("arn:aws:sqs:eu-central-1:111111111111:q", "https://sqs.eu-central-1.amazonaws.com/111111111111/q"),
    ("arn:aws:kinesis:eu-central-1:111111111111:stream/s", "s"),
    ("arn:aws:dynamodb:eu-central-1:111111111111:table/t/stream/2026-01-01T00:00:00.000", "t"),
)


@pytest.mark.parametrize(("arn", "id"), ENDS)
def test_the_other_end_is_known_by_its_arn_or_by_the_id_of_its_import(arn: str, id: str) -> None:
    mapping = KINDS["aws:lambda/eventSourceMapping:EventSourceMapping"].search
    subscription = KINDS["aws:sns/topicSubscription:TopicSubscription"].search
    assert mapping and subscription
    mappings = [
        {"UUID": "1", "EventSourceArn": arn},
        {"UUID": "2", "EventSourceArn": "arn:aws:sqs:eu-central-1:111111111111:another"},
    ]
    topic = "arn:aws:sns:eu-central-1:111111111111:topic"
    subscriptions = [
        {"SubscriptionArn": f"{topic}:{each['UUID']}", "Protocol": "sqs", "Endpoint": each["EventSourceArn"]}
        for each in mappings
    ]
    for known in (arn, id):
        seen = mapping.run(
            Pages({"EventSourceMappings": mappings}), {"functionName": "f", "eventSourceArn": known}
        )
        assert seen == "1"
        values = {"topic": topic, "protocol": "sqs", "endpoint": known}
        assert subscription.run(Pages({"Subscriptions": subscriptions}), values) == f"{topic}:1"
    with pytest.raises(Lacking):  # two of them, and nobody knows which
        mapping.run(Pages({"EventSourceMappings": mappings}), {"functionName": "f"})


def test_a_member_that_is_an_account_is_known_by_the_id_of_its_import() -> None:
    account = "projects/p/serviceAccounts/a@p.iam.gserviceaccount.com"
    assert google.member(account) == "serviceAccount:a@p.iam.gserviceaccount.com"
    assert google.member("serviceAccount:a@p.iam.gserviceaccount.com").count("serviceAccount:") == 1
