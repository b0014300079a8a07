"""The deploy role may make every request that the real provider was seen to send, the preview role those of a preview,
and neither may more: nothing of a neighbour whose name begins alike, no data, no right of its own.

Who judges: a policy evaluator and a reference of actions that are not ours, over what the provider sent (`seen/`).
"""

import json
import re
from collections.abc import Iterator
from functools import cache, reduce
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from ministack.core import iam_actions
from policy_sentry.querying.actions import get_action_data

from bootstrap.calls import DOCUMENTED, SEEN, calls
from bootstrap.google import permissions
from bootstrap.kinds import KINDS
from bootstrap.narrowing import ANYWHERE, BOUNDING, BY_A_FUNCTION, SCANNED
from bootstrap.operating import operate, status
from bootstrap.page import options
from bootstrap.registered import config_of, registered
from bootstrap.roles import (
    Grant,
    Stack,
    deploy,
    documents,
    preview,
    refresh,
)
from tests.contract.iam import test_policies
from tests.contract.iam.evaluator import Evaluator, Request

SENT = Path(__file__).with_name("seen")
RUNS = ("dev", "prod", "dev-others")
OTHER_SETTINGS = "options"
"""No run of the provider: a stack's other settings (networks, adopted keys, Lake Formation)."""
PREFIXES = ("tributary-dev-", "tributary-prod-", "tributary_dev_", "tributary_prod_")
# What a role could widen itself by, or another one.
WIDENING = (
    "iam:AttachRolePolicy", "iam:CreatePolicyVersion", "iam:DeleteRolePermissionsBoundary", "iam:PutRolePolicy",
    "iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy",
)  # fmt: skip
HERE, REGION = "111111111111", "eu-central-1"
BUCKET = f"arn:aws:s3:::tributary-dev-shop-lake-landing-{HERE}"
KEY = f"arn:aws:kms:{REGION}:{HERE}:key/11111111-2222-3333-4444-555555555555"
DATA = (
    *((f"dynamodb:{a}", f"arn:aws:dynamodb:{REGION}:{HERE}:table/orders")
      for a in ("BatchGetItem", "ExportTableToPointInTime", "GetItem", "PartiQLSelect", "Query", "Scan")),
    *((f"s3:{a}", f"{BUCKET}/raw/orders/a.json.gz") for a in ("GetObject", "GetObjectVersion")),
    ("kinesis:GetRecords", f"arn:aws:kinesis:{REGION}:{HERE}:stream/tributary-dev-stock-ticks"),
    ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{HERE}:secret:tributary-dev-shop-lake-x"),
    ("ssm:GetParameter", f"arn:aws:ssm:{REGION}:{HERE}:parameter/tributary-dev-shop-lake"),
    ("kms:Decrypt", KEY),
    *((f"athena:{a}", f"arn:aws:athena:{REGION}:{HERE}:workgroup/tributary-dev-shop-lake")
      for a in ("GetQueryExecution", "GetQueryResults", "GetQueryResultsStream")),
    ("s3:GetObject", f"{BUCKET}/athena-results/a.csv"),
    ("dynamodb:GetRecords", f"arn:aws:dynamodb:{REGION}:{HERE}:table/orders/stream/2026-01-01T00:00:00.000"),
    ("athena:StartQueryExecution", f"arn:aws:athena:{REGION}:{HERE}:workgroup/tributary-dev-shop-lake"),
    ("glue:GetTable", f"arn:aws:glue:{REGION}:{HERE}:table/tributary_dev_shop_lake/orders"),
    ("logs:GetLogEvents", f"arn:aws:logs:{REGION}:{HERE}:log-group:/aws/lambda/tributary-dev-shop-lake-source"
                          ":log-stream:a"),
    ("sqs:ReceiveMessage", f"arn:aws:sqs:{REGION}:{HERE}:tributary-dev-shop-lake-unstarted"),
    ("aoss:APIAccessAll", f"arn:aws:aoss:{REGION}:{HERE}:collection/a1"),
    ("sts:AssumeRole", f"arn:aws:iam::{HERE}:role/tributary-dev-shop-lake-source"),
)  # fmt: skip


@cache
def stack(run: str) -> Stack:
    if run == OTHER_SETTINGS:
        return Stack("prod", options())
    name = run.partition("-")[0]
    others = SENT / f"{run}.yaml"
    config = config_of(name)
    if others.exists():
        own = yaml.safe_load(others.read_text())["config"]
        config |= {key.removeprefix("tributary:"): value for key, value in own.items()}
    return Stack(name, registered(name, config))


@cache
def policy(run: str, account: str, which: Any) -> dict[str, Any]:
    """All that a role has in an account, as one document."""
    [place] = [place for place in stack(run).places().values() if place["account"] == account]
    parts = documents(which(stack(run), place))
    return {"Version": "2012-10-17", "Statement": [s for part in parts for s in part["Statement"]]}


def sent(run: str, when: str) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Each request: account, action, resource, context."""
    for action, every in json.loads((SENT / f"{run}.json").read_text())[when].items():
        for account, resource, *context in every:
            yield account, action, resource, context[0] if context else {}


def request(
    run: str, which: Any, account: str, action: str, resource: str, context: dict[str, str]
) -> Request:
    owner = resource.split(":")[4] if resource.count(":") > 4 and resource.split(":")[4] else account
    document = policy(run, account, which)
    role = f"arn:aws:iam::{account}:role/{which.__name__}"
    trusting = {
        "Statement": {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*",
                      "Resource": "*"}}  # fmt: skip
    on = trusting if ":key/" in resource else None  # as the program's keys have it
    return Request(role, action, resource, owner, document, on, context)


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("when", ["preview", "update"])
def test_the_deploy_role_may_send_what_the_real_provider_was_seen_to_send(
    run: str, when: str, evaluator: Evaluator
) -> None:
    every = list(sent(run, when))
    verdicts = evaluator.allows([request(run, deploy, *each) for each in every])
    assert [each for each, allowed in zip(every, verdicts, strict=True) if not allowed] == []
    assert every


@pytest.mark.parametrize("run", RUNS)
def test_the_preview_role_may_send_what_a_preview_was_seen_to_send_and_nothing_of_an_update(
    run: str, evaluator: Evaluator
) -> None:
    reads, rest = list(sent(run, "preview")), list(sent(run, "update"))
    assert all(evaluator.allows([request(run, preview, *each) for each in reads]))
    verdicts = evaluator.allows([request(run, preview, *each) for each in rest])
    allowed = {each[1] for each, verdict in zip(rest, verdicts, strict=True) if verdict}
    # What is read again while it is made; it changes nothing, and shows no data.
    assert allowed <= {action for _, action, *_ in reads}
    assert all(_reads(action) for action in {action for _, action, *_ in reads})


@pytest.mark.parametrize("run", RUNS)
def test_the_refresh_role_may_send_what_the_provider_reads_and_nothing_that_changes(
    run: str, evaluator: Evaluator
) -> None:
    """Each request of an update that only reads settings is one that a refresh sends, too."""
    every = list(sent(run, "preview")) + list(sent(run, "update"))
    verdicts = evaluator.allows([request(run, refresh, *each) for each in every])
    of_a_refresh = {action for type in {**SEEN, **DOCUMENTED} for action in calls(type, "plan", "read")}
    pairs = list(zip(every, verdicts, strict=True))
    assert [each for each, allowed in pairs if allowed and each[1] not in of_a_refresh] == []
    # The keys of a user that is deleted are listed then, and of no other user.
    refused = {each[1] for each, allowed in pairs if not allowed and each[1] in of_a_refresh}
    assert refused <= {"iam:ListAccessKeys"}
    granted = {action for account in (HERE, *_others(run)) for action in _granted(run, account)}
    assert all(_reads(action) for action in granted)
    types = {r.type for r in stack(run).program.resources if not r.read}
    assert {action for type in SCANNED.keys() & types for action in SCANNED[type]} <= granted
    if "aws:opensearch/serverlessCollection:ServerlessCollection" in types:
        # Who let somebody into every collection of the account is the stranger to see.
        others: tuple[dict[str, Any], ...] = ({"aoss:collection": "*"}, {"aoss:index": "*"}, {})
        every = [request(run, refresh, HERE, "aoss:GetAccessPolicy", "*", context) for context in others]
        assert all(evaluator.allows(every))


def _others(run: str) -> set[str]:
    return {place["account"] for place in stack(run).places().values()} - {HERE}


def _granted(run: str, account: str) -> set[str]:
    return {
        action for statement in policy(run, account, refresh)["Statement"] for action in statement["Action"]
    }


def _reads(action: str) -> bool:
    service, name = action.split(":")
    return {entry["access_level"] for entry in get_action_data(service, name)[service]} <= {"List", "Read"}


@pytest.mark.parametrize("run", [*RUNS, OTHER_SETTINGS])
@pytest.mark.parametrize("role", [deploy, preview, refresh, status, operate], ids=lambda role: role.__name__)
def test_neither_role_reads_data(run: str, role: Any, evaluator: Evaluator) -> None:
    names = {"-dev-": f"-{stack(run).name}-", "_dev_": f"_{stack(run).name}_"}
    if run == OTHER_SETTINGS:
        names |= {"shop-lake": "governed", "shop_lake": "governed", "stock-ticks": "closed-ticks"}
    renamed = [(a, reduce(lambda on, pair: on.replace(*pair), names.items(), on)) for a, on in DATA]
    tags = {"tributary-project": "tributary", "tributary-stack": stack(run).name}
    context = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    requests = [
        request(run, role, HERE, action, on, context if action == "kms:Decrypt" else {})
        for action, on in renamed
        for on in {on, on.replace(REGION, _region(run))}
    ]
    verdicts = evaluator.allows(requests)
    assert [(r.action, r.resource) for r, allowed in zip(requests, verdicts, strict=True) if allowed] == []


@pytest.mark.parametrize("during", ["deploy", "preview", "refresh", "status", "operate"])
def test_no_role_at_google_reads_data(during: Any) -> None:
    """What reads it: https://cloud.google.com/bigquery/docs/access-control and
    https://cloud.google.com/storage/docs/access-control/iam-permissions."""
    data = re.compile(r"bigquery\.(tables\.(getData|export|createSnapshot)|jobs\.create|readsessions\..*|rowAccess.*)|"
                      r"storage\.objects\..*|pubsub\.subscriptions\..*|secretmanager\.versions\.access|"
                      r"iam\.serviceAccounts\.(getAccessToken|sign.*|implicitDelegation)")  # fmt: skip
    granted = permissions(stack("prod").program, during=during)
    assert granted and not [name for name in granted if data.fullmatch(name)]
    if during == "preview":
        assert granted == ["storagetransfer.projects.getServiceAccount"]


def _region(run: str) -> str:
    return next(iter(stack(run).places().values()))["region"]


def neighbour(text: str) -> str:
    """The same of a stack whose name begins alike: `prod-eu` beside `prod`."""
    for mark in PREFIXES:
        text = text.replace(mark, mark + ("eu-" if mark[-1] == "-" else "eu_"))
    return text


@pytest.mark.parametrize("run", RUNS)
def test_the_deploy_role_reaches_nothing_of_a_stack_whose_name_begins_alike(
    run: str, evaluator: Evaluator
) -> None:
    every: list[Any] = []
    for account, action, resource, context in [*sent(run, "preview"), *sent(run, "update")]:
        tags = {k: f"{v}-eu" if k.endswith("tributary-stack") else neighbour(v) for k, v in context.items()}
        if (neighbour(resource), tags) != (resource, context):
            every.append((account, action, neighbour(resource), tags))
    verdicts = evaluator.allows([request(run, deploy, *each) for each in every])
    assert [each for each, allowed in zip(every, verdicts, strict=True) if allowed] == []
    assert len({action for _, action, *_ in every}) > 80


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("made", ["kms:key", "aoss:collection"])
def test_what_has_an_id_is_tagged_as_it_is_made_and_no_other_stacks_becomes_this_ones(
    run: str, made: str, evaluator: Evaluator
) -> None:
    """CreateKey and CreateCollection with tags ask for TagResource as well, of what has no tags yet
    (https://docs.aws.amazon.com/service-authorization/latest/reference/list_opensearchserverless.html)."""

    def tags(which: str, stack: str) -> dict[str, str]:
        return {f"aws:{which}/tributary-project": "tributary", f"aws:{which}/tributary-stack": stack}

    name, action = stack(run).name, f"{made.partition(':')[0]}:TagResource"
    on = {"kms:key": KEY.replace(REGION, _region(run)), "aoss:collection": "*"}[made]
    of_the_stack, others = tags("RequestTag", name), tags("ResourceTag", f"{name}-eu")
    contexts = (of_the_stack, of_the_stack | others, tags("RequestTag", f"{name}-eu"))
    requests = [request(run, deploy, HERE, action, on, context) for context in contexts]
    assert evaluator.allows(requests) == [True, False, False]


@pytest.mark.parametrize("run", [*RUNS, OTHER_SETTINGS])
@pytest.mark.parametrize("role", [deploy, preview], ids=lambda role: role.__name__)
def test_neither_role_can_widen_itself(run: str, role: Any, evaluator: Evaluator) -> None:
    others = ("deploy", "preview", "admin", "tributary-bootstrap")
    requests = [
        request(
            run,
            role,
            HERE,
            action,
            f"arn:aws:iam::{HERE}:{'policy' if 'Version' in action else 'role'}/{name}",
            {},
        )
        for action in WIDENING
        for name in others
    ]
    requests += [
        request(run, role, HERE, "iam:PassRole", f"arn:aws:iam::{HERE}:role/{name}", {"iam:PassedToService": service})
        for name in others
        for service in ("lambda.amazonaws.com", "ec2.amazonaws.com", "glue.amazonaws.com")
    ]  # fmt: skip
    assert not any(evaluator.allows(requests))
    attached = request(run, role, HERE, "iam:AttachRolePolicy", _own_role(run), {})
    assert evaluator.allows([attached]) == [False], "no managed policy is hung on a role of the stack either"


def _own_role(run: str) -> str:
    return next(r.arns[0] for r in stack(run).program.resources if r.type == "aws:iam/role:Role")


@pytest.mark.parametrize("run", [*RUNS, OTHER_SETTINGS])
def test_a_role_is_passed_to_the_service_that_its_trust_names_and_to_no_other(
    run: str, evaluator: Evaluator
) -> None:
    trusted: set[tuple[str, str]] = set()
    for r in stack(run).program.resources:
        if r.type == "aws:iam/role:Role" and r.place["account"] == HERE:
            for statement in json.loads(r.inputs["assumeRolePolicy"])["Statement"]:
                if service := statement["Principal"].get("Service"):
                    trusted.add((r.arns[0], service))
    requests = [
        request(run, deploy, HERE, "iam:PassRole", arn, {"iam:PassedToService": service})
        for arn, service in sorted(trusted)
    ]
    verdicts = zip(sorted(trusted), evaluator.allows(requests), strict=True)
    assert {(arn, service) for (arn, service), may in verdicts if may} == {
        (arn, service) for arn, service in trusted if service not in BY_A_FUNCTION
    }
    to_others = [
        request(run, deploy, HERE, "iam:PassRole", arn, {"iam:PassedToService": "ec2.amazonaws.com"})
        for arn, _ in trusted
    ]
    assert not any(evaluator.allows(to_others))


def test_what_a_request_is_called_is_what_an_emulator_that_is_not_ours_calls_it() -> None:
    """S3 and the services that speak REST; of the others the operation's name is the action's."""
    differs: dict[Any, Any] = {}
    for run in RUNS:
        for action, forms in json.loads((SENT / f"{run}.json").read_text())["sent"].items():
            for method, address in forms:
                parts = urlsplit(str(address))
                query = parse_qs(parts.query, keep_blank_values=True)
                service = action.partition(":")[0]
                iam_actions.SERVICE_TO_IAM_NAMESPACE.setdefault("osis", "osis")
                iam_actions._BOTOCORE_SERVICE_MAP.setdefault("osis", ["osis"])
                foreign = iam_actions.extract_iam_action(service, method, parts.path, {}, b"", query)
                if foreign != action:
                    differs[action, method] = foreign
    assert differs == NOT_KNOWN_TO_IT


# The emulator's table of Lambda stops at the function and at the list of mappings; the API's pages have the rest
# (https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionEventInvokeConfig.html, API_GetEventSourceMapping.html).
NOT_KNOWN_TO_IT = {
    ("lambda:DeleteEventSourceMapping", "DELETE"): None,
    ("lambda:DeleteFunctionEventInvokeConfig", "DELETE"): "lambda:DeleteFunction",
    ("lambda:GetEventSourceMapping", "GET"): "lambda:ListEventSourceMappings",
    ("lambda:GetFunctionEventInvokeConfig", "GET"): "lambda:GetFunction",
    ("lambda:PutFunctionEventInvokeConfig", "PUT"): "lambda:UpdateFunctionCode",
}
# The reference names the topic since 2026-09; the copy here is older, the evaluator's is not.
OF_A_TOPIC = {"sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"}


def test_every_action_is_one_that_aws_knows_and_on_everything_only_where_aws_knows_no_narrower_resource() -> (
    None
):
    actions = {
        a for by in (*SEEN.values(), *DOCUMENTED.values()) for k, v in by.items() if k != "pages" for a in v
    }
    for run in RUNS:
        for place in stack(run).places().values():
            actions |= {action for grant in deploy(stack(run), place) for action in grant.actions}
    wrong: list[Any] = []
    for action in sorted(actions):
        service, name = action.split(":")
        data = get_action_data(service, name)
        narrower = data and [e for e in data[service] if e["resource_arn_format"] != "*"]
        if not data or (bool(narrower) or action in OF_A_TOPIC) == (action in ANYWHERE):
            wrong.append((action, ANYWHERE.get(action), narrower))
    assert wrong == []


def test_what_the_proven_stacks_register_has_calls_and_its_local_operations_are_among_them() -> None:
    from local.providers.aws_types import ROWS
    from tests.contract.iam.operations import operations

    for of in test_policies.PROVEN:
        for r in registered("proof", of.CONFIG).resources:
            if r.type.startswith("aws:"):
                assert r.type in KINDS
                known = calls(r.type, "plan", "read", "write")
                if r.type in ROWS:
                    bounded = BOUNDING.get(r.type, set())
                    assert operations(r.type) <= known | bounded | {"logs:AssociateKmsKey"}


@pytest.mark.parametrize("run", [*RUNS, OTHER_SETTINGS])
def test_a_statement_has_its_reason_and_a_role_its_room(run: str) -> None:
    for place in stack(run).places().values():
        grants: list[Grant] = deploy(stack(run), place)
        assert all(grant.why and grant.actions and grant.resources for grant in grants)
        assert len({grant.sid for grant in grants}) == len(grants)
        assert not [a for grant in grants for a in grant.actions if "*" in a]
        assert 1 <= len(documents(grants)) <= 10
