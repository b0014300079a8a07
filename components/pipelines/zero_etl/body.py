"""The body of an ingestion pipeline, as OpenSearch Ingestion takes it."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import yaml

from components.pipelines.zero_etl.args import ZeroEtlArgs, ZeroEtlTableArgs

_BODY_LIMIT = 100_000  # characters: CreatePipeline, PipelineConfigurationBody
EXPORTS, DEAD_LETTERS = "export/", "dead-letters/"  # prefixes of the pipeline's bucket


def body_of(
    group: list[ZeroEtlTableArgs],
    args: ZeroEtlArgs,
    *,
    tables: Mapping[str, str],
    bucket: str,
    endpoint: str,
    network_policy: str | None,
) -> dict[str, Any]:
    """The body of an ingestion pipeline, one part for each table of `group`.

    `tables` is the ARNs of tables by name, `bucket` the bucket of exports and dead letters, `endpoint` the
    collection's, `network_policy` the policy of a collection in a VPC. The role is the pipeline's own
    (`pipeline_role_arn`).
    """
    region = args.account.region
    body: dict[str, Any] = {"version": "2"}
    reached = {"serverless_options": {"network_policy_name": network_policy}} if network_policy else {}
    for table in group:
        source: dict[str, Any] = {"table_arn": tables[table.name]}
        source["stream"] = {"start_position": table.start, "view_on_remove": table.view_on_remove}
        if table.export:
            source["export"] = {
                "s3_bucket": bucket,
                "s3_region": region,
                "s3_prefix": f"{EXPORTS}{table.name}",
            }
        processors: list[dict[str, Any]] = []
        if table.drop:
            processors.append({"delete_entries": {"with_keys": table.drop}})
        if table.rename:
            entries = [{"from_key": old, "to_key": new} for old, new in table.rename.items()]
            processors.append({"rename_keys": {"entries": entries}})
        sink: dict[str, Any] = {
            "hosts": [endpoint],
            "index": table.index_name(),
            "index_type": "custom",
            # One key attribute, or two joined by '|'.
            "document_id": '${getMetadata("primary_key")}',
            "action": '${getMetadata("opensearch_action")}',
            "document_version": '${getMetadata("document_version")}',
            "document_version_type": "external",
            "aws": {"region": region, "serverless": True} | reached,
            "dlq": {
                "s3": {"bucket": bucket, "key_path_prefix": f"{DEAD_LETTERS}{table.name}", "region": region}
            },
        }
        if index_template(table):
            sink["template_type"] = "index-template"
            sink["template_content"] = json.dumps({"template": index_template(table)}, sort_keys=True)
        part: dict[str, Any] = {
            "source": {
                "dynamodb": {
                    "acknowledgments": args.acknowledgments,
                    "tables": [source],
                    "aws": {"region": region},
                }
            }
        }
        if processors:
            part["processor"] = processors
        if table.only:
            part["route"] = [{"wanted": table.only}]
            sink["routes"] = ["wanted"]
        body[table.sub_pipeline()] = part | {"sink": [{"opensearch": sink}]}
    return body


def body_text(part: str, body: Mapping[str, Any]) -> str:
    """The body as the service takes it. Raises pulumi.RunError where it is too long."""
    text: str = yaml.safe_dump(dict(body), sort_keys=False, width=1000)  # pyright: ignore[reportUnknownMemberType] - of untyped streams
    if len(text) > _BODY_LIMIT:
        raise pulumi.RunError(
            f"pipelines.{part}: the ingestion pipeline's body has {len(text):,} characters, at most {_BODY_LIMIT:,} "
            "are taken; write pipelines: per-table, or shorter mappings"
        )
    return text


def index_template(table: ZeroEtlTableArgs) -> dict[str, Any]:
    """Mappings and settings that the index is made with; empty where the config gives none."""
    template: dict[str, Any] = {}
    if table.index.mapping:
        template["mappings"] = table.index.mapping
    if table.index.shards:
        template["settings"] = {"index": {"number_of_shards": table.index.shards}}
    return template
