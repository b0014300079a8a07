"""Rules on what is shared, by whatever type of resource, and on what grants in a form that no rule reads."""

import re

from policy.documents import documents
from policy.rule import Problems, Props, Resource, resource_rule, rule
from policy.values import UNKNOWN, leaves

_AWS = "https://docs.aws.amazon.com/"
_WITH_WHOM = re.compile(
    r"(shared_|allowed_|member_)?(accounts?(_ids?)?|groups?(_names?)?|user_(ids?|groups?)|principal_arns?|principals|consumers?|"
    r"restore_access|share_with|grantees?)"
)


@rule(
    r"aws(-native)?:.*",
    write="name the accounts by their ids",
    page=_AWS + "AWSEC2/latest/UserGuide/sharingamis-intro.html",
)
def nothing_is_shared_with_everybody(props: Props) -> Problems:
    """An image, a snapshot, a document or whatever else is shared with `all` or `*`: a launch permission, an attribute
    of a snapshot, an endpoint service's or a share's principals."""
    for path, value in leaves(props):
        name = re.sub(r"\[\d+\]", "", path).split(".")[-1]
        if _WITH_WHOM.fullmatch(name) and str(value).lower() in ("all", "*"):
            yield f"{path} is {value}"


@resource_rule(
    r"aws(:ram/resourceShare|-native:ram):ResourceShare",
    write="write allow_external_principals=False, and share with accounts of your organization",
    page=_AWS + "ram/latest/userguide/working-with-sharing-create.html",
)
def a_share_stays_inside_the_organization(resource: Resource) -> Problems:
    """A share of Resource Access Manager with allow_external_principals, which the API's own default is."""
    external = resource.props.get("allow_external_principals")
    if external is True or (external is None and resource.type.startswith("aws-native:")):
        yield f"allow_external_principals is {external}"


# A type of resource that is called after what it grants, or that makes others out of the program's sight.
_GRANTS = re.compile(
    r".*(Permissions?|Grant|Share|Accepter|AccessEntry|AccessPolicyAssociation|(Account|Application|Policy)Assignment|"
    r"(Share|Endpoint|VpcAssociation|Aggregate|App)Authorization|AuthorizationRule|AllowedPrinciple?s?|EndpointAccess|"
    r"PortfolioAssociation|Delegated\w+|Delegation)"
)
_MAKES_OTHERS = re.compile(
    r"aws(:(cloudformation/(stack|stackSet|stackInstances|stackSetInstance)|servicecatalog/provisionedProduct|"
    r"serverlessrepository/cloudFormationStack)|-native:cloudformation):(Stack\w*|ProvisionedProduct|CloudFormationStack)|"
    r"command:.*|aws:cloudcontrol/resource:Resource|aws:ssm/document:Document|gcp:deploymentmanager/deployment:Deployment"
)
_READ = re.compile(
    r"aws:(cloudwatch/eventPermission|ec2/(amiLaunch|snapshotCreateVolume)Permission|kms/grant|"
    r"lakeformation/permissions|lambda/(permission|layerVersionPermission)|ram/resourceShare|"
    r"ec2/vpcEndpointServiceAllowedPrinciple):\w+|aws-native:(lambda:\w*Permission|ram:ResourceShare)"
)
"""Types whose grants a rule of this folder reads."""
_NONE = re.compile(
    r"aws:(auditmanager/frameworkShare|storagegateway/\w+FileShare|redshift/snapshotCopyGrant|directconnect/\w+|"
    r"quicksight/(role|user|customPermissions)\w*):\w+"
)
"""Types that are called after a grant and let nobody into what they are about."""


@resource_rule(
    r"(aws|aws-native|gcp|command):.*",
    write="grant it by a policy document or a type that a rule reads; or add a rule on it to this folder",
    page=_AWS + "IAM/latest/UserGuide/access-analyzer-resources.html",
)
def what_grants_is_read_by_a_rule(resource: Resource) -> Problems:
    """A type of resource that grants by something that no rule reads (an access entry, an assignment, a data share, the
    acceptance of a share), or that makes others out of the program's sight (a CloudFormation stack, a
    resource of Cloud Control, a command)."""
    if resource.type.startswith("gcp:") and not _MAKES_OTHERS.fullmatch(resource.type):
        return
    if _READ.fullmatch(resource.type) or _NONE.fullmatch(resource.type):
        return
    if _MAKES_OTHERS.fullmatch(resource.type):
        yield "what it makes is not seen by these rules"
        return
    waits = any(value is UNKNOWN and "polic" in name for name, value in resource.props.items())
    if _GRANTS.fullmatch(resource.type.split(":")[-1]) and not (waits or any(documents(resource.props))):
        yield "no rule reads what it grants"
