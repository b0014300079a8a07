"""An Athena workgroup, and the queries that it offers."""

from collections.abc import Mapping
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components import names
from components.arguments import arguments, matching
from components.lake.place import Place
from components.shared.landing_folders import RESULTS

# Characters of a named query's name and text, and what is left of them for a view's
# (https://docs.aws.amazon.com/athena/latest/APIReference/API_CreateNamedQuery.html).
QUERY_NAME, QUERY_TEXT = 128, 262_144
VIEW_NAME, VIEW_SQL = QUERY_NAME - len("view-"), QUERY_TEXT - 1024
Views = dict[
    Annotated[
        str,
        matching(
            rf"[a-z][a-z0-9_]{{0,{VIEW_NAME - 1}}}",
            f"'{{value}}' is not a view's name (1-{VIEW_NAME} of a-z, 0-9 and '_', starting with a letter); write "
            "one like 'open_orders'",
        ),
    ],
    Annotated[str, Field(min_length=1, max_length=VIEW_SQL)],
]
"""A view's name -> its query."""


@arguments
class QueryArgs:
    """How tables are queried."""

    scan_limit_gb: Annotated[int, Field(ge=1, le=7_000)] = 100
    """What one query may scan, in GB, before it is stopped; scanning costs about 5 dollars a TB."""


class Workgroup(pulumi.ComponentResource):
    """A workgroup whose settings a client can't override: results go below `results/` of the bucket, encrypted, and a
    query that scans more than the limit is stopped
    (https://docs.aws.amazon.com/athena/latest/ug/workgroups-settings-override.html). `queries` are offered in the
    console by their names: name -> (description, SQL), the description cut at 1,024 characters. It costs nothing at
    rest.

    `place`: the landing's bucket and key. `owner_id`: the 12 digits of the bucket's account. `database`: its name in
    Glue, which the queries are about. `retain`: whether a destroy fails on a workgroup that has queries, not deletes
    them with it."""

    name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: QueryArgs,
        place: Place,
        *,
        owner_id: str,
        database: pulumi.Input[str],
        queries: Mapping[str, tuple[str, str]],
        retain: bool,
        opts: pulumi.ResourceOptions | None = None,
    ):
        super().__init__("tributary:blocks:Workgroup", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        encryption = aws.athena.WorkgroupConfigurationResultConfigurationEncryptionConfigurationArgs(
            encryption_option="SSE_KMS" if place.key_arn is not None else "SSE_S3", kms_key_arn=place.key_arn
        )
        group = aws.athena.Workgroup(
            name,
            name=names.workgroup(name),
            description=f"Queries of {name}",
            force_destroy=not retain,
            configuration=aws.athena.WorkgroupConfigurationArgs(
                enforce_workgroup_configuration=True,
                publish_cloudwatch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=args.scan_limit_gb * 1024**3,
                result_configuration=aws.athena.WorkgroupConfigurationResultConfigurationArgs(
                    output_location=pulumi.Output.concat("s3://", place.bucket, f"/{RESULTS}"),
                    encryption_configuration=encryption,
                    expected_bucket_owner=owner_id,
                ),
            ),
            opts=child_opts,
        )
        for query, (meaning, sql) in queries.items():
            aws.athena.NamedQuery(
                f"{name}-{query}",
                name=query,
                description=meaning[:1024],
                workgroup=group.name,
                database=database,
                query=sql,
                opts=child_opts,
            )
        self.name = group.name
        self.register_outputs({"name": self.name})
