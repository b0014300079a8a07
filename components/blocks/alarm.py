"""Alarms, and the topic of an account that they go to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components import names
from components.accounts import AccountArgs
from components.blocks.key import THE_KEY_ITSELF, KmsKey
from components.iam import Statement, document


class AlarmTopic(pulumi.ComponentResource):
    """The SNS topic that every alarm of an account goes to, encrypted by a key that CloudWatch may use
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html).
    At rest it costs the key: one dollar a month."""

    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        account: AccountArgs,
        emails: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ):
        super().__init__("tributary:blocks:AlarmTopic", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        physical = names.topic(name)
        arn = account.arn("sns", physical)
        from_alarms = {
            "StringEquals": {"aws:SourceAccount": account.id},
            "ArnLike": {"aws:SourceArn": account.arn("cloudwatch", "alarm:*")},
        }
        cloudwatch = {"Service": "cloudwatch.amazonaws.com"}
        key = KmsKey(
            f"{name}-key",
            account,
            "Encrypts alarms on their way to their readers",
            statements=[
                Statement(
                    "PublishEncryptedAlarms",
                    ["kms:Decrypt", "kms:GenerateDataKey"],
                    ["*"],
                    from_alarms,
                    cloudwatch,
                    every_resource_because=THE_KEY_ITSELF,
                )
            ],
            opts=child_opts,
        )
        topic = aws.sns.Topic(name, name=physical, kms_master_key_id=key.arn, opts=child_opts)
        aws.sns.TopicPolicy(
            name,
            arn=topic.arn,
            policy=document(
                Statement("PublishAlarms", ["sns:Publish"], [arn], from_alarms, cloudwatch),
                # https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html#enforce-encryption-data-in-transit
                Statement(
                    "DenyPlainHttp",
                    ["sns:Publish"],
                    [arn],
                    {"Bool": {"aws:SecureTransport": "false"}},
                    {"AWS": "*"},
                    effect="Deny",
                ),
            ),
            opts=child_opts,
        )
        for email in emails:
            aws.sns.TopicSubscription(
                f"{name}-{email}", topic=topic.arn, protocol="email", endpoint=email, opts=child_opts
            )
        self.arn = topic.arn
        self.register_outputs({"arn": self.arn})


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """When an alarm fires: its metric is above `above` (or below `below`) for `periods` periods of `minutes`, or for
    `datapoints` of them (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html)."""

    above: float = 0
    below: float | None = None
    statistic: Literal["Average", "Maximum", "Minimum", "Sum"] = "Sum"
    minutes: int = 5
    periods: int = 1
    datapoints: int | None = None
    missing: Literal["breaching", "ignore", "missing", "notBreaching"] = "notBreaching"
    """What a period without data counts as."""


# Characters: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_DESCRIPTION = 1024

ANY = Threshold()
"""More than none in five minutes."""


def alarm(
    name: str,
    metric: str,
    dimensions: Mapping[str, pulumi.Input[str]],
    *,
    topic: pulumi.Input[str] | None,
    meaning: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    when: Threshold = ANY,
) -> aws.cloudwatch.MetricAlarm:
    """An alarm on a metric, `<namespace>/<name>`: it notifies `topic` when it fires and when it ends.
    `meaning`: what happened, what it means for the data, and what to do; cut where names make it too long.

    `metric`: its namespace and name. `dimensions`: by name, all that the metric is published with. `when`: what it is
    above or below, and for how long."""
    namespace, _, metric_name = metric.rpartition("/")
    actions = [topic] if topic is not None else []
    return aws.cloudwatch.MetricAlarm(
        name,
        name=names.alarm(name),
        alarm_description=pulumi.Output.from_input(meaning).apply(lambda text: text[:_DESCRIPTION]),
        namespace=namespace,
        metric_name=metric_name,
        dimensions=dict(dimensions),
        statistic=when.statistic,
        period=when.minutes * 60,
        evaluation_periods=when.periods,
        datapoints_to_alarm=when.datapoints,
        comparison_operator="GreaterThanThreshold" if when.below is None else "LessThanThreshold",
        threshold=when.above if when.below is None else when.below,
        treat_missing_data=when.missing,
        alarm_actions=actions,
        ok_actions=actions,
        opts=opts,
    )
