"""Which runs Athena merges into an Iceberg table, when it compacts one, and what the state machine may do for that."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from components.accounts import AccountArgs
from components.arguments import arguments
from components.iam import Statement
from components.lake.place import Place
from components.shared.catalog_names import STAGED
from components.shared.landing_folders import RESULTS, WINDOWS, lake


@arguments
class MergeBeyondArgs:
    """Sizes of a run beyond which Athena merges it into an Iceberg table, in place of the function. The defaults leave
    that room in its 15 minutes, going by what was measured (benchmarks/README.md, "A commit")."""

    table_rows: Annotated[int, Field(ge=0, le=10**12)] = 100_000_000
    """Rows of the table, those that are deleted and not compacted away among them."""
    changes_mb: Annotated[int, Field(ge=0, le=1_000)] = 250
    """MB of Parquet that the run made of its export; 0: Athena merges every run that changes something."""


COMPACT_AFTER = 20
"""Commits: what each costs a reader is measured (benchmarks/README.md, "A commit")."""
CompactAfter = Annotated[int, Field(ge=0, le=10_000)]


def merge_statements(
    account: AccountArgs, place: Place, workgroup: str, catalog_arns: Sequence[str], tables: Sequence[str]
) -> list[Statement]:
    """Lets a state machine merge into these `tables` by the `workgroup`, both names: queries are run with its role.
    `place`: the landing's bucket and key. `catalog_arns`: of the catalog, the database and its tables, in this order.
    Narrower than the guide's, which allows every bucket and
    the whole catalog (https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html); by action:
    https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html,
    https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html."""
    bucket, database = place.bucket_arn, catalog_arns[1].partition(":database/")[2]
    own, staged = (
        [account.arn("glue", f"table/{database}/{name}") for name in names] for names in (tables, [STAGED])
    )
    written = [f"{bucket}/{prefix}*" for prefix in (*map(lake, tables), RESULTS)]
    listed = [f"{prefix}*" for prefix in (*map(lake, tables), WINDOWS, RESULTS)]
    return [
        Statement(
            "MergeInWorkgroup",
            ["athena:GetQueryExecution", "athena:StartQueryExecution", "athena:StopQueryExecution"],
            [account.arn("athena", f"workgroup/{workgroup}")],
        ),
        Statement(
            "FindQueryCatalog",
            ["athena:GetDataCatalog"],
            [account.arn("athena", "datacatalog/AwsDataCatalog")],
        ),
        # Athena reads `default` in every region, whatever a query names.
        Statement(
            "FindDatabases",
            ["glue:GetDatabase"],
            [*catalog_arns[:2], account.arn("glue", "database/default")],
        ),
        Statement(
            "ReadMergedTables", ["glue:GetPartitions", "glue:GetTable"], [*catalog_arns[:2], *own, *staged]
        ),
        Statement("CommitMerges", ["glue:UpdateTable"], [*catalog_arns[:2], *own]),
        Statement("ReadStagedRows", ["s3:GetObject"], [f"{bucket}/{WINDOWS}*"]),
        Statement(
            "WriteMerges",
            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"],
            written,
        ),
        Statement("FindMergedFiles", ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"], [bucket]),
        Statement("ListMergedFiles", ["s3:ListBucket"], [bucket], {"StringLike": {"s3:prefix": listed}}),
    ]


def staging_statements(account: AccountArgs, catalog_arns: Sequence[str]) -> list[Statement]:
    """Lets the function that commits find what it staged for Athena, and take it away; that it may make tables it has
    for the Iceberg tables already. Deleting a table takes the right on the catalog and the database, too
    (https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html)."""
    database = catalog_arns[1].partition(":database/")[2]
    staged = [*catalog_arns[:2], account.arn("glue", f"table/{database}/{STAGED}")]
    return [
        Statement("FindStaged", ["glue:GetTables"], catalog_arns),
        Statement("DropStaged", ["glue:DeleteTable"], staged),
    ]
