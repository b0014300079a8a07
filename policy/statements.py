"""Rules on the statements of policies and trusts: what they allow, to whom, and on whose behalf."""

import re
from collections.abc import Mapping

from policy.documents import IDENTITY, RESOURCE, TRUST, Statement, accounts, wide
from policy.rule import Problems, statement_rule
from policy.values import UNKNOWN, known

_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"

# Actions that know no resource narrower than '*', or one that has an id only once it is made, and the condition keys (a
# pattern) of which a grant has to require one; none where the reference lists none that narrows
# (https://docs.aws.amazon.com/service-authorization/latest/reference/). Of who signs and by which version
# (`s3:authType`, `s3:TlsVersion`) and of the Region alone (`ec2:Region`) it says nothing of what is reached.
NO_NARROWER_RESOURCE: Mapping[str, str] = {
    **dict.fromkeys(
        ("aoss:BatchGetCollection", "aoss:GetSecurityPolicy", "aoss:UpdateSecurityPolicy"), "aoss:collection"
    ),
    "cloudwatch:PutMetricData": "cloudwatch:namespace",
    **dict.fromkeys(("s3:CreateJob", "s3:PutJobTagging"), "aws:requesttag/.+|s3:requestjoboperation"),
    **dict.fromkeys(("s3:DescribeJob", "s3:UpdateJobPriority", "s3:UpdateJobStatus"), "aws:resourcetag/.+"),
    **dict.fromkeys(
        ("dynamodb:ListTables", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets",
         "ec2:DescribeVpcs", "kms:ListAliases", "lambda:ListEventSourceMappings", "logs:DescribeLogGroups",
         "s3:ListAllMyBuckets", "s3:ListJobs", "xray:PutTraceSegments"),
        "",
    ),
}  # fmt: skip

# Granted on all of an account and Region: an interface gets its id as it is made
# (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions).
_NAMED_AS_MADE = frozenset({
    "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface", "ec2:DescribeVpcAttribute", "ec2:UnassignPrivateIpAddresses",
})  # fmt: skip
_EC2_OF_AN_ACCOUNT = re.compile(r"arn:[\w-]+:ec2:[\w-]+:\d{12}:.+")


@statement_rule(write="give it a Sid, like 'ReadStream'", page=_IAM + "reference_policies_elements_sid.html")
def a_statement_says_by_a_sid_what_it_lets_happen(statement: Statement) -> Problems:
    """A statement without a Sid."""
    if not statement.parts.get("Sid"):
        yield f"statement {statement.index} has no Sid"


@statement_rule(
    write="name the actions that are used", page=_IAM + "best-practices.html#grant-least-privilege"
)
def a_grant_names_its_actions(statement: Statement) -> Problems:
    """An action with a wildcard (`s3:*`, `s3:Get*`), or NotAction, which grants all but what it names."""
    if not statement.allows:
        return
    for action in known(statement.parts.get("Action")):
        if "*" in action or "?" in action:
            yield f"{statement} grants {action}"
    if "NotAction" in statement.parts:
        yield f"{statement} grants all but NotAction"


@statement_rule(
    kinds=[IDENTITY],
    write="name the resources; where the service knows none, add a condition that does, like 'aoss:collection'; an "
    "action with neither belongs into NO_NARROWER_RESOURCE",
    page=_IAM + "best-practices.html#grant-least-privilege",
)
def a_grant_names_its_resources(statement: Statement) -> Problems:
    """In an identity's policy, every resource (`*`), every one of a service or a type (`arn:aws:s3:::*`, `table/*`,
    `job/*`), or NotResource. Network interfaces pass, and so do actions that the service grants on `*` only; where the
    service knows a condition key for such an action (`aoss:collection`, a job's tag), with that condition alone."""
    if not statement.allows:
        return
    if "NotResource" in statement.parts:
        yield f"{statement} grants on all but NotResource"
    every = list(filter(wide, known(statement.parts.get("Resource"))))
    for action in known(statement.parts.get("Action")) if every else ():
        keys = NO_NARROWER_RESOURCE.get(action)
        if keys is None:
            arns = [
                arn for arn in every if not (action in _NAMED_AS_MADE and _EC2_OF_AN_ACCOUNT.fullmatch(arn))
            ]
            if arns:
                yield f"{statement} grants {action} on {', '.join(arns)}"
        elif keys and not statement.requires(keys, r"[^*?].*"):
            yield f"{statement} grants {action} on {', '.join(every)} without a condition on {keys}"


@statement_rule(
    write='add the condition "StringEquals": {"aws:SourceAccount": <the account\'s id>}',
    page=_IAM + "confused-deputy.html#cross-service-confused-deputy-prevention",
)
def a_service_acts_for_this_account_only(statement: Statement) -> Problems:
    """A service as principal without a condition that requires aws:SourceAccount, or an aws:SourceArn that holds an
    account's id. One that excludes (`StringNotEquals`), accepts everything (`*`), or, but for a role's trust (which a
    principal of the account passes on), holds only `IfExists`, requires nothing."""
    services = statement.principals("Service") if statement.allows else []
    if services and not (
        statement.requires("aws:sourceaccount", r"\d{12}", if_exists=statement.kind == TRUST)
        or statement.requires("aws:sourcearn", r"arn:[^:]+:[^:]+:[^:]*:\d{12}:.*")
    ):
        yield f"{statement} lets {', '.join(services)} act for every AWS account"


@statement_rule(
    write="write the id of the account that the resource stands in",
    page=_IAM + "confused-deputy.html#cross-service-confused-deputy-prevention",
)
def a_service_acts_for_no_other_account(statement: Statement) -> Problems:
    """A service as principal, on behalf of an account in aws:SourceAccount or aws:SourceArn that is not the resource's
    own (the one in its provider's `allowed_account_ids`)."""
    services = statement.principals("Service") if statement.allows else []
    if not services or statement.account is None:
        return
    for key, value in statement.tested("aws:source(account|arn)"):
        account = re.fullmatch(r"(?:arn:[^:]+:[^:]+:[^:]*:)?(\d{12})(?::.*)?", value)
        if account and account[1] != statement.account:
            yield (
                f"{statement} lets {', '.join(services)} act for account {account[1]} ({key}), and the resource is in "
                f"account {statement.account}"
            )


@statement_rule(
    write="name the role or the service that needs it",
    page=_IAM + "reference_policies_elements_principal.html#principal-anonymous",
)
def nothing_is_granted_to_everybody(statement: Statement) -> Problems:
    """A principal `*`, or one with a wildcard in it, or NotPrincipal."""
    if not statement.allows:
        return
    everybody = [
        who
        for kind in ("AWS", "Service", "Federated", "CanonicalUser")
        for who in statement.principals(kind)
        if "*" in who
    ]
    if everybody or "NotPrincipal" in statement.parts:
        yield f"{statement} grants to {', '.join(everybody) or 'all but NotPrincipal'}"


@statement_rule(
    kinds=[TRUST, RESOURCE],
    write="name the role of that account, 'arn:aws:iam::<account id>:role/<name>'",
    page=_IAM + "reference_policies_elements_principal.html#principal-accounts",
)
def another_account_is_let_in_by_its_role(statement: Statement) -> Problems:
    """A principal that is a whole account (`arn:aws:iam::<id>:root`, the id, or its canonical user), unless it is the
    resource's own: that is the account in its provider's `allowed_account_ids`. Where that is not known, a key's policy
    passes, which has to name its own account."""
    if not statement.allows:
        return
    for who in statement.principals("CanonicalUser"):
        yield (
            f"{statement} lets in the whole account of the canonical user {who}: any role that its administrators "
            "choose"
        )
    whole = list(accounts(statement.principals("AWS")))
    if statement.account is UNKNOWN or (statement.account is None and statement.type.startswith("aws:kms/")):
        return
    others = sorted({account for account in whole if account != statement.account})
    if others:
        yield f"{statement} lets in the whole account {', '.join(others)}: any role that its administrators choose"


# A subject may end in a wildcard after two parts of it that are fixed, as `repo:<organisation>/*`. Of a cluster's
# service accounts these two are alike (https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html).
_SUBJECT = r"(?!system:serviceaccount:[^:]*[*?])([^*?:/]+[:/]([^*?:/]+[:/].*|[^*?]+)|[^*?]+)"


@statement_rule(
    kinds=[TRUST],
    write='add a condition on the subject, like "StringEquals": {"<provider>:sub": <whom it is for>}',
    page=_IAM + "id_roles_create_for-idp_oidc.html",
)
def a_federated_trust_names_its_subject(statement: Statement) -> Problems:
    """A trust in an identity provider (`Federated`) without a condition that requires its subject: `<provider>:sub`,
    for SAML one of the `saml:` keys but `saml:aud` and `saml:iss`, which all of its users have, for Cognito the pool in
    `:aud`. A subject that is all wildcard, or whose organisation is one (`repo:*`), names nobody."""
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-saml
    federated = statement.principals("Federated") if statement.allows else []
    if federated and not (
        statement.requires(r".*:sub", _SUBJECT)
        or statement.requires(r"saml:(?!(aud|iss)$).*")
        or statement.requires(r"cognito-identity\.amazonaws\.com:aud", r"[^*?]+")
    ):
        yield f"{statement} lets in every user of {', '.join(federated)}: no condition names one"


@statement_rule(
    kinds=[IDENTITY],
    write='add the condition "StringEquals": {"iam:PassedToService": <the service>}',
    page=_IAM + "id_roles_use_passrole.html",
)
def a_role_is_passed_to_one_service_only(statement: Statement) -> Problems:
    """iam:PassRole without a condition that requires iam:PassedToService."""
    if (
        statement.allows
        and statement.grants("iam:PassRole")
        and not statement.requires("iam:passedtoservice", r"[^*?]+")
    ):
        yield f"{statement} passes a role to any service"
