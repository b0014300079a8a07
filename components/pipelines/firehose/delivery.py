"""A Firehose stream from a Kinesis stream to an index of OpenSearch Serverless, with its two roles, backup and log."""

import pulumi
import pulumi_aws as aws

from components import names
from components.blocks.bucket import SecureBucket
from components.blocks.collection import SharedCollection, data_access
from components.blocks.function import LambdaFunction
from components.blocks.network import firehose_network_statements
from components.iam import Statement, document, trust
from components.pipelines.firehose.args import FirehoseArgs
from components.pipelines.firehose.search_index import SearchIndex
from components.pipelines.firehose.stream import Stream

_LOG_STREAMS = ("delivery", "backup")
BACKUP, FAILED = "firehose/all/", "firehose/failed/"
# https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
_BY_TYPE_AND_DATE = f"{FAILED}!{{firehose:error-output-type}}/!{{timestamp:yyyy/MM/dd}}/"


class Delivery(pulumi.ComponentResource):
    """The Firehose stream, once the index is there and its roles work: one role reads the Kinesis stream, the other
    calls the transformation and writes the index, the backup and the log. What is refused, or fails for
    `retry_seconds`, goes to the bucket below `firehose/failed/<type>/<date>/`, gzipped
    (https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-serverless).
    It costs nothing at rest, and from 0.029 dollars a GB."""

    name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: FirehoseArgs,
        *,
        stream: Stream,
        shared: SharedCollection,
        index: SearchIndex,
        bucket: SecureBucket,
        transform: LambdaFunction | None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """`stream`: the Kinesis stream that it reads. `shared`: the collection of `index`. `bucket`: its backup.
        `transform`: the function that changes records on their way, None for none."""
        super().__init__("tributary:blocks:Delivery", name, None, opts)
        self._name, self._account = name, args.account
        child_opts, physical = pulumi.ResourceOptions(parent=self), names.delivery_stream(name)
        log_group = names.log_group("/aws/kinesisfirehose", name)
        logs = aws.cloudwatch.LogGroup(
            name, name=log_group, retention_in_days=args.log_retention_days, opts=child_opts
        )
        streams = {
            what: aws.cloudwatch.LogStream(
                f"{name}-{what}", name=what, log_group_name=logs.name, opts=child_opts
            )
            for what in _LOG_STREAMS
        }
        source, source_policy = self._role("source", "Reads the stream", stream.read_statements())
        _, bucket_arn = SecureBucket.planned(f"{name}-backup", args.account)
        granted = _delivery_statements(args, shared, bucket_arn, log_group)
        if transform:
            called = ["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"]
            granted.append(Statement("Transform", called, [f"{transform.arn}:$LATEST"]))
        if args.vpc:
            granted += firehose_network_statements(args.account, args.vpc)
        role, policy = self._role("delivery", "Writes the index, the backup and the log", granted)
        grant = data_access(
            f"{name}-delivery",
            shared.name,
            [role.arn],
            {index.name: ("aoss:DescribeIndex", "aoss:UpdateIndex", "aoss:WriteDocument")},
            description=f"Writes the index {index.name}",
            opts=child_opts,
        )
        to = aws.kinesis
        delivery = to.FirehoseDeliveryStream(
            name,
            name=physical,
            destination="opensearchserverless",
            kinesis_source_configuration=to.FirehoseDeliveryStreamKinesisSourceConfigurationArgs(
                kinesis_stream_arn=stream.arn, role_arn=source.arn
            ),
            opensearchserverless_configuration=to.FirehoseDeliveryStreamOpensearchserverlessConfigurationArgs(
                collection_endpoint=shared.endpoint,
                index_name=index.name,
                role_arn=role.arn,
                buffering_interval=args.buffer_seconds,
                buffering_size=args.buffer_mb,
                retry_duration=args.retry_seconds,
                s3_backup_mode=args.backup,
                s3_configuration=to.FirehoseDeliveryStreamOpensearchserverlessConfigurationS3ConfigurationArgs(
                    bucket_arn=bucket.arn,
                    role_arn=role.arn,
                    prefix=BACKUP,
                    error_output_prefix=_BY_TYPE_AND_DATE,
                    buffering_interval=args.buffer_seconds,
                    buffering_size=args.buffer_mb,
                    compression_format="GZIP",
                    cloudwatch_logging_options=to.FirehoseDeliveryStreamOpensearchserverlessConfigurationS3ConfigurationCloudwatchLoggingOptionsArgs(
                        enabled=True, log_group_name=logs.name, log_stream_name=streams["backup"].name
                    ),
                ),
                cloudwatch_logging_options=to.FirehoseDeliveryStreamOpensearchserverlessConfigurationCloudwatchLoggingOptionsArgs(
                    enabled=True, log_group_name=logs.name, log_stream_name=streams["delivery"].name
                ),
                processing_configuration=_processing(transform.arn) if transform else None,
                vpc_config=to.FirehoseDeliveryStreamOpensearchserverlessConfigurationVpcConfigArgs(
                    role_arn=role.arn,
                    subnet_ids=args.vpc.subnet_ids,
                    security_group_ids=args.vpc.security_group_ids,
                )
                if args.vpc
                else None,
            ),
            # The service checks its roles as it is made; a record that comes before the index would make it, unmapped.
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[source_policy, policy, grant, index, *([transform] if transform else [])],
            ),
        )
        self.name = delivery.name
        self.register_outputs({"name": self.name})

    def _role(
        self, part: str, does: str, granted: list[Statement]
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        name, account, child_opts = f"{self._name}-{part}", self._account, pulumi.ResourceOptions(parent=self)
        stream = account.arn("firehose", f"deliverystream/{names.delivery_stream(self._name)}")
        role = aws.iam.Role(
            name,
            name=names.role(name),
            permissions_boundary=account.permissions_boundary,
            description=f"{does} for {self._name}",
            assume_role_policy=trust("firehose.amazonaws.com", account.id, stream),
            opts=child_opts,
        )
        return role, aws.iam.RolePolicy(
            name, name=part, role=role.name, policy=document(*granted), opts=child_opts
        )


def _processing(
    function_arn: str,
) -> aws.kinesis.FirehoseDeliveryStreamOpensearchserverlessConfigurationProcessingConfigurationArgs:
    to = aws.kinesis
    parameter = to.FirehoseDeliveryStreamOpensearchserverlessConfigurationProcessingConfigurationProcessorParameterArgs
    # Only what differs from the defaults: the provider drops those as it reads, and would see a change for ever
    # (https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/kinesis_firehose_delivery_stream,
    # the note under `parameters`). The defaults: 1 MB a call, which with base64 and an added time is an answer of less
    # than the 6 MB that Lambda allows; 60 seconds; 3 retries; and the delivery stream's own role.
    parameters = {"LambdaArn": f"{function_arn}:$LATEST"}
    return to.FirehoseDeliveryStreamOpensearchserverlessConfigurationProcessingConfigurationArgs(
        enabled=True,
        processors=[
            to.FirehoseDeliveryStreamOpensearchserverlessConfigurationProcessingConfigurationProcessorArgs(
                type="Lambda",
                parameters=[
                    parameter(parameter_name=key, parameter_value=value) for key, value in parameters.items()
                ],
            )
        ],
    )


def _delivery_statements(
    args: FirehoseArgs, shared: SharedCollection, bucket_arn: str, log_group: str
) -> list[Statement]:
    log_streams = [f"log-group:{log_group}:log-stream:{name}" for name in _LOG_STREAMS]
    return [
        Statement("ReachCollection", ["aoss:APIAccessAll"], [shared.arn]),
        *_backup_statements(bucket_arn),
        Statement(
            "WriteLog", ["logs:PutLogEvents"], [args.account.arn("logs", name) for name in log_streams]
        ),
    ]


def _backup_statements(bucket_arn: str) -> list[Statement]:
    """Lets Firehose keep records in the backup bucket
    (https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-serverless)."""
    return [
        Statement(
            "WriteBackup",
            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            [f"{bucket_arn}/{BACKUP}*", f"{bucket_arn}/{FAILED}*"],
        ),
        Statement(
            "FindBackup",
            ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            [bucket_arn],
        ),
    ]
