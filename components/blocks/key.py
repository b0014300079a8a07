"""A customer's KMS key."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Annotated

import pulumi
import pulumi_aws as aws

from components import names
from components.accounts import KEY_ARN, AccountArgs
from components.arguments import matching
from components.iam import Conditions, Statement, document

KmsKeyArn = Annotated[
    str,
    matching(
        KEY_ARN,
        "'{value}' is not a key's ARN; an alias or an id won't do across accounts; write "
        "'arn:aws:kms:<region>:<account id>:key/<key id>'",
    ),
]


def region_and_account(key_arn: str) -> tuple[str, str]:
    """The region and the account of a key."""
    _, _, _, region, account, _ = key_arn.split(":", 5)
    return region, account


def adopted_or_created(key_arn: str | None, create_key: bool) -> Iterator[str]:
    """What is wrong with a pipeline's two arguments of its key, if anything."""
    if key_arn and create_key:
        yield "key_arn and create_key: a key is adopted or created, never both; leave one out"


THE_KEY_ITSELF = "in a key's policy it is the key itself"

# What the default policies of the console let administrators and users do with a symmetric key:
# https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
_ADMINISTER = [
    "CancelKeyDeletion", "CreateAlias", "DeleteAlias", "DescribeKey", "DisableKey", "DisableKeyRotation", "EnableKey",
    "EnableKeyRotation", "GetKeyPolicy", "GetKeyRotationStatus", "ListGrants", "ListKeyPolicies", "ListKeyRotations",
    "ListResourceTags", "PutKeyPolicy", "RevokeGrant", "RotateKeyOnDemand", "ScheduleKeyDeletion", "TagResource",
    "UntagResource", "UpdateAlias", "UpdateKeyDescription",
]  # fmt: skip
_USE = [
    "CreateGrant", "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom",
    "ReEncryptTo",
]  # fmt: skip


def account_administers_key(account: AccountArgs) -> Statement:
    """Lets the IAM policies of the key's own account decide."""
    return Statement(
        "LetTheAccountsPoliciesDecide",
        [f"kms:{action}" for action in _ADMINISTER + _USE],
        ["*"],
        principals={"AWS": f"arn:{account.partition}:iam::{account.id}:root"},
        every_resource_because=THE_KEY_ITSELF,
    )


class KmsKey(pulumi.ComponentResource):
    """A symmetric key with yearly rotation and an alias. Its policy lets the account's own IAM policies decide (without
    that, nobody could ever change the key again), and adds `statements`, such as another account's role.
    At rest it costs one dollar a month."""

    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        account: AccountArgs,
        description: str,
        statements: Sequence[Statement] = (),
        retain: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """`description`: as the account shows it. `retain`: whether the key outlives the stack, as its data does."""
        super().__init__("tributary:blocks:KmsKey", name, None, opts)
        key = aws.kms.Key(
            name,
            description=description,
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=document(account_administers_key(account), *statements),
            # Data that outlives the stack is lost without its key.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=retain),
        )
        aws.kms.Alias(
            name,
            name=names.key_alias(name),
            target_key_id=key.key_id,
            # A key that stays has no other name by which it can be adopted again.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=retain),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})

    @staticmethod
    def planned(name: str, account: AccountArgs) -> str:
        """Stands for the ARN of a key that is not there yet: as long as that, and another for each key."""
        return account.arn("kms", f"key/{uuid.uuid5(uuid.NAMESPACE_URL, names.key_alias(name))}")


def through_s3(account: AccountArgs, bucket_arn: pulumi.Input[str]) -> Conditions:
    """A key's use by S3 only, for objects of one bucket: with a Bucket Key the encryption context is the bucket's ARN,
    else the object's (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html)."""
    return {
        "StringEquals": {"kms:ViaService": f"s3.{account.region}.{account.dns_suffix}"},
        "StringLike": {
            "kms:EncryptionContext:aws:s3:arn": [bucket_arn, pulumi.Output.concat(bucket_arn, "/*")]
        },
    }


def through_dynamodb(account: AccountArgs, tables: Sequence[str]) -> Conditions:
    """A key's use by DynamoDB only, for tables of these names: it asks KMS on behalf of who reads them, with the table
    and the account as encryption context
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html)."""
    return {
        "StringEquals": {
            "kms:ViaService": f"dynamodb.{account.region}.{account.dns_suffix}",
            "kms:EncryptionContext:aws:dynamodb:tableName": list(tables),
            "kms:EncryptionContext:aws:dynamodb:subscriberId": account.id,
        }
    }


def bucket_key_through_s3(account: AccountArgs, bucket_arn: pulumi.Input[str]) -> Conditions:
    """A key's use by S3 only, for one bucket's Bucket Key and no single object: S3 decrypts it to verify it, as whoever
    replicates into the bucket
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html#bk-replication)."""
    return {
        "StringEquals": {
            "kms:ViaService": f"s3.{account.region}.{account.dns_suffix}",
            "kms:EncryptionContext:aws:s3:arn": bucket_arn,
        }
    }
