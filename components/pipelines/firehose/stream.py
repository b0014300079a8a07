"""A Kinesis stream: adopted, or created; and the IAM statements for its readers and writers."""

from collections.abc import Iterator
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components import names
from components.accounts import AccountArgs
from components.arguments import arguments, matching, together
from components.blocks.key import KmsKeyArn
from components.iam import Statement

StreamName = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_.-]{1,128}",
        "'{value}' is not a stream's name (1-128 of A-Z a-z 0-9 '_' '-' '.'); write the name, not the ARN",
    ),
]


@arguments
class StreamArgs:
    """The stream: a new one, or with `adopt` one that exists."""

    adopt: StreamName | None = None
    """The name of an existing stream, which is never changed; without it the program creates one."""
    shards: Annotated[int, Field(ge=1, le=1000)] | None = None
    """The shards of a PROVISIONED stream, each 1 MB or 1,000 records a second; without it ON_DEMAND."""
    retention_hours: Annotated[int, Field(ge=24, le=8760)] = 24
    """Hours that a record can still be read: what outlasts this before it is delivered is lost."""
    key_arn: KmsKeyArn | None = None
    """The customer's KMS key that records are encrypted with; without it the key of AWS for Kinesis. With `adopt`,
    the key that the stream has, needed where the stream names only its alias."""

    @together
    def _is_one_of_both(self) -> Iterator[str]:
        if self.adopt and (self.shards or self.retention_hours != 24):
            yield "adopt: an existing stream is never changed; leave out shards and retention_hours, or leave out adopt"


class Stream:
    """A stream's name, ARN and key, whether it was created or adopted. `retain`: whether a created one outlives the
    stack. RunError: an adopted one whose key's ARN is not known."""

    def __init__(
        self, name: str, args: StreamArgs, account: AccountArgs, parent: pulumi.Resource, *, retain: bool
    ):
        self._account = account
        self.key_arn: pulumi.Input[str] | None = args.key_arn
        self.name: pulumi.Input[str]
        self.arn: pulumi.Input[str]
        if args.adopt:
            # Read at once, not as an Output: a refusal stops the preview here, in one sentence.
            stream = aws.kinesis.get_stream(name=args.adopt, opts=pulumi.InvokeOptions(parent=parent))
            self.name, self.arn = stream.name, stream.arn
            if stream.encryption_type == "KMS" and stream.kms_key_id != _OF_AWS and not args.key_arn:
                if not stream.kms_key_id.startswith("arn:") or ":key/" not in stream.kms_key_id:
                    raise pulumi.RunError(
                        f"pipelines.{name}: stream '{args.adopt}' is encrypted with '{stream.kms_key_id}', and a "
                        "policy needs the key's own ARN; write stream.key_arn: "
                        "arn:aws:kms:<region>:<account id>:key/<key id>"
                    )
                self.key_arn = stream.kms_key_id
            return
        mode = "PROVISIONED" if args.shards else "ON_DEMAND"
        new_stream = aws.kinesis.Stream(
            f"{name}-stream",
            name=names.stream(name),
            stream_mode_details=aws.kinesis.StreamStreamModeDetailsArgs(stream_mode=mode),
            shard_count=args.shards,
            retention_period=args.retention_hours,
            encryption_type="KMS",
            kms_key_id=args.key_arn or _OF_AWS,
            opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=retain),
        )
        self.name, self.arn = new_stream.name, new_stream.arn

    def read_statements(self) -> list[Statement]:
        """Lets the stream be read, and decrypted where it has a key of the customer's
        (https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-kinesis)."""
        actions = [
            "kinesis:DescribeStream",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
        ]
        return [Statement("ReadStream", actions, [self.arn]), *self._keyed("DecryptStream", "kms:Decrypt")]

    def write_statements(self) -> list[Statement]:
        """Lets records be put on the stream, and encrypted where it has a key of the customer's
        (https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html)."""
        return [
            Statement("PutRecords", ["kinesis:PutRecords"], [self.arn]),
            *self._keyed("EncryptStream", "kms:GenerateDataKey"),
        ]

    def _keyed(self, sid: str, action: str) -> list[Statement]:
        if self.key_arn is None:
            return []
        only_through_the_stream = {
            "StringEquals": {
                "kms:ViaService": f"kinesis.{self._account.region}.{self._account.dns_suffix}",
                "kms:EncryptionContext:aws:kinesis:arn": self.arn,
            }
        }
        return [Statement(sid, [action], [self.key_arn], only_through_the_stream)]


_OF_AWS = "alias/aws/kinesis"
