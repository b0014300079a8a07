"""A Glue database, and a crawler that keeps it."""

import json
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import AfterValidator

from components import names
from components.accounts import AccountArgs
from components.arguments import arguments
from components.iam import Statement, document, trust
from components.lake.place import Place
from components.languages import aws_schedules
from components.shared.landing_folders import LAKE

LOGS = "/aws-glue/crawlers"


@arguments
class CrawlerArgs:
    """A crawler that finds tables by itself."""

    schedule: Annotated[str, AfterValidator(aws_schedules.cron)] = "cron(0 6 * * ? *)"
    """When to crawl, in UTC: `cron(…)`; a while after the export."""


class Catalog(pulumi.ComponentResource):
    """A Glue database. With `crawler` also a crawler of `<bucket>/lake/` that makes one table a folder there
    (https://docs.aws.amazon.com/glue/latest/dg/crawler-table-level.html: the bucket is level 1), reads new folders
    only, which requires that it changes and deletes nothing
    (https://docs.aws.amazon.com/glue/latest/dg/incremental-crawls.html), under a role of its own and, where there is a
    key, with what it writes to S3 under that; its log is as CloudWatch Logs encrypts it. It costs nothing at rest; a
    crawl 0.44 dollars an hour and unit, at least ten minutes.

    `place`: the landing's bucket and key. `crawler`: when it crawls; None: no crawler. `retain`: whether the database
    outlives the stack, with the tables that functions made in it."""

    database: pulumi.Output[str]
    crawler: pulumi.Output[str] | None
    crawls_as: pulumi.Output[str] | None = None
    """The crawler's role, which makes the tables."""

    def __init__(
        self,
        name: str,
        account: AccountArgs,
        place: Place,
        *,
        crawler: CrawlerArgs | None,
        retain: bool,
        opts: pulumi.ResourceOptions | None = None,
    ):
        super().__init__("tributary:blocks:Catalog", name, None, opts)
        physical = names.database(name)
        database = aws.glue.CatalogDatabase(
            name,
            name=physical,
            description=f"Tables of {name}",
            # Its tables were made by functions, which the stack does not know.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=retain),
        )
        self.database, self.crawler = database.name, None
        if crawler:
            self.crawler = self._crawler(name, account, crawler, place)
        self.register_outputs({"database": self.database, "crawler": self.crawler})

    @staticmethod
    def planned(name: str, account: AccountArgs) -> tuple[str, list[str]]:
        """The database's name, and the ARNs that a grant on it and its tables names."""
        physical = names.database(name)
        parts = ("catalog", f"database/{physical}", f"table/{physical}/*")
        return physical, [account.arn("glue", part) for part in parts]

    def _crawler(
        self, name: str, account: AccountArgs, args: CrawlerArgs, place: Place
    ) -> pulumi.Output[str]:
        part = f"{name}-crawler"
        physical, child_opts = names.crawler(part), pulumi.ResourceOptions(parent=self)
        security = None
        if place.key_arn is not None:
            security = aws.glue.SecurityConfiguration(
                part,
                name=physical,
                encryption_configuration=_encrypting(place.key_arn),
                opts=child_opts,
            )
        role = aws.iam.Role(
            part,
            name=names.role(part),
            permissions_boundary=account.permissions_boundary,
            description=f"What the crawler {physical} may do",
            assume_role_policy=trust("glue.amazonaws.com", account.id),
            opts=child_opts,
        )
        self.crawls_as = role.arn
        _, catalog = self.planned(name, account)
        policy = aws.iam.RolePolicy(
            part,
            name="crawl",
            role=role.name,
            policy=document(*_crawl_statements(account, place, catalog)),
            opts=child_opts,
        )
        made = aws.glue.Crawler(
            part,
            name=physical,
            database_name=self.database,
            role=role.arn,
            description=f"Finds the tables below lake/ of {name}",
            schedule=args.schedule,
            s3_targets=[
                aws.glue.CrawlerS3TargetArgs(path=pulumi.Output.concat("s3://", place.bucket, f"/{LAKE}"))
            ],
            recrawl_policy=aws.glue.CrawlerRecrawlPolicyArgs(recrawl_behavior="CRAWL_NEW_FOLDERS_ONLY"),
            schema_change_policy=aws.glue.CrawlerSchemaChangePolicyArgs(
                delete_behavior="LOG", update_behavior="LOG"
            ),
            configuration=json.dumps(
                {
                    "Version": 1.0,
                    "Grouping": {
                        "TableGroupingPolicy": "CombineCompatibleSchemas",
                        "TableLevelConfiguration": 3,
                    },
                    # On by default, and a right more:
                    # https://docs.aws.amazon.com/glue/latest/dg/crawler-configure-partition-indexes.html
                    "CreatePartitionIndex": False,
                    "CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}},
                }
            ),
            security_configuration=security.name if security else None,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        return made.name


def _encrypting(
    key_arn: pulumi.Input[str],
) -> aws.glue.SecurityConfigurationEncryptionConfigurationArgs:
    return aws.glue.SecurityConfigurationEncryptionConfigurationArgs(
        cloudwatch_encryption=aws.glue.SecurityConfigurationEncryptionConfigurationCloudwatchEncryptionArgs(
            cloudwatch_encryption_mode="DISABLED"
        ),
        job_bookmarks_encryption=aws.glue.SecurityConfigurationEncryptionConfigurationJobBookmarksEncryptionArgs(
            job_bookmarks_encryption_mode="DISABLED"
        ),
        s3_encryption=aws.glue.SecurityConfigurationEncryptionConfigurationS3EncryptionArgs(
            s3_encryption_mode="SSE-KMS", kms_key_arn=key_arn
        ),
    )


def _crawl_statements(account: AccountArgs, place: Place, catalog: list[str]) -> list[Statement]:
    """What a crawler does below `lake/`; `catalog`: the ARNs of the database and its tables."""
    # A crawler with a security configuration logs to a group of its own, named after it and its role.
    groups = [account.arn("logs", f"log-group:{LOGS}*")]
    granted = [
        Statement("ReadTables", ["s3:GetObject"], [f"{place.bucket_arn}/{LAKE}*"]),
        Statement(
            "ListTables", ["s3:ListBucket"], [place.bucket_arn], {"StringLike": {"s3:prefix": [f"{LAKE}*"]}}
        ),
        Statement(
            "KeepCatalog",
            [
                "glue:BatchCreatePartition",
                "glue:BatchGetPartition",
                "glue:CreateTable",
                "glue:GetDatabase",
                "glue:GetTable",
                "glue:UpdateTable",
            ],
            catalog,
        ),
        Statement("WriteLog", ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], groups),
    ]
    if place.key_arn is not None:
        granted.append(Statement("DecryptTables", ["kms:Decrypt"], [place.key_arn]))
    return granted
