"""A stack's whole life by the `pulumi` command line: what a person types, in the order in which they do.

    .venv/bin/python -m pytest tests/cli -m "not real_providers"     the project's own providers
    .venv/bin/python -m pytest tests/cli -m real_providers           HashiCorp's AWS provider, or Pulumi's own plugins

Each test is one step of it, and each stack and choice of providers is a life of its own (`front`). Nothing may change
that nobody changed: neither at the preview after `up`, nor as the state is refreshed from what the cloud answers.

All is done under the roles of docs/accounts.md, with what `python -m bootstrap` prints for them and nothing more
(`local/stand_ins.py`), which the cloud's IAM enforces: what a pull request shows, a preview of the empty stack and one
of a changed config, under the role that previews, what looks for drift under the one that compares, and the rest under
the one that deploys.
"""

from __future__ import annotations

import contextlib
import difflib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Generator, Iterator

import boto3
import pytest
import yaml
from botocore.config import Config

from local import configured
from local.stand_ins import role_arns, seed
from tests.cli import standing
from tests.cli.front import ROOT, Front, missing, too_old_for_ingestion

LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
LIVES = [
    pytest.param(
        (stack, providers),
        id=f"{stack}-{providers}",
        marks=[
            pytest.mark.xdist_group(f"{stack}-{providers}"),
            *([] if providers == "local" else [pytest.mark.real_providers]),
        ],
    )
    for providers in ("local", "real", "own")
    for stack in ("dev", "local", "prod")
]


class Life(Front):
    """A stack's life so far: what it began with, and whether a step of it failed."""

    broken = ""

    def prepare(self) -> None:
        """Makes what the config adopts, and the roles."""
        self.settings = configured.read(self.project, self.stack)
        seed(self.endpoint, self.stack, self.project)
        self.before = self.standing()

    def standing(self) -> set[tuple[str, str, str]]:
        return standing.in_aws(self.endpoint, self.settings.accounts.values())

    def under(self, role: str) -> None:
        """From here on each account is entered as its role `deploy`, `preview` or `refresh`."""
        for name, arn in role_arns(self.settings, role).items():
            self.ok("config", "set", "--path", f"tributary:accounts.{name}.role", arn, events=False)

    @contextlib.contextmanager
    def without_its_state(self) -> Generator[None]:
        """The same stack with a new, empty state; after the block it has its own again."""
        kept, empty = self.environment["PULUMI_BACKEND_URL"], self.work / "empty"
        empty.mkdir()
        self.environment["PULUMI_BACKEND_URL"] = empty.as_uri()
        try:
            self.ok("stack", "init", events=False)
            yield
        finally:
            self.environment["PULUMI_BACKEND_URL"] = kept

    def adopt(self, role: str) -> str:
        """`make adopt` by a role of each account, entered by the first account's administrator; what it printed."""
        signed_in = {"AWS_ACCESS_KEY_ID": "111111111111", "AWS_SECRET_ACCESS_KEY": "local"}
        command = [sys.executable, "-m", "adoption", self.stack, "--yes", "--role", role]
        done = subprocess.run(
            command, cwd=self.project, env=self.environment | signed_in, capture_output=True, text=True,
            timeout=self.patience, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def providers_of_accounts(self) -> dict[str, str]:
        """What changes where the config names another role."""
        return {f"pulumi:providers:aws::{name}": "update" for name in self.settings.accounts}

    @property
    def file(self) -> str:
        return (self.project / f"Pulumi.{self.stack}.yaml").read_text()


@pytest.fixture(scope="module", params=LIVES)
def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    stack, providers = request.param
    if why := missing(providers):
        pytest.skip(f"the front door is not tested with providers '{providers}': {why}")
    made = Life(tmp_path_factory.mktemp(f"{stack}-{providers}"), stack, providers)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _after_the_last_step(life: Life, request: pytest.FixtureRequest) -> Iterator[None]:
    """A step on top of one that failed would only say so again."""
    if life.broken:
        pytest.skip(f"{life.broken} failed before")
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        life.broken = request.node.name


def added(before: str, after: str) -> list[str]:
    """The lines that differ, as a diff shows them."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def test_init_adds_the_salt_to_the_stacks_file_and_nothing_else(life: Life) -> None:
    life.ok("stack", "init", events=False)  # the name is in --stack
    [salt] = added((ROOT / f"Pulumi.{life.stack}.yaml").read_text(), life.file)
    assert salt.startswith("+encryptionsalt: v1:")
    if life.providers == "real" and too_old_for_ingestion():
        life.ok("config", "rm", "--path", "tributary:pipelines.catalog-search", events=False)
    life.prepare()


def test_the_first_preview_creates_all_and_is_refused_by_nothing(life: Life) -> None:
    life.under("preview")
    counts = life.ok("preview").counts
    assert counts.keys() == {"create"}
    assert counts["create"] > 150
    assert life.standing() == life.before


def test_up_previews_and_creates_all_of_it(life: Life) -> None:
    life.under("deploy")
    run = life.ok("up", "--yes")
    # The log of the events begins anew with the update.
    assert re.findall(r"^(Previewing update|Updating) ", run.text, re.M) == ["Previewing update", "Updating"]
    assert run.counts.keys() == {"create"}
    # A provider is in the state, and so is the stack itself; what is read is not created.
    assert (
        len([resource for resource in life.state() if not resource.get("external")]) == run.counts["create"]
    )


def test_a_preview_after_it_changes_nothing(life: Life) -> None:
    run = life.ok("preview", "--diff")
    assert (run.changes, run.counts.keys()) == ({}, {"same"}), run.text


def test_the_preview_that_looks_for_drift_reads_all_of_it_under_its_own_role_and_changes_nothing(
    life: Life,
) -> None:
    """What `drift.yml` runs (docs/pull-requests.md)."""
    life.under("refresh")
    run = life.ok("preview", "--refresh", "--diff")
    assert run.changes == life.providers_of_accounts, run.text
    life.under("deploy")


def test_a_refresh_changes_nothing(life: Life) -> None:
    run = life.ok("refresh", "--preview-only", "--diff")
    assert (run.changes, run.counts.keys()) == ({}, {"same"}), run.text


def test_a_changed_key_of_the_config_changes_its_resource_alone(life: Life) -> None:
    life.under("preview")
    before, key = life.file, "tributary:pipelines.shop-lake.lifecycle.expire_days"
    life.ok("config", "set", "--path", key, "401", events=False)
    changed = yaml.safe_load(life.file)["config"]["tributary:pipelines"]["shop-lake"]
    assert changed["lifecycle"]["expire_days"] == 401
    assert len(added(before, life.file)) <= 2
    expected = {f"{LIFECYCLE}::shop-lake-landing": "update"}
    preview = life.ok("preview", "--diff")
    assert preview.changes == expected | life.providers_of_accounts, preview.text
    life.under("deploy")
    assert life.ok("up", "--yes", "--skip-preview").changes == expected
    [resource] = [
        resource for resource in life.state() if resource["urn"].endswith(f"{LIFECYCLE}::shop-lake-landing")
    ]
    account = life.settings.pipelines["shop-lake"].args.account
    s3 = boto3.client(
        "s3", endpoint_url=life.endpoint, region_name=account.region, aws_access_key_id=account.id,
        aws_secret_access_key="local", config=Config(proxies={}, s3={"addressing_style": "path"}),
    )  # fmt: skip
    rules = s3.get_bucket_lifecycle_configuration(Bucket=resource["inputs"]["bucket"])["Rules"]
    assert 401 in [rule.get("Expiration", {}).get("Days") for rule in rules]
    assert life.ok("preview").changes == {}


ANEW = {
    "aws:iam/accessKey:AccessKey": 2,
    "aws:iam/userLoginProfile:UserLoginProfile": 1,
    "aws:lambda/invocation:Invocation": 2,
    "gcp:storage/transferJob:TransferJob": 1,
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": 3,
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": 3,
    "gcp:serviceaccount/iAMMember:IAMMember": 3,
    "gcp:projects/iAMCustomRole:IAMCustomRole": 6,
    "gcp:projects/iAMMember:IAMMember": 3,
}
CHANGED = {
    "aws:lambda/function:Function": 3,
    "aws:s3/bucketObjectv2:BucketObjectv2": 4,
    "gcp:bigquery/dataset:Dataset": 3,
    "gcp:bigquery/dataTransferConfig:DataTransferConfig": 20,
}
"""Of the local stack: what no import takes, and of what only a part can be read (docs/adopt.md has each reason)."""


def test_a_stack_that_gives_up_its_state_is_adopted_by_looking_and_nothing_of_it_changes(life: Life) -> None:
    """Every kind of pipeline runs; the state is a new one, of the same stack."""
    if (life.stack, life.providers) != ("local", "local"):
        pytest.skip("the local stack has every kind of pipeline, and one life shows it")
    before, standing_before = life.state(), life.standing()
    with life.without_its_state():
        adopted = life.adopt("refresh")
        left = life.ok("preview", "--diff")
        kinds = {op: Counter(kind.split("::")[0] for kind, each in left.changes.items() if each == op)
                 for op in set(left.changes.values())}  # fmt: skip
        assert kinds.pop("create") == ANEW, left.text
        assert kinds == {"update": {"pulumi:providers:aws": 2} | CHANGED}, adopted
        own = [each for each in before if not each["type"].startswith("pulumi:") and not each.get("external")]
        custom = [each for each in own if each["custom"]]
        taken = {each["urn"] for each in life.state() if each["custom"]}
        assert len(taken & {each["urn"] for each in custom}) == len(custom) - sum(ANEW.values())
    assert life.standing() == standing_before


def test_destroy_leaves_what_retain_data_keeps_and_nothing_else(life: Life) -> None:
    state = life.state()
    # A bucket and its settings have the same id.
    retained = {
        (resource["type"], resource["id"])
        for resource in state
        if resource.get("retainOnDelete") and resource.get("id")
    }
    keeps = life.settings.pipelines["shop-lake"].args.retain_data
    assert bool(retained) is keeps
    life.ok("destroy", "--yes")
    assert life.state() == []
    left = {re.split("[:/]", name)[-1] for _, _, name in life.standing() - life.before}
    assert left == {re.split("[:/]", id)[-1] for type, id in retained if type in standing.TYPES}
    assert life.before <= life.standing(), "what was adopted stays"
    assert life.settings.gcp is not None
    google = standing.in_google(life.gcp, life.settings.gcp.project, state)
    assert google == {id for type, id in retained if type.startswith("gcp:")}
