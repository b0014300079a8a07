"""Rules on what stands at Google."""

import json
import re
from collections.abc import Iterator
from typing import Any

from policy.rule import Problems, Props, rule
from policy.values import UNKNOWN, absent, leaves

_IAM = "https://cloud.google.com/iam/docs/"
_STORAGE = "https://cloud.google.com/storage/docs/"


def _granted(props: Props) -> Iterator[tuple[str, Any]]:
    """What is known at any depth, a policy's text (`policy_data`) read as what it says."""
    for path, value in leaves(props):
        text = str(value)
        if path.endswith("policy_data") and text.lstrip().startswith("{"):
            yield from leaves(json.loads(text), path)
        else:
            yield path, value


@rule(
    r"gcp:.*",
    write="name the service account or the group that needs it",
    page=_STORAGE + "access-control/making-data-public",
)
def nothing_at_google_is_public(props: Props) -> Problems:
    """`allUsers` or `allAuthenticatedUsers` as a member, in a policy's text, as an ACL's entity or a dataset's special
    group; a predefined ACL that is public (`publicRead`)."""
    for path, value in _granted(props):
        if re.fullmatch(r"(\w+:)?(allUsers|allAuthenticatedUsers)", str(value)):
            yield f"{path} is {value}"
        if re.search(r"(^|\.)(default_|predefined_)?(acl|default_acl)$", path) and str(value).startswith(
            ("publicRead", "authenticatedRead")
        ):
            yield f"{path} is {value}"


_WIDE = re.compile(
    r"roles/(owner|editor|viewer|admin|writer|reader|browser|[\w.]*\.(admin|\w*Admin|\w*admin)|iam\.securityReviewer|"
    r"iam\.serviceAccount(TokenCreator|User|KeyAdmin)|iam\.workloadIdentityUser)"
)


@rule(
    r"gcp:(projects|folder|organizations)/.*(IAM|Iam|iAM).*",
    write="grant the predefined roles that are needed, like 'roles/bigquery.jobUser'",
    page=_IAM + "using-iam-securely",
)
def no_role_at_google_rules_a_whole_project(props: Props) -> Problems:
    """A basic role (owner, editor, viewer), an administrator's (`roles/storage.admin`), or one that acts as any service
    account (`roles/iam.serviceAccountTokenCreator`), granted on a project, a folder or an organization."""
    for path, value in _granted(props):
        if path.split(".")[-1] == "role" and _WIDE.fullmatch(str(value)):
            yield f"{path} is {value}"


@rule(
    r"gcp:.*(IAM|Iam).*",
    write="grant a predefined role, like 'roles/bigquery.dataEditor'",
    page=_IAM + "roles-overview#basic",
)
def no_primitive_role_at_google(props: Props) -> Problems:
    """A basic role (owner, editor, viewer), on whatever resource."""
    for path, value in _granted(props):
        if path.split(".")[-1] == "role" and value in ("roles/owner", "roles/editor", "roles/viewer"):
            yield f"{path} is {value}"


@rule(
    r"gcp:.*",
    write="name the subject, 'principal://…/subject/<who>', or an attribute",
    page=_IAM + "workload-identity-federation#impersonation",
)
def not_everybody_of_a_pool_is_let_in(props: Props) -> Problems:
    """Every identity of a workload identity pool (`principalSet://…/*`) as a member."""
    for path, value in _granted(props):
        if re.fullmatch(r"principalSet://.*/\*", str(value)):
            yield f"{path} is {value}"


@rule(
    r"gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
    write="write an attribute_condition on who it is, like its organization or its subject",
    page=_IAM + "best-practices-for-using-workload-identity-federation",
)
def a_pool_trusts_the_subjects_of_its_own(props: Props) -> Problems:
    """An OpenID Connect provider, which others share, without an attribute_condition. (An AWS one names its
    account.)"""
    if props.get("oidc") and not props.get("attribute_condition"):
        yield "it trusts every subject of the provider"


@rule(
    r"gcp:storage/bucket:Bucket",
    write="write uniform_bucket_level_access=True and public_access_prevention='enforced'",
    page=_STORAGE + "public-access-prevention",
)
def a_google_bucket_has_one_kind_of_access_and_is_private(props: Props) -> Problems:
    """A bucket without uniform_bucket_level_access, or whose public_access_prevention is not `enforced`."""
    if absent(props.get("uniform_bucket_level_access")):
        yield "objects can have ACLs of their own"
    prevention = props.get("public_access_prevention")
    if prevention is not UNKNOWN and prevention != "enforced":
        yield "it can be made public"
