"""Makes an index of an OpenSearch Serverless collection, for the deployment.

Invoked by the deployment (aws.lambda_.Invocation with lifecycle_scope CRUD). Event: {"endpoint", "region", "index",
"mapping", "delete", "tf": {"action", "prev_input"}}. Returns {"index", "done": what was done, "deleted": names}.
- create: creates the index with its mapping; one that is there gets the mapping.
- update: the same for the new index, then deletes the former one if it was another and `delete` is true.
- delete: deletes the index if `delete` is true.
Each may be repeated. While the collection is cold, or its policies don't let this role in yet (401, 403, 429, 5xx, no
answer), it is tried again with backoff, PATIENCE_SECONDS at most; any other answer, such as a mapping that conflicts
(400), fails at once. Either way the error holds the collection's own words.

Environment: components/shared/variables.py.

opensearch-py from 3.1 on needs grpcio and protobuf, 40 MB that nothing here uses.
https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-clients.html
"""

import os
import time
from collections.abc import Callable
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from indexing import Settings, Wanted, former, patiently, words
from opensearchpy import (
    NotFoundError,
    OpenSearch,
    RequestError,
    Urllib3AWSV4SignerAuth,
    Urllib3HttpConnection,
)

logger = Logger(service="index")
settings = Settings.read(os.environ)
credentials = boto3.Session().get_credentials()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Makes, changes or deletes the index that the event describes."""
    wanted, before = Wanted.read(event), former(event)
    deadline = time.monotonic() + min(
        settings.patience_seconds, context.get_remaining_time_in_millis() / 1000 - 10
    )
    done = "left as it is"
    if event["tf"]["action"] != "delete":
        done = insist(deadline, create_or_update_index, client(wanted), wanted)
    deleted = [insist(deadline, delete, client(old), old) for old in before]
    logger.info("index ready", index=wanted.index, done=done, deleted=deleted)
    return {"index": wanted.index, "done": done, "deleted": deleted}


def client(wanted: Wanted) -> OpenSearch:
    """A client of the index's collection."""
    # No retries of its own: `patiently` knows which answers pass.
    return OpenSearch(
        hosts=[wanted.endpoint],
        http_auth=Urllib3AWSV4SignerAuth(credentials, wanted.region, "aoss"),
        connection_class=Urllib3HttpConnection,
        max_retries=0,
        # A collection that sleeps answers its first request after 10 to 30 seconds (https://docs.aws.amazon.com/
        # opensearch-service/latest/developerguide/serverless-scale-to-zero.html).
        timeout=60,
    )


def insist(deadline: float, step: Callable[..., str], *arguments: Any) -> str:
    """What the step returns, tried until the deadline. Raises NotReady or Refused."""

    def log_retry(error: Exception, seconds: float) -> None:
        logger.warning("the collection is not ready", reason=words(error), next_try_seconds=round(seconds, 1))

    return patiently(
        step, *arguments, deadline=deadline, clock=time.monotonic, sleep=time.sleep, log_retry=log_retry
    )


def create_or_update_index(opensearch: Any, wanted: Wanted) -> str:
    """Creates the index, or adds the mapping to an existing one; returns what was done."""
    try:
        opensearch.indices.create(
            index=wanted.index, body={"mappings": wanted.mapping} if wanted.mapping else {}
        )
        return "created"
    except RequestError as error:
        if error.error != "resource_already_exists_exception":
            raise
    if wanted.mapping:
        opensearch.indices.put_mapping(index=wanted.index, body=wanted.mapping)
    return "updated"


def delete(opensearch: Any, wanted: Wanted) -> str:
    """Deletes the index, where it is; returns its name."""
    try:
        opensearch.indices.delete(index=wanted.index)
    except NotFoundError:
        logger.info("index is gone already", index=wanted.index)
    return wanted.index
