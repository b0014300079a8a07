"""A DynamoDB table that a pipeline reads: adopted as it is, or created ready to be read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.accounts import AccountArgs
from components.arguments import arguments, matching, together
from components.blocks.key import through_dynamodb
from components.iam import Statement

TableName = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_.-]{3,255}",
        "'{value}' is not a table's name (3-255 of A-Z a-z 0-9 '_' '-' '.'); write the name, not the ARN",
    ),
]


@arguments
class AttributeArgs:
    """A key attribute of a table that the program creates."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    """The attribute's name."""
    type: Literal["S", "N", "B"] = "S"
    """S for text, N for a number, B for bytes."""


@arguments
class NewTableArgs:
    """A table that the program creates: on demand, point-in-time recovery and a stream on."""

    hash_key: AttributeArgs
    """The partition key."""
    range_key: AttributeArgs | None = None
    """The sort key, if the table has one."""

    @together
    def _keys_differ(self) -> Iterator[str]:
        if self.range_key and self.range_key.name == self.hash_key.name:
            yield (
                f"range_key.name: '{self.range_key.name}' is the partition key already, and DynamoDB takes two "
                "different attributes; name another one, or leave range_key out"
            )

    def binary_keys(self) -> list[str]:
        """The names of key attributes of type B."""
        return [key.name for key in (self.hash_key, self.range_key) if key and key.type == "B"]


def binary_key_refused(binary_keys: list[str]) -> str:
    """Why a table with a binary key can't be indexed: the export's text of such a key is not the stream's
    (https://github.com/opensearch-project/data-prepper, StreamRecordConverter and ExportRecordConverter)."""
    return (
        f"the key attribute '{binary_keys[0]}' is binary (type B): the initial export and the stream make different "
        "document ids of it, and changes would not find their documents"
    )


@dataclass(frozen=True)
class SourceTable:
    """A table that a pipeline reads: its ARN, and the key that it is encrypted with, or none."""

    arn: pulumi.Input[str]
    key_arn: pulumi.Input[str | None] = None


def decrypt_tables(account: AccountArgs, tables: Mapping[str, SourceTable]) -> Statement:
    """What whoever exports tables or reads their streams needs where a table is encrypted with a customer's key:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport_Requesting.html. A statement of no
    key is left out of the policy."""
    keys = [table.key_arn for table in tables.values()]
    return Statement("DecryptTables", ["kms:Decrypt"], keys, through_dynamodb(account, list(tables)))


def adopt_or_create_table(
    pipeline: str,
    name: str,
    create: NewTableArgs | None,
    account: AccountArgs,
    parent: pulumi.Resource,
    *,
    retain: bool,
    images: Literal["NEW_IMAGE", "NEW_AND_OLD_IMAGES"] | None = None,
) -> SourceTable:
    """Creates the table, under DynamoDB's own key, or adopts one that exists, with the key that it has. An adopted
    table must have point-in-time recovery and, where `images` is set, a stream that holds these images and key
    attributes that document ids can be made of. Adopting never changes a table. Raises pulumi.RunError, at preview,
    with the command that turns on what is missing.

    `pipeline`: whose table it is, for the errors' paths. `create`: the new table's keys, None to adopt. `retain`:
    whether a table that is created outlives the stack."""
    if create:
        attributes = [create.hash_key, *([create.range_key] if create.range_key else [])]
        table = aws.dynamodb.Table(
            f"{pipeline}-{name}",
            name=name,
            billing_mode="PAY_PER_REQUEST",
            hash_key=create.hash_key.name,
            range_key=create.range_key.name if create.range_key else None,
            attributes=[aws.dynamodb.TableAttributeArgs(name=a.name, type=a.type) for a in attributes],
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(enabled=True),
            stream_enabled=True,
            stream_view_type="NEW_AND_OLD_IMAGES",
            deletion_protection_enabled=retain,
            opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=retain),
        )
        return SourceTable(table.arn)
    # Not `get_table`, which waits, and while it does goes through all that is pending: each would cost more than the
    # last. What is refused in an Output fails the preview as well, in the same sentence.
    lookup = aws.dynamodb.get_table_output(name=name, opts=pulumi.InvokeOptions(parent=parent))

    async def adopted() -> aws.dynamodb.GetTableResult:
        try:
            table = await lookup.future()
        except Exception as error:
            raise pulumi.RunError(
                f"pipelines.{pipeline}: table '{name}' can't be adopted in {account.id}, {account.region}: {error}; "
                "write 'create' for a new table; one that another pipeline of this stack creates must be there first"
            ) from error
        assert table is not None  # its name is known, so the lookup runs at preview too
        _can_be_read(pipeline, name, table, account, images)
        return table

    table_read = pulumi.Output.from_input(adopted())
    return SourceTable(table_read.apply(lambda table: table.arn), table_read.apply(_key))


def _key(table: aws.dynamodb.GetTableResult) -> str | None:
    """The key of a table that is encrypted with one of KMS; DynamoDB's own is none that anybody needs a right to."""
    encryption = table.server_side_encryption
    return encryption.kms_key_arn or None if encryption and encryption.enabled else None


def _can_be_read(
    pipeline: str,
    name: str,
    table: aws.dynamodb.GetTableResult,
    account: AccountArgs,
    images: Literal["NEW_IMAGE", "NEW_AND_OLD_IMAGES"] | None,
) -> None:
    command = f"aws dynamodb {{}} --table-name {name} --region {account.region} {{}}"
    if not (table.point_in_time_recovery and table.point_in_time_recovery.enabled):
        turn_on = command.format(
            "update-continuous-backups",
            "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true",
        )
        raise pulumi.RunError(
            f"pipelines.{pipeline}: table '{name}' has no point-in-time recovery, and an export reads nothing else; "
            f"turn it on: {turn_on}"
        )
    enough = {"NEW_IMAGE": ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"), "NEW_AND_OLD_IMAGES": ("NEW_AND_OLD_IMAGES",)}
    if images and (not table.stream_enabled or table.stream_view_type not in enough[images]):
        current = f"a stream of {table.stream_view_type}" if table.stream_enabled else "no stream"
        turn_on = command.format(
            "update-table", f"--stream-specification StreamEnabled=true,StreamViewType={images}"
        )
        off = command.format("update-table", "--stream-specification StreamEnabled=false")
        raise pulumi.RunError(
            f"pipelines.{pipeline}: table '{name}' has {current}, and {' or '.join(enough[images])} is needed; "
            + (f"turn the old one off: {off}; then " if table.stream_enabled else "")
            + f"turn it on: {turn_on}"
        )
    keys = (table.hash_key, table.range_key)
    binary = (
        [attribute.name for attribute in table.attributes if attribute.type == "B" and attribute.name in keys]
        if images
        else []
    )
    if binary:
        raise pulumi.RunError(
            f"pipelines.{pipeline}: table '{name}': {binary_key_refused(binary)}; an 'export' pipeline carries such a "
            "table"
        )
