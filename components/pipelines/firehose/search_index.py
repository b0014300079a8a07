"""An index of an OpenSearch Serverless collection, made by the deployment."""

import pulumi
import pulumi_aws as aws

from components.blocks.collection import SharedCollection, data_access
from components.blocks.function import Execution, LambdaFunction, Task
from components.iam import Statement
from components.pipelines.firehose.args import FirehoseArgs
from components.shared import variables

_PATIENCE = 600  # seconds that a cold collection, or a policy that does not work yet, is waited for


class SearchIndex(pulumi.ComponentResource):
    """The index with its mapping, before anything writes to it: `handlers/index`, called by the deployment, creates it,
    updates the mapping when it changes, and deletes it only where `delete_index` says so. Neither OpenSearch Serverless
    nor Pulumi has a resource for an index. A collection that is cold, or does not let the function in yet, is waited
    for; any other answer fails the deployment. It costs nothing at rest."""

    name: str

    def __init__(
        self,
        name: str,
        args: FirehoseArgs,
        shared: SharedCollection,
        opts: pulumi.ResourceOptions | None = None,
    ):
        super().__init__("tributary:blocks:SearchIndex", name, None, opts)
        child_opts, index = pulumi.ResourceOptions(parent=self), args.index
        function = LambdaFunction(
            name,
            args.account,
            args.functions,
            task=Task(
                handler="index",
                description=f"Creates the index {index} and keeps its mapping",
                statements=[Statement("ReachCollection", ["aoss:APIAccessAll"], [shared.arn])],
                environment={variables.PATIENCE_SECONDS: str(_PATIENCE)},
            ),
            topic=args.alarm_topic_arn,
            execution=Execution(
                reserved_concurrency=args.reserved_concurrency,
                timeout_seconds=_PATIENCE + 60,
                vpc=args.vpc,
            ),
            opts=child_opts,
        )
        permissions = ["aoss:CreateIndex", "aoss:DescribeIndex", "aoss:UpdateIndex"]
        # Named by its index: where that is renamed the former one is deleted while the former grant still holds.
        grant = data_access(
            f"{name}-{index}",
            shared.name,
            [function.role_arn],
            {index: [*permissions, *(["aoss:DeleteIndex"] if args.delete_index else [])]},
            description=f"Makes the index {index}",
            opts=child_opts,
        )
        aws.lambda_.Invocation(
            name,
            function_name=function.name,
            input=pulumi.Output.json_dumps(
                {
                    "endpoint": shared.endpoint,
                    "region": args.account.region,
                    "index": index,
                    "mapping": args.mapping,
                    "delete": args.delete_index,
                }
            ),
            lifecycle_scope="CRUD",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[grant]),
        )
        self.name = index
        self.register_outputs({"name": index})
