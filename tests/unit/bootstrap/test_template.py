"""The StackSet's template makes in each account the roles that the program makes there, and CloudFormation takes it."""

import json
import re
from typing import Any

import botocore.session
import pytest

from bootstrap.making import accounts, template
from bootstrap.making.settings import BootstrapArgs
from components.arguments import parse
from tests.unit.bootstrap.recorded import HOME, config, listed

OTHER = "222222222222"
SETTINGS = parse(BootstrapArgs, config(stack_set=True))
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html and -managedpolicy
PROPERTIES = {
    "AWS::IAM::Role": {
        "AssumeRolePolicyDocument", "Description", "ManagedPolicyArns", "MaxSessionDuration", "Path",
        "PermissionsBoundary", "Policies", "RoleName", "Tags",
    },
    "AWS::IAM::ManagedPolicy": {
        "Description", "Groups", "ManagedPolicyName", "Path", "PolicyDocument", "Roles", "Users",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return json.loads(template.written(SETTINGS))


def there(made: dict[str, Any], account: str, kind: str) -> dict[str, dict[str, Any]]:
    """What of the template an account gets, by logical id."""
    own = {
        name
        for name, test in made["Conditions"].items()
        if test == {"Fn::Equals": [{"Ref": "AWS::AccountId"}, account]}
    }
    return {
        id: entry["Properties"]
        for id, entry in made["Resources"].items() if entry["Type"] == kind and entry["Condition"] in own
    }  # fmt: skip


@pytest.mark.parametrize("account", [HOME, OTHER, "333333333333"])
def test_an_account_gets_its_own_roles_with_their_policies_and_no_others(
    made: dict[str, Any], account: str
) -> None:
    planned = {
        r.name: r for stack in ("dev", "prod") for r in accounts.roles(listed(stack)) if r.account == account
    }
    roles = there(made, account, "AWS::IAM::Role")
    assert {role["RoleName"] for role in roles.values()} == set(planned)
    for id, role in roles.items():
        wanted = planned[role["RoleName"]]
        doing, stack = wanted.entered_by
        door = f"arn:aws:iam::{HOME}:role/enter-{doing}-tributary-{stack}"
        assert role["AssumeRolePolicyDocument"] == accounts.trust(door)
        attached = [
            p for p in there(made, account, "AWS::IAM::ManagedPolicy").values() if p["Roles"] == [{"Ref": id}]
        ]
        assert {p["ManagedPolicyName"]: p["PolicyDocument"] for p in attached} == wanted.policies


def test_it_is_of_the_form_that_cloudformation_takes(made: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html: at most 500 resources,
    logical ids of letters and digits, at most 255."""
    assert 0 < len(made["Resources"]) <= 500
    assert all(re.fullmatch("[A-Za-z0-9]{1,255}", id) for id in (*made["Resources"], *made["Conditions"]))
    for entry in made["Resources"].values():
        assert set(entry["Properties"]) <= PROPERTIES[entry["Type"]]
        assert entry["Condition"] in made["Conditions"]
    iam = botocore.session.Session().get_service_model("iam")
    shape = iam.operation_model("CreateRole").input_shape
    assert shape is not None
    for entry in made["Resources"].values():
        if entry["Type"] == "AWS::IAM::Role":
            longest = shape.members["Description"].metadata["max"]  # type: ignore[attr-defined]
            assert len(entry["Properties"]["Description"]) <= longest
    name = botocore.session.Session().get_service_model("cloudformation").shape_for("TemplateBody")
    direct = len(template.written(SETTINGS).encode()) <= name.metadata.get("max", template.DIRECT)
    assert ("--template-body" in template.usage(SETTINGS)) is direct


def test_one_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "MOST", 1000)
    with pytest.raises(ValueError, match="CloudFormation takes 1,000; name fewer stacks"):
        template.written(SETTINGS)
