"""Conflicts of a stack: what is right in each pipeline and wrong in two together."""

import re
from collections.abc import Iterator, Mapping

from components.accounts import AccountArgs
from components.blocks.collection_group import SharedGroup
from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs
from components.pipelines.firehose.args import FirehoseArgs
from components.pipelines.pipeline import COLLECTION, GROUP, LANDING
from components.pipelines.zero_etl.args import ZeroEtlArgs
from components.stack.kinds import KINDS, PipelineSettings


def tags_as_labels(tags: Mapping[str, str]) -> list[str]:
    """An error for each tag that Google Cloud would refuse as a label
    (https://docs.cloud.google.com/compute/docs/labeling-resources#requirements)."""
    return [
        f"tags.{key}: '{key}: {value}' is refused by Google Cloud, where a tag becomes a label: at most 63 "
        "of a-z, 0-9, '_' and '-', in the key a letter first; rename it"
        for key, value in tags.items()
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key) or not re.fullmatch(r"[a-z0-9_-]{0,63}", value)
    ]


def between_pipelines(pipelines: Mapping[str, PipelineSettings]) -> list[str]:
    """An error for each pair of pipelines that share what only one can have: a replicated bucket, an event queue, a
    table that both create."""
    errors: list[str] = []
    replicated: dict[str, str] = {}
    created: dict[tuple[AccountArgs, str], str] = {}
    taken: dict[str, str] = {}
    for name, pipeline in pipelines.items():
        if pipeline.kind == "replication":
            bucket = str(pipeline.args.landing.bucket)
            if bucket in replicated:
                errors.append(
                    f"pipelines.{name}.from: the landing is replicated by '{replicated[bucket]}' already, and a bucket "
                    "has one set of rules; give one of the two an export of its own"
                )
            replicated.setdefault(bucket, name)
            upstream = pipeline.takes.get(LANDING, "")
            if upstream and pipelines[upstream].kind == "replication":
                # https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnt-replicated.html
                errors.append(
                    f"pipelines.{name}.from: '{upstream}' holds replicas, and S3 does not replicate those again; "
                    "name a pipeline of kind 'export'"
                )
        args = pipeline.args
        copy = args.storage_transfer if isinstance(args, BigQueryTransferArgs) else None
        if copy and copy.event_driven:
            queue = str(pipeline.args.landing.event_queue_arn)
            if queue in taken:
                errors.append(
                    f"pipelines.{name}.storage_transfer.event_driven: '{taken[queue]}' already reads this "
                    "landing's event queue, and each event reaches one reader only; leave out event_driven, and write "
                    "a start time"
                )
            taken.setdefault(queue, name)
        for path, table in KINDS[pipeline.kind].creates(pipeline.args):
            key = (pipeline.args.account, table)
            if key in created:
                errors.append(
                    f"pipelines.{name}.{path}: '{created[key]}' creates the table '{table}', too; deploy that "
                    "pipeline first, then this one without 'create' (a preview looks for a table that it adopts)"
                )
            created.setdefault(key, name)
    return errors


def in_shared_collections(pipelines: Mapping[str, PipelineSettings]) -> Iterator[str]:
    """An error for each pipeline that uses a collection of another account or region, or an index of another."""
    owners: dict[str, str] = {}
    written: dict[tuple[str, str], str] = {}
    for name, pipeline in pipelines.items():
        upstream = pipeline.takes.get(COLLECTION)
        owners[name] = owners[upstream] if upstream else name
        own, other = (pipelines[which].args.account for which in (name, owners[name]))
        if (own.id, own.region) != (other.id, other.region):
            yield (
                f"pipelines.{name}.collection_of: the collection of '{owners[name]}' stands in {other.id}, "
                f"{other.region}, and this pipeline in {own.id}, {own.region}, where it can't be used; leave it out, "
                "or name one of this account and region"
            )
        for path, index in KINDS[pipeline.kind].indexes(pipeline.args):
            writer = written.setdefault((owners[name], index), name)
            if writer != name:
                yield (
                    f"pipelines.{name}.{path}: the index '{index}' of this collection is written by '{writer}' "
                    "already; write another name"
                )


def in_shared_groups(pipelines: Mapping[str, PipelineSettings]) -> Iterator[str]:
    """An error for each pipeline whose collection is put into a group of another account or region."""
    for name, pipeline in pipelines.items():
        if upstream := pipeline.takes.get(GROUP):
            own, other = pipeline.args.account, pipelines[upstream].args.account
            if (own.id, own.region) != (other.id, other.region):
                yield (
                    f"pipelines.{name}.group_of: the group of '{upstream}' stands in {other.id}, {other.region}, and "
                    f"this pipeline in {own.id}, {own.region}, where it can't be used; leave it out, or name one of "
                    "this account and region"
                )


def in_adopted_groups(pipelines: Mapping[str, PipelineSettings]) -> Iterator[str]:
    """An error for each pipeline that adopts a group which a pipeline of this stack makes, itself or another: at the
    first preview it is not there yet. And for each whose collection is put into a group that another pipeline's of
    another type stands in
    (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-scaling.html)."""
    makes = {_in_its_account(pipeline, group.name): name for name, pipeline, group in _made_groups(pipelines)}
    holds: dict[tuple[str, str, str], tuple[str, str]] = {}
    for name, pipeline in pipelines.items():
        if not isinstance(pipeline.args, ZeroEtlArgs | FirehoseArgs):
            continue
        collection = pipeline.args.collection
        if collection and collection.group.adopt:
            group = collection.group.adopt
            kind = pipeline.args.planned_collection(name).type
            key = _in_its_account(pipeline, group)
            if key in makes:
                yield (
                    f"pipelines.{name}.collection.group.adopt: '{group}' is the group that '{makes[key]}' of this "
                    f"stack makes; leave out 'adopt', and write group_of: {makes[key]}"
                )
                continue
            other, present = holds.setdefault(key, (name, kind))
            if present != kind:
                yield (
                    f"pipelines.{name}.collection.group.adopt: the group '{group}' holds the {present} collection of "
                    f"'{other}', and collections of one type only; name another group, or leave it out"
                )


def _made_groups(
    pipelines: Mapping[str, PipelineSettings],
) -> Iterator[tuple[str, PipelineSettings, SharedGroup]]:
    """The pipelines that make a collection group, and the group."""
    for name, pipeline in pipelines.items():
        args = pipeline.args
        if (
            not isinstance(args, ZeroEtlArgs | FirehoseArgs)
            or args.shared_group
            or args.collection.group.adopt
        ):
            continue
        if group := args.planned_group(name):
            yield name, pipeline, group


def _in_its_account(pipeline: PipelineSettings, group: object) -> tuple[str, str, str]:
    return pipeline.args.account.id, pipeline.args.account.region, str(group)
