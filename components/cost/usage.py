"""What a pipeline is used for: the keys of `usage` beside it in a stack's config, each with a default.

They change nothing that is deployed, only what it is expected to cost. Names are those of Infracost's usage file where
it has the thing (https://github.com/infracost/infracost/blob/master/infracost-usage-example.yml): `storage_gb`,
`monthly_write_request_units`, `monthly_read_request_units`, `monthly_streams_read_request_units`,
`monthly_data_ingested_gb`, `monthly_requests` and `request_duration_ms`, `monthly_transitions`, `monthly_hours` (of a
crawler), `monthly_tier_1_requests`, `monthly_queries_tb`. Sizes are in GB as the services bill them (2^30 bytes), times
are a month's of 730 hours. The defaults are a small shop's, not a measurement.
"""

from typing import Annotated

from pydantic import Field

from components.arguments import arguments

Amount = Annotated[float, Field(ge=0, le=10**12)]
Hours = Annotated[float, Field(ge=0, le=730)]


@arguments
class UsageArgs:
    """What every kind of pipeline is used for."""

    monthly_requests: Amount = 10_000
    """Runs of the pipeline's Lambda functions, all together."""
    request_duration_ms: Amount = 1_000
    """How long a run takes on average, in milliseconds."""
    monthly_log_gb: Amount = 0.1
    """GB that its functions and services write into their logs."""


@arguments
class SearchUsageArgs(UsageArgs):
    """What a pipeline with a collection is used for."""

    index_storage_gb: Amount = 10
    """GB in its indexes."""
    monthly_indexing_hours: Hours = 60
    """Hours in which something is written; only a collection of generation `nextgen` is paid by them."""
    monthly_search_hours: Hours = 60
    """Hours in which something is searched; only a collection of generation `nextgen` is paid by them."""

    def hours(self, part: str) -> float:
        """The hours of a part of the collection, `indexing` or `search`. Raises KeyError for another."""
        return {"indexing": self.monthly_indexing_hours, "search": self.monthly_search_hours}[part]


@arguments
class ZeroEtlUsageArgs(SearchUsageArgs):
    """What a zero-etl pipeline is used for."""

    storage_gb: Amount = 10
    """GB in its tables together."""
    monthly_write_request_units: Amount = 1_000_000
    """Writes of the tables that it creates: units of 1 KB."""
    monthly_read_request_units: Amount = 1_000_000
    """Reads of the tables that it creates: units of 4 KB."""
    monthly_streams_read_request_units: Amount = 2_628_000
    """Reads of the tables' streams: a shard read once a second has 2,628,000 a month."""


@arguments
class FirehoseUsageArgs(SearchUsageArgs):
    """What a firehose pipeline is used for."""

    monthly_data_ingested_gb: Amount = 10
    """GB of records put into the stream."""
    record_bytes: Annotated[float, Field(ge=1, le=10 * 2**20)] = 1_024
    """Bytes of a record on average; Kinesis and Firehose round each record up."""
    backup_gb: Amount = 1
    """GB that the backup bucket holds."""


@arguments
class LakeUsageArgs(UsageArgs):
    """What the tables of a run are used for."""

    monthly_folded_gb: Amount = 30
    """GB of Parquet that folds of increments read, each time the whole table."""
    monthly_merges_tb: Amount = 0.01
    """TB that Athena reads to merge runs into Iceberg tables, beyond `merge_beyond`."""
    monthly_copied_gb: Amount = 30
    """GB of Parquet in the plain copies of Iceberg tables, each time the whole table."""


@arguments
class ExportUsageArgs(LakeUsageArgs):
    """What an export is used for."""

    storage_gb: Amount = 10
    """GB in the tables of DynamoDB that are exported whole, together."""
    monthly_write_request_units: Amount = 1_000_000
    """Writes of the tables that it creates: units of 1 KB."""
    monthly_read_request_units: Amount = 1_000_000
    """Reads of the tables that it creates: units of 4 KB."""
    monthly_changed_gb: Amount = 1
    """GB that incremental exports read in all."""
    snapshot_gb: Amount = 10
    """GB in the snapshots of RDS, together."""
    monthly_exports: Amount = 30
    """Runs of the pipeline."""
    landing_gb: Amount = 100
    """GB that the landing holds: as many exports as its lifecycle keeps."""
    monthly_tier_1_requests: Amount = 10_000
    """S3 requests that write or list."""
    monthly_tier_2_requests: Amount = 50_000
    """S3 requests that read."""
    monthly_transitions: Amount = 3_000
    """State transitions of the run."""
    monthly_hours: Amount = 5
    """Hours of the crawler times its units, where there is one."""
    monthly_queries_tb: Amount = 0.1
    """TB that queries in Athena scan."""


@arguments
class ReplicationUsageArgs(LakeUsageArgs):
    """What a replication is used for."""

    monthly_replicated_gb: Amount = 30
    """GB that are replicated."""
    monthly_replicated_objects: Amount = 30_000
    """Objects that are replicated."""
    storage_gb: Amount = 100
    """GB that the replica holds."""
    existing_objects: Amount = 100_000
    """Objects that were there before, replicated once where `existing_objects` says so."""
    monthly_transitions: Amount = 3_000
    """State transitions of the runs that make tables, with `catalog`."""
    monthly_tier_1_requests: Amount = 10_000
    """S3 requests of those that write or list."""
    monthly_tier_2_requests: Amount = 50_000
    """S3 requests of those that read."""
    monthly_queries_tb: Amount = 0.1
    """TB that queries in Athena scan, with `catalog`."""


@arguments
class BigQueryTransferUsageArgs(UsageArgs):
    """What a bigquery-transfer pipeline is used for."""

    monthly_transferred_gb: Amount = 30
    """GB that leave AWS."""
    monthly_objects: Amount = 10_000
    """Files that are read."""
    monthly_active_storage_gb: Amount = 100
    """GB in tables or partitions that changed in the last 90 days."""
    monthly_long_term_storage_gb: Amount = 0
    """GB in those that did not."""
    monthly_queries_tb: Amount = 0.1
    """TB that queries in BigQuery read."""


USAGE: dict[str, type[UsageArgs]] = {
    "zero-etl": ZeroEtlUsageArgs,
    "firehose": FirehoseUsageArgs,
    "export": ExportUsageArgs,
    "replication": ReplicationUsageArgs,
    "bigquery-transfer": BigQueryTransferUsageArgs,
}
"""The keys of each kind of pipeline."""
