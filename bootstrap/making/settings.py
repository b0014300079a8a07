"""The config of the program that makes accounts ready, checked whole before the first resource."""

from collections.abc import Iterator
from typing import Annotated

import pulumi
from pydantic import Field

from components.accounts import IAM_NAME, AccountId, RoleArn, arn_pattern
from components.arguments import arguments, matching, parse, together
from components.arguments.config import values_of

_PART = r"[A-Za-z0-9_.-]{1,100}"
Repository = Annotated[
    str,
    matching(
        rf"{_PART}/{_PART}|{_PART}@[0-9]{{1,20}}/{_PART}@[0-9]{{1,20}}",
        "'{value}' is no repository; write it as its tokens' subject has it, 'owner/name', or "
        "'owner@<owner's id>/name@<repository's id>' where it was made or renamed since July 2026",
    ),
]
"""https://docs.github.com/en/actions/concepts/security/openid-connect: a repository that was made or renamed since
2026-07-15 has the two ids in its subject."""
Subject = Annotated[
    str,
    matching(
        r"environment:[\w .()-]{1,255}|ref:refs/(?:heads|tags)/[\w./-]{1,255}",
        "'{value}' is no subject of one branch or environment; write 'environment:<name>' or "
        "'ref:refs/heads/<branch>'",
    ),
]
Principal = Annotated[
    str,
    matching(
        arn_pattern("iam", f"(?:root|(?:role|user)/{IAM_NAME})", region=""),
        "'{value}' is no principal; write 'arn:aws:iam::<account id>:role/<name>'",
    ),
]


@arguments
class StateArgs:
    """Where the state stands."""

    account: AccountId
    """The account of the bucket, of its keys and of the roles that a job enters by: 12 digits, in quotes."""
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+){1,3}-[0-9]$")]
    """The region of the bucket and of its keys."""


@arguments
class SubjectArgs:
    """Which jobs of the repository may enter for one stack; the workflows' environments, where nothing is written."""

    deploy: Subject | None = None
    """The job that deploys: 'environment:<stack>'."""
    preview: Subject | None = None
    """The jobs that preview and that look for drift: 'environment:<stack>-preview'."""


@arguments
class BootstrapArgs:
    """The keys of Pulumi.<name>.yaml in bootstrap/program."""

    repository: Repository
    """The one repository whose jobs may enter."""
    stacks: Annotated[list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]], Field(min_length=1)]
    """The stacks whose accounts are made ready; each has a Pulumi.<stack>.yaml in the repository."""
    state: StateArgs
    """Where the state stands: {account, region}."""
    subjects: dict[str, SubjectArgs] = Field(default_factory=dict[str, SubjectArgs])
    """By stack, which jobs may enter, where that is not the workflows' environments: {deploy, preview}."""
    administer: dict[AccountId, RoleArn] = Field(default_factory=dict[AccountId, RoleArn])
    """By account id, the role by which this program enters an account; without it your own credentials do."""
    people: list[Principal] = Field(default_factory=list[Principal])
    """Roles and users that may enter as a job does, by hand; none is the safest."""
    adopt_provider: bool = False
    """Whether the account of the state has GitHub's identity provider already: an account takes one of an address."""
    stack_set: bool = False
    """Whether the roles in the accounts are made by a CloudFormation StackSet, of the template that is written, and not
    by this program."""
    predefined_pool_roles: bool = False
    """Whether Google refuses iam.workloadIdentityPools.getAttestationRules in a custom role: then the predefined roles
    of pools stand beside it (docs/permissions.md)."""

    @together
    def _of_stacks_that_are_named(self) -> Iterator[str]:
        for name in sorted(set(self.subjects) - set(self.stacks)):
            yield f"subjects.{name}: '{name}' is not among stacks; name it there, or leave this out"

    @together
    def _no_stack_twice(self) -> Iterator[str]:
        if twice := sorted({name for name in self.stacks if self.stacks.count(name) > 1}):
            yield f"stacks: '{twice[0]}' stands there twice; leave one out"

    def subject(self, stack: str, doing: str) -> str:
        """The `sub` of the tokens that may enter for a stack, whole; `doing` is deploy or preview."""
        own = self.subjects.get(stack, SubjectArgs())
        chosen = own.deploy if doing == "deploy" else own.preview
        default = f"environment:{stack}" + ("" if doing == "deploy" else "-preview")
        return f"repo:{self.repository}:{chosen or default}"


def read(config: pulumi.Config) -> BootstrapArgs:
    """The settings of the program that runs. Raises Refused, with every error."""
    return parse(BootstrapArgs, values_of(config))
