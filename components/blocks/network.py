"""The network that a service stands in, and what its role may do there."""

from typing import Annotated

from pydantic import Field

from components.accounts import AccountArgs
from components.arguments import arguments, matching
from components.iam import Statement

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html
_ID = "[0-9a-z]{8}([0-9a-z]{9})?"
SubnetId = Annotated[
    str, matching(f"subnet-{_ID}", "'{value}' is not a subnet; write its id, like 'subnet-0123456789abcdef0'")
]
SecurityGroupId = Annotated[
    str,
    matching(f"sg-{_ID}", "'{value}' is not a security group; write its id, like 'sg-0123456789abcdef0'"),
]


@arguments
class VpcArgs:
    """The network that whatever writes a collection stands in."""

    subnet_ids: Annotated[list[SubnetId], Field(min_length=1, max_length=12)]
    """Its subnets, at most the 12 that OpenSearch Ingestion takes."""
    security_group_ids: Annotated[list[SecurityGroupId], Field(min_length=1, max_length=5)]
    """Its security groups, at most the 5 that a function takes; they must let it reach port 443."""


def firehose_network_statements(account: AccountArgs, vpc: VpcArgs) -> list[Statement]:
    """Lets a delivery stream's role make its interfaces in the VPC's subnets, and nowhere else
    (https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-serverless, "VPC")."""
    interfaces = account.arn("ec2", "network-interface/*")
    subnets = [account.arn("ec2", f"subnet/{subnet}") for subnet in vpc.subnet_ids]
    groups = [account.arn("ec2", f"security-group/{group}") for group in vpc.security_group_ids]
    return [
        Statement(
            "SeeNetwork",
            [
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            ["*"],
            every_resource_because="none of these takes a resource",
        ),
        Statement("SeeVpc", ["ec2:DescribeVpcAttribute"], [account.arn("ec2", "vpc/*")]),
        Statement("JoinNetwork", ["ec2:CreateNetworkInterface"], [interfaces, *subnets, *groups]),
        Statement(
            "KeepInterfaces",
            ["ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"],
            [interfaces],
            {"ArnEquals": {"ec2:Subnet": subnets}},
        ),
    ]


def function_network_statements(account: AccountArgs, function_arn: str) -> list[Statement]:
    """Lets Lambda, and not the function's own code, make and remove a function's interfaces by the function's role.
    Lambda wants the right on whatever the account has there
    (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html)."""
    makes = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:UnassignPrivateIpAddresses",
    ]
    sees = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    return [
        Statement("SeeNetwork", sees, ["*"], every_resource_because="neither takes a resource"),
        Statement("JoinNetwork", makes, [account.arn("ec2", "*")]),
        Statement(
            "NotByItsOwnCode",
            [*makes, *sees],
            ["*"],
            {"ArnEquals": {"lambda:SourceFunctionArn": function_arn}},
            effect="Deny",
        ),
    ]
