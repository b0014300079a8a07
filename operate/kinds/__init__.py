"""What each kind of pipeline shows of its tables, and how it is run, paused and resumed.

A module has `tables(cloud, name, pipeline)`, a row a table without its alarms; `concerns(pipeline, alarm)`, the table
that an alarm is about, or None for all; `switches(cloud, name, pipeline)`; and `run(cloud, name, pipeline, at)`, which
starts what it does for the time `at`, and returns a sentence. `pipeline` is its entry in the output `pipelines`.

    export.py             records of what is published, runs of the state machine, schedules
    replication.py        manifests in the replica, S3's metrics
    zero_etl.py           metrics and states of ingestion pipelines
    firehose.py           metrics of a delivery stream, the replay
    bigquery_transfer.py  runs of transfers, tables, the job that copies
"""

from collections.abc import Mapping
from typing import Any

from operate.kinds import bigquery_transfer, export, firehose, replication, zero_etl

KINDS: Mapping[str, Any] = {
    "export": export,
    "replication": replication,
    "zero-etl": zero_etl,
    "firehose": firehose,
    "bigquery-transfer": bigquery_transfer,
}
