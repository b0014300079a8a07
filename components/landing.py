"""A landing: where data of some tables lies in S3, as one pipeline leaves it and the next one takes it."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pulumi
from pydantic import AfterValidator, Field

from components.accounts import KEY_ARN, AccountArgs, arn_pattern
from components.arguments import BY_NAME, OF_THE_STACK, FilledBy, Text, arguments, matching, together
from components.languages import aws_schedules

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BucketName = Annotated[
    Text,
    matching(
        r"(?!xn--|sthree-|amzn-s3-demo-)(?!.*\.\.)(?!([0-9]+\.){3}[0-9]+\Z)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "'{value}' is not a bucket's name (3-63 of a-z 0-9 '-' '.'); write the name, not the ARN",
    ),
]
LandingKey = Annotated[
    Text,
    matching(
        KEY_ARN,
        "'{value}' is not a key's ARN, and a policy takes no alias; write "
        "'arn:aws:kms:<region>:<account id>:key/<key id>'",
    ),
]


@arguments
class TypedTable:
    """A table that lies in a landing as Parquet with the columns of a catalog; what yields the landing fills it in."""

    files: str | None
    """The pattern of its files' keys, such as `lake/orders/*.parquet`; None if replication did not carry the files."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Name -> type, as Glue writes it, of the columns that are declared."""
    attributes: dict[str, str] = Field(default_factory=dict)
    """Of a DynamoDB table: name -> type of the attributes that are declared."""
    incremental: bool = False
    """Whether the exports that it was made of hold changes only."""
    iceberg: bool = False
    """Whether its files are an Iceberg table's: rows in them may be deleted ones, and where they lie stands in them."""
    copy_key: str | None = None
    """Of an Iceberg table: the key of the one Parquet file that has its rows; None if no such copy is kept."""


YIELDED = FilledBy("the pipeline that yields the landing fills it in")


@arguments
class FilledTables:
    """The tables that a run fills of a landing's exports."""

    sources: dict[str, str] = Field(default_factory=dict)
    """Name -> kind of each source: `dynamodb`, `rds_instance` or `rds_cluster`."""
    tables: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Table of the catalog -> its declared columns, none where none are."""
    folds: bool = False
    """Whether a source's changes are folded into its last snapshot of Parquet."""
    fold_mb: Annotated[float, Field(ge=0.01, le=4096)] = 1024
    """MB of Parquet that one function folds."""
    iceberg: list[str] = Field(default_factory=list)
    """Those of `tables` that are Iceberg tables."""
    stale_after_hours: dict[str, int] = Field(default_factory=dict)
    """Source -> hours without a new export of it after which it is late; none of a source that comes seldom."""


@arguments
class Landing:
    """A landing."""

    account: Annotated[AccountArgs, BY_NAME]
    """The account that owns the bucket."""
    bucket: BucketName
    """The bucket's name."""
    name: Annotated[str, YIELDED] = "landing"
    """What messages call the landing, such as `lake`."""
    prefix: Annotated[
        str,
        matching(
            r"|(?=.{1,512}\Z)[^/\x00-\x1f\x7f][^\x00-\x1f\x7f]*/",
            "'{value}' is not a prefix; write one that ends in '/' and starts with none, like 'raw/'",
        ),
    ] = ""
    """What every key starts with, ending in '/' or empty."""
    key_arn: LandingKey | None = None
    """The customer's KMS key that objects are encrypted with; without it SSE-S3."""
    tables: list[str] = Field(default_factory=list)
    """The tables that land here; each has the folder `<prefix><table>/`."""
    layout: Literal["dynamodb-export", "objects"] = "dynamodb-export"
    """How files lie below a table's folder: `AWSDynamoDB/<ExportId>/…` (an export of DynamoDB), or plain objects."""
    event_queue_arn: Text | None = None
    """An SQS queue of the account that gets an event from S3 for each new data file; one consumer takes from it."""

    adopted: Annotated[bool, OF_THE_STACK] = False
    """Whether the bucket was not made by this program."""
    typed: Annotated[dict[str, TypedTable], YIELDED] = Field(default_factory=dict)
    """The tables that are Parquet there, beside the exports or instead of them."""
    filled: Annotated[FilledTables | None, YIELDED] = None
    """The tables that a run fills of its exports; none where none does."""
    schedule: Annotated[Annotated[str, AfterValidator(aws_schedules.schedule)] | None, YIELDED] = None
    """When its exports start, where that is known."""
    timezone: Annotated[str, AfterValidator(aws_schedules.timezone), YIELDED] = "UTC"
    """The time zone of `schedule`."""

    @together
    def _queue_is_of_the_account(self) -> Iterator[str]:
        queue = self.event_queue_arn
        if isinstance(queue, str) and not re.fullmatch(
            arn_pattern("sqs", "[A-Za-z0-9_-]{1,80}", account=self.account.id), queue
        ):
            yield (
                f"event_queue_arn: '{queue}' is not the ARN of a queue of account {self.account.id}, whose bucket it "
                f"is; write 'arn:aws:sqs:<region>:{self.account.id}:<name>'"
            )

    def prefixes(self) -> list[str]:
        """The landing's own prefix, and where its typed tables lie besides."""
        beside = {f"{table.files.split('/')[0]}/" for table in self.typed.values() if table.files}
        return [self.prefix, *sorted(prefix for prefix in beside if not prefix.startswith(self.prefix))]

    def bucket_arn(self) -> pulumi.Output[str]:
        """The bucket's ARN; an Output, so whoever uses it waits for the bucket."""
        return pulumi.Output.concat(f"arn:{self.account.partition}:s3:::", self.bucket)

    def described(self) -> dict[str, pulumi.Input[Any]]:
        """The landing as a stack's output."""
        return {
            "account": self.account.id,
            "region": self.account.region,
            "bucket": self.bucket,
            "prefix": self.prefix,
            "tables": self.tables,
            "layout": self.layout,
        }
