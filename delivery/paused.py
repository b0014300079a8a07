"""Lists what was switched off by hand in a stack, by `make pause` (operate/): schedules, rules and ingestion pipelines
of its state, as the accounts have them.

A deployment that changes a schedule which is off would switch it on without showing it: the provider sends a schedule
whole (https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html), and compares with the state
(https://github.com/pulumi/pulumi-aws/issues/2524). That an ingestion pipeline is stopped is the property of no
resource, so that a refresh does not see it; an update leaves it stopped
(https://docs.aws.amazon.com/opensearch-service/latest/developerguide/update-pipeline.html).

At Google a switch is a property of the transfer or the job itself, so that a refresh sees it, and a deployment that
changes another property of it leaves it off
(https://docs.cloud.google.com/bigquery/docs/reference/datatransfer/rest/v1/projects.locations.transferConfigs/patch,
https://docs.cloud.google.com/storage-transfer/docs/reference/rest/v1/transferJobs/patch: by a mask of fields).
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from delivery.drift import PAUSED, UNREAD, Stranger
from delivery.preview import Preview

Resource = Mapping[str, Any]
Client = Callable[[str, Resource], Any]
"""A boto3 client of a service, as the account of a resource in the state is entered."""


def _schedule(client: Client, resource: Resource) -> bool:
    inputs = resource["inputs"]
    answer = client("scheduler", resource).get_schedule(GroupName=inputs["groupName"], Name=inputs["name"])
    return answer["State"] == "DISABLED" != inputs.get("state")


def _rule(client: Client, resource: Resource) -> bool:
    inputs = resource["inputs"]
    return (
        client("events", resource).describe_rule(Name=inputs["name"])["State"]
        == "DISABLED"
        != inputs.get("state")
    )


def _ingestion(client: Client, resource: Resource) -> bool:
    name = resource["inputs"]["pipelineName"]
    status = client("osis", resource).get_pipeline(PipelineName=name)["Pipeline"]["Status"]
    return status in ("STOPPED", "STOPPING")


OFF: Mapping[str, Callable[[Client, Resource], bool]] = {
    "aws:scheduler/schedule:Schedule": _schedule,
    "aws:cloudwatch/eventRule:EventRule": _rule,
    "aws:opensearchingest/pipeline:Pipeline": _ingestion,
}
"""Whether a resource of the type is off, though the program has it on."""
SENT_WHOLE = ("aws:scheduler/schedule:Schedule", "aws:cloudwatch/eventRule:EventRule")
"""The types that any change switches on."""


def paused(
    resources: Collection[Resource], client: Client, only: Collection[str] | None = None
) -> list[Stranger]:
    """What is off, with `only` of the resources of these URNs; what can't be read is reported as unread. `resources`
    are a state's, whole: a resource's pipeline is a component that it stands in."""
    listed: list[Stranger] = []
    parents = {str(resource["urn"]): str(resource.get("parent") or "") for resource in resources}
    for resource in resources:
        if resource["type"] not in OFF or (only is not None and resource["urn"] not in only):
            continue
        outputs: Mapping[str, Any] = resource.get("outputs") or {}
        arn = str(outputs.get("arn") or outputs.get("pipelineArn") or resource.get("id"))
        try:
            if OFF[resource["type"]](client, resource):
                listed.append(Stranger(arn, PAUSED, _instead(resource["urn"], parents)))
        except (ClientError, BotoCoreError) as error:
            listed.append(Stranger(arn, UNREAD, f"whether it is switched off: {error}"))
    return listed


AT_GOOGLE: Mapping[str, tuple[str, Any]] = {
    "gcp:bigquery/dataTransferConfig:DataTransferConfig": ("disabled", True),
    "gcp:storage/transferJob:TransferJob": ("status", "DISABLED"),
}
"""The property that is a resource's switch, and its value while that is off."""


def at_google(refreshed: Preview) -> list[Stranger]:
    """Lists what is switched off at Google: what a preview that refreshed would change back."""
    listed: list[Stranger] = []
    for change in refreshed.changes:
        name, off = AT_GOOGLE.get(change.type, ("", None))
        if any(each.path == name and each.before == off != each.after for each in change.properties):
            listed.append(Stranger(change.name, PAUSED, _resume(refreshed.stack, change.pipeline)))
    return listed


def _instead(urn: str, parents: Mapping[str, str]) -> str:
    return _resume(urn.partition("::")[0].rpartition(":")[2], pipeline_of(urn, parents))


def _resume(stack: str, pipeline: str) -> str:
    return f"make resume STACK={stack} PIPELINE={pipeline}"


def pipeline_of(urn: str, parents: Mapping[str, str]) -> str:
    """The name in the config of the pipeline that a resource belongs to: of the outermost component of a pipeline that
    it stands in. `parents` has the URN of what each resource of the state stands in."""
    outermost, above = urn, urn
    while above:
        _, _, types, _ = above.split("::", 3)
        if types.rpartition("$")[2].startswith("tributary:pipelines:"):
            outermost = above
        above = parents.get(above, "")
    return outermost.split("::", 3)[3]
