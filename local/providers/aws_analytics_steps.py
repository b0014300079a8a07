"""The functions among the rows of aws_analytics: what one API operation can't say."""

import secrets
import time
from collections.abc import Callable
from typing import Any

from local.plain import is_object, within

from .aws_rows import Call, Refused
from .values import Props

# -- Kinesis, Firehose


def collection_group(client: Any, name: str) -> str:
    """The id of a collection group; its name, which is no id, where there is none."""
    details = client.batch_get_collection_group(names=[name])["collectionGroupDetails"]
    return details[0]["id"] if details else name


def stream_switches(call: Call) -> None:
    """Retention, encryption and shards each have operations of their own, and wait for the stream in between."""
    stream, state, old = {"StreamName": call.state["name"]}, call.state, call.old

    def settle() -> None:
        until = time.monotonic() + 300
        while time.monotonic() < until:
            summary = call.client.describe_stream_summary(**stream)["StreamDescriptionSummary"]
            if summary["StreamStatus"] == "ACTIVE":
                return
            time.sleep(0.2)
        raise Refused(f"stream {call.state['name']!r} is not active after 300 s")

    settle()
    hours, was = state.get("retentionPeriod", 24), old.get("retentionPeriod", 24)
    if hours != was:
        change = (
            call.client.increase_stream_retention_period
            if hours > was
            else call.client.decrease_stream_retention_period
        )
        change(**stream, RetentionPeriodHours=hours)
        settle()
    wanted, was = ({k: s.get(k) for k in ("encryptionType", "kmsKeyId")} for s in (state, old))
    if wanted != was:
        if wanted["encryptionType"] == "KMS":
            call.client.start_stream_encryption(**stream, EncryptionType="KMS", KeyId=wanted["kmsKeyId"])
        elif was["encryptionType"] == "KMS":
            call.client.stop_stream_encryption(**stream, EncryptionType="KMS", KeyId=was["kmsKeyId"])
        settle()
    if old and state.get("shardCount") and state["shardCount"] != old.get("shardCount"):
        call.client.update_shard_count(
            **stream, TargetShardCount=state["shardCount"], ScalingType="UNIFORM_SCALING"
        )
        settle()


def remove_stream(call: Call) -> None:
    """Deletes the stream; one with registered consumers only by `enforceConsumerDeletion`, else Kinesis refuses."""
    enforce = bool(call.state.get("enforceConsumerDeletion"))
    call.client.delete_stream(StreamName=call.state["name"], EnforceConsumerDeletion=enforce)


DESTINATIONS = {"opensearchserverless": "AmazonOpenSearchServerless", "extended_s3": "ExtendedS3"}


def delivery_stream(props: Props) -> Props:
    """Firehose's stream type for Pulumi's `destination`, which the API has in its configuration's name: a Kinesis
    source makes it KinesisStreamAsSource, else it is DirectPut. Refused for a destination not in DESTINATIONS."""
    request = {k: v for k, v in props.items() if k != "destination"}
    if props.get("destination") not in (None, *DESTINATIONS):
        raise Refused(f"destination: {props['destination']!r} is not one of {', '.join(DESTINATIONS)}")
    if "destination" in props:
        request["kind"] = "KinesisStreamAsSource" if "kinesisSourceConfiguration" in props else "DirectPut"
    if "arn" in props and "name" not in props:  # of an import, which has the ARN alone
        request["name"] = props["arn"].rpartition("/")[2]
    return request


# What the real provider drops of a processor as it reads: a property at its default is a change at every preview, here
# as there (https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/kinesis_firehose_delivery_stream,
# the note under `parameters`).
DEFAULTS = {"NumberOfRetries": "3", "BufferSizeInMBs": "1", "BufferIntervalInSeconds": "60"}


def without_defaults(description: Props) -> None:
    """Takes the parameters at their default off each processor of a destination, in the description itself."""
    defaults = DEFAULTS | {"RoleArn": description.get("RoleARN")}
    for processor in within(description, "ProcessingConfiguration").get("Processors", []):
        processor["Parameters"] = [
            parameter
            for parameter in processor.get("Parameters", [])
            if parameter["ParameterValue"] != defaults.get(parameter["ParameterName"])
        ]


def described_delivery(data: Props, state: Props) -> Props:
    """DescribeDeliveryStream's destination and Kinesis source as the configurations that CreateDeliveryStream takes,
    without the parameters at their defaults."""
    answer = dict(data)
    destinations: list[Props] = data.get("Destinations") or []
    for destination in destinations:
        for name, noun in DESTINATIONS.items():
            if f"{noun}DestinationDescription" in destination:
                answer |= {
                    "destination": name,
                    f"{noun}DestinationConfiguration": destination[f"{noun}DestinationDescription"],
                }
                without_defaults(destination[f"{noun}DestinationDescription"])
    source = within(data, "Source").get("KinesisStreamSourceDescription")
    return answer | ({"KinesisStreamSourceConfiguration": source} if source else {})


# -- Glue, Athena


def glue_arn(kind: str, member: str) -> Callable[[Props, Props], Props]:
    """A row's `after` that adds the ARN, which Glue's answers lack: `kind`, '/' and the name, at `member` or stated."""
    return lambda data, state: (
        data
        | {
            "Arn": f"arn:aws:glue:{state['_region']}:{state['_account']}:{kind}/{data.get(member) or state.get('name')}"
        }
    )


def crawler(data: Props, state: Props) -> Props:
    """GetCrawler's answer with the ARN added, and the schedule as its expression alone, as CreateCrawler takes it."""
    answer = glue_arn("crawler", "Name")(data, state)
    schedule = data.get("Schedule")
    return answer | ({"Schedule": schedule.get("ScheduleExpression")} if is_object(schedule) else {})


def remove_workgroup(call: Call) -> None:
    """Deletes the workgroup; one that has named queries or executions only by `forceDestroy`, else Athena refuses."""
    call.client.delete_work_group(
        WorkGroup=call.state["name"], RecursiveDeleteOption=bool(call.state.get("forceDestroy"))
    )


# -- People


def clear_user(call: Call) -> None:
    """By `forceDestroy`, deletes the user's access keys and inline policies: DeleteUser refuses a user who has any."""
    if call.state.get("forceDestroy"):
        user = {"UserName": call.state["name"]}
        for key in call.client.list_access_keys(**user)["AccessKeyMetadata"]:
            call.client.delete_access_key(**user, AccessKeyId=key["AccessKeyId"])
        for name in call.client.list_user_policies(**user)["PolicyNames"]:
            call.client.delete_user_policy(**user, PolicyName=name)


def make_login(call: Call) -> Props:
    """A password that meets IAM's default policy; the SDK's state marks it as secret."""
    length = call.state.get("passwordLength", 20)
    password = "Aa1!" + secrets.token_urlsafe(length)[: max(length - 4, 4)]
    reset = bool(call.state.get("passwordResetRequired"))
    answer = call.client.create_login_profile(
        UserName=call.state["user"], Password=password, PasswordResetRequired=reset
    )
    return {**answer["LoginProfile"], "password": password}


def described_stream(data: Props, state: Props) -> Props:
    """A stream's summary; on demand, the shards that it has at the moment are nothing that somebody set."""
    on_demand = within(data, "StreamModeDetails").get("StreamMode") == "ON_DEMAND"
    return {k: v for k, v in data.items() if not (on_demand and k in ("OpenShardCount", "ShardCount"))}
