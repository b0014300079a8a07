"""What the AWS provider calls for each type of resource, as IAM actions, and when: `plan` (at every preview), `read`
(at a refresh, and after each change), `write` (to make, change and delete).

`seen.json` is what terraform-provider-aws 5.100.0 was seen to send for the stacks of this repository
(`tests/contract/iam/provider_log.py` reads it out of a log). `documented.json` is what those runs could not show:
changes and tags, each an API operation of the resource's own (`page`), what newer providers do, what the embedded cloud
has not, with the pages beside it. A type that stands in neither is refused.
"""

import json
from pathlib import Path

FOLDER = Path(__file__).parent
SEEN: dict[str, dict[str, list[str]]] = json.loads((FOLDER / "seen.json").read_text())
DOCUMENTED: dict[str, dict[str, list[str]]] = json.loads((FOLDER / "documented.json").read_text())
PAGES = {
    "aoss": "opensearch-service/latest/ServerlessAPIReference/API_",
    "athena": "athena/latest/APIReference/API_",
    "cloudwatch": "AmazonCloudWatch/latest/APIReference/API_",
    "dynamodb": "amazondynamodb/latest/APIReference/API_",
    "events": "eventbridge/latest/APIReference/API_",
    "firehose": "firehose/latest/APIReference/API_",
    "glue": "glue/latest/webapi/API_",
    "iam": "IAM/latest/APIReference/API_",
    "kinesis": "kinesis/latest/APIReference/API_",
    "kms": "kms/latest/APIReference/API_",
    "lakeformation": "lake-formation/latest/APIReference/API_",
    "lambda": "lambda/latest/api/API_",
    "logs": "AmazonCloudWatchLogs/latest/APIReference/API_",
    "osis": "opensearch-service/latest/APIReference/API_osis_",
    "s3": "AmazonS3/latest/API/API_control_",
    "scheduler": "scheduler/latest/APIReference/API_",
    "sns": "sns/latest/api/API_",
    "sqs": "AWSSimpleQueueService/latest/APIReference/API_",
    "states": "step-functions/latest/apireference/API_",
}


def page(action: str) -> str:
    """The page of the API operation that is called like the action."""
    service, _, name = action.partition(":")
    return f"https://docs.aws.amazon.com/{PAGES[service]}{name}.html"


def calls(type: str, *during: str) -> set[str]:
    """The actions for a type of resource, at these times. Raises KeyError for a type that nothing is known of."""
    if type not in SEEN and type not in DOCUMENTED:
        raise KeyError(f"{type}: no call of the provider for it is known; see bootstrap/calls.py")
    both = (SEEN.get(type, {}), DOCUMENTED.get(type, {}))
    return {action for source in both for when in during for action in source.get(when, [])}
