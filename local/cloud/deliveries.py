"""What AWS services deliver on their own behalf, evaluated: S3, EventBridge, Scheduler, SNS, alarms, pollers.

ministack delivers these without asking (S3 to Lambda, rules to targets, alarms to topics, pollers), or only
inside one account. Here the target's resource policy (service principal with aws:SourceArn and
aws:SourceAccount), or the role that a rule, schedule, mapping or destination names, must allow each delivery,
and so must the key of an encrypted topic or queue. A refused delivery is a warning in the cloud's log that names
the missing grant, and goes to the target's dead-letter queue if that lets it in.
Source: docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html,
docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from local.plain import within

from .iam.authorization import Denied, assume, bucket_owner, check, check_service, wrap
from .seams import cloudwatch, eventbridge, lambda_svc, s3, scheduler, sns, sqs
from .seams.parts import Answer, Handler, Record
from .seams.responses import error_response_json, get_account_id, get_region, new_uuid, request_scope

log = logging.getLogger("tributary.cloud")
# What a delivery to a target needs, by the target's service, and what a poller needs at its source.
DELIVER = {
    "lambda": "lambda:InvokeFunction",
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "events": "events:PutEvents",
    "states": "states:StartExecution",
    "kinesis": "kinesis:PutRecord",
    "firehose": "firehose:PutRecord",
}
POLL = {
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "kinesis": ("kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator"),
    "dynamodb": ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
}
# Targets whose own policy admits EventBridge; the others need the role that the target names.
BY_POLICY = ("lambda", "sqs", "sns")
stock: dict[str, Callable[..., Any]] = {
    "invoke_target": eventbridge.invoke_target.current,
    "s3_to_lambda": s3.event_to_lambda.current,
    "queue_allows": sqs.queue_policy_allows.current,
    "topic_allows": sns.topic_policy_allows.current,
    "alarm": cloudwatch.alarm_actions.current,
    "mappings": lambda_svc.all_mappings.current,
    "failure": lambda_svc.async_failure.current,
    "validate": s3.validate_notifications.current,
    "foreign_bucket": s3.foreign_bucket_allows.current,
}
refused: set[tuple[str, str]] = set()


def scope_of(arn: str) -> AbstractContextManager[None]:
    """A context with the account and region of an ARN; where it holds none, those of the present request stay."""
    parts = arn.split(":")
    return request_scope(parts[4] or get_account_id(), parts[3] or get_region())


def key_arn(resource_arn: str) -> str | None:
    """The customer's key of an encrypted topic or queue."""
    with scope_of(resource_arn):
        owner = sqs.queue_of_arn(resource_arn) if ":sqs:" in resource_arn else sns.topic_of_arn(resource_arn)
        key = (owner or {}).get("attributes", {}).get("KmsMasterKeyId") or ""
        if not key or key.startswith("alias/aws/"):
            return None
        return key if key.startswith("arn:") else f"arn:aws:kms:{get_region()}:{get_account_id()}:key/{key}"


def check_delivery(service: str, target: str, source_arn: str, source_account: str) -> None:
    """The target's policy, and the policy of the key it is encrypted with, let the service in."""
    check_service(service, DELIVER[target.split(":")[2]], target, source_arn, source_account)
    if target.split(":")[2] in ("sqs", "sns") and (key := key_arn(target)):
        for action in ("kms:GenerateDataKey", "kms:Decrypt"):
            check_service(service, action, key, source_arn, source_account)


def policy_allows(kind: str):
    """The check that takes the place of ministack's `kind`, for a queue or a topic: that one, then `check_delivery`."""

    def allows(arn: str, service: str, source_arn: str, source_account: str) -> bool:
        if not stock[kind](arn, service, source_arn, source_account):
            return False
        try:
            check_delivery(service, arn, source_arn, source_account)
        except Denied as denied:
            log.warning("%s", denied)
            return False
        return True

    return allows


def s3_to_lambda(arn: str, payload: Record, region: str) -> None:
    """Hands an S3 notification to a function, or drops it, with a warning, if the function's policy refuses S3."""
    bucket = payload["Records"][0]["s3"]["bucket"]["name"]
    try:
        check_delivery(
            "s3.amazonaws.com", arn, f"arn:aws:s3:::{bucket}", bucket_owner(bucket) or get_account_id()
        )
    except Denied as denied:
        log.warning("S3 notification of %s dropped: %s", bucket, denied)
        return
    with scope_of(arn):
        stock["s3_to_lambda"](arn, payload, region)


def validate_notifications(
    configs: list[Record], region: str, bucket_name: str = "", skip_destination_validation: bool = False
) -> Answer | None:
    """PutBucketNotificationConfiguration also checks that it may invoke the functions."""
    error: Answer | None = stock["validate"](configs, region, bucket_name, skip_destination_validation)
    if error or skip_destination_validation:
        return error
    for config in configs:
        try:
            if config["type"] == "lambda":
                check_delivery(
                    "s3.amazonaws.com",
                    config["arn"],
                    f"arn:aws:s3:::{bucket_name}",
                    bucket_owner(bucket_name) or "",
                )
        except Denied as denied:
            return s3.invalid_notification(
                f"Unable to validate the following destination configurations: {denied}"
            )
    return None


def check_target(target: Record, source_arn: str, service: str) -> None:
    """EventBridge enters by the target's policy or by the target's role; Scheduler always by the role."""
    arn, account = target["Arn"], get_account_id()
    kind = arn.split(":")[2]
    role = target.get("RoleArn")
    if kind in BY_POLICY and service == "events.amazonaws.com" and not role:
        check_delivery(service, arn, source_arn, account)
    elif kind in DELIVER and role:
        check(assume(role, service, source_arn), DELIVER[kind], arn)
    elif kind in DELIVER:
        raise Denied(service, DELIVER[kind], arn, "the target names no role")


def send(queue_arn: str, body: str) -> None:
    """Puts a message into a queue, visible after the queue's delay; a warning where there is no such queue."""
    with scope_of(queue_arn):
        queue = sqs.queue_of_arn(queue_arn)
        if queue is None:
            log.warning("queue %s does not exist", queue_arn)
            return
        message = {
            "id": new_uuid(),
            "body": body,
            "receipt_handle": None,
            "sent_at": time.time(),
            "visible_at": time.time() + sqs.queue_delay(queue),
            "receive_count": 0,
        }
        sqs.complete_message(message)
        queue["messages"].append(message)
        s3.mappings_wake.set()


def dead_letter(target: Record, source_arn: str, service: str, payload: str, why: object) -> None:
    """Logs why a target was not reached, and sends the payload to its dead-letter queue if the service may do so."""
    log.warning("%s: target %s not reached: %s", source_arn, target["Arn"], why)
    queue = within(target, "DeadLetterConfig").get("Arn")
    if queue:
        try:
            if service == "scheduler.amazonaws.com":
                check(assume(target["RoleArn"], service, source_arn), "sqs:SendMessage", queue)
            else:
                check_delivery(service, queue, source_arn, get_account_id())
            send(queue, payload)
        except Denied as denied:
            log.warning("%s: nor its dead-letter queue: %s", source_arn, denied)


def invoke_target(target: Record, event: Record, rule: Record, view: Any = None) -> None:
    """Delivers an event to the target of a rule or a schedule; where that is refused, to its dead-letter queue."""
    service = "scheduler.amazonaws.com" if event.get("Source") == "aws.scheduler" else "events.amazonaws.com"
    source = rule.get("Arn", "")
    try:
        check_target(target, source, service)
    except Denied as denied:
        payload = target.get("Input") or json.dumps(
            (view or eventbridge.event_view(event)).event_with_detail()
        )
        dead_letter(target, source, service, payload, denied)
        return
    with scope_of(target["Arn"]):
        stock["invoke_target"](target, event, rule, view)


def event_to_lambda(arn: str, payload: str) -> None:
    """Rules and schedules invoke asynchronously: with the function's retries and its failure destination."""
    function, config, name = lambda_svc.function_of_reference(arn)
    if not function or not config:
        log.warning("function %s does not exist", name)
        return
    lambda_svc.invoke_async_with_retry(lambda_svc.execution_record(function, config), json.loads(payload))


def next_fire(schedule: Record, after: float) -> float | None:
    """When a schedule is due next after `after`, in its own time zone; None when never again."""
    expression, zone = (
        schedule["ScheduleExpression"],
        ZoneInfo(schedule.get("ScheduleExpressionTimezone") or "UTC"),
    )
    if expression.startswith("at("):
        due = datetime.fromisoformat(expression[3:-1]).replace(tzinfo=zone).timestamp()
        return due if due > after else None
    if (interval := eventbridge.rate_seconds(expression)) is not None:
        return after + interval
    fields = eventbridge.cron_fields(expression)
    due_at = eventbridge.next_of_cron(fields, datetime.fromtimestamp(after, zone)) if fields else None
    return due_at.timestamp() if due_at else None


def fire(schedule: Record, due: float) -> None:
    """One invocation, under the schedule's role, with the context attributes put into its input."""
    moment = datetime.fromtimestamp(due, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    attributes = {
        "scheduled-time": moment,
        "schedule-arn": schedule["Arn"],
        "execution-id": new_uuid(),
        "attempt-number": "1",
    }
    text = schedule["Target"].get("Input") or "{}"
    for name, value in attributes.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    event = {
        "EventId": new_uuid(),
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Time": due,
        "Resources": [schedule["Arn"]],
        "Account": get_account_id(),
        "Region": get_region(),
    }
    invoke_target({**schedule["Target"], "Input": text}, event, schedule)


def tick_schedules() -> None:
    """Fires each enabled schedule that is due, once a call, and removes an `at` one that is to be deleted then."""
    now = time.time()
    for key, schedule in list(scheduler.schedules.all_items()):
        if schedule.get("State") != "ENABLED":
            continue
        start, end = (
            scheduler.seconds_of(schedule.get("StartDate")),
            scheduler.seconds_of(schedule.get("EndDate")),
        )
        last = scheduler.last_fired.setdefault(key, schedule.get("LastModificationDate") or now)
        due = next_fire(schedule, max(last, (start or 0) - 60))
        if due is None or due > now or (end and due > end):
            continue
        scheduler.last_fired[key] = due
        if (
            schedule["ScheduleExpression"].startswith("at(")
            and schedule.get("ActionAfterCompletion") == "DELETE"
        ):
            scheduler.forget(key)
        with request_scope(key[0], key[1]):
            try:
                fire(schedule, due)
            except Exception:
                log.exception("schedule %s", schedule["Arn"])


def alarm_actions(alarm: Record, old_state: str, new_state: str, reason: str) -> None:
    """Carries out an alarm's actions but those on topics that refuse CloudWatch; each of these is a warning."""
    allowed = dict(alarm)
    for field in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        allowed[field] = []
        arns: list[str] = alarm.get(field) or []
        for arn in arns:
            try:
                if ":sns:" in arn:
                    check_delivery(
                        "cloudwatch.amazonaws.com", arn, alarm.get("AlarmArn", ""), get_account_id()
                    )
                allowed[field].append(arn)
            except Denied as denied:
                log.warning("alarm %s: %s", alarm.get("AlarmName"), denied)
    stock["alarm"](allowed, old_state, new_state, reason)


def check_poller(mapping: Record) -> None:
    """Raises Denied unless the role of a mapping's function may read the source, and decrypt with a queue's key."""
    function, config = lambda_svc.function_of_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
    source = mapping.get("EventSourceArn", "")
    if function and config:
        principal = assume(config["Role"], "lambda.amazonaws.com", config["FunctionArn"])
        for action in POLL.get(source.split(":")[2], ()):
            check(principal, action, source)
        if ":sqs:" in source and (key := key_arn(source)):
            check(principal, "kms:Decrypt", key)


def mappings_allowed() -> Iterator[tuple[str, str, Record]]:
    """The event source mappings whose function's role may read their source."""
    for account, region, mapping in stock["mappings"]():
        with request_scope(account, region):
            try:
                check_poller(mapping)
            except Denied as denied:
                if (mapping["UUID"], str(denied)) not in refused:
                    refused.add((mapping["UUID"], str(denied)))
                    log.warning("event source mapping %s: %s", mapping["UUID"], denied)
                continue
        yield account, region, mapping


async def refuse_blind_mapping(
    handler: Handler, method: str, path: str, headers: Record, body: bytes, query: Record
):
    """CreateEventSourceMapping fails when the function's role may not read the source."""
    if method == "POST" and path.rstrip("/").endswith("/event-source-mappings"):
        request = json.loads(body or b"{}")
        name = request.get("FunctionName", "").split(":function:")[-1]
        try:
            check_poller(
                {"FunctionName": name.split(":")[0], "EventSourceArn": request.get("EventSourceArn", "")}
            )
        except Denied as denied:
            return error_response_json(
                "InvalidParameterValueException",
                f"The provided execution role does not have permissions to call {denied.action} ({denied})",
                400,
            )
    return await handler(method, path, headers, body, query)


def failure_destination(target: str, name: str, event: Record, result: Record) -> None:
    """Sends an event that a function failed on to its destination, or loses it, with a warning, if its role may not."""
    config = within(lambda_svc.functions, name).get("config", {})
    try:
        check(
            assume(config.get("Role", ""), "lambda.amazonaws.com", config.get("FunctionArn", "")),
            DELIVER[target.split(":")[2]],
            target,
        )
    except Denied as denied:
        log.warning("function %s: failed event lost: %s", name, denied)
        return
    stock["failure"](target, name, event, result)


def foreign_bucket_allows(
    owner: str, bucket: str, key: str, method: str, query: Record, caller: Any, headers: Record | None = None
) -> bool:
    """The front door has evaluated a signed caller's role against the bucket policy, not just its account."""
    from .seams import iam_evaluator

    return bool(caller and iam_evaluator.caller_arn.get()) or stock["foreign_bucket"](
        owner, bucket, key, method, query, caller, headers
    )


def ticker() -> None:
    """Fires due schedules every second, for as long as the process lives."""
    while True:
        time.sleep(1)
        tick_schedules()


def install() -> None:
    """Puts these deliveries in the places of ministack's, and starts the thread that fires schedules."""
    eventbridge.invoke_target.replace(invoke_target)
    eventbridge.to_lambda.replace(event_to_lambda)
    s3.event_to_lambda.replace(s3_to_lambda)
    s3.validate_notifications.replace(validate_notifications)
    s3.foreign_bucket_allows.replace(foreign_bucket_allows)
    sqs.queue_policy_allows.replace(policy_allows("queue_allows"))
    sns.topic_policy_allows.replace(policy_allows("topic_allows"))
    cloudwatch.alarm_actions.replace(alarm_actions)
    lambda_svc.all_mappings.replace(mappings_allowed)
    lambda_svc.async_failure.replace(failure_destination)
    scheduler.tick.replace(lambda: None)  # its own ticker knows neither time zones nor roles
    threading.Thread(target=ticker, daemon=True, name="schedules").start()
    wrap("lambda", refuse_blind_mapping)
