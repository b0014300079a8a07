"""The alarm of a heart beat, on a metric of https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html."""

import pulumi

from components.blocks.alarm import Threshold, alarm


def watch_beat(
    name: str, stream: str, minutes: int, topic: pulumi.Input[str] | None, parent: pulumi.Resource
) -> None:
    """Fires when three beats in a row did not come."""
    alarm(
        f"{name}-silent",
        "AWS/Kinesis/IncomingRecords",
        {"StreamName": stream},
        when=Threshold(below=1, minutes=minutes, periods=3, missing="breaching"),
        topic=topic,
        meaning=f"Nothing arrived on {stream} for three beats: its readers see no data. Read the function's log: "
        f"aws logs tail /aws/lambda/{name} --since 1h",
        opts=pulumi.ResourceOptions(parent=parent),
    )
