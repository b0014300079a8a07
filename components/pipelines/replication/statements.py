"""What the roles of the replicating side may do: S3's own, and the job's that replicates what was there before."""

import pulumi

from components.blocks.key import bucket_key_through_s3, through_s3
from components.iam import Statement
from components.landing import Landing
from components.pipelines.replication.args import REPORTS, ReplicationArgs


def backfill_statements(args: ReplicationArgs, landing: Landing) -> list[Statement]:
    """Lets a job replicate what was there before
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-policies.html).

    The report needs no key: S3 encrypts it with one of its own
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-create-job.html).
    """
    bucket_arn = landing.bucket_arn()
    return [
        Statement(
            "ReplicateExisting",
            ["s3:InitiateReplication"],
            [pulumi.Output.concat(bucket_arn, f"/{prefix}*") for prefix in args.rule_prefixes()],
        ),
        Statement(
            "ListWhatIsEligible",
            ["s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration"],
            [bucket_arn],
        ),
        Statement("WriteReport", ["s3:PutObject"], [pulumi.Output.concat(bucket_arn, f"/{REPORTS}/*")]),
    ]


def replication_statements(
    args: ReplicationArgs,
    landing: Landing,
    replica_arn: pulumi.Input[str],
    replica_key: pulumi.Input[str] | None,
) -> list[Statement]:
    """Lets S3 read the landing's objects and write their replicas
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html), also encrypted ones
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html)."""
    read = [pulumi.Output.concat(landing.bucket_arn(), f"/{prefix}*") for prefix in args.rule_prefixes()]
    write = [pulumi.Output.concat(replica_arn, f"/{prefix}*") for prefix in args.rule_prefixes()]
    granted = [
        Statement("ReadRules", ["s3:GetReplicationConfiguration", "s3:ListBucket"], [landing.bucket_arn()]),
        Statement(
            "ReadObjects",
            ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"],
            read,
        ),
        Statement("WriteReplicas", args.write_actions(), write),
    ]
    if landing.key_arn is not None and replica_key is not None:
        granted += [
            Statement(
                "DecryptObjects",
                ["kms:Decrypt"],
                [landing.key_arn],
                through_s3(landing.account, landing.bucket_arn()),
            ),
            Statement(
                "EncryptReplicas", ["kms:Encrypt"], [replica_key], through_s3(args.account, replica_arn)
            ),
            Statement(
                "VerifyBucketKey",
                ["kms:Decrypt"],
                [replica_key],
                bucket_key_through_s3(args.account, replica_arn),
            ),
        ]
    return granted
