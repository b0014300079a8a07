"""docs/permissions.md and the ready policies are current, and who runs `pulumi` has what it needs."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from bootstrap.__main__ import POLICIES, policies, written
from bootstrap.calls import SEEN
from bootstrap.google import PERMISSIONS, permissions
from bootstrap.making.google import NO_CUSTOM_ROLE
from bootstrap.page import options, program, seen_made, types_made
from bootstrap.runner import runner
from bootstrap.why import WHY
from tests.contract.iam.evaluator import Evaluator, Request
from tests.contract.iam.harvest import harvest
from tests.contract.iam.test_policies import PROVEN
from tests.recording import record

SENT = Path(__file__).with_name("seen")
HERE = "111111111111"
STATE, KEY = "arn:aws:s3:::state", f"arn:aws:kms:eu-central-1:{HERE}:key/11111111-2222-3333-4444-555555555555"


@pytest.fixture(scope="module")
def files() -> Mapping[Path, str]:
    return written()


def test_the_page_and_the_policies_are_current(files: Mapping[Path, str]) -> None:
    assert [
        path.name for path, text in files.items() if not path.exists() or path.read_text() != text
    ] == [], "run: python -m bootstrap"
    assert set(POLICIES.glob("*.json")) == {path for path in files if path.suffix == ".json"}


def test_the_page_counts_the_types_that_the_provider_was_seen_to_make(files: Mapping[Path, str]) -> None:
    """Counted here in what its log was read into, for each stack on its own account."""
    page = next(text for path, text in files.items() if path.name == "permissions.md")
    made = types_made(program("prod"))
    assert made == {type for type in record("prod").counts() if type.startswith("aws:")}
    counted = re.search(r"made (\d+) of the (\d+) types of AWS resource that `prod` has", page)
    assert counted and counted.groups() == (str(len(made & seen_made())), str(len(made)))
    sent = {action for file in SENT.glob("*.json") for action in json.loads(file.read_text())["update"]}
    assert {type for type in made & seen_made() if not set(SEEN[type]["write"]) <= sent} == set()


def test_only_the_deployers_and_the_comparers_role_read_a_pools_rules() -> None:
    """The two that the page names, where Google refuses it in a custom role."""
    doing: tuple[Any, ...] = get_args(get_type_hints(permissions)["during"])
    assert {each for each in doing if NO_CUSTOM_ROLE in permissions(options(), during=each)} == {
        "deploy",
        "refresh",
    }


def test_every_statement_of_every_role_that_is_proven_has_its_reason() -> None:
    sids: set[str] = set()
    for of in PROVEN:
        for role in harvest(record("proof", of.CONFIG, tables=of.TABLES).resources).roles.values():
            sids |= {statement["Sid"] for statement in role.statements}
    assert sids - WHY.keys() == set()


def test_no_reason_is_for_a_statement_that_is_not_on_the_page(files: Mapping[Path, str]) -> None:
    page = next(text for path, text in files.items() if path.name == "permissions.md")
    assert [sid for sid in WHY if f"| {sid} " not in page] == []


def test_the_command_prints_the_policies_of_any_stack_in_the_folder() -> None:
    assert any(name.startswith("local-analytics-deploy") for name in policies("local"))


def test_googles_preview_asks_for_the_transfer_agent_and_nothing_else() -> None:
    assert permissions(program("prod"), during="preview") == ["storagetransfer.projects.getServiceAccount"]
    for whole in (program("prod"), program("dev"), options()):
        types = {r.type for r in whole.resources if r.type.startswith("gcp:") and not r.read}
        assert types <= PERMISSIONS.keys()
        changed = {name for type in types for name in PERMISSIONS[type]}
        assert set(permissions(whole, during="deploy")) >= changed
        assert not [name for name in permissions(whole, during="preview") if name in changed]


def test_googles_deployer_may_make_a_dataset_with_its_access_and_read_a_pool_back() -> None:
    """https://docs.cloud.google.com/bigquery/docs/dataset-access-control; what the provider reads of a pool:
    https://github.com/hashicorp/terraform-provider-google/issues/26963."""
    granted = set(permissions(options(), during="deploy"))
    assert {"bigquery.datasets.getIamPolicy", "bigquery.datasets.setIamPolicy"} <= granted
    assert "iam.workloadIdentityPools.getAttestationRules" in granted


def test_googles_comparer_reads_each_resource_back_and_changes_none() -> None:
    """A refresh reads each resource of the state, and each type of this program is read by something of its own."""
    for whole in (program("prod"), options()):
        granted = set(permissions(whole, during="refresh"))
        types = {r.type for r in whole.resources if r.type.startswith("gcp:") and not r.read}
        assert types and all(granted & set(PERMISSIONS[type]) for type in types)
        assert granted >= set(permissions(whole, during="preview"))
        verbs = {name.rpartition(".")[2] for name in granted}
        assert verbs <= {"get", "getAttestationRules", "getIamPolicy", "getServiceAccount"}


@pytest.mark.parametrize("previews_only", [True, False])
def test_who_runs_pulumi_reads_state_and_secrets_and_only_who_deploys_writes(
    previews_only: bool, evaluator: Evaluator
) -> None:
    roles = [f"arn:aws:iam::{HERE}:role/r"]
    grants = runner(STATE, KEY, roles, previews_only=previews_only, stack="prod")
    statements = [grant.render() for grant in grants]
    document = {"Version": "2012-10-17", "Statement": statements}
    trusting = {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{HERE}:root"},
            "Action": "*",
            "Resource": "*",
        }
    }

    def allowed(action: str, resource: str) -> bool:
        on = trusting if ":key/" in resource or ":role/" in resource else None
        if action == "sts:AssumeRole":
            on = {
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{HERE}:root"},
                    "Action": action,
                }
            }
        request = Request(f"arn:aws:iam::{HERE}:role/ci", action, resource, HERE, document, on)
        return evaluator.allows([request])[0]

    stack = f"{STATE}/.pulumi/stacks/tributary/prod.json"
    assert allowed("s3:GetObject", stack)
    assert allowed("s3:ListBucket", STATE)
    assert allowed("kms:Decrypt", KEY)
    assert allowed("sts:AssumeRole", roles[0])
    for action, resource in (
        ("s3:PutObject", stack),
        ("s3:DeleteObject", f"{STATE}/.pulumi/locks/organization/tributary/prod/1.json"),
        ("kms:Encrypt", KEY),
    ):
        assert allowed(action, resource) is not previews_only
    for action, resource in (
        ("s3:GetObject", f"{STATE}/other"),
        *(("s3:GetObject", f"{STATE}/.pulumi/stacks/tributary/{other}.json") for other in ("dev", "prod-eu")),
        ("s3:PutObject", f"{STATE}/.pulumi/locks/organization/tributary/dev/1.json"),
        ("s3:PutObject", f"{STATE}/.pulumi/meta.yaml"),
        ("s3:DeleteObjectVersion", stack),
        ("s3:GetObject", "arn:aws:s3:::tributary-prod-shop-lake-landing-111111111111/raw/a"),
        ("s3:DeleteBucket", STATE),
        ("kms:Decrypt", KEY.replace("1111-2222", "9999-2222")),
        ("kms:PutKeyPolicy", KEY),
        ("sts:AssumeRole", f"arn:aws:iam::{HERE}:role/other"),
    ):
        assert not allowed(action, resource)
