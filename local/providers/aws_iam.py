"""The types of pulumi-aws of who may enter an account: identity providers, managed policies and who has them (see
aws.Row for the columns)."""

import json
from urllib.parse import unquote

from local.plain import is_object

from .aws_rows import Call, Entry, Member, Row
from .values import Props


def document(call: Call) -> Props:
    """A managed policy's document is its default version's."""
    arn = call.state["arn"]
    version = call.client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    text = call.client.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return {"policy": json.dumps(text) if is_object(text) else unquote(text)}


def new_version(call: Call) -> None:
    """A policy has five versions at most, so that the real provider deletes the oldest before it makes another."""
    if "policy" not in call.changed:
        return
    arn = call.state["arn"]
    versions = call.client.list_policy_versions(PolicyArn=arn)["Versions"]
    if len(versions) >= 5:
        others = [version for version in versions if not version["IsDefaultVersion"]]
        oldest = min(others, key=lambda version: version["CreateDate"])
        call.client.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
    call.client.create_policy_version(PolicyArn=arn, PolicyDocument=call.state["policy"], SetAsDefault=True)


def remove_policy(call: Call) -> None:
    """Deletes a managed policy after its other versions: DeletePolicy refuses one that has any but the default."""
    arn = call.state["arn"]
    for version in call.client.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            call.client.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    call.client.delete_policy(PolicyArn=arn)


NAME = (r"[\w+=,.@-]{1,128}", "a policy's name (1-128 of letters, digits and _+=,.@-)")
ROWS = {
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Row(
        "iam", create=("create_open_id_connect_provider",), read=("get_open_id_connect_provider",),
        delete=("delete_open_id_connect_provider",), id="{arn}", withheld=("url",),
        update=("update_open_id_connect_provider_thumbprint", "tag_open_id_connect_provider"),
        untag="untag_open_id_connect_provider",
        paths={"arn": "OpenIDConnectProviderArn", "url": "Url", "clientIdLists": "ClientIDList",
               "thumbprintLists": "ThumbprintList"},
    ),
    "aws:iam/policy:Policy": Row(
        "iam", create=("create_policy",), read=("get_policy", document), update=(new_version, "tag_policy"),
        delete=(remove_policy,), id="{arn}", name="name", names=NAME, untag="untag_policy", handles=("policy",),
        replace=("name", "path", "description"), read_by_function=("policy",),
        paths={"name": "PolicyName", "policy": "PolicyDocument", "arn": "Arn|PolicyArn"},
        result={"get_policy": Member("Policy")},
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Row(
        "iam", create=("attach_role_policy",), read=("list_attached_role_policies",), id="{role}/{policyArn}",
        delete=("detach_role_policy",), paths={"role": "RoleName", "policyArn": "PolicyArn"},
        result={"list_attached_role_policies": Entry("AttachedPolicies", "PolicyArn", "policyArn")},
    ),
}  # fmt: skip
