"""Rules on what grants without being a policy document: attached policies, grants on keys, event buses, data access
policies, Lake Formation."""

import json
import re
from typing import Any

from policy.documents import beside_documents
from policy.rule import Problems, Props, rule
from policy.values import known, leaves, listed, some, within

_AWS = "https://docs.aws.amazon.com/"
_MANAGED_BY_AWS = re.compile(r"arn:[\w-]+:iam::aws:policy/\S+")


@rule(
    r"aws(-native)?:.*",
    write="write a policy of its own that names actions and resources",
    page=_AWS + "IAM/latest/UserGuide/access_policies_managed-vs-inline.html#aws-managed-policies",
)
def no_policy_of_aws_is_attached(props: Props) -> Problems:
    """An AWS managed policy (`arn:aws:iam::aws:policy/…`: AdministratorAccess, …FullAccess, ReadOnlyAccess and their
    like) in any property of any resource, as attached, a role's or a permission set's: it is for every account, so it
    names no resource."""
    for path, value in beside_documents(props):
        if _MANAGED_BY_AWS.fullmatch(str(value)):
            yield f"{path} is {value}"


@rule(
    r"aws:kms/grant:Grant",
    write="name a role, the operations that it needs without CreateGrant, and constraints on the encryption context",
    page=_AWS + "kms/latest/developerguide/grant-best-practices.html",
)
def a_grant_on_a_key_is_for_one_role_and_purpose(props: Props) -> Problems:
    """A grant whose grantee is an account or a wildcard, which can be passed on (CreateGrant), or without
    constraints."""
    if "CreateGrant" in known(props.get("operations")):
        yield "it can be passed on by CreateGrant"
    for who in known(props.get("grantee_principal")):
        if "*" in who or re.fullmatch(r"(arn:[\w-]+:iam::)?\d{12}(:root)?", who):
            yield f"grantee_principal is {who}"
    if not some(
        listed(props.get("constraints")),
        lambda constraint: (
            constraint.get("encryption_context_equals") or constraint.get("encryption_context_subset")
        ),
    ):
        yield "it has no constraints"


@rule(
    r"aws:cloudwatch/eventPermission:EventPermission",
    write="name the account, or add the condition that aws:PrincipalOrgID is your organization's",
    page=_AWS + "eventbridge/latest/userguide/eb-event-bus-perms.html",
)
def an_event_bus_is_open_to_whom_it_names(props: Props) -> Problems:
    """A permission for the principal `*` without a condition that requires the organization, or whose organization has
    a wildcard (`o-*`)."""
    if props.get("principal") != "*":
        return
    condition = within(props, "condition")
    organization = str(condition.get("value") or "*")
    requires = (
        condition.get("type") in ("StringEquals", "StringLike")
        and condition.get("key") == "aws:PrincipalOrgID"
    )
    if not requires or re.search(r"[*?]", organization):
        yield "everybody may put events"


@rule(
    r"aws(:opensearch/serverlessAccessPolicy|-native:opensearchserverless):\w*AccessPolicy",
    write="name the permissions that are used, like 'aoss:ReadDocument', the collection and the role",
    page=_AWS + "opensearch-service/latest/developerguide/serverless-data-access.html",
)
def a_data_access_policy_names_permissions_collection_and_roles(props: Props) -> Problems:
    """A permission with a wildcard (`aoss:*`), a collection with one (`index/*/orders`, `collection/*`) or without its
    type (`*`), or a principal that is a whole account."""
    for rules in known(_read(props.get("policy"))):
        for granted in known(rules.get("Rules")):
            for permission in known(granted.get("Permission")):
                if "*" in permission:
                    yield f"it grants {permission}"
            for resource in known(granted.get("Resource")):
                _, slash, named = str(resource).partition("/")
                if not slash or "*" in named.partition("/")[0]:
                    yield f"it grants on {resource}"
        for principal in known(rules.get("Principal")):
            if "*" in principal or re.fullmatch(r"\d{12}|.*:root", principal):
                yield f"it grants to {principal}"


@rule(
    r"aws(:opensearch/serverlessSecurityPolicy|-native:opensearchserverless):\w*SecurityPolicy",
    write="name the collection, 'collection/orders'",
    page=_AWS + "opensearch-service/latest/developerguide/serverless-network.html",
)
def a_network_policy_names_its_collection(props: Props) -> Problems:
    """A network policy for a pattern of collections (`collection/*`), which opens those that somebody makes later as
    well. (AllowFromPublic on a collection that is named passes: its requests are signed, and its data access policy
    names roles.)"""
    policies = _read(props.get("policy"))
    for network in known(policies) if isinstance(policies, list) else []:
        for opened in known(network.get("Rules")):
            for resource in known(opened.get("Resource")):
                if "*" in resource:
                    public = network.get("AllowFromPublic")
                    yield f"it opens {resource}" + (" to the internet" if public is True else "")


@rule(
    r"aws:lakeformation/(permissions:Permissions|dataLakeSettings:DataLakeSettings)",
    write="name the role, and the permissions that it needs, like 'SELECT'",
    page=_AWS + "lake-formation/latest/dg/change-settings.html",
)
def a_lake_is_open_to_whom_it_names(props: Props) -> Problems:
    """Lake Formation permissions for IAM_ALLOWED_PRINCIPALS, which is everybody whom IAM lets, for a whole account or
    organization, whose administrators pass them on, or of ALL or SUPER."""
    for path, value in leaves(props):
        if value in ("IAM_ALLOWED_PRINCIPALS", "ALL", "SUPER") or str(value).endswith(":IAMPrincipals"):
            yield f"{path} is {value}"
        whole = re.fullmatch(r"\d{12}|arn:[\w-]+:(organizations:.*|iam::\d{12}:root)", str(value))
        if whole and path.split(".")[-1] in ("principal", "data_lake_principal_identifier"):
            yield f"{path} is {value}"


def _read(document: Any) -> Any:
    """A document that is given as text or as what it says."""
    return json.loads(document) if isinstance(document, str) else document
