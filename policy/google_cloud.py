"""Rules on what stands at Google."""

import json
import re
from collections.abc import Iterator
from typing import Any

from policy.conditions import nobody_named
from policy.rule import Problems, Props, rule
from policy.values import UNKNOWN, absent, known, leaves, within

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
    r"(gcp|google-native):.*",
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


# Whoever may do one of these gives the rest to themselves
# (https://cloud.google.com/iam/docs/best-practices-service-accounts#limit-service-account-privileges).
_GIVES_MORE = re.compile(
    r".*\.setIamPolicy|iam\.serviceAccounts\.(actAs|getAccessToken|getOpenIdToken|implicitDelegation|signBlob|signJwt)|"
    r"iam\.serviceAccountKeys\.create|iam\.roles\.(create|update)|(deploymentmanager|cloudbuild)\..*\.(create|update)|"
    r"orgpolicy\.policy\.set|.*\*.*"
)


@rule(
    r"gcp:(projects|organizations)/iAMCustomRole:IAMCustomRole|google-native:iam/v1:(OrganizationRole|Role)",
    write="leave it out, and grant it on the one service account or resource that it is for",
    page=_IAM + "roles-permissions/iam",
)
def a_custom_role_gives_no_more_than_it_names(props: Props) -> Problems:
    """A custom role with a permission by which its members give themselves others: to set a policy (`….setIamPolicy`),
    to act as a service account or make its tokens and keys, to change a role; or with a wildcard."""
    for key in ("permissions", "included_permissions"):
        for permission in known(props.get(key)):
            if _GIVES_MORE.fullmatch(str(permission)):
                yield f"it has {permission}"


@rule(
    r"(gcp|google-native):.*",
    write="name a group, 'group:analysts@example.com', or a service account",
    page=_IAM + "principals-overview",
)
def nobody_is_a_whole_domain(props: Props) -> Problems:
    """A domain as a member (`domain:gmail.com` is everybody who has an account there), or the owners, editors or
    viewers of a project (`projectViewer:…`), which are whoever has a basic role."""
    for path, value in _granted(props):
        if re.fullmatch(r"(domain|project(Owner|Editor|Viewer)):.+", str(value)):
            yield f"{path} is {value}"
        if re.fullmatch(r"access(es)?(\[\d+\])?\.domain", path) or path == "domain":
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
    r"(gcp:iam/workloadIdentityPoolProvider|google-native:iam/v1):WorkloadIdentityPoolProvider|"
    r"google-native:iam/v1:Provider",
    write="write an attribute_condition on who it is, like its organization or its subject",
    page=_IAM + "best-practices-for-using-workload-identity-federation",
)
def a_pool_trusts_the_subjects_of_its_own(props: Props) -> Problems:
    """An OpenID Connect or SAML provider, which others may share, without an attribute_condition, or with one that a
    token passes by what doesn't say who it is (`true`, `assertion.sub != ''`, a branch, an audience, an issuer, or an
    attribute that is mapped from one). (An AWS one names its account.)"""
    if not (props.get("oidc") or props.get("saml")):
        return
    condition = props.get("attribute_condition")
    if not condition:
        yield "it trusts every subject of the provider"
        return
    for choice in nobody_named(str(condition), within(props, "attribute_mapping")):
        yield f"attribute_condition lets everybody in by {choice!r}"


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
