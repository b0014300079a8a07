"""Who reads the landing in AWS, where the Data Transfer Service reads S3 itself: a user with an access key."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp

from components import names
from components.blocks.key import through_s3
from components.iam import Statement, document
from components.landing import Landing


class LandingReader(pulumi.ComponentResource):
    """An AWS user who may read one landing and nothing else, and its access keys, of which the last is in use.
    It costs nothing at rest.

    `landing`: what is read. `prefixes`: the folders in its bucket that may be read. `keys`: a label for each access
    key, one or two, as AWS allows a user no more."""

    user: pulumi.Output[str]
    params: dict[str, pulumi.Input[str]]
    sensitive_params: gcp.bigquery.DataTransferConfigSensitiveParamsArgs

    def __init__(
        self,
        name: str,
        landing: Landing,
        prefixes: Sequence[str],
        keys: Sequence[str],
        opts: pulumi.ResourceOptions,
    ):
        super().__init__("tributary:pipelines:LandingReader", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        user = aws.iam.User(
            name,
            name=names.user(name),
            force_destroy=False,
            permissions_boundary=landing.account.permissions_boundary,
            opts=child_opts,
        )
        policy = aws.iam.UserPolicy(
            name,
            name="read",
            user=user.name,
            policy=document(*read_statements(landing, prefixes)),
            opts=child_opts,
        )
        access_keys = [
            aws.iam.AccessKey(
                f"{name}-{key}", user=user.name, opts=pulumi.ResourceOptions(parent=self, depends_on=[policy])
            )
            for key in keys
        ]
        self.user = user.name
        # Not the half that opens: as a secret it would hide all of a transfer's `params` from a preview.
        self.params = {"access_key_id": access_keys[-1].id}
        self.sensitive_params = gcp.bigquery.DataTransferConfigSensitiveParamsArgs(
            secret_access_key=pulumi.Output.secret(access_keys[-1].secret)
        )
        self.register_outputs({"user": self.user})


def read_statements(landing: Landing, prefixes: Sequence[str]) -> list[Statement]:
    """Lets the objects below these prefixes, which are loaded, be listed and read, and decrypted where the landing has
    a key (https://docs.cloud.google.com/bigquery/docs/s3-transfer#aws-permissions)."""
    below = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}}
    objects = [pulumi.Output.concat(landing.bucket_arn(), f"/{prefix}*") for prefix in prefixes]
    granted = [
        Statement("LocateLanding", ["s3:GetBucketLocation"], [landing.bucket_arn()]),
        Statement("ListLanding", ["s3:ListBucket"], [landing.bucket_arn()], below),
        Statement("ReadLanding", ["s3:GetObject"], objects),
    ]
    return granted + decrypt_statements(landing)


def decrypt_statements(landing: Landing) -> list[Statement]:
    """The right to the landing's key; none where S3 encrypts by itself."""
    if landing.key_arn is None:
        return []
    context = through_s3(landing.account, landing.bucket_arn())
    return [Statement("DecryptLanding", ["kms:Decrypt"], [landing.key_arn], context)]
