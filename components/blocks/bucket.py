"""A bucket that is private, encrypted, TLS only, versioned and cleaned up."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components import names
from components.accounts import AccountArgs
from components.arguments import arguments, together
from components.iam import Statement, document

Days = Annotated[int, Field(ge=1, le=36500)]


@arguments
class LifecycleArgs:
    """How long a bucket keeps what (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html).
    Replication does not carry lifecycle actions over, so each side has its own."""

    expire_days: Days | None = 400
    """Days until an object is deleted; null keeps it for ever."""
    infrequent_days: Annotated[int, Field(ge=30, le=36500)] | None = None
    """Days until an object moves to STANDARD_IA, at least 30; null leaves it where it is."""
    noncurrent_days: Days = 30
    """Days that an overwritten or deleted version is kept."""
    abort_upload_days: Days = 7
    """Days until an unfinished multipart upload is thrown away."""

    @together
    def _moves_before_it_ends(self) -> Iterator[str]:
        if self.infrequent_days and self.expire_days and self.infrequent_days >= self.expire_days:
            yield (
                f"infrequent_days: {self.infrequent_days} is not before expire_days, {self.expire_days}; "
                "lower it, or leave it out"
            )


@dataclass(frozen=True)
class Expiry:
    """How long what lies below a prefix is kept, in days."""

    days: int
    versions_days: int
    """Of a version that was overwritten or deleted."""


class SecureBucket(pulumi.ComponentResource):
    """A bucket with block public access, owner-enforced ownership (no ACL), versioning, default encryption (SSE-S3, or
    SSE-KMS with a Bucket Key), a policy that refuses plain HTTP and holds `statements`, and a lifecycle. What lies
    below one of `expire_prefixes` is deleted after so many days, where that is sooner: S3 honours the shorter of two
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html)."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        account: AccountArgs,
        *,
        lifecycle: LifecycleArgs,
        expire_prefixes: Mapping[str, int | Expiry] | None = None,
        key_arn: pulumi.Input[str] | None = None,
        statements: Sequence[Statement] = (),
        retain: bool = True,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """`lifecycle`: days until objects and old versions are deleted. `key_arn`: the KMS key, None for SSE-S3.
        `retain`: whether the bucket and its objects outlive the stack."""
        super().__init__("tributary:blocks:SecureBucket", name, None, opts)
        # A bucket that outlives the stack stays private, encrypted and versioned.
        child_opts = pulumi.ResourceOptions(parent=self, retain_on_delete=retain)
        physical, arn = self.planned(name, account)
        bucket = aws.s3.Bucket(
            name,
            bucket=physical,
            force_destroy=not retain,
            opts=child_opts,
        )
        aws.s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child_opts,
        )
        aws.s3.BucketOwnershipControls(
            name,
            bucket=bucket.bucket,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=child_opts,
        )
        versioning = aws.s3.BucketVersioning(
            name,
            bucket=bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=child_opts,
        )
        encryption = aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="aws:kms" if key_arn is not None else "AES256",
                        kms_master_key_id=key_arn,
                    ),
                    bucket_key_enabled=key_arn is not None,
                )
            ],
            opts=child_opts,
        )
        deny_plain = Statement(
            "DenyPlainHttp",
            ["s3:*"],
            [arn, f"{arn}/*"],
            {"Bool": {"aws:SecureTransport": "false"}},
            {"AWS": "*"},
            effect="Deny",
        )
        policy = aws.s3.BucketPolicy(
            name,
            bucket=bucket.bucket,
            policy=document(deny_plain, *statements),
            # Last, so that whoever takes the name from the policy waits until the bucket is versioned and encrypted.
            opts=pulumi.ResourceOptions(
                parent=self, retain_on_delete=retain, depends_on=[versioning, encryption]
            ),
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.bucket,
            rules=_lifecycle(lifecycle, expire_prefixes or {}),
            # S3 refuses a rule on noncurrent versions while versioning is not yet on.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=retain, depends_on=[versioning]),
        )
        self.name = policy.bucket
        self.arn = policy.bucket.apply(lambda _: arn)
        self.register_outputs({"name": self.name, "arn": self.arn})

    @staticmethod
    def planned(name: str, account: AccountArgs) -> tuple[str, str]:
        """The physical name and the ARN that the bucket has or will have."""
        physical = names.bucket(name, account.id)
        return physical, f"arn:{account.partition}:s3:::{physical}"


def _lifecycle(
    args: LifecycleArgs, expire_prefixes: Mapping[str, int | Expiry]
) -> list[aws.s3.BucketLifecycleConfigurationRuleArgs]:
    rule = aws.s3.BucketLifecycleConfigurationRuleArgs
    everything = aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix="")
    rules = [
        rule(
            id="versions",
            status="Enabled",
            filter=everything,
            noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=args.noncurrent_days
            ),
            abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                days_after_initiation=args.abort_upload_days
            ),
        )
    ]
    if args.infrequent_days:
        moves = aws.s3.BucketLifecycleConfigurationRuleTransitionArgs(
            days=args.infrequent_days, storage_class="STANDARD_IA"
        )
        rules.append(rule(id="infrequent", status="Enabled", filter=everything, transitions=[moves]))
    if args.expire_days:
        ends = aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=args.expire_days)
        rules.append(rule(id="expire", status="Enabled", filter=everything, expiration=ends))
    for prefix, expiry in expire_prefixes.items():
        below = aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=prefix)
        days, versions = (expiry.days, expiry.versions_days) if isinstance(expiry, Expiry) else (expiry, None)
        ends = aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days)
        overwritten = aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs
        rules.append(
            rule(
                id=f"expire-{prefix}",
                status="Enabled",
                filter=below,
                expiration=ends,
                noncurrent_version_expiration=overwritten(noncurrent_days=versions) if versions else None,
            )
        )
    return rules
