"""The collection and its index: what makes them, in which order, and who may."""

import json

import pytest

from tests.recording import record
from tests.unit.pipelines.firehose.recorded import (
    ACCESS,
    COLLECTION,
    DELIVERY,
    ENDPOINT,
    FUNCTION,
    NAME,
    config,
    granted,
    role,
    statements,
    ticks,
)


def test_the_collection_is_one_of_time_series() -> None:
    made = ticks(collection={"standby_replicas": False}).inputs_of(
        "aws:opensearch/serverlessCollection:ServerlessCollection", "ticks"
    )
    assert (made["type"], made["standbyReplicas"]) == ("TIMESERIES", "DISABLED")


def test_documents_are_kept_as_long_as_the_config_says() -> None:
    token = "aws:opensearch/serverlessLifecyclePolicy:ServerlessLifecyclePolicy"
    policy = json.loads(ticks(retention="90d").inputs_of(token, "ticks-retention")["policy"])
    assert policy == {
        "Rules": [{"ResourceType": "index", "Resource": [f"index/{NAME}/*"], "MinIndexRetention": "90d"}]
    }
    assert ticks().of(token) == {}


def test_the_deployment_makes_the_index_and_keeps_its_mapping() -> None:
    mapping = {"properties": {"PRICE": {"type": "double"}}}
    made = ticks(mapping=mapping).inputs_of("aws:lambda/invocation:Invocation", "ticks-index")
    assert made["functionName"] == f"{NAME}-index"
    assert made["lifecycleScope"] == "CRUD"
    assert json.loads(made["input"]) == {
        "endpoint": ENDPOINT,
        "region": "eu-central-1",
        "index": "ticks",
        "mapping": mapping,
        "delete": False,
    }


def test_the_index_and_all_that_its_roles_may_do_are_there_before_anything_is_delivered() -> None:
    recorded, made = ticks(transform={}), "aws:lambda/invocation:Invocation"
    assert recorded.waits_for(f"{DELIVERY}::ticks") >= {
        f"{made}::ticks-index",
        f"{ACCESS}::ticks-delivery",
        "aws:iam/rolePolicy:RolePolicy::ticks-source",
        "aws:iam/rolePolicy:RolePolicy::ticks-delivery",
        f"{FUNCTION}::ticks-transform",
    }
    assert f"{ACCESS}::ticks-index-ticks" in recorded.waits_for(f"{made}::ticks-index")


def test_a_collection_is_made_after_the_policies_that_it_needs() -> None:
    kind = "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy"
    collection = "aws:opensearch/serverlessCollection:ServerlessCollection"
    awaited = ticks().waits_for(f"{collection}::ticks")
    assert awaited == {f"{kind}::ticks-encryption", f"{kind}::ticks-network"}


@pytest.mark.parametrize("retained", [True, False])
def test_a_collection_and_its_documents_go_with_the_stack_whatever_is_retained(retained: bool) -> None:
    made = record("test", config() | {"retain_data": retained}).requests
    assert not made["aws:opensearch/serverlessCollection:ServerlessCollection::ticks"].retainOnDelete
    assert made["aws:s3/bucket:Bucket::ticks-backup"].retainOnDelete is retained


def test_a_pipeline_reserves_one_concurrent_run_of_the_account_and_no_more() -> None:
    made = ticks(generator=True, transform={}).of(FUNCTION)
    reserved = {name: function.get("reservedConcurrentExecutions") for name, function in made.items()}
    assert reserved == {
        "ticks-replay": 1,
        "ticks-index": None,
        "ticks-transform": None,
        "ticks-generator": None,
    }


def test_the_index_function_may_make_its_index_and_nothing_else() -> None:
    recorded = ticks()
    makes = ["aoss:CreateIndex", "aoss:DescribeIndex", "aoss:UpdateIndex"]
    assert granted(recorded, "ticks-index-ticks") == ([role("index")], {f"index/{NAME}/ticks": makes})
    reaches = {"Effect": "Allow", "Action": ["aoss:APIAccessAll"], "Resource": [COLLECTION]}
    assert statements(recorded, "ticks-index")["ReachCollection"] == reaches
    # The function gives up, and reports why, before its own time is over.
    function = recorded.inputs_of(FUNCTION, "ticks-index")
    assert function["timeout"] == 660
    assert function["environment"]["variables"] == {"PATIENCE_SECONDS": "600"}


def test_the_index_is_deleted_only_where_the_config_says_so() -> None:
    recorded = ticks(delete_index=True)
    assert (
        json.loads(recorded.inputs_of("aws:lambda/invocation:Invocation", "ticks-index")["input"])["delete"]
        is True
    )
    assert "aoss:DeleteIndex" in granted(recorded, "ticks-index-ticks")[1][f"index/{NAME}/ticks"]


def test_a_renamed_index_has_another_grant_so_the_former_one_holds_until_the_former_index_is_deleted() -> (
    None
):
    # One invocation, which is updated and deletes the former index; a policy that is left out goes after all updates.
    before, after = (ticks(delete_index=True, index=index) for index in ("ticks", "quotes"))
    invoked = "aws:lambda/invocation:Invocation"
    assert set(before.of(invoked)) == set(after.of(invoked)) == {"ticks-index"}
    grants = [
        {name: made["name"] for name, made in recorded.of(ACCESS).items() if "-index" in name}
        for recorded in (before, after)
    ]
    assert grants == [
        {"ticks-index-ticks": "tributary-test-ticks-index-ticks"},
        {"ticks-index-quotes": "tributary-test-ticks-in-3bc1e8e0"},
    ]


CLOSED = {"network": {"public": False, "public_dashboards": False, "vpc_endpoints": ["vpce-0a1"]}}


VPC = {"subnet_ids": ["subnet-0a000001", "subnet-0a000002"], "security_group_ids": ["sg-0b000001"]}


def test_a_closed_collection_is_reached_by_firehose_and_the_index_function_from_its_network() -> None:
    recorded = ticks(vpc=VPC, collection=CLOSED, transform={}, generator=True)
    policies = recorded.of("aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy")
    rules = [
        {"ResourceType": kind, "Resource": [f"collection/{NAME}"]} for kind in ("collection", "dashboard")
    ]
    [reached] = json.loads(policies["ticks-network"]["policy"])
    reached.pop("Description")
    assert reached == {"Rules": rules, "AllowFromPublic": False, "SourceVPCEs": ["vpce-0a1"]}
    stands = {"subnetIds": ["subnet-0a000001", "subnet-0a000002"], "securityGroupIds": ["sg-0b000001"]}
    assert recorded.inputs_of(DELIVERY, "ticks")["opensearchserverlessConfiguration"]["vpcConfig"] == {
        "roleArn": role("delivery"),
        **stands,
    }
    # The others reach Kinesis, S3 and nothing of the network.
    inside = {name: made.get("vpcConfig") for name, made in recorded.of(FUNCTION).items()}
    assert inside == {
        "ticks-index": stands,
        "ticks-transform": None,
        "ticks-generator": None,
        "ticks-replay": None,
    }


def test_the_index_function_may_join_its_network_and_its_code_may_not() -> None:
    rights = statements(ticks(vpc=VPC), "ticks-index")
    makes = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:UnassignPrivateIpAddresses",
    ]
    sees = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    of_the_account = ["arn:aws:ec2:eu-central-1:111111111111:*"]
    itself = f"arn:aws:lambda:eu-central-1:111111111111:function:{NAME}-index"
    assert set(rights) == {"WriteLog", "ReachCollection", "SeeNetwork", "JoinNetwork", "NotByItsOwnCode"}
    assert rights["SeeNetwork"] == {"Effect": "Allow", "Action": sees, "Resource": ["*"]}
    assert rights["JoinNetwork"] == {"Effect": "Allow", "Action": makes, "Resource": of_the_account}
    assert rights["NotByItsOwnCode"] == {
        "Effect": "Deny",
        "Action": [*makes, *sees],
        "Resource": ["*"],
        "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": itself}},
    }
    assert set(statements(ticks(), "ticks-index")) == {"WriteLog", "ReachCollection"}


def test_two_pipelines_share_a_closed_collection_from_their_networks() -> None:
    both = config(vpc=VPC, collection=CLOSED)
    both["pipelines"]["quotes"] = {
        "kind": "firehose",
        "index": "quotes",
        "collection_of": "ticks",
        "vpc": VPC,
    }
    made = record("test", both).inputs_of(FUNCTION, "quotes-index")["vpcConfig"]
    assert made["subnetIds"] == ["subnet-0a000001", "subnet-0a000002"]


def test_a_collection_is_shared_and_each_pipeline_reaches_its_own_index() -> None:
    other = {"kind": "firehose", "index": "quotes", "collection_of": "ticks"}
    both = config()
    both["pipelines"]["quotes"] = other
    recorded = record("test", both)
    assert set(recorded.of("aws:opensearch/serverlessCollection:ServerlessCollection")) == {"ticks"}
    made = recorded.inputs_of(DELIVERY, "quotes")["opensearchserverlessConfiguration"]
    assert (made["collectionEndpoint"], made["indexName"]) == (ENDPOINT, "quotes")
    assert set(granted(recorded, "quotes-delivery")[1]) == {f"index/{NAME}/quotes"}
