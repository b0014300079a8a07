"""What each shipped stack registers, to the number, and what holds for all of them."""

import json
from collections import Counter

import pytest

from tests.recording import Recording, record, stack_config
from tests.unit.pipelines.bigquery_transfer.recorded import counts

STACKS = ("dev", "prod", "local")

# What the two pipelines make of themselves, whatever their config is.
COMMON = {
    "aws:athena/workgroup:Workgroup": 1,
    "aws:glue/catalogDatabase:CatalogDatabase": 1,
    "aws:iam/role:Role": 7,
    "aws:iam/rolePolicy:RolePolicy": 7,
    "aws:sfn/stateMachine:StateMachine": 1,
    "aws:lambda/eventSourceMapping:EventSourceMapping": 1,
    "aws:lambda/function:Function": 4,
    "aws:cloudwatch/logGroup:LogGroup": 4,
    "aws:s3/bucket:Bucket": 2,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": 2,
    "aws:s3/bucketNotification:BucketNotification": 2,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": 2,
    "aws:s3/bucketPolicy:BucketPolicy": 2,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": 2,
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": 1,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": 2,
    "aws:s3/bucketVersioning:BucketVersioning": 2,
    "aws:scheduler/schedule:Schedule": 1,
    "aws:scheduler/scheduleGroup:ScheduleGroup": 1,
    "aws:sqs/queue:Queue": 4,
    "aws:sqs/queuePolicy:QueuePolicy": 4,
}
# What increments add to a run, a function whose bundle goes by the landing; and what a database adds.
FOLD = {
    "aws:cloudwatch/logGroup:LogGroup": 1,
    "aws:cloudwatch/metricAlarm:MetricAlarm": 2,
    "aws:iam/role:Role": 1,
    "aws:iam/rolePolicy:RolePolicy": 1,
    "aws:lambda/function:Function": 1,
    "aws:s3/bucketObjectv2:BucketObjectv2": 1,
}
# The function that commits, as the one that folds, and the role of the optimizers.
ICEBERG = FOLD | {"aws:iam/role:Role": 2, "aws:iam/rolePolicy:RolePolicy": 2}
DATABASE = {"aws:iam/role:Role": 1, "aws:iam/rolePolicy:RolePolicy": 1}
# What tables in the receiving account add, beside their alarms and queries.
REPLICAS_RUN = {
    "aws:athena/workgroup:Workgroup": 1,
    "aws:cloudwatch/eventRule:EventRule": 1,
    "aws:cloudwatch/eventTarget:EventTarget": 1,
    "aws:cloudwatch/logGroup:LogGroup": 3,
    "aws:glue/catalogDatabase:CatalogDatabase": 1,
    "aws:iam/role:Role": 5,
    "aws:iam/rolePolicy:RolePolicy": 5,
    "aws:lambda/function:Function": 3,
    "aws:sfn/stateMachine:StateMachine": 1,
    "aws:sqs/queue:Queue": 1,
    "aws:sqs/queuePolicy:QueuePolicy": 1,
}
BACKFILL = {
    "aws:iam/role:Role": 2,
    "aws:iam/rolePolicy:RolePolicy": 2,
    "aws:lambda/function:Function": 1,
    "aws:lambda/invocation:Invocation": 1,
    "aws:cloudwatch/logGroup:LogGroup": 1,
    "aws:cloudwatch/metricAlarm:MetricAlarm": 2,
}
# A bucket, and what makes it private.
BUCKET = {
    "aws:s3/bucket:Bucket": 1,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": 1,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": 1,
    "aws:s3/bucketPolicy:BucketPolicy": 1,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": 1,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": 1,
    "aws:s3/bucketVersioning:BucketVersioning": 1,
}
# A collection, its export bucket, and what an ingestion pipeline brings: a role, a grant, a log, five alarms a table.
SEARCH = {
    "aws:opensearch/serverlessCollection:ServerlessCollection": 1,
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": 2,
    "aws:cloudwatch/metricAlarm:MetricAlarm": 10,
    **BUCKET,
}
INGESTION = {
    "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": 1,
    "aws:opensearchingest/pipeline:Pipeline": 1,
    "aws:iam/role:Role": 1,
    "aws:iam/rolePolicy:RolePolicy": 1,
    "aws:cloudwatch/logGroup:LogGroup": 1,
}
READERS = {"aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": 1}
# A stream, its collection, index, delivery and backup, and the functions that make the index, transform and replay.
FIREHOSE = {
    "aws:cloudwatch/logGroup:LogGroup": 4,
    "aws:cloudwatch/logStream:LogStream": 2,
    "aws:cloudwatch/metricAlarm:MetricAlarm": 13,
    "aws:iam/role:Role": 5,
    "aws:iam/rolePolicy:RolePolicy": 5,
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": 1,
    "aws:kinesis/stream:Stream": 1,
    "aws:lambda/function:Function": 3,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": 1,
    "aws:lambda/invocation:Invocation": 1,
    "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": 2,
    "aws:opensearch/serverlessCollection:ServerlessCollection": 1,
    "aws:opensearch/serverlessLifecyclePolicy:ServerlessLifecyclePolicy": 1,
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": 2,
    **BUCKET,
    "aws:sqs/queue:Queue": 1,
    "aws:sqs/queuePolicy:QueuePolicy": 1,
}
GENERATOR = {
    "aws:cloudwatch/logGroup:LogGroup": 1,
    "aws:cloudwatch/metricAlarm:MetricAlarm": 3,
    "aws:iam/role:Role": 1,
    "aws:iam/rolePolicy:RolePolicy": 1,
    "aws:lambda/function:Function": 1,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": 1,
    "aws:sqs/queue:Queue": 1,
    "aws:sqs/queuePolicy:QueuePolicy": 1,
}
READER_ROLE = {
    "aws:iam/role:Role": 1,
    "aws:iam/rolePolicy:RolePolicy": 1,
    "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": 1,
}
READER_USER = {
    "aws:iam/user:User": 1,
    "aws:iam/userLoginProfile:UserLoginProfile": 1,
    "aws:iam/userPolicy:UserPolicy": 1,
}
REPLAY_SCHEDULE = {
    "aws:iam/role:Role": 1,
    "aws:iam/rolePolicy:RolePolicy": 1,
    "aws:scheduler/schedule:Schedule": 1,
    "aws:scheduler/scheduleGroup:ScheduleGroup": 1,
}


def keyless_warehouse(
    tables: int, compared: int, *, event_driven: bool, overwrites: bool = False
) -> Counter[str]:
    """With a copy: a role instead of the user and its key; event-driven an alarm, and the landing's queue; one grant
    less where a copy is replaced, as that role of Google's has both."""
    made = Counter(counts(tables, compared)) + Counter(
        {
            "aws:iam/role:Role": 1,
            "aws:iam/rolePolicy:RolePolicy": 1,
            "gcp:pubsub/topicIAMMember:TopicIAMMember": 1,
            "gcp:storage/bucket:Bucket": 1,
            "gcp:storage/bucketIAMMember:BucketIAMMember": 3 if overwrites else 4,
            "gcp:storage/transferJob:TransferJob": 1,
        }
    )
    made -= Counter(("aws:iam/accessKey:AccessKey", "aws:iam/user:User", "aws:iam/userPolicy:UserPolicy"))
    events = (
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:sqs/queue:Queue",
        "aws:sqs/queuePolicy:QueuePolicy",
    )
    return made + Counter(events if event_driven else ())


EXACT = {
    "dev": [
        COMMON,
        SEARCH,
        INGESTION,
        FIREHOSE,
        GENERATOR,
        {
            "aws:athena/namedQuery:NamedQuery": 2,
            "aws:cloudwatch/metricAlarm:MetricAlarm": 19,
            "aws:dynamodb/table:Table": 5,
            "aws:kms/alias:Alias": 1,
            "aws:kms/key:Key": 1,
            "aws:sns/topic:Topic": 1,
            "aws:sns/topicPolicy:TopicPolicy": 1,
            "pulumi:providers:aws": 1,
            "pulumi:providers:gcp": 1,
        },
        keyless_warehouse(tables=2, compared=2, event_driven=False),
    ],
    "prod": [
        COMMON,
        FOLD,
        DATABASE,
        BACKFILL,
        SEARCH,
        INGESTION,
        READERS,
        FIREHOSE,
        READER_ROLE,
        REPLAY_SCHEDULE,
        {
            "aws:athena/namedQuery:NamedQuery": 4,
            "aws:cloudwatch/dashboard:Dashboard": 2,
            "aws:cloudwatch/metricAlarm:MetricAlarm": 24,
            "aws:dynamodb/table:Table": 1,
            "aws:kms/alias:Alias": 4,
            "aws:kms/key:Key": 4,
            "aws:sns/topic:Topic": 2,
            "aws:sns/topicPolicy:TopicPolicy": 2,
            "aws:sns/topicSubscription:TopicSubscription": 2,
            "pulumi:providers:aws": 2,
            "pulumi:providers:gcp": 1,
        },
        keyless_warehouse(tables=3, compared=1, event_driven=True),
    ],
    "local": [
        COMMON,
        FOLD,
        ICEBERG,
        REPLICAS_RUN,
        FOLD,
        ICEBERG,
        DATABASE,
        BACKFILL,
        SEARCH,
        INGESTION,
        INGESTION,
        READERS,
        FIREHOSE,
        GENERATOR,
        READER_ROLE,
        READER_USER,
        {
            "aws:athena/namedQuery:NamedQuery": 18,
            "aws:cloudwatch/dashboard:Dashboard": 2,
            "aws:cloudwatch/metricAlarm:MetricAlarm": 44,
            "aws:dynamodb/table:Table": 5,
            "aws:kms/alias:Alias": 4,
            "aws:kms/key:Key": 4,
            "aws:sns/topic:Topic": 2,
            "aws:sns/topicPolicy:TopicPolicy": 2,
            "pulumi:providers:aws": 2,
            "pulumi:providers:gcp": 1,
        },
        counts(tables=7, compared=2),
        counts(tables=6, compared=2),
        keyless_warehouse(tables=7, compared=2, event_driven=True, overwrites=True),
    ],
}


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest) -> tuple[str, Recording]:
    return request.param, record(request.param)


def test_a_stack_registers_exactly_these_resources(stack: tuple[str, Recording]) -> None:
    name, recorded = stack
    expected: Counter[str] = Counter()
    for part in EXACT[name]:
        expected.update(part)
    made = {token: n for token, n in recorded.counts().items() if not token.startswith("tributary:")}
    assert made == dict(expected)


def test_every_resource_has_an_explicit_provider(stack: tuple[str, Recording]) -> None:
    _, recorded = stack
    bare = [
        r
        for r in recorded.resources
        if r.type.startswith(("aws:", "gcp:")) and "default" in (r.provider or "default")
    ]
    assert bare == []


def test_no_two_resources_of_a_kind_share_a_physical_name_in_an_account(stack: tuple[str, Recording]) -> None:
    _, recorded = stack
    named = Counter(
        (r.type, r.provider, r.inputs.get("role", r.inputs.get("user")), r.inputs["name"])
        for r in recorded.resources
        if "name" in r.inputs
    )
    assert [key for key, count in named.items() if count > 1] == []


def test_every_alarm_goes_to_its_own_accounts_topic(stack: tuple[str, Recording]) -> None:
    _, recorded = stack
    for alarm in (r for r in recorded.resources if r.type == "aws:cloudwatch/metricAlarm:MetricAlarm"):
        topic = f"arn:aws:sns:{alarm.provider}:mock:"
        assert len(alarm.inputs["alarmActions"]) == 1
        assert alarm.inputs["alarmActions"][0].startswith(topic), alarm.name
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"]


def test_an_alarm_is_encrypted_by_a_key_that_cloudwatch_may_use(stack: tuple[str, Recording]) -> None:
    _, recorded = stack
    for topic in (r for r in recorded.resources if r.type == "aws:sns/topic:Topic"):
        assert topic.inputs["kmsMasterKeyId"] == f"arn:aws:kms:{topic.provider}:mock:{topic.name}-key"
        policy = json.loads(recorded.inputs_of("aws:kms/key:Key", f"{topic.name}-key")["policy"])
        (used,) = [s for s in policy["Statement"] if s["Sid"] == "PublishEncryptedAlarms"]
        assert used["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert used["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


def test_every_policy_names_actions_and_says_what_for(stack: tuple[str, Recording]) -> None:
    _, recorded = stack
    for role in (r for r in recorded.resources if r.type == "aws:iam/rolePolicy:RolePolicy"):
        for statement in json.loads(role.inputs["policy"])["Statement"]:
            assert statement["Sid"]
            assert not [action for action in statement["Action"] if "*" in action]


def test_a_provider_works_in_its_own_account_only() -> None:
    providers = record("prod").of("pulumi:providers:aws")
    assert json.loads(providers["workload"]["allowedAccountIds"]) == ["111111111111"]
    assert json.loads(providers["analytics"]["allowedAccountIds"]) == ["222222222222"]
    assert json.loads(providers["analytics"]["assumeRoles"]) == [
        {"roleArn": "arn:aws:iam::222222222222:role/deploy", "sessionName": "tributary-prod"}
    ]
    assert json.loads(providers["workload"]["defaultTags"]) == {
        "tags": {"team": "data-platform", "tributary-project": "tributary", "tributary-stack": "prod"}
    }


def test_a_provider_assumes_the_roles_of_a_chain_one_after_the_other() -> None:
    config = stack_config("prod")
    hub, last = "arn:aws:iam::333333333333:role/hub", "arn:aws:iam::222222222222:role/deploy"
    second = {
        "arn": last,
        "external_id": "of-us",
        "session_tags": {"team": "data"},
        "transitive_tags": ["team"],
    }
    analytics = {"id": "222222222222", "region": "ap-northeast-1", "roles": [{"arn": hub}, second]}
    made = record("prod", config | {"accounts": config["accounts"] | {"analytics": analytics}})
    assert json.loads(made.of("pulumi:providers:aws")["analytics"]["assumeRoles"]) == [
        {"roleArn": hub, "sessionName": "tributary-prod"},
        {
            "roleArn": last, "sessionName": "tributary-prod", "externalId": "of-us", "tags": {"team": "data"},
            "transitiveTagKeys": ["team"],
        },
    ]  # fmt: skip


@pytest.mark.parametrize("retained", [True, False])
def test_what_holds_data_and_what_guards_it_outlive_the_stack_only_where_the_config_says_so(
    retained: bool,
) -> None:
    requests = record("prod", stack_config("prod") | {"retain_data": retained}).requests.values()
    kept = {(made.type.rpartition(":")[2], made.name) for made in requests if made.retainOnDelete}
    bucket = ["", "LifecycleConfiguration", "OwnershipControls", "Policy", "PublicAccessBlock", "Versioning"]
    guards = {f"Bucket{part}" for part in [*bucket, "ServerSideEncryptionConfiguration"]}
    holds = {
        (kind, name)
        for kind in guards | {"Key", "Alias"}  # by which a key is adopted again
        for name in ("shop-lake-landing", "shop-replica-replica")
    }
    holds.add(("CatalogDatabase", "shop-lake"))  # its tables are a run's, and the stack knows none of them
    assert {(kind, name) for kind, name in kept if name.startswith(("shop-lake", "shop-replica"))} == (
        holds if retained else set()
    )


def test_the_outputs_name_each_pipelines_landing() -> None:
    pipelines = record("prod").outputs["pipelines"]
    assert pipelines["shop-lake"]["landing"]["bucket"] == "tributary-prod-shop-lake-landing-111111111111"
    assert pipelines["shop-replica"]["landing"] == {
        "account": "222222222222",
        "region": "ap-northeast-1",
        "bucket": "tributary-prod-shop-replica-replica-222222222222",
        "prefix": "raw/",
        "tables": ["customers", "orders"],
        "layout": "dynamodb-export",
    }


@pytest.mark.parametrize("name", STACKS)
def test_the_first_preview_of_an_empty_stack_is_not_refused(name: str) -> None:
    assert record(name, preview=True).counts() == record(name).counts()
