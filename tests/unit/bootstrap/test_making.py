"""What makes accounts ready registers: state, the one door, the roles behind it, and what stands at Google."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from bootstrap import __main__ as command
from bootstrap.making import accounts, github, lists, names, template
from bootstrap.making.settings import BootstrapArgs
from bootstrap.registered import config_of
from components.arguments import Refused, parse
from policy import check, snake
from policy.rules import Resource
from tests.typed import fake
from tests.unit.bootstrap.recorded import HOME, config, listed, made

OTHER = "222222222222"
ROLE, POLICY = "aws:iam/role:Role", "aws:iam/policy:Policy"
SUBJECT = "repo:example-org/data-platform:environment"


def test_it_registers_so_many_of_each_type() -> None:
    bucket = {f"aws:s3/bucket{part}:Bucket{part}": 1 for part in (
        "LifecycleConfiguration", "OwnershipControls", "Policy", "PublicAccessBlock",
        "ServerSideEncryptionConfiguration", "Versioning")}  # fmt: skip
    policies = sum(
        len(parts)
        for stack in ("dev", "prod")
        for place in listed(stack).places
        for parts in place.policies.values()
    )
    assert made().counts() == dict(sorted({
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider": 1,
        ROLE: 4 + 5 * 3,  # two doors a stack; five roles in dev's one account and in prod's two
        "aws:iam/rolePolicy:RolePolicy": 4, POLICY: policies,
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": policies,
        "aws:kms/key:Key": 3, "aws:kms/alias:Alias": 3, "aws:s3/bucket:Bucket": 1, **bucket,
        "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": 2,
        "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": 2,
        "gcp:projects/iAMCustomRole:IAMCustomRole": 10, "gcp:projects/iAMMember:IAMMember": 10,
        "gcp:projects/service:Service": sum(len(listed(s).google.services) for s in ("dev", "prod")),  # type: ignore[union-attr]
        "gcp:serviceaccount/account:Account": 10, "gcp:serviceaccount/iAMMember:IAMMember": 10,
        "pulumi:providers:aws": 2, "pulumi:providers:gcp": 2,
    }.items()))  # fmt: skip


@pytest.mark.parametrize(("doing", "environment"), [("deploy", "prod"), ("preview", "prod-preview")])
def test_a_door_lets_in_one_environment_of_one_repository(doing: str, environment: str) -> None:
    door = made().of(ROLE)[f"enter-{doing}-tributary-prod"]
    provider = f"arn:aws:iam:{HOME}:mock:github"  # the mock's
    [statement] = json.loads(door["assumeRolePolicy"])["Statement"]
    assert statement == {
        "Sid": "OneJobOfOneRepository", "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": provider},
        "Condition": {"StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": f"{SUBJECT}:{environment}",
        }},
    }  # fmt: skip
    assert door["maxSessionDuration"] == 3600


def test_a_role_in_an_account_trusts_its_door_alone_and_has_the_printed_policies() -> None:
    recording = made()
    printed = command.policies("prod")
    for doing, door in names.ENTERED.items():
        for account, place in ((HOME, "workload"), (OTHER, "analytics")):
            role = recording.of(ROLE)[f"{doing}-tributary-prod-{account}"]
            assert role["name"] == f"{doing}-tributary-prod"
            [statement] = json.loads(role["assumeRolePolicy"])["Statement"]
            assert statement == {
                "Sid": "WhoeverEntered", "Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"AWS": f"arn:aws:iam:{HOME}:mock:enter-{door}-tributary-prod"},
            }  # fmt: skip
            form = re.compile(rf"{doing}-tributary-prod-{place}-(\d+)-{account}")
            own = {
                int(match[1]): json.loads(policy["policy"])
                for name, policy in recording.of(POLICY).items()
                if (match := form.fullmatch(name))
            }
            file = re.compile(rf"prod-{place}-{doing}(?:-(\d+))?\.json")  # without a number: the only one
            wanted = {
                int(match[1] or 1): json.loads(text)
                for name, text in printed.items()
                if (match := file.fullmatch(name))
            }
            assert own == wanted
            attached = recording.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
            assert sum(
                a["role"] == role["name"] and name.endswith(account) for name, a in attached.items()
            ) == len(own)
    assert {r.provider for r in recording.resources if r.name.endswith(OTHER) and r.type == ROLE} == {OTHER}


def test_a_door_reads_its_own_stacks_state_and_takes_its_own_roles_on() -> None:
    policies = made().of("aws:iam/rolePolicy:RolePolicy")
    statements = {
        s["Sid"]: s for s in json.loads(policies["enter-preview-tributary-prod"]["policy"])["Statement"]
    }
    bucket = f"arn:aws:s3:::state-tributary-{HOME}"
    assert list(statements) == ["FindState", "ReadState", "UseStateKey", "UseSecrets", "TakeRoles"]
    assert statements["ReadState"]["Action"] == ["s3:GetObject"]
    assert statements["ReadState"]["Resource"] == [
        f"{bucket}/.pulumi/meta.yaml", f"{bucket}/.pulumi/stacks/tributary/prod.json*",
        f"{bucket}/.pulumi/stacks/tributary/prod.pulumi-tags",
    ]  # fmt: skip
    assert statements["UseSecrets"]["Action"] == ["kms:Decrypt"]
    taken = [
        f"arn:aws:iam::{a}:role/{d}-tributary-prod" for a in (HOME, OTHER) for d in ("preview", "refresh")
    ]
    assert statements["TakeRoles"]["Resource"] == taken
    deploys = {
        s["Sid"]: s for s in json.loads(policies["enter-deploy-tributary-prod"]["policy"])["Statement"]
    }
    assert deploys["TakeRoles"]["Resource"] == [
        f"arn:aws:iam::{a}:role/{d}-tributary-prod"
        for a in (HOME, OTHER)
        for d in ("deploy", "operate", "status")
    ]
    assert f"{bucket}/.pulumi/locks/organization/tributary/prod/*" in deploys["WriteState"]["Resource"]
    keys = {json.dumps(s["Resource"]) for p in policies.values() for s in json.loads(p["policy"])["Statement"]
            if s["Sid"] == "UseSecrets"}  # fmt: skip
    assert len(keys) == 2, "each stack's secrets have a key of their own"


def test_the_state_is_versioned_encrypted_by_tls_and_forgets_nothing() -> None:
    recording = made()
    assert recording.of("aws:s3/bucket:Bucket") == {"state": {"bucket": f"state-tributary-{HOME}"}}
    part = "aws:s3/bucket{0}:Bucket{0}".format
    assert recording.inputs_of(part("Versioning"), "state")["versioningConfiguration"] == {
        "status": "Enabled"
    }
    [rule] = recording.inputs_of(part("ServerSideEncryptionConfiguration"), "state")["rules"]
    assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
    assert rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"].endswith(":state")
    block = recording.inputs_of(part("PublicAccessBlock"), "state")
    assert [value for key, value in block.items() if key != "bucket"] == [True] * 4
    statements = json.loads(recording.inputs_of(part("Policy"), "state")["policy"])["Statement"]
    plain, forgets = statements
    assert plain["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert forgets["Effect"] == "Deny" and forgets["Principal"] == {"AWS": "*"}
    assert forgets["Action"] == [
        "s3:DeleteBucket", "s3:DeleteObjectVersion", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration",
    ]  # fmt: skip
    [lifecycle] = recording.inputs_of(part("LifecycleConfiguration"), "state")["rules"]
    assert set(lifecycle) == {"id", "status", "filter", "abortIncompleteMultipartUpload"}, (
        "no version expires"
    )
    # From the policy on neither can be changed.
    waits = recording.waits_for(f"{part('Policy')}::state")
    assert {f"{part('Versioning')}::state", f"{part('LifecycleConfiguration')}::state"} <= waits
    kept = [r for r in recording.requests.values() if r.type.startswith(("aws:s3/", "aws:kms/"))]
    assert kept and all(r.protect and r.retainOnDelete for r in kept)


def test_what_it_makes_has_a_tag_that_no_stack_has() -> None:
    """A deployer may tag a key without the stack's tag as the stack's, and manage it then (docs/accounts.md)."""
    for provider in made().of("pulumi:providers:aws").values():
        tags = json.loads(provider["defaultTags"])["tags"]
        assert tags == {"tributary-project": "tributary", "tributary-stack": "bootstrap:accounts"}
        assert ":" in tags["tributary-stack"], "which a stack's name can't have"


def test_at_google_one_subject_is_one_service_account_with_one_role() -> None:
    recording = made()
    provider = recording.inputs_of(
        "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider", "shop-analytics"
    )
    assert provider["attributeCondition"] == "assertion.repository == 'example-org/data-platform'"
    assert provider["oidc"] == {"issuerUri": "https://token.actions.githubusercontent.com"}
    assert provider["attributeMapping"]["google.subject"] == "assertion.sub"
    members = recording.of("gcp:serviceaccount/iAMMember:IAMMember")
    pool = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/github"
    for doing, door in names.ENTERED.items():
        environment = {"deploy": "prod", "preview": "prod-preview"}[door]
        member = members[f"tributary-prod-{doing}"]
        assert member["role"] == "roles/iam.workloadIdentityUser"
        assert member["member"] == f"{pool}/subject/{SUBJECT}:{environment}"
        role = recording.inputs_of("gcp:projects/iAMCustomRole:IAMCustomRole", f"tributary-prod-{doing}")
        google = listed("prod").google
        assert google and role["permissions"] == google.permissions[doing]
        granted = recording.inputs_of("gcp:projects/iAMMember:IAMMember", f"tributary-prod-{doing}")
        assert granted["role"] == f"projects/shop-analytics/roles/tributary_prod_{doing}"
    services = {s["service"] for s in recording.of("gcp:projects/service:Service").values()}
    assert services >= {
        f"{name}.googleapis.com" for name in ("bigquery", "storagetransfer", "sts", "iamcredentials")
    }


def test_a_role_that_google_refuses_a_permission_of_has_the_predefined_one_beside_it() -> None:
    recording = made(predefined_pool_roles=True)
    for doing, beside in (("deploy", "Admin"), ("refresh", "Viewer")):
        role = recording.inputs_of("gcp:projects/iAMCustomRole:IAMCustomRole", f"tributary-prod-{doing}")
        assert "iam.workloadIdentityPools.getAttestationRules" not in role["permissions"]
        pools = recording.inputs_of("gcp:projects/iAMMember:IAMMember", f"tributary-prod-{doing}-pools")
        assert pools["role"] == f"roles/iam.workloadIdentityPool{beside}"
    assert "tributary-prod-preview-pools" not in recording.of("gcp:projects/iAMMember:IAMMember")


def test_what_github_is_given_has_the_variables_of_both_environments() -> None:
    outputs = made().outputs["prod"]
    assert set(outputs["deploy"]) == {
        "AWS_ROLE", "AWS_REGION", "PULUMI_BACKEND_URL", "GCP_PROVIDER", "GCP_SERVICE_ACCOUNT", "STATUS_ROLE",
    }  # fmt: skip
    assert set(outputs["preview"]) - set(outputs["deploy"]) == {
        "PREVIEW_ROLE", "REFRESH_ROLE", "GCP_REFRESH_SERVICE_ACCOUNT",
    }  # fmt: skip
    assert outputs["preview"]["PREVIEW_ROLE"] == "preview-tributary-prod"
    assert outputs["deploy"]["PULUMI_BACKEND_URL"] == f"s3://state-tributary-{HOME}?region=ap-northeast-1"


def test_people_and_branches_enter_where_the_config_says_so_and_a_provider_is_adopted() -> None:
    person = f"arn:aws:iam::{HOME}:role/operators"
    subjects = {"prod": {"deploy": "ref:refs/heads/main"}}
    recording = made(people=[person], adopt_provider=True, subjects=subjects)
    assert recording.of("aws:iam/openIdConnectProvider:OpenIdConnectProvider") == {}
    job, people = json.loads(recording.of(ROLE)["enter-deploy-tributary-prod"]["assumeRolePolicy"])[
        "Statement"
    ]
    assert job["Principal"] == {
        "Federated": f"arn:aws:iam::{HOME}:oidc-provider/token.actions.githubusercontent.com"
    }
    sub = job["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert sub == "repo:example-org/data-platform:ref:refs/heads/main"
    assert people["Principal"] == {"AWS": [person]}


def test_the_ids_of_a_repository_are_in_its_subject_and_in_googles_condition() -> None:
    """https://docs.github.com/en/actions/concepts/security/openid-connect: `repo:octocat@123456/my-repo@456789:…`."""
    read = parse(BootstrapArgs, config(repository="octocat@123456/my-repo@456789"))
    assert read.subject("prod", "deploy") == "repo:octocat@123456/my-repo@456789:environment:prod"
    assert github.condition(read.repository) == (
        "assertion.repository == 'octocat/my-repo' && assertion.repository_owner_id == '123456' "
        "&& assertion.repository_id == '456789'"
    )
    with pytest.raises(ValueError, match="127 bytes"):
        github.member("projects/1/locations/global/workloadIdentityPools/github", "repo:" + "a" * 130)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"repository": "example-org"}, "repository: 'example-org' is no repository"),
        ({"repository": "a@1/b"}, "is no repository"),
        ({"repository": "a/*"}, "is no repository"),
        ({"subjects": {"dev": {"deploy": "*"}}}, "subjects.dev.deploy: '*' is no subject"),
        ({"subjects": {"dev": {"preview": "environment:*"}}}, "is no subject"),
        ({"subjects": {"other": {}}}, "subjects.other: 'other' is not among stacks"),
        ({"stacks": ["dev", "dev"]}, "stacks: 'dev' stands there twice"),
        ({"state": {"account": 111111111111, "region": "eu-central-1"}}, "state.account"),
        ({"people": ["*"]}, "people[0]: '*' is no principal"),
        ({"administer": {OTHER: "admin"}}, "is not a role's ARN"),
        ({"repo": "a/b"}, "repo: no such key; did you mean 'repository'"),
    ],
)
def test_a_wrong_config_is_refused_before_anything_is_made(changes: dict[str, Any], error: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(BootstrapArgs, config(**changes))
    assert error in str(refused.value)


def test_the_boundary_that_a_config_names_is_made_and_no_deployer_changes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prod = listed("prod")
    content = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a"}],
    }
    arn = f"arn:aws:iam::{OTHER}:policy/limits/most-of-prod"
    places = tuple(
        replace(place, boundary=content, boundary_arn=arn) if place.account == OTHER else place
        for place in prod.places
    )  # fmt: skip
    bounded = replace(prod, places=places)
    monkeypatch.setattr(lists, "of_stack", fake(lambda stack: bounded))
    assert accounts.boundaries(bounded) == {(OTHER, "most-of-prod"): ("/limits/", content)}
    recording = made(stacks=["prod"])
    policy = recording.of(POLICY)[f"most-of-prod-{OTHER}"]
    assert (policy["name"], policy["path"], json.loads(policy["policy"])) == (
        "most-of-prod",
        "/limits/",
        content,
    )
    settings = parse(BootstrapArgs, config(stacks=["prod"], stack_set=True))
    [of_template] = [
        entry["Properties"] for entry in template.of(settings)["Resources"].values()
        if entry["Properties"].get("ManagedPolicyName") == "most-of-prod"
    ]  # fmt: skip
    assert of_template == {"ManagedPolicyName": "most-of-prod", "Path": "/limits/", "PolicyDocument": content}


def test_the_roles_are_left_to_a_stack_set_where_the_config_says_so() -> None:
    roles = made(stack_set=True).of(ROLE)
    assert {inputs["name"] for inputs in roles.values()} == {
        names.entering(doing, stack) for doing in ("deploy", "preview") for stack in ("dev", "prod")
    }
    assert made(stack_set=True).of(POLICY) == {}


def test_what_the_policies_say_of_the_deployers_is_known() -> None:
    """They are on what a stack makes; who deploys may more. What a role at Google could widen itself by stands in
    docs/accounts.md: it has no name before it is made, so that no condition narrows it."""
    broken: dict[str, set[str]] = {}
    for resource in made().resources:
        if resource.type.startswith(("gcp:", ROLE, "aws:s3", "aws:kms")):
            props = {snake(key): value for key, value in resource.inputs.items()}
            for violation in check(Resource(resource.type, resource.name, props)):
                broken.setdefault(violation.rule, set()).add(resource.name)
    assert broken == {
        "a custom role gives no more than it names": {"tributary-dev-deploy", "tributary-prod-deploy"}
    }


def test_each_stack_of_the_config_is_there() -> None:
    for stack in config()["stacks"]:
        assert config_of(stack)["accounts"]
