"""The state of the stacks: a bucket that forgets nothing, and the keys of what is in it.

Pulumi locks a stack in the bucket itself, by an object under `.pulumi/locks/`
(https://www.pulumi.com/docs/iac/concepts/state-and-backends/#using-a-self-managed-backend: "A basic file-based locking
system is enabled by default for all DIY backends"), so that no table is needed. A lock is released, and a stack taken
away, by deleting an object: in a versioned bucket its versions stay, and nobody may delete those.

The keys: one of the bucket, and one of each stack's secrets, so that who previews one stack reads no other's
(`--secrets-provider awskms://alias/…`, https://www.pulumi.com/docs/iac/concepts/secrets/).
"""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from bootstrap.making import names
from bootstrap.making.settings import BootstrapArgs
from components.accounts import AccountArgs
from components.blocks.key import account_administers_key
from components.iam import document

NOT_FORGOTTEN = [
    "s3:DeleteBucket", "s3:DeleteObjectVersion", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration",
]  # fmt: skip
"""By which a version would go, or no longer be kept
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html)."""


@dataclass(frozen=True)
class State:
    """Where the state is."""

    bucket: str
    bucket_arn: str
    key_arn: pulumi.Output[str]
    """Of the bucket's key."""
    secrets: dict[str, pulumi.Output[str]]
    """The ARN of the key of each stack's secrets."""


def bucket_policy(arn: str) -> dict[str, Any]:
    """TLS only, and nobody takes a version away: who must, changes this policy first."""
    both = [arn, f"{arn}/*"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DenyPlainHttp", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": both,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                "Sid": "NothingIsForgotten", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": NOT_FORGOTTEN,
                "Resource": both,
            },
        ],
    }  # fmt: skip


def make(settings: BootstrapArgs, account: AccountArgs, provider: aws.Provider) -> State:
    """Makes the bucket and the keys. They are protected: no `pulumi destroy` takes them away."""
    protected = pulumi.ResourceOptions(provider=provider, protect=True, retain_on_delete=True)
    physical = names.bucket(settings.state.account)
    arn = f"arn:{account.partition}:s3:::{physical}"
    key_arn = _key("state", names.STATE_KEY, "the state of Pulumi's stacks", account, protected)
    bucket = aws.s3.Bucket("state", bucket=physical, opts=protected)
    aws.s3.BucketPublicAccessBlock(
        "state",
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=protected,
    )
    aws.s3.BucketOwnershipControls(
        "state",
        bucket=bucket.bucket,
        rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        opts=protected,
    )
    versioning = aws.s3.BucketVersioning(
        "state",
        bucket=bucket.bucket,
        versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
        opts=protected,
    )
    by_default = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
        sse_algorithm="aws:kms", kms_master_key_id=key_arn
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        "state",
        bucket=bucket.bucket,
        rules=[
            aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                apply_server_side_encryption_by_default=by_default, bucket_key_enabled=True
            )
        ],
        opts=protected,
    )
    unfinished = aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
        days_after_initiation=7
    )
    tidied = aws.s3.BucketLifecycleConfiguration(
        "state",
        bucket=bucket.bucket,
        rules=[
            aws.s3.BucketLifecycleConfigurationRuleArgs(
                id="unfinished-uploads",
                status="Enabled",
                filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                abort_incomplete_multipart_upload=unfinished,
            )
        ],
        opts=pulumi.ResourceOptions.merge(protected, pulumi.ResourceOptions(depends_on=[versioning])),
    )
    aws.s3.BucketPolicy(
        "state",
        bucket=bucket.bucket,
        policy=json.dumps(bucket_policy(arn)),
        # From then on neither can be changed.
        opts=pulumi.ResourceOptions.merge(protected, pulumi.ResourceOptions(depends_on=[versioning, tidied])),
    )
    secrets = {
        stack: _key(
            f"secrets-{stack}", names.secrets_key(stack), f"the secrets of stack {stack}", account, protected
        )
        for stack in settings.stacks
    }
    return State(physical, arn, key_arn, secrets)


def _key(
    name: str, alias: str, what: str, account: AccountArgs, protected: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    key = aws.kms.Key(
        name,
        description=f"tributary: {what}",
        enable_key_rotation=True,
        deletion_window_in_days=30,
        policy=document(account_administers_key(account)),
        opts=protected,
    )
    aws.kms.Alias(name, name=alias, target_key_id=key.key_id, opts=protected)
    return key.arn
