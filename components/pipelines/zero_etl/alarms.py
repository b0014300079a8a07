"""The alarms of an ingestion pipeline, on metrics of
https://docs.aws.amazon.com/opensearch-service/latest/developerguide/monitoring-pipeline-metrics.html, by the advice of
https://docs.aws.amazon.com/opensearch-service/latest/developerguide/osis-best-practices.html.
"""

import pulumi

from components.blocks.alarm import Threshold, alarm
from components.pipelines.zero_etl.args import ZeroEtlTableArgs
from components.pipelines.zero_etl.body import DEAD_LETTERS


def watch_table(
    name: str,
    log_group: str,
    pipeline: str,
    bucket: pulumi.Input[str],
    table: ZeroEtlTableArgs,
    topic: pulumi.Input[str] | None,
    parent: pulumi.Resource,
) -> None:
    """An alarm for each way in which a table's documents fail to arrive, or arrive late. `pipeline`: the physical name
    of the ingestion pipeline; `bucket`: that of the bucket with its dead letters.

    `log_group`: of the ingestion pipeline. `table`: its arguments. `topic`: the ARN of the topic that the alarms go
    to, None for none."""
    opts = pulumi.ResourceOptions(parent=parent)
    dimensions = {"PipelineName": pipeline}
    prefix = f"AWS/OSIS/{table.sub_pipeline()}"
    # A mapping can't be changed in place, and a pipeline that starts exports its tables again.
    kept_and_again = pulumi.Output.concat(
        "They are kept, each with its reason: aws s3 ls --recursive s3://",
        bucket,
        f"/{DEAD_LETTERS}{table.name}/. Declare the mapping that they need, with a new index.name, and: pulumi up. "
        f"Then load everything again: aws osis stop-pipeline --pipeline-name {pipeline} and, once it is stopped, "
        f"aws osis start-pipeline --pipeline-name {pipeline}",
    )
    alarm(
        f"{name}-errors",
        f"{prefix}.opensearch.documentErrors.count",
        dimensions,
        topic=topic,
        meaning=pulumi.Output.concat(
            f"OpenSearch rejected documents of {table.name}: the index lacks these items. ", kept_and_again
        ),
        opts=opts,
    )
    alarm(
        f"{name}-not-allowed",
        f"{prefix}.opensearch.bulkRequestNotAllowedErrors.count",
        dimensions,
        when=Threshold(
            # Data Prepper tries, and counts, from 50 ms up to every 10 minutes: each window of 40 holds three of these.
            # A collection that is only waking is done after five minutes, which touch two periods.
            periods=8,
            datapoints=3,
        ),
        topic=topic,
        meaning=f"The collection refuses the pipeline: a grant for {table.name} is missing, and no change arrives in "
        "the index. Nothing is lost: the pipeline tries again until it is let in. Its log names the grant: aws logs "
        f"tail {log_group} --since 1h. Restore it: pulumi up --refresh",
        opts=opts,
    )
    alarm(
        f"{name}-dead-letters",
        f"{prefix}.opensearch.s3.dlqS3RecordsSuccess.count",
        dimensions,
        topic=topic,
        meaning=pulumi.Output.concat(f"Items of {table.name} are not in the index. ", kept_and_again),
        opts=opts,
    )
    alarm(
        f"{name}-back-pressure",
        f"{prefix}.BlockingBuffer.bufferUsage.value",
        dimensions,
        when=Threshold(
            above=80,
            statistic="Average",
            periods=3,
        ),
        topic=topic,
        meaning=f"Documents of {table.name} are late; nothing is lost. The pipeline's buffer is full: it, or the "
        "collection, has too few units. Raise max_units, then: pulumi up",
        opts=opts,
    )
    alarm(
        f"{name}-lag",
        f"{prefix}.opensearch.EndToEndLatency.max",
        dimensions,
        when=Threshold(
            above=300_000,
            statistic="Maximum",
            periods=3,
        ),
        topic=topic,
        meaning=f"Changes of {table.name} are searchable only after more than five minutes; nothing is lost. See the "
        f"pipeline's log: aws logs tail {log_group} --since 1h. If it uses all of its units, raise max_units, then: "
        "pulumi up",
        opts=opts,
    )
