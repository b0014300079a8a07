"""What a stack's config takes as it is (taken.py), made in the embedded cloud before the stack is deployed: tables,
databases and streams, KMS keys, collection groups, buckets and their queues; the roles by which its accounts are
entered; and the boundary of each account whose config names one.

A role gets the policies that `python -m bootstrap <stack>` prints for it and nothing else, so that what a deployment
may not do there it may not do here. A role before the last of a chain may take on the next one. What is there already
stays as it is.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from components.accounts import AccountArgs
from components.stack.settings import Settings
from local import configured, samples, secret, taken
from local.plain import KEY_ID
from local.samples import databases, declared_databases
from local.samples.adopted_landing import EXPORTS
from local.samples.records import KEYS, OTHERWISE

ROOT = Path(__file__).resolve().parents[1]
ROLES = ("deploy", "preview", "refresh")
AURORA = {databases.MYSQL: "aurora-mysql", databases.POSTGRES: "aurora-postgresql"}


class Adopted:
    """What one account of a stack has before the stack is deployed."""

    def __init__(self, endpoint: str, account: AccountArgs):
        self.endpoint, self.account = endpoint, account

    def client(self, service: str, account: str = "", region: str = "") -> Any:
        """A client of its administrator, or of another account's or region's."""
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name=region or self.account.region,
            aws_access_key_id=account or self.account.id, aws_secret_access_key=secret.of(self.endpoint),
            config=Config(proxies={}, s3={"addressing_style": "path"}),
        )  # fmt: skip

    def role(self, arn: str, trusted: Iterable[str], policies: Mapping[str, str]) -> None:
        """A role that the principals `trusted` may take on, with these managed policies, by their names."""
        account, name = arn.split(":")[4], arn.rpartition("/")[2]
        iam = self.client("iam", account)
        trust = {
            "Effect": "Allow", "Principal": {"AWS": sorted({*trusted})}, "Action": ["sts:AssumeRole", "sts:TagSession"],
        }  # fmt: skip
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
        for policy, text in policies.items():
            with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
                iam.create_policy(PolicyName=policy, PolicyDocument=text)
            iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::{account}:policy/{policy}")

    def boundary(self, arn: str, text: str) -> None:
        """The managed policy that the config names as the boundary of the account's roles."""
        iam = self.client("iam")
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_policy(PolicyName=arn.rpartition("/")[2], PolicyDocument=text)

    def table(self, name: str, keys: Mapping[str, str]) -> None:
        """A DynamoDB table with what a pipeline needs of it: point-in-time recovery, and a stream."""
        dynamodb = self.client("dynamodb")
        with contextlib.suppress(dynamodb.exceptions.ResourceInUseException):
            dynamodb.create_table(
                TableName=name, BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in keys.items()],
                KeySchema=[{"AttributeName": n, "KeyType": k} for n, k in zip(keys, ("HASH", "RANGE"), strict=False)],
                StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            )  # fmt: skip
        recovery = {"PointInTimeRecoveryEnabled": True}
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)

    def stream(self, name: str) -> None:
        """A Kinesis stream that is active."""
        kinesis = self.client("kinesis")
        with contextlib.suppress(kinesis.exceptions.ResourceInUseException):
            kinesis.create_stream(StreamName=name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
        kinesis.get_waiter("stream_exists").wait(StreamName=name)

    def database(self, kind: str, name: str, engine: str) -> None:
        """A database of MySQL or PostgreSQL, as an instance or a cluster; what it holds is declared_databases.py's."""
        rds, more = self.client("rds"), {"MasterUsername": "admin", "MasterUserPassword": "not-a-secret"}
        if kind == "rds_instance":
            with contextlib.suppress(rds.exceptions.DBInstanceAlreadyExistsFault):
                rds.create_db_instance(
                    DBInstanceIdentifier=name, Engine=engine, DBInstanceClass="db.t4g.micro",
                    AllocatedStorage=20, **more,
                )  # fmt: skip
        else:
            with contextlib.suppress(rds.exceptions.DBClusterAlreadyExistsFault):
                rds.create_db_cluster(DBClusterIdentifier=name, Engine=AURORA[engine], **more)

    def key(self, arn: str, trusted: Iterable[str]) -> None:
        """A KMS key with this ARN, whose policy leaves it to the accounts `trusted` who uses it."""
        *_, region, account, name = arn.split(":")
        kms = self.client("kms", account, region)
        users = [f"arn:aws:iam::{each}:root" for each in sorted({account, *trusted})]
        use = {"Effect": "Allow", "Principal": {"AWS": users}, "Action": "kms:*", "Resource": "*"}
        with contextlib.suppress(kms.exceptions.AlreadyExistsException):
            kms.create_key(
                Policy=document(use), Tags=[{"TagKey": KEY_ID, "TagValue": name.rpartition("/")[2]}]
            )

    def group(self, name: str) -> None:
        """A collection group of the next generation."""
        aoss = self.client("opensearchserverless")
        with contextlib.suppress(aoss.exceptions.ConflictException):
            aoss.create_collection_group(name=name, standbyReplicas="ENABLED", generation="NEXTGEN")

    def landing(self, landing: Any, *, versioned: bool) -> None:
        """The bucket of a landing, with its key and its queue."""
        s3, place = self.client("s3"), {}
        if self.account.region != "us-east-1":
            place = {"CreateBucketConfiguration": {"LocationConstraint": self.account.region}}
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=landing.bucket, **place)
        if versioned:
            s3.put_bucket_versioning(Bucket=landing.bucket, VersioningConfiguration={"Status": "Enabled"})
        if landing.key_arn:
            default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": landing.key_arn}
            s3.put_bucket_encryption(
                Bucket=landing.bucket,
                ServerSideEncryptionConfiguration={
                    "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
                },
            )
        if landing.event_queue_arn:
            self._queue(landing.event_queue_arn, landing.bucket)

    def _queue(self, arn: str, bucket: str) -> None:
        """A queue that gets an event for each object that comes into the bucket."""
        sqs = self.client("sqs", region=arn.split(":")[3])
        may = {
            "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}},
        }  # fmt: skip
        sqs.create_queue(QueueName=arn.rpartition(":")[2], Attributes={"Policy": document(may)})
        self.client("s3").put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={
                "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
            },
        )


def document(statement: Mapping[str, Any]) -> str:
    """A policy of one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def adopted(stack: Settings) -> Iterator[tuple[AccountArgs, str, str]]:
    """(account, kind, name) of each source that the config adopts rather than creates."""
    for pipeline in stack.pipelines.values():
        args = pipeline.args
        for source in getattr(args, "sources", []):
            if not source.create:
                yield args.account, source.kind, source.name
        if pipeline.kind == "zero-etl":
            for table in args.tables:
                if not table.create:
                    yield args.account, "dynamodb", table.name
        if pipeline.kind == "firehose" and args.stream.adopt:
            yield args.account, "kinesis", args.stream.adopt
    for landing in taken.landings(stack):
        for table in landing.tables if landing.layout == EXPORTS else ():
            yield landing.account, "dynamodb", table


def keys_of(stack: Settings, table: str) -> Mapping[str, str]:
    """The key of a table that the stack adopts, name -> type: what a transfer into BigQuery tells rows apart by, else
    the shop's own, else `id`."""
    for pipeline in stack.pipelines.values():
        if pipeline.kind != "bigquery-transfer" or table not in pipeline.args.tables:
            continue
        transfer = pipeline.args.tables[table]
        if 0 < len(transfer.keys) <= 2:
            kinds = {name: transfer.columns.get(name) for name in transfer.keys}
            return {name: str(kind) if kind in ("N", "B") else "S" for name, kind in kinds.items()}
    return KEYS.get(table, OTHERWISE)


def printed(stack: str, root: Path = ROOT) -> dict[str, str]:
    """What the documented command prints for a stack: `<stack>-<account>-<role>[-<number>]` -> policy."""
    command = [sys.executable, "-m", "bootstrap", stack]
    text = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    parts = re.split(r"^# (\S+)\.json$", text, flags=re.MULTILINE)
    return {name: policy.strip() for name, policy in zip(parts[1::2], parts[2::2], strict=True)}


def role_arns(stack: Settings, role: str) -> dict[str, str]:
    """The role `deploy`, `preview` or `refresh` in each account, by the account's name in the config."""
    own = {
        name: account.chain[-1].arn if role == "deploy" and account.chain else ""
        for name, account in stack.accounts.items()
    }
    return {name: own[name] or account.role_arn(role) for name, account in stack.accounts.items()}


def make_roles(endpoint: str, stack: str, read: Settings, root: Path, roles: Iterable[str] = ROLES) -> None:
    """Makes the roles of a stack's accounts, and the boundaries, with what is printed for them."""
    policies, accounts = printed(stack, root), read.accounts
    for name, account in accounts.items():
        if account.permissions_boundary:
            text = policies[f"{stack}-{name}-boundary"]
            Adopted(endpoint, account).boundary(account.permissions_boundary, text)
    callers = [f"arn:aws:iam::{account.id}:root" for account in accounts.values()]
    for name, account in accounts.items():
        for before, after in zip(account.chain, account.chain[1:], strict=False):
            on = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": after.arn}
            place = Adopted(endpoint, account)
            place.role(
                before.arn, _before(account, before.arn, callers), {f"{stack}-{name}-chain": document(on)}
            )
    for role in roles:
        for name, arn in role_arns(read, role).items():
            form = re.compile(rf"{re.escape(stack)}-{re.escape(name)}-{role}(-\d+)?")
            its = {policy: text for policy, text in policies.items() if form.fullmatch(policy)}
            account = accounts[name]
            Adopted(endpoint, account).role(arn, _before(account, arn, callers), its)


def _before(account: AccountArgs, arn: str, callers: list[str]) -> list[str]:
    """Who takes on a role: the one before it in the account's chain, and without one whoever begins."""
    arns = [step.arn for step in account.chain]
    return [arns[arns.index(arn) - 1]] if arn in arns[1:] else callers


def make_adopted(endpoint: str, read: Settings) -> None:
    """Makes whatever the config takes as it is; the keys first, as a bucket needs one."""
    accounts = list(read.accounts.values())
    for arn in dict.fromkeys(taken.keys(read)):
        Adopted(endpoint, accounts[0]).key(arn, [account.id for account in accounts])
    for landing in taken.landings(read):
        Adopted(endpoint, landing.account).landing(
            landing, versioned=not taken.turned_on(read, landing.bucket)
        )
    for account, name in taken.groups(read):
        Adopted(endpoint, account).group(name)
    of_stack = declared_databases.of_stack(samples.declared(read))
    for account, kind, name in adopted(read):
        place = Adopted(endpoint, account)
        if kind == "dynamodb":
            place.table(name, keys_of(read, name))
        elif kind == "kinesis":
            place.stream(name)
        else:
            place.database(kind, name, of_stack[account.id, account.region, kind, name].engine)


def seed(endpoint: str, stack: str, root: Path = ROOT) -> None:
    """Makes the three roles of a stack and what it adopts; `root` is the project's folder."""
    read = configured.read(root, stack)
    make_roles(endpoint, stack, read, root)
    make_adopted(endpoint, read)
