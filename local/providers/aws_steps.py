"""What one API operation of KMS, IAM, CloudWatch, EventBridge, SNS or SQS can't say: the functions among a row's steps
(each gets a Call) and reshapings."""

from collections.abc import Callable

from local.plain import within

from .aws_rows import Call, Missing
from .values import Props

# -- KMS


def key_switches(call: Call) -> None:
    """Rotation, its period in days and whether the key is enabled: each by its own operation, where it changed."""
    key, state, old = {"KeyId": call.state["keyId"]}, call.state, call.old
    rotate, rotated = state.get("enableKeyRotation"), old.get("enableKeyRotation", False)
    if rotate and (not rotated or state.get("rotationPeriodInDays") != old.get("rotationPeriodInDays")):
        days = state.get("rotationPeriodInDays")
        call.client.enable_key_rotation(**key, **({"RotationPeriodInDays": days} if days else {}))
    elif rotated and not rotate:
        call.client.disable_key_rotation(**key)
    if state.get("isEnabled", True) != old.get("isEnabled", True):
        (call.client.enable_key if state.get("isEnabled", True) else call.client.disable_key)(**key)


def key_state(call: Call) -> Props:
    """A key that waits for its deletion is gone for the provider."""
    metadata = call.client.describe_key(KeyId=call.state["id"])["KeyMetadata"]
    if metadata["KeyState"] in ("PendingDeletion", "PendingReplicaDeletion"):
        raise Missing(call.state["id"])
    return metadata


def remove_key(call: Call) -> None:
    """Schedules the deletion of the key, 30 days ahead unless `deletionWindowInDays` states another number."""
    days = call.state.get("deletionWindowInDays", 30)
    call.client.schedule_key_deletion(KeyId=call.state["keyId"], PendingWindowInDays=days)


# -- IAM


def detach_role(call: Call) -> None:
    """`forceDetachPolicies`: what was attached from elsewhere goes with the role."""
    if call.state.get("forceDetachPolicies"):
        role = {"RoleName": call.state["name"]}
        for policy in call.client.list_attached_role_policies(**role)["AttachedPolicies"]:
            call.client.detach_role_policy(**role, PolicyArn=policy["PolicyArn"])
        for name in call.client.list_role_policies(**role)["PolicyNames"]:
            call.client.delete_role_policy(**role, PolicyName=name)


# -- CloudWatch, EventBridge, SNS, SQS


def retention(call: Call) -> None:
    """Sets the days that a log group keeps its events, if they changed; without a number it keeps them for good."""
    days, name = call.state.get("retentionInDays"), call.state["name"]
    if days == call.old.get("retentionInDays"):
        return
    if days:
        call.client.put_retention_policy(logGroupName=name, retentionInDays=days)
    else:
        call.client.delete_retention_policy(logGroupName=name)


def without_star(data: Props, state: Props) -> Props:
    """DescribeLogGroups ends a group's ARN in ':*', which the provider takes off."""
    return data | ({"arn": data["arn"].removesuffix(":*")} if "arn" in data else {})


def queue_name(data: Props, state: Props) -> Props:
    """GetQueueAttributes' answer with the queue's name, which it has only as the last part of the ARN, and the URL that
    was asked for."""
    arn = within(data, "Attributes").get("QueueArn")
    url = {"QueueUrl": state["url"]} if "url" in state else {}
    return data | url | ({"QueueName": arn.split(":")[-1]} if arn else {})


def clear_rule(call: Call) -> None:
    """By `forceDestroy`, removes the rule's targets: DeleteRule refuses a rule that has any."""
    if call.state.get("forceDestroy"):
        rule = {"Rule": call.state["name"], "EventBusName": call.state.get("eventBusName", "default")}
        targets = [t["Id"] for t in call.client.list_targets_by_rule(**rule)["Targets"]]
        if targets:
            call.client.remove_targets(**rule, Ids=targets)


def clear(operation: str, attribute: str) -> Callable[[Call], None]:
    """A step that sets a queue's attribute to an empty text, which is how SQS takes a policy away."""
    return lambda call: getattr(call.client, operation)(
        QueueUrl=call.state["queueUrl"], Attributes={attribute: ""}
    )


def attributes(operation: str, paths: dict[str, str]) -> Callable[[Call], None]:
    """SNS sets one attribute at a time."""

    def step(call: Call) -> None:
        target = {"SubscriptionArn" if "subscription" in operation else "TopicArn": call.state["arn"]}
        for prop, path in paths.items():
            value = call.state.get(prop)
            if value != call.old.get(prop) and prop not in ("owner", "fifoTopic"):
                text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
                getattr(call.client, operation)(
                    **target, AttributeName=path.split(".")[-1], AttributeValue=text
                )

    return step
