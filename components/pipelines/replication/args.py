"""The arguments of a replication, which both of its sides read."""

import json
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from components.arguments import arguments, matching, replaced, together
from components.blocks.bucket import Expiry, LifecycleArgs, SecureBucket
from components.blocks.key import KmsKey, KmsKeyArn, adopted_or_created, region_and_account
from components.blocks.object_events import ObjectEvents
from components.lake.copies import unfit_copies
from components.lake.lake_formation import LakeFormationArgs
from components.lake.merging import COMPACT_AFTER, CompactAfter, MergeBeyondArgs
from components.lake.place import expiring
from components.lake.queries import unfit_views
from components.lake.workgroup import QueryArgs, Views
from components.landing import Landing
from components.pipelines.pipeline import LANDING, PipelineArgs
from components.shared import variables
from components.shared.landing_folders import LAKE, copy_key, raw

REPORTS = "backfill"
JOB_TAG = "tributary-backfill"
"""The key of the tag that marks a pipeline's S3 Batch jobs among the account's."""
_CREATED = "s3:ObjectCreated:"
_COMPLETED = f"{_CREATED}CompleteMultipartUpload"


def _events(value: list[str]) -> list[str]:
    known = [f"{_CREATED}*", f"{_CREATED}Put", f"{_CREATED}Post", f"{_CREATED}Copy", _COMPLETED]
    unknown = [event for event in value if event not in known]
    if unknown:
        raise ValueError(f"'{unknown[0]}' is not an event of a new object; write one of {', '.join(known)}")
    if len(value) > 1 and (f"{_CREATED}*" in value or len({*value}) < len(value)):
        raise ValueError(
            f"{', '.join(value)} overlap, and S3 takes an event once; write each once, or ['{_CREATED}*']"
        )
    if not {f"{_CREATED}*", _COMPLETED} & set(value):
        raise ValueError(
            f"{', '.join(value)} never fires for an export: its files are written by multipart upload, whose event is "
            f"{_COMPLETED}; write ['{_CREATED}*']"
        )
    return value


@arguments
class ReplicaCatalogArgs:
    """The tables of what has arrived: those of the export, made of its replicated files."""

    queries: QueryArgs = QueryArgs()
    """What a query in Athena may cost."""
    views: Views = Field(default_factory=dict)
    """Views that the workgroup offers, {name: SELECT …}; their columns must be declared at the export's sources."""
    lake_formation: LakeFormationArgs | None = None
    """Puts the tables under Lake Formation, where only those named here may read them; without it, IAM decides."""
    files_at_once: Annotated[int, Field(ge=1, le=1000)] = 50
    """How many data files of an export are normalised side by side, a function each."""
    merge_beyond: MergeBeyondArgs = MergeBeyondArgs()
    """Sizes of a run beyond which Athena merges it into an Iceberg table, in place of a function."""
    compact_after: CompactAfter = COMPACT_AFTER
    """Commits to an Iceberg table after which Athena compacts it, at 5 dollars a TB that is rewritten. 0: never. With
    `past_days` Glue's optimizers do it in its place."""
    past_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Days that an Iceberg table can be read as it was. Glue's optimizers then expire older snapshots, compact files
    and delete those of no snapshot (0.44 dollars a DPU-hour). Without it every snapshot is kept."""
    copies: list[str] = Field(default_factory=list)
    """Iceberg tables of the export whose rows each run also writes into one Parquet file here, for what reads no
    Iceberg table. A transfer of the same stack that loads one with `lake: true` adds it."""
    stale_after_hours: Annotated[int, Field(ge=1, le=168)] | None = None
    """Hours without a new export of a source after which an alarm fires; by default as at the export."""


@arguments
class ReplicationArgs(PipelineArgs):
    """The arguments of a ReplicationPipeline; `account` is the one that receives."""

    landing: Annotated[Landing, LANDING]
    """What to replicate."""
    prefixes: (
        Annotated[
            list[
                Annotated[
                    str,
                    Field(max_length=1024),
                    matching(r"[^\x00-\x1f\x7f]*", "{value!r} has a control character; leave it out"),
                ]
            ],
            Field(min_length=1, max_length=50),
        ]
        | None
    ) = None
    """The key prefixes to replicate, one rule each; without it the landing's own prefix. A preview refuses those that
    do not fit into the role's policy (10,240 characters): of 50 each may have about 27."""
    delete_markers: bool = False
    """Whether a deletion at the source hides the replica as well. Versions are never deleted from afar."""
    time_control: bool = True
    """S3 Replication Time Control: 99.9 % of objects within 15 minutes, and events for what took longer
    (0.015 dollars a GB)."""
    key_arn: KmsKeyArn | None = None
    """An existing KMS key of the receiving account to encrypt replicas with. Its policy is yours: let the source's role
    in, with `kms:Encrypt` and, for the bucket's Bucket Key, `kms:Decrypt`."""
    create_key: bool = False
    """Makes a KMS key for the replicas. Needed, or `key_arn`, where the landing is encrypted with a customer's key."""
    take_over: bool = False
    """Needed where the landing's bucket was not made by this program. S3 keeps one set of replication rules and one of
    event notifications for a bucket, and this pipeline's replace what the bucket had of them."""
    turn_on_versioning: bool = False
    """Turns versioning on at a bucket that this program did not make; without it one that has none is refused."""
    existing_objects: bool = False
    """Replicates what was in the bucket before the rules were, by one S3 Batch Replication job. It costs 0.25 dollars,
    and 1 dollar a million objects."""
    events: Annotated[list[str], AfterValidator(_events)] = Field(default_factory=lambda: [f"{_CREATED}*"])
    """The bucket's events that mean an arrival."""
    event_queue: bool = False
    """Makes a queue with an event for each data file that has arrived, for an event-driven transfer."""
    attempts: Annotated[int, Field(ge=3, le=100)] = 20
    """How often an export is checked whose files have not all arrived; then it is given up, and the alarm fires. 20 is
    3 hours and 20 minutes, as the wait doubles from 5 seconds up to 15 minutes."""
    catalog: ReplicaCatalogArgs | None = None
    """Makes the tables of the export that is taken from in the receiving account, too, as each of its exports arrives
    whole; `{}` with all defaults."""
    lifecycle: LifecycleArgs = LifecycleArgs()
    """How long the replica keeps what; lifecycle actions are not replicated."""

    @together
    def _bucket_is_given_over(self) -> Iterator[str]:
        if self.landing.adopted and not self.take_over:
            yield (
                f"take_over: the bucket '{self.landing.bucket}' was not made by this program, and this pipeline "
                "replaces its replication rules and event notifications; write take_over: true if none is needed"
            )

    @together
    def _notifications_are_free(self) -> Iterator[str]:
        if self.landing.event_queue_arn is not None:
            yield (
                "landing: S3 keeps one set of event notifications for a bucket, and this pipeline's would replace "
                f"those of the queue of '{self.landing.name}'; leave event_queue out there and write it here"
            )

    @together
    def _key_is_one(self) -> Iterator[str]:
        return adopted_or_created(self.key_arn, self.create_key)

    @together
    def _key_stands_with_the_replicas(self) -> Iterator[str]:
        if self.key_arn and region_and_account(self.key_arn) != (self.account.region, self.account.id):
            yield (
                f"key_arn: '{self.key_arn}' encrypts replicas, so it stands where they do; name a key of account "
                f"{self.account.id} in {self.account.region}"
            )

    @together
    def _prefixes_lie_in_the_landing(self) -> Iterator[str]:
        own = self.landing.prefixes()
        known = "' or '".join(own)
        for prefix in self.prefixes or []:
            if not prefix.startswith(tuple(own)):
                yield f"prefixes: '{prefix}' lies outside the landing; write prefixes that start with '{known}'"

    @together
    def _no_iceberg_table_is_replicated(self) -> Iterator[str]:
        for name, table in self.landing.typed.items():
            folder = (table.files or "").rpartition("/")[0] + "/"
            for prefix in self.rule_prefixes() if table.iceberg and table.files else ():
                if folder.startswith(prefix) or prefix.startswith(folder):
                    # https://iceberg.apache.org/spec/#manifests: file_path is the full address.
                    yield (
                        f"prefixes: '{prefix}' would replicate the Iceberg table of '{name}', whose metadata holds the "
                        "addresses of files in the source's bucket; replicate raw/, and of lake/ other tables only, "
                        "such as 'lake/orders/'"
                    )

    @together
    def _prefixes_stand_side_by_side(self) -> Iterator[str]:
        prefixes = self.prefixes or []
        for prefix in dict.fromkeys(prefixes):
            if sum(other.startswith(prefix) for other in prefixes) > 1:
                yield (
                    f"prefixes: another one starts with '{prefix}', and S3 refuses notifications that overlap; leave "
                    "the longer one out"
                )

    @together
    def _reports_are_not_replicated(self) -> Iterator[str]:
        reports = f"{REPORTS}/"
        for prefix in self.rule_prefixes() if self.existing_objects else []:
            if prefix.startswith(reports) or reports.startswith(prefix):
                yield (
                    f"existing_objects: the job writes its reports below '{reports}' of the landing's bucket, which a "
                    f"rule for '{prefix}' would replicate as well; write 'prefixes' that leave '{reports}' out"
                )

    @together
    def _the_function_can_hold_the_prefixes(self) -> Iterator[str]:
        size = len(json.dumps(self.rule_prefixes()))
        if self.existing_objects and size > variables.MOST_BYTES:
            yield (
                f"existing_objects: the prefixes are {size:,} bytes of JSON, and the environment of the function that "
                f"makes the job holds {variables.MOST_BYTES:,} of them; write fewer or shorter ones"
            )

    @together
    def _the_landing_has_tables(self) -> Iterator[str]:
        if self.catalog is None:
            return
        if self.landing.filled is None:
            yield (
                f"catalog: nothing says which tables the landing of '{self.landing.name}' has; take from a pipeline of "
                "kind 'export' of this stack that has 'run: state-machine'"
            )
            return
        for prefix in self.rule_prefixes():
            if prefix.startswith(LAKE):
                yield (
                    f"prefixes: with 'catalog' this pipeline writes tables of its own to '{prefix}' in the replica's "
                    "bucket; leave the prefix out"
                )
        for source in self.landing.filled.sources:
            if not f"{raw(source)}/".startswith(tuple(self.rule_prefixes())):
                yield (
                    f"prefixes: the tables of '{source}' are made of what lies below '{raw(source)}/', which is not "
                    "replicated; add it"
                )

    @together
    def _the_tables_can_be_queried(self) -> Iterator[str]:
        if self.catalog is None or self.landing.filled is None:
            return
        for index, reader in enumerate(
            self.catalog.lake_formation.readers if self.catalog.lake_formation else ()
        ):
            if reader.split(":")[4] != self.account.id:
                yield (
                    f"catalog.lake_formation.readers[{index}]: '{reader}' is not of account {self.account.id}, whose "
                    "catalog it is; name a role of that account, which others may take on"
                )
        if self.catalog.past_days is not None and not self.landing.filled.iceberg:
            yield "catalog.past_days: the export has no Iceberg table, and no other has a past; leave it out"
        if self.catalog.compact_after != COMPACT_AFTER and not self.landing.filled.iceberg:
            yield "catalog.compact_after: the export has no Iceberg table, and nothing is compacted; leave it out"
        if self.catalog.merge_beyond != MergeBeyondArgs() and not self.landing.filled.iceberg:
            yield "catalog.merge_beyond: the export has no Iceberg table, and nothing is merged; leave it out"
        if self.landing.filled.iceberg and self.catalog.lake_formation:
            # https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg.html#querying-iceberg-considerations-and-limitations
            yield (
                "catalog.lake_formation: the run writes the Iceberg table "
                f"'{self.landing.filled.iceberg[0]}' with its own rights, not Lake Formation's; leave lake_formation "
                "out, or give the table an export and a replication of its own"
            )
        known = [table for table, typed in self.landing.typed.items() if typed.iceberg]
        for fault in unfit_copies(self.catalog.copies, known):
            yield f"catalog.{fault}"
        columns = {table: columns or None for table, columns in self.landing.filled.tables.items()}
        for fault in unfit_views(self.catalog.views, columns):
            yield f"catalog.{fault}"

    @together
    def _one_partition(self) -> Iterator[str]:
        if self.account.partition != self.landing.account.partition:
            yield (
                f"account: {self.account.region} and {self.landing.account.region} are in two partitions of AWS, "
                "between which S3 does not replicate; name an account in the landing's partition"
            )

    @together
    def _key_is_used(self) -> Iterator[str]:
        keyed = bool(self.key_arn or self.create_key)
        if self.landing.key_arn is not None and not keyed:
            yield (
                f"create_key: the landing of '{self.landing.name}' is encrypted with a customer's key, and S3 "
                "replicates such objects only under a key of the receiving side; write create_key: true, or key_arn"
            )
        if self.landing.key_arn is None and keyed:
            yield (
                f"create_key: the landing of '{self.landing.name}' is encrypted with SSE-S3, and so are replicas of "
                "it, so this key would never be used; leave it out, or give the landing a key"
            )

    def rule_prefixes(self) -> list[str]:
        """The prefixes that are replicated: those given, or the landing's."""
        return self.prefixes or [self.landing.prefix]

    def expiring(self) -> tuple[LifecycleArgs, dict[str, int | Expiry]]:
        """The rules for the replica's bucket, and prefix -> days until what lies there is deleted."""
        if self.catalog is None or self.landing.filled is None:
            return self.lifecycle, {}
        files = [table.files or "" for table in self.landing.typed.values()]
        tables = [key.split("/")[1] for key in files if key.startswith(LAKE)]
        copies = bool(self.catalog.copies)
        return expiring(self.lifecycle, tables, self.landing.filled.iceberg, copies=copies)

    def copied_tables(self) -> list[str]:
        """The Iceberg tables that a plain copy is kept of, as the catalog names them."""
        return [key.split("/")[1] for key in self._copy_keys().values()]

    def _copy_keys(self) -> dict[str, str]:
        """Table -> the key of its plain copy here: the folder is the one that the export's own files lie in."""
        copies = self.catalog.copies if self.catalog else []
        typed = self.landing.typed
        return {
            table: copy_key(files.split("/")[1])
            for table in copies
            if table in typed and (files := typed[table].files)
        }

    def replica(self, name: str) -> Landing:
        """The landing on the receiving side, as far as it is known before anything is deployed."""
        bucket, _ = SecureBucket.planned(f"{name}-replica", self.account)
        own = [LAKE] if self.catalog is not None else []
        copies = self._copy_keys()
        return Landing(
            name=name,
            account=self.account,
            bucket=bucket,
            prefix=self.landing.prefix,
            key_arn=KmsKey.planned(f"{name}-replica", self.account) if self.create_key else self.key_arn,
            tables=self.landing.tables,
            layout=self.landing.layout,
            event_queue_arn=ObjectEvents.planned(f"{name}-replica", self.account)
            if self.event_queue
            else None,
            typed={
                name: replaced(
                    table,
                    files=table.files
                    if table.files and table.files.startswith((*self.rule_prefixes(), *own))
                    else None,
                    copy_key=copies.get(name),
                )
                for name, table in self.landing.typed.items()
            },
            filled=self.landing.filled if self.catalog is not None else None,
            schedule=self.landing.schedule,
            timezone=self.landing.timezone,
        )

    def write_actions(self) -> list[str]:
        """What the source's role does at the replica."""
        actions = ["s3:ReplicateObject", "s3:ReplicateTags"]
        if self.delete_markers:
            actions.append("s3:ReplicateDelete")
        if self.account.id != self.landing.account.id:
            actions.append("s3:ObjectOwnerOverrideToBucketOwner")
        return actions
