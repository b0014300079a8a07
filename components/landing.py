"""A landing: where data of some tables lies in S3, as one pipeline leaves it and the next one takes it."""

import re
from collections.abc import Iterator
from typing import Any, Literal

import pulumi
from pydantic import Field

from components.accounts import AccountArgs
from components.arguments import Text, arguments, together


@arguments
class Landing:
    """A landing."""

    account: AccountArgs
    """The account that owns the bucket; in a stack's config, its name."""
    bucket: Text
    """The bucket's name."""
    name: str = "landing"
    """The pipeline that yields it."""
    prefix: str = ""
    """What every key starts with, ending in '/' or empty."""
    key_arn: Text | None = None
    """The customer's KMS key that objects are encrypted with; without it SSE-S3."""
    tables: list[str] = Field(default_factory=list)
    """The tables that land here; each has the folder `<prefix><table>/`."""
    layout: Literal["dynamodb-export", "objects"] = "dynamodb-export"
    """How files lie below a table's folder: `AWSDynamoDB/<ExportId>/…` (an export of DynamoDB), or plain objects."""

    adopted: bool = False
    """Whether the bucket was not made by this program; a stack's program fills it in."""

    @together
    def _bucket_is_a_name(self) -> Iterator[str]:
        if isinstance(self.bucket, str) and not re.fullmatch(
            r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", self.bucket
        ):
            yield (
                f"bucket: '{self.bucket}' is not a bucket's name (3-63 of a-z 0-9 '-' '.'); write the name, not the ARN"
            )

    @together
    def _prefix_is_a_folder(self) -> Iterator[str]:
        if self.prefix and (not self.prefix.endswith("/") or self.prefix.startswith("/")):
            yield (
                f"prefix: '{self.prefix}' is not a prefix; write one that ends in '/' and starts with none, like 'raw/'"
            )

    @together
    def _key_is_an_arn(self) -> Iterator[str]:
        key = self.key_arn
        if isinstance(key, str) and not re.match(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:", key):
            yield f"key_arn: '{key}' is not a key's ARN; write 'arn:aws:kms:<region>:<account id>:key/<key id>'"

    def bucket_arn(self) -> pulumi.Output[str]:
        """The bucket's ARN; an Output, so whoever uses it waits for the bucket."""
        return pulumi.Output.concat(f"arn:{self.account.partition}:s3:::", self.bucket)

    def objects_arn(self) -> pulumi.Output[str]:
        """The ARN pattern of the landing's objects."""
        return pulumi.Output.concat(self.bucket_arn(), f"/{self.prefix}*")

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
