"""For each rule on statements: documents that break it, however they are spelt, and the nearest that pass.

A row is the rule, the resource's type, properties that break the rule, and properties that break none.
"""

import json
from typing import Any

Row = tuple[str, str, dict[str, Any], dict[str, Any]]
ACCOUNT, OTHER = "111111111111", "222222222222"

ROLE, ROLE_POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
BUCKET_POLICY, QUEUE_POLICY = "aws:s3/bucketPolicy:BucketPolicy", "aws:sqs/queuePolicy:QueuePolicy"
TOPIC_POLICY, BUS_POLICY = "aws:sns/topicPolicy:TopicPolicy", "aws:cloudwatch/eventBusPolicy:EventBusPolicy"
KEY, SECRET_POLICY = "aws:kms/key:Key", "aws:secretsmanager/secretPolicy:SecretPolicy"

READ = {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/*"]}
READER = f"arn:aws:iam::{OTHER}:role/reader"
SHARED = READ | {"Principal": {"AWS": READER}}
DENY = {
    "Sid": "DenyPlainHttp",
    "Effect": "Deny",
    "Action": ["s3:*"],
    "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
    "Principal": {"AWS": "*"},
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
SEND = {
    "Sid": "Send",
    "Effect": "Allow",
    "Action": "sqs:SendMessage",
    "Resource": "arn:aws:sqs:eu-west-1:111111111111:q",
    "Principal": {"Service": "s3.amazonaws.com"},
    "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
}
TRUST = {
    "Sid": "Assume",
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
}
GITHUB, EKS = "token.actions.githubusercontent.com", "oidc.eks.eu-west-1.amazonaws.com/id/A1"
SIGN_IN = "https://signin.aws.amazon.com/saml"
FEDERATED = {
    "Sid": "Assume",
    "Effect": "Allow",
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"},
    "Condition": {"StringEquals": {f"{GITHUB}:sub": "repo:shop/infra:ref:refs/heads/main"}},
}
IN_COGNITO = FEDERATED | {"Principal": {"Federated": "cognito-identity.amazonaws.com"}}
PASS = {
    "Sid": "Pass",
    "Effect": "Allow",
    "Action": "iam:PassRole",
    "Resource": f"arn:aws:iam::{ACCOUNT}:role/r",
    "Condition": {"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}},
}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    """A resource's policy of these statements."""
    return {"policy": json.dumps({"Version": "2012-10-17", "Statement": statements})}


def trust(statement: dict[str, Any]) -> dict[str, Any]:
    """A role's trust of one statement."""
    return {"assume_role_policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}


def escaped(document: dict[str, Any]) -> dict[str, Any]:
    """The same text to whoever reads it as JSON."""
    return {"policy": document["policy"].replace('"Statement"', '"\\u0053tatement"')}


def under(statement: dict[str, Any], **condition: Any) -> dict[str, Any]:
    """A statement under another condition."""
    return statement | {"Condition": condition}


def inline(statement: dict[str, Any]) -> dict[str, Any]:
    """A role with a policy of its own."""
    return trust(TRUST) | {"inline_policies": [{"name": "it"} | policy(statement)]}


def without(statement: dict[str, Any], key: str) -> dict[str, Any]:
    """A statement without one of its keys."""
    return {k: v for k, v in statement.items() if k != key}


_JOBS = f"arn:aws:s3:eu-west-1:{ACCOUNT}:job/*"
_OF_ORDERS = {"StringEquals": {"aoss:collection": "orders"}}
_ACTIONS, _RESOURCES = "a grant names its actions", "a grant names its resources"
_SERVICE, _EVERYBODY = "a service acts for this account only", "nothing is granted to everybody"
_WHOLE, _SUBJECT = "another account is let in by its role", "a federated trust names its subject"
_PASSES = "a role is passed to one service only"
_EC2 = "arn:aws:ec2:eu-west-1:111111111111:*"
_TABLE = "arn:aws:dynamodb:eu-west-1:111111111111:table/"

STATEMENTS: list[Row] = [
    (
        "a statement says by a sid what it lets happen",
        ROLE_POLICY,
        policy(without(READ, "Sid")),
        policy(READ),
    ),
    ("a statement says by a sid what it lets happen", ROLE, inline(without(READ, "Sid")), inline(READ)),
    (_ACTIONS, ROLE_POLICY, policy(READ | {"Action": ["s3:Get*"]}), policy(READ)),
    (_ACTIONS, ROLE_POLICY, policy(READ | {"Action": "s3:*"}), policy(READ)),
    (_ACTIONS, ROLE, inline(READ | {"Action": "*"}), inline(READ)),
    (_ACTIONS, ROLE_POLICY, escaped(policy(READ | {"Action": "s3:*"})), escaped(policy(READ))),
    (
        _ACTIONS,
        "aws:iam/userPolicy:UserPolicy",
        policy(without(READ, "Action") | {"NotAction": "iam:*"}),
        policy(READ),
    ),
    (_ACTIONS, QUEUE_POLICY, policy(SEND | {"Action": "sqs:*"}), policy(SEND)),
    (
        _ACTIONS,
        "aws:sqs/queue:Queue",
        {"kms_master_key_id": "k"} | policy(SEND | {"Action": "sqs:*"}),
        {"kms_master_key_id": "k"} | policy(SEND),
    ),
    (_ACTIONS, SECRET_POLICY, policy(SHARED | {"Action": "secretsmanager:?et*"}), policy(SHARED)),
    (
        _RESOURCES,
        ROLE_POLICY,
        policy(READ | {"Resource": "*"}),
        policy(READ | {"Action": "s3:ListJobs", "Resource": "*"}),
    ),
    # What knows no resource is narrowed by the condition that the service knows for it.
    *(
        (
            _RESOURCES,
            ROLE_POLICY,
            policy(READ | {"Action": action, "Resource": on}),
            policy(under(READ | {"Action": action, "Resource": on}, StringEquals={key: "orders"})),
        )
        for action, on, key in (
            ("s3:CreateJob", "*", "aws:RequestTag/of"),
            ("s3:CreateJob", "*", "s3:RequestJobOperation"),
            ("s3:UpdateJobStatus", _JOBS, "aws:ResourceTag/of"),
            ("s3:PutJobTagging", _JOBS, "aws:RequestTag/of"),
            ("aoss:UpdateSecurityPolicy", "*", "aoss:collection"),
            ("cloudwatch:PutMetricData", "*", "cloudwatch:namespace"),
        )
    ),
    *(  # a condition that lets everything pass, and one on what the action is not about
        (
            _RESOURCES,
            ROLE_POLICY,
            policy(under(READ | {"Action": "aoss:BatchGetCollection", "Resource": "*"}, **bad)),
            policy(under(READ | {"Action": "aoss:BatchGetCollection", "Resource": "*"}, **_OF_ORDERS)),
        )
        for bad in (
            {"StringLike": {"aoss:collection": "*"}},
            {"StringLike": {"aoss:collection": ["orders", "*o*"]}},
            {"StringEqualsIfExists": {"aoss:collection": "orders"}},
            {"StringNotEquals": {"aoss:collection": "orders"}},
            {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        )
    ),
    (
        _RESOURCES,
        ROLE_POLICY,
        policy(READ | {"Action": "s3:GetJobTagging", "Resource": _JOBS}),
        policy(READ | {"Action": "s3:GetJobTagging", "Resource": _JOBS.replace("*", "a1")}),
    ),
    (
        _RESOURCES,
        ROLE_POLICY,
        policy(READ | {"Resource": "arn:aws:s3:::*"}),
        policy(READ | {"Resource": "arn:aws:s3:::b*"}),
    ),
    (_RESOURCES, ROLE_POLICY, policy(READ | {"Resource": "arn:aws:s3:::*/*"}), policy(READ)),
    *(
        (_RESOURCES, ROLE_POLICY, policy(READ | {"Resource": of_all}), policy(READ | {"Resource": of_some}))
        for of_all, of_some in (
            ("arn:aws:s3:::*-*", "arn:aws:s3:::shop-*"),
            ("arn:aws:s3:::*o*", "arn:aws:s3:::shop*o*"),
            ("arn:aws:s3:::*-orders/*", "arn:aws:s3:::shop-orders/*-orders/*"),
            (_TABLE + "?rders", _TABLE + "order?"),
            (
                "arn:aws:logs:eu-west-1:111111111111:log-group:/*/shop",
                "arn:aws:logs:eu-west-1:111111111111:log-group:/shop/*",
            ),
            ("arn:aws:sqs:eu-west-1:111111111111:*_*", "arn:aws:sqs:eu-west-1:111111111111:shop_*"),
            ("arn:aws:apigateway:eu-west-1::/*", "arn:aws:apigateway:eu-west-1::/restapis/a1/*"),
            (
                "arn:aws:logs:eu-west-1:111111111111:log-group:/*",
                "arn:aws:logs:eu-west-1:111111111111:log-group:/aws/lambda/shop:*",
            ),
            (
                "arn:aws:s3:eu-west-1:111111111111:accesspoint/*",
                "arn:aws:s3:eu-west-1:111111111111:accesspoint/shop/object/*",
            ),
        )
    ),
    (
        _RESOURCES,
        ROLE_POLICY,
        policy(READ | {"Action": "dynamodb:GetItem", "Resource": _TABLE + "*"}),
        policy(READ | {"Action": "dynamodb:GetItem", "Resource": _TABLE + "orders/index/*"}),
    ),
    (
        _RESOURCES,
        ROLE_POLICY,
        policy(READ | {"Action": "dynamodb:GetRecords", "Resource": _TABLE + "*/stream/*"}),
        policy(READ | {"Action": "dynamodb:GetRecords", "Resource": _TABLE + "orders/stream/*"}),
    ),
    (
        _RESOURCES,
        ROLE_POLICY,
        policy(READ | {"Action": "ec2:TerminateInstances", "Resource": _EC2}),
        policy(READ | {"Action": "ec2:CreateNetworkInterface", "Resource": _EC2}),
    ),
    (
        _RESOURCES,
        ROLE_POLICY,
        policy(READ | {"Action": "ec2:CreateNetworkInterface", "Resource": "*"}),
        policy(READ),
    ),
    (_RESOURCES, ROLE, inline(READ | {"Resource": "arn:aws:*:*:*:*"}), inline(READ)),
    (
        _RESOURCES,
        ROLE_POLICY,
        policy(READ | {"Action": "dynamodb:GetItem", "Resource": _TABLE.replace("table/", "ta?le*")}),
        policy(READ | {"Action": "dynamodb:GetItem", "Resource": _TABLE + "orders*"}),
    ),
    (
        _RESOURCES,
        ROLE_POLICY,
        policy(
            READ | {"Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:eu-west-1:1:f*:orders"}
        ),
        policy(
            READ | {"Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:eu-west-1:1:function:o*"}
        ),
    ),
    (
        _RESOURCES,
        "aws:iam/policy:Policy",
        policy(without(READ, "Resource") | {"NotResource": "arn:aws:s3:::b"}),
        policy(READ),
    ),
    (_SERVICE, ROLE, trust(without(TRUST, "Condition")), trust(TRUST)),
    (_SERVICE, ROLE, trust(under(TRUST, StringNotEquals={"aws:SourceAccount": OTHER})), trust(TRUST)),
    (
        _SERVICE,
        ROLE,
        trust(under(TRUST, StringLike={"aws:SourceAccount": "*"})),
        trust(under(TRUST, StringLike={"aws:SourceAccount": ACCOUNT})),
    ),
    (
        _SERVICE,
        ROLE,
        trust(under(TRUST, StringEquals={"aws:PrincipalAccount": ACCOUNT})),
        trust(under(TRUST, StringEqualsIfExists={"aws:SourceAccount": ACCOUNT})),
    ),
    (
        _SERVICE,
        ROLE,
        trust(under(TRUST, ArnLike={"aws:SourceArn": "arn:aws:s3:::b"})),
        trust(under(TRUST, ArnLike={"aws:sourcearn": f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:*"})),
    ),
    (
        _SERVICE,
        QUEUE_POLICY,
        policy(under(SEND, StringEqualsIfExists={"aws:SourceAccount": ACCOUNT})),
        policy(SEND),
    ),
    (
        _SERVICE,
        TOPIC_POLICY,
        policy(under(SEND, ArnNotLike={"aws:SourceArn": f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/r"})),
        policy(under(SEND, ArnLike={"aws:SourceArn": f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/r"})),
    ),
    (
        _SERVICE,
        QUEUE_POLICY,
        policy(under(SEND, ArnLike={"aws:SourceArn": "arn:aws:events:*:*:rule/*"})),
        policy(SEND),
    ),
    (_EVERYBODY, BUCKET_POLICY, policy(DENY, READ | {"Principal": {"AWS": ["*"]}}), policy(DENY, SHARED)),
    (_EVERYBODY, BUS_POLICY, policy(READ | {"Principal": "*", "Action": "events:PutEvents"}), policy(SHARED)),
    (_EVERYBODY, TOPIC_POLICY, policy(READ | {"NotPrincipal": {"AWS": READER}}), policy(SHARED)),
    (_EVERYBODY, KEY, policy(READ | {"Principal": {"AWS": "arn:aws:iam::*:root"}}), policy(SHARED)),
    (
        _WHOLE,
        BUCKET_POLICY,
        policy(DENY, READ | {"Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}}),
        policy(DENY, SHARED),
    ),
    (
        _WHOLE,
        BUCKET_POLICY,
        policy(DENY, READ | {"Principal": {"CanonicalUser": "79a59df9"}}),
        policy(DENY, SHARED),
    ),
    (
        _WHOLE,
        KEY,
        policy(READ | {"Principal": {"AWS": [OTHER]}}),
        policy(READ | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}),
    ),
    (
        _WHOLE,
        ROLE,
        trust(TRUST | {"Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}}),
        trust(TRUST | {"Principal": {"AWS": READER}}),
    ),
    (
        _SUBJECT,
        ROLE,
        trust(under(FEDERATED, StringEquals={f"{GITHUB}:aud": "sts.amazonaws.com"})),
        trust(FEDERATED),
    ),
    (
        _SUBJECT,
        ROLE,
        trust(under(FEDERATED, StringLike={f"{GITHUB}:sub": "repo:*"})),
        trust(under(FEDERATED, StringLike={f"{GITHUB}:sub": "repo:shop/*"})),
    ),
    (
        _SUBJECT,
        ROLE,
        trust(under(FEDERATED, StringNotLike={f"{GITHUB}:sub": "repo:shop/*"})),
        trust(FEDERATED),
    ),
    (
        _SUBJECT,
        ROLE,
        trust(without(FEDERATED, "Condition") | {"Principal": {"Federated": "accounts.google.com"}}),
        trust(
            under(FEDERATED, StringEquals={"accounts.google.com:sub": "101"})
            | {"Principal": {"Federated": "accounts.google.com"}}
        ),
    ),
    (
        _SUBJECT,
        ROLE,
        trust(under(FEDERATED, StringLike={f"{EKS}:sub": "system:serviceaccount:*:reader"})),
        trust(under(FEDERATED, StringLike={f"{EKS}:sub": "system:serviceaccount:shop:*"})),
    ),
    *(
        (
            _SUBJECT,
            ROLE,
            trust(under(IN_COGNITO, StringLike={"cognito-identity.amazonaws.com:aud": pool})),
            trust(under(IN_COGNITO, StringEquals={"cognito-identity.amazonaws.com:aud": "eu-west-1:1-2"})),
        )
        for pool in ("eu-west-1:*", "*", ["eu-west-1:1-2", "eu-west-1:?-2"])
    ),
    *(
        (
            _SUBJECT,
            ROLE,
            trust(under(FEDERATED, StringEquals={"SAML:aud": SIGN_IN, **more})),
            trust(under(FEDERATED, StringEquals={"SAML:aud": SIGN_IN, "SAML:sub": "_1"})),
        )
        for more in ({}, {"saml:iss": "https://example.com/saml"})
    ),
    (_PASSES, ROLE_POLICY, policy(without(PASS, "Condition")), policy(PASS)),
    (_PASSES, ROLE_POLICY, policy(without(PASS, "Condition") | {"Action": "IAM:passrole"}), policy(PASS)),
    (_PASSES, ROLE, inline(under(PASS, StringLike={"iam:PassedToService": "*"})), inline(PASS)),
    (
        _PASSES,
        ROLE_POLICY,
        policy(under(PASS, StringNotEquals={"iam:PassedToService": "ec2.amazonaws.com"})),
        policy(PASS),
    ),
]
