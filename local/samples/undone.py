"""Takes away what the samples made for themselves: what a stack's own things depend on goes before them, and an account
is as it was."""

from __future__ import annotations

from contextlib import suppress

from local.samples import Cloud, firehose, readers, replication, zero_etl


def undo(cloud: Cloud) -> None:
    """Takes away queues and rules, readers' roles and policies; what is not there is no error."""
    for name, pipeline in cloud.pipelines.items():
        if pipeline["kind"] == "replication":
            events, sqs = (cloud.client(service, pipeline["landing"]) for service in ("events", "sqs"))
            where = {"Rule": f"{cloud.prefix}{replication.QUEUE}-{name}"[:64]}
            with suppress(events.exceptions.ResourceNotFoundException):
                events.remove_targets(EventBusName=pipeline["event_bus"], Ids=["sample"], **where)
                events.delete_rule(EventBusName=pipeline["event_bus"], Name=where["Rule"])
            with suppress(sqs.exceptions.QueueDoesNotExist):
                sqs.delete_queue(
                    QueueUrl=sqs.get_queue_url(QueueName=cloud.prefix + replication.QUEUE)["QueueUrl"]
                )
        if pipeline["kind"] == "zero-etl":
            readers.undo(cloud, pipeline, zero_etl.reader_role(cloud, pipeline, name))
        if pipeline["kind"] == "firehose":
            role = firehose.reader_role(cloud, name, pipeline)
            if role != pipeline.get("reader_role"):
                readers.undo(cloud, pipeline, role)
