"""The embedded cloud, with its IAM, lets who deploys a stack of generation `nextgen` make its group and put its
collection into it, and reach no other group, also not one whose name begins alike.

By https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonopensearchserverless.html:
CreateCollection in a group asks for AddCollectionToCollectionGroup on the group, which carries its name as
`aoss:collection-group`; so does BatchGetCollectionGroup; what changes a group is judged on the group, by its tags.
"""

import json
from typing import Any

import pytest

from bootstrap.registered import config_of, registered
from bootstrap.roles import Stack, deploy, documents
from tests.contract.embedded_cloud import WORKLOAD, Cloud, refused

NAME = "tributary-prod-catalog-search"
GROUP = "tributary-prod-catalog-28e55a23"  # cut to the 32 characters that a group's name has
NEIGHBOURS = (f"{GROUP}-", f"{GROUP[:-1]}", "tributary-prod-eu-catal-28e55a23", "payroll")
TAGS = [{"key": "tributary-project", "value": "tributary"}, {"key": "tributary-stack", "value": "prod"}]
OF_OTHERS = [TAGS[0], {"key": "tributary-stack", "value": "prod-eu"}]
NEXTGEN = {"generation": "NEXTGEN", "standbyReplicas": "ENABLED"}


@pytest.fixture(scope="module")
def clients(cloud: Cloud) -> tuple[Any, Any]:
    """OpenSearch Serverless as the account's administrator, who has made the neighbours' groups, and as who deploys."""
    config = config_of("prod")
    for account in config["accounts"].values():
        account["region"] = "us-east-1"
    config["pipelines"]["catalog-search"]["collection"] = {"generation": "nextgen"}
    stack = Stack("prod", registered("prod", config))
    made = [r.inputs["name"] for r in stack.program.resources if r.type.endswith("ServerlessCollectionGroup")]
    assert made == [GROUP]
    iam, role = cloud.client("iam", WORKLOAD), "deploys-a-group"
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{WORKLOAD}:root"},
        "Action": "sts:AssumeRole",
    }
    iam.create_role(
        RoleName=role, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    for number, document in enumerate(documents(deploy(stack, stack.places()["workload"]))):
        iam.put_role_policy(RoleName=role, PolicyName=f"p{number}", PolicyDocument=json.dumps(document))
    admin = cloud.client("opensearchserverless", WORKLOAD)
    for name in NEIGHBOURS:
        admin.create_collection_group(name=name, **NEXTGEN, tags=OF_OTHERS)
    for name in (NAME, "tributary-prod-eu-x"):
        rule = [{"ResourceType": "collection", "Resource": [f"collection/{name}"]}]
        policy = json.dumps({"Rules": rule, "AWSOwnedKey": True})
        admin.create_security_policy(name=name, type="encryption", policy=policy)
    return admin, cloud.client("opensearchserverless", WORKLOAD, role)


def test_a_group_is_made_with_the_stacks_tags_and_a_collection_in_it(clients: tuple[Any, Any]) -> None:
    _, deployer = clients
    assert refused(deployer.create_collection_group, name=GROUP, **NEXTGEN)
    assert refused(deployer.create_collection_group, name=GROUP, **NEXTGEN, tags=OF_OTHERS)
    group = deployer.create_collection_group(name=GROUP, **NEXTGEN, tags=TAGS)["createCollectionGroupDetail"]
    [detail] = deployer.batch_get_collection_group(names=[GROUP])["collectionGroupDetails"]
    assert detail["id"] == group["id"]
    assert not refused(deployer.batch_get_collection_group, ids=[group["id"]])
    deployer.update_collection_group(id=group["id"], capacityLimits={"maxSearchCapacityInOCU": 4})
    deployer.create_collection(name=NAME, type="SEARCH", collectionGroupName=GROUP, tags=TAGS)


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
def test_a_neighbours_group_is_out_of_reach(clients: tuple[Any, Any], neighbour: str) -> None:
    admin, deployer = clients
    given = {"name": f"{NAME}-2", "type": "SEARCH", "tags": TAGS}
    assert refused(deployer.create_collection, collectionGroupName=neighbour, **given)
    assert refused(deployer.batch_get_collection_group, names=[neighbour])
    assert refused(deployer.batch_get_collection_group, names=[GROUP, neighbour])
    [group] = admin.batch_get_collection_group(names=[neighbour])["collectionGroupDetails"]
    assert refused(
        deployer.update_collection_group, id=group["id"], capacityLimits={"maxSearchCapacityInOCU": 4}
    )
    assert refused(deployer.delete_collection_group, id=group["id"])
    assert admin.batch_get_collection_group(names=[neighbour])["collectionGroupDetails"] == [group]
