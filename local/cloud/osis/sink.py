"""Data Prepper's `opensearch` sink: events become `_bulk` requests, and what is refused goes to the dead-letter queue.

A version conflict is no error; 400, 404 and 409 are not retried (a delete's 404 is, three times), anything else is,
from 50 ms on.
Source: github.com/opensearch-project/data-prepper: BulkIngester, BulkRetryStrategy, S3DlqWriter; metric names:
docs.aws.amazon.com/opensearch-service/latest/developerguide/monitoring-pipeline-metrics.html.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any, Protocol

import boto3
from botocore.exceptions import ClientError
from opensearchpy.exceptions import ConnectionError as Unreachable
from opensearchpy.exceptions import TransportError

from local.plain import is_object, within

from ..seams.parts import Record
from ..service_clients import client, search
from . import pipeline_body
from .documents import dumps

BULK_BYTES = 5 * 2**20
NO_RETRY = {400, 404, 409}
FIRST_DELAY, LAST_DELAY = 0.05, 5.0


class Run(Protocol):
    """The sub-pipeline that a sink belongs to: its name, log, counters, and how it waits."""

    name: str

    def log(self, level: str, message: str) -> None:
        """Puts a line into the pipeline's log."""
        ...

    def count(self, metric: str, by: int = 1) -> None:
        """Adds to a metric of the pipeline's."""
        ...

    def publish(self, soon: bool = False) -> None:
        """Sends what was counted: unless `soon`, at most once a second."""
        ...

    def pause(self, seconds: float) -> None:
        """Waits for some seconds; raises where the pipeline is being stopped."""
        ...


class Sink:
    """Writes events to an index of a collection, as the pipeline's role. RuntimeError where that is not there."""

    def __init__(self, run: Run, options: Record, role: boto3.Session):
        self.run, self.options = run, options
        host = options["hosts"][0]
        answer = client("opensearchserverless", role).batch_get_collection(
            ids=[host.rstrip("/").rsplit("/", 1)[-1]]
        )
        if not answer["collectionDetails"]:
            raise RuntimeError(f"there is no collection at {host}")
        self.search, self.s3 = search(host, role), client("s3", role)

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """An answer, waiting as long as it takes for a collection that is waking or a grant that is missing."""
        delay, tries = FIRST_DELAY, 0
        while True:
            try:
                return self.search.transport.perform_request(method, path, body=body)
            except (TransportError, Unreachable) as error:
                if error.status_code in NO_RETRY:
                    raise
                if tries % 5 == 0:
                    error_body = error.info.get("error") if is_object(error.info) else None
                    reason = error_body.get("reason") if is_object(error_body) else str(error)
                    self.run.log(
                        "WARN", f"Bulk Operation Failed. Number of retries {tries}. Retrying... {reason}"
                    )
                self.run.count("opensearch.bulkRequestNumberOfRetries.count")
                refused = error.status_code in (401, 403, 429)
                self.run.count(f"opensearch.bulkRequest{'NotAllowed' if refused else 'Server'}Errors.count")
                self.run.publish()
                self.run.pause(delay)
                delay, tries = min(delay * 2, LAST_DELAY), tries + 1

    def prepare(self) -> None:
        """The index and its template, where the sink manages them (index_type custom)."""
        index, content = self.options["index"], self.options.get("template_content")
        if self.options.get("index_type") != "custom":
            return
        if content:
            template, name = json.loads(content), f"/_index_template/{index}-index-template"
            there = self.lookup(name)
            current_version = there["index_templates"][0]["index_template"].get("version", 0) if there else -1
            if current_version < template.get("version", 0):
                self.request("PUT", name, {**template, "index_patterns": [index]})
        if self.lookup(f"/{index}") is None:
            try:
                self.request("PUT", f"/{index}")
            except TransportError as error:
                if "resource_already_exists" not in str(error):
                    raise

    def lookup(self, path: str) -> Any:
        """The answer at a path; None where the collection answers 404."""
        try:
            return self.request("GET", path)
        except TransportError as error:
            if error.status_code == 404:
                return None
            raise

    def operation(self, data: Record, metadata: Record) -> tuple[Record, str | None] | None:
        """(action line, document), or None when the event went to the dead-letter queue instead."""
        target: dict[str, Any] = {"_index": self.options["index"], "_id": None}
        try:
            target["version"] = int(pipeline_body.fill(self.options["document_version"], data, metadata))
            target["version_type"] = "external"
            target["_id"] = pipeline_body.fill(self.options["document_id"], data, metadata)
            action = pipeline_body.fill(self.options["action"], data, metadata)
        except (pipeline_body.Missing, ValueError) as error:
            self.reject([(target, dumps(data), 0, str(error))])
            return None
        return {action: target}, None if action == "delete" else dumps(data)

    def write(self, events: list[tuple[Record, Record]]) -> None:
        """Sends events as bulk requests, each of at most about 5 MiB unless a single document is larger."""
        size, batch = 0, list[tuple[Record, str | None]]()
        for line, document in filter(None, (self.operation(*event) for event in events)):
            if batch and size + len(document or "") > BULK_BYTES:
                self.send(batch)
                size, batch = 0, []
            batch.append((line, document))
            size += len(document or "") + 200
        if batch:
            self.send(batch)

    def send(self, batch: list[tuple[Record, str | None]]) -> None:
        """Sends a bulk request, and what may yet succeed again, until all is written or in the dead-letter queue; a
        version conflict is only counted."""
        attempt, delay = 1, FIRST_DELAY
        while batch:
            body = "".join(
                json.dumps(line) + "\n" + (f"{document}\n" if document is not None else "")
                for line, document in batch
            )
            try:
                answer = self.request("POST", "/_bulk", body)
            except TransportError as error:
                self.reject(
                    [(next(iter(line.values())), document, 0, str(error)) for line, document in batch]
                )
                return
            again, done = list[tuple[Record, str | None]](), 0
            failed: list[tuple[Record, str | None, int, str]] = []
            for (line, document), item in zip(batch, answer["items"], strict=True):
                ((action, result),) = item.items()
                status, cause = result["status"], within(result, "error")
                if status < 300 and not cause:
                    done += 1
                elif (status == 404 and action == "delete" and attempt <= 3) or status not in NO_RETRY:
                    again.append((line, document))
                elif cause.get("type") == "version_conflict_engine_exception":
                    self.run.count("opensearch.documentsVersionConflictErrors.count")
                else:
                    failed.append((line[action], document, status, reasons(cause)))
            self.run.count("opensearch.documentsSuccess.count", done)
            self.run.count("opensearch.documentsSuccessFirstAttempt.count", done if attempt == 1 else 0)
            self.reject(failed)
            if again:
                self.run.pause(delay)
            batch, attempt, delay = again, attempt + 1, min(delay * 2, LAST_DELAY)

    def reject(self, failed: list[tuple[Record, str | None, int, str]]) -> None:
        """Into the dead-letter queue as Data Prepper writes it."""
        if not failed:
            return
        self.run.count("opensearch.documentErrors.count", len(failed))
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        objects = [
            f'{{"pluginId":"opensearch","pluginName":"opensearch","pipelineName":{json.dumps(self.run.name)},'
            f'"timestamp":"{now}","failedData":{{"index":{json.dumps(target["_index"])},'
            f'"indexId":{json.dumps(target.get("_id"))},"status":{status},"message":{json.dumps(message)},'
            f'"document":{document or "{}"}}}}}'
            for target, document, status, message in failed
        ]
        key = f"dlq-v2-{self.run.name}-opensearch-{now}-{uuid.uuid4()}.json"
        where = self.options["dlq"]["s3"]
        try:
            self.s3.put_object(
                Bucket=where["bucket"],
                Key=f"{where['key_path_prefix'].rstrip('/')}/{key}",
                Body=f'{{"dlqObjects":[{",".join(objects)}]}}'.encode(),
            )
        except ClientError:
            self.run.count("opensearch.s3.dlqS3RecordsFailed.count", len(failed))
            raise
        self.run.count("opensearch.s3.dlqS3RecordsSuccess.count", len(failed))


def reasons(cause: Record) -> str:
    """An error's reason and those of its causes in turn, as one text."""
    chain: list[str] = []
    while cause:
        chain.append(str(cause.get("reason")))
        cause = within(cause, "caused_by")
    return " caused by ".join(chain)
