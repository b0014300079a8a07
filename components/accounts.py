"""Accounts: one explicit provider each, made here and nowhere else.

A provider refuses to work in any account but its own (`allowed_account_ids`), so a wrong profile fails before it
changes something. Default providers are disabled in Pulumi.yaml, so a resource without one fails too.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp
from pydantic import BeforeValidator, Field

from components.arguments import arguments, matching, together


def _in_quotes(value: Any) -> Any:
    """YAML takes unquoted digits for a number, and those that begin with 0 for an octal one (https://yaml.org/type/
    int.html): the digits are lost before the program sees them."""
    if isinstance(value, int | float) and not isinstance(value, bool) and not 10**11 <= value < 10**12:
        octal = f"{int(value):o}".zfill(12)
        perhaps = f'; if it was 0{octal[1:]}, write "0{octal[1:]}"' if octal[0] == "0" else ""
        raise ValueError(
            f"{value} is a number, and an account id is 12 digits of text; write them in quotes, as AWS shows them. "
            f"YAML reads digits without quotes that begin with 0 as an octal number, and loses them{perhaps}"
        )
    return value


AccountId = Annotated[
    str,
    BeforeValidator(_in_quotes),
    matching("[0-9]{12}", "'{value}' is not an account id; write its 12 digits"),
]


def arn_pattern(
    service: str, resource: str, *, region: str = "[a-z0-9-]{1,40}", account: str = "[0-9]{12}"
) -> str:
    """The regular expression of an ARN, in every partition; each argument is one too. IAM's have no region: ``""``.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""
    return f"arn:aws[a-z-]{{0,20}}:{service}:{region}:{account}:{resource}"


KEY_ARN = arn_pattern("kms", "key/[A-Za-z0-9-]{1,128}")
"""A KMS key's own ARN: a policy takes no alias (https://docs.aws.amazon.com/kms/latest/developerguide/
cmks-in-iam-policies.html)."""
IAM_NAME = r"(?:[!-~]{1,510}/)?[A-Za-z0-9_+=,.@-]{1,64}"
"""A role's or a user's path and name (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""
ROLE_ARN = arn_pattern("iam", f"role/{IAM_NAME}", region="")
RoleArn = Annotated[
    str, matching(ROLE_ARN, "'{value}' is not a role's ARN; write 'arn:aws:iam::<account id>:role/<name>'")
]
POLICY_ARN = arn_pattern("iam", "policy/(?:[!-~]{1,510}/)?[A-Za-z0-9_+=,.@-]{1,128}", region="")
"""A managed policy of an account (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""
PolicyArn = Annotated[
    str,
    matching(
        POLICY_ARN,
        "'{value}' is not the ARN of a managed policy of an account; write 'arn:aws:iam::<account id>:policy/<name>'",
    ),
]

# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, API_Tag.html
ExternalId = Annotated[
    str,
    matching(
        r"[\w+=,.@:/-]{2,1224}",
        "'{value}' is not an external id (2-1,224 of letters, digits and '_+=,.@:/-'); take it from the role's trust",
    ),
]
SessionTag = Annotated[
    str,
    matching(
        r"(?!(?i:aws:))[\w .:/=+@-]{1,128}",
        "'{value}' is not a tag's key (1-128 of letters, digits, spaces and '_.:/=+-@', not 'aws:'); choose another",
        re.UNICODE,
    ),
]
SessionTagValue = Annotated[
    str,
    matching(
        r"[\w .:/=+@-]{0,256}",
        "'{value}' is not a tag's value (at most 256 of letters, digits, spaces and '_.:/=+-@'); write it differently",
        re.UNICODE,
    ),
]


@arguments
class AssumedRoleArgs:
    """One role of a chain, as it is taken on."""

    arn: RoleArn
    """The role's ARN, in whichever account it stands."""
    external_id: ExternalId | None = None
    """What the role's trust asks for by 'sts:ExternalId', of who comes from somebody else's account."""
    session_tags: Annotated[dict[SessionTag, SessionTagValue], Field(max_length=50)] = Field(
        default_factory=dict[SessionTag, SessionTagValue]
    )
    """Tags of the session, which policies read as 'aws:PrincipalTag/<key>'; the trust has to allow 'sts:TagSession'."""
    transitive_tags: list[SessionTag] = Field(default_factory=list[SessionTag])
    """The keys of those of them that go on to the next roles of the chain."""

    @together
    def _tags_that_are_set(self) -> Iterator[str]:
        for key in self.transitive_tags:
            if key not in self.session_tags:
                yield f"transitive_tags: '{key}' is not among session_tags; write its value there, or leave it out"


@arguments
class AccountArgs:
    """One AWS account as a stack uses it."""

    id: AccountId
    """The account's 12 digits, in quotes."""
    region: Annotated[
        str,
        matching(
            r"[a-z]{2}(-[a-z]+){1,3}-[0-9]",
            "'{value}' is not a region of AWS; write its code, such as 'eu-central-1'",
        ),
    ]
    """The region that the account's resources stand in, like 'eu-central-1'."""
    role: RoleArn | None = None
    """The ARN of the role that a deployment assumes in this account; without it the caller's own credentials."""
    permissions_boundary: PolicyArn | None = None
    """The ARN of the managed policy that bounds every role and user that the program makes in this account; it must be
    there before the stack is deployed. `python -m bootstrap <stack>` prints one that is wide enough. Without it they
    have no boundary (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html)."""
    roles: Annotated[list[AssumedRoleArgs], Field(max_length=10)] = dataclasses.field(
        default_factory=list[AssumedRoleArgs],
        hash=False,  # an account is a key of mappings
    )
    """Instead of 'role', the roles that a deployment assumes one after the other, the last in this account."""

    @together
    def _role_of_this_account(self) -> Iterator[str]:
        if self.role and self.role.split(":")[4] != self.id:
            yield f"role: '{self.role}' is not of account {self.id}; name the role that a deployment assumes there"

    @together
    def _boundary_of_this_account(self) -> Iterator[str]:
        boundary = self.permissions_boundary
        if not boundary:
            return
        write = f"arn:{self.partition}:iam::{self.id}:policy/{boundary.rpartition('/')[2]}"
        if boundary.split(":")[1] != self.partition or boundary.split(":")[4] != self.id:
            yield (
                f"permissions_boundary: '{boundary}' is not of account {self.id} in partition {self.partition}, and "
                f"IAM takes a boundary of the role's own account only; make the policy there and write '{write}'"
            )

    @together
    def _chain_into_this_account(self) -> Iterator[str]:
        if self.role and self.roles:
            yield "role: both 'role' and 'roles' are written; make the role the last of the roles, and leave 'role' out"
        if self.roles and self.roles[-1].arn.split(":")[4] != self.id:
            yield f"roles: the last, '{self.roles[-1].arn}', is not of account {self.id}; end in a role that is there"

    @property
    def chain(self) -> list[AssumedRoleArgs]:
        """The roles that are assumed one after the other; none where the caller's own credentials are used."""
        return [AssumedRoleArgs(arn=self.role)] if self.role else self.roles

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn` or `aws-us-gov`, by the region."""
        prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
        return next((p for start, p in prefixes.items() if self.region.startswith(start)), "aws")

    @property
    def dns_suffix(self) -> str:
        """What the names of the region's services end in."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"

    def arn(self, service: str, resource: str) -> str:
        """A regional resource's ARN in this account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.id}:{resource}"

    def role_arn(self, name: str) -> str:
        """An IAM role's ARN in this account."""
        return f"arn:{self.partition}:iam::{self.id}:role/{name}"


@arguments
class GcpArgs:
    """The Google Cloud project of a stack."""

    project: Annotated[
        str,
        matching(
            r"[a-z][a-z0-9-]{4,28}[a-z0-9]",
            "'{value}' is not a project's id (6-30 of a-z, 0-9 and '-', starting with a letter, not ending in '-'); "
            "write one like 'shop-analytics'",
        ),
    ]
    """The project's id, like 'shop-analytics'."""
    location: Annotated[
        str,
        matching(
            r"[A-Za-z][A-Za-z0-9-]+",
            "'{value}' is not a location of BigQuery; write one such as 'EU' or 'asia-northeast1'",
        ),
    ]
    """Where datasets stand, like 'EU' or 'asia-northeast1'."""


def aws_provider(name: str, account: AccountArgs, tags: Mapping[str, str]) -> aws.Provider:
    """The provider of one account."""
    session = f"{pulumi.get_project()}-{pulumi.get_stack()}"[:64]
    assumed: Any = [
        aws.ProviderAssumeRoleArgs(
            role_arn=role.arn,
            session_name=session,
            external_id=role.external_id,
            tags=dict(role.session_tags) or None,
            transitive_tag_keys=list(role.transitive_tags) or None,
        )
        for role in account.chain
    ] or None
    return aws.Provider(
        name,
        region=account.region,
        allowed_account_ids=[account.id],
        assume_roles=assumed,
        default_tags=aws.ProviderDefaultTagsArgs(tags=_marks() | dict(tags)),
    )


def gcp_provider(name: str, project: GcpArgs, labels: Mapping[str, str]) -> gcp.Provider:
    """The provider of the Google Cloud project."""
    region = (
        project.location.lower() if "-" in project.location else None
    )  # a multi-region such as EU is no region
    return gcp.Provider(name, project=project.project, region=region, default_labels=_marks() | dict(labels))


def _marks() -> dict[str, str]:
    return {"tributary-project": pulumi.get_project(), "tributary-stack": pulumi.get_stack()}
