"""What an Iceberg table is loaded from: the plain copy that its run keeps, one Parquet file with all rows.

Its folder can't be loaded: files in it hold rows that delete files take away again, and those of older snapshots lie
beside them (https://iceberg.apache.org/spec/#row-level-deletes). What else there is, and why it is not taken:

- a list of the current snapshot's files: rows that its delete files take away would come back, as a load reads Parquet
  (https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet) and no deletes;
- a table over Glue's catalog (https://docs.cloud.google.com/lakehouse/docs/set-up-cross-cloud-connection-aws-glue), or
  an external one (https://docs.cloud.google.com/bigquery/docs/iceberg-external-tables): right, and nothing is copied,
  but the rows stay in AWS and each query reads them there, where a transfer is to bring them into the dataset. Both
  may stand beside a transfer, and a table with increments may be left out of one for them.

The copy is one object, which S3 replaces at once
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel), so no load sees half of it; and
each load replaces its day's partition by it (`WRITE_TRUNCATE`, of Cloud Storage `MIRROR`:
https://docs.cloud.google.com/bigquery/docs/s3-transfer-intro), so that no partition has rows of two snapshots.
"""

from components.landing import TypedTable


def may_be_left_out(known: TypedTable | None) -> bool:
    """Whether a transfer may be without the table: one that is queried through the catalog."""
    return bool(known and known.iceberg and known.incremental)


def lake_problem(name: str, known: TypedTable | None, landing: str) -> str | None:
    """Why a table can't be loaded from the lake of a landing; None where it can."""
    if known and known.iceberg and known.copy_key is None:
        way_out = f"write copies: [{name}]" if known.files else "of a replica write catalog: {}"
        return (
            f"tables.{name}.lake: the files of an Iceberg table hold deleted rows, too, and '{landing}' keeps no plain "
            f"copy of it to load; {way_out} there"
        )
    if not (known and known.files):
        return (
            f"tables.{name}.lake: the landing of '{landing}' has no typed Parquet of it; leave it out, "
            "or where that is a replica write prefixes: [raw/, lake/] there"
        )
    if not known.columns:
        return (
            f"tables.{name}.lake: '{landing}' declares no columns of it, so its Parquet may have some that "
            "BigQuery's table lacks; write columns: {<attribute>: <type>} at its source, or leave lake out"
        )
    return None
