"""What one API operation can't say: the functions among a row's steps (each gets an aws.Call) and reshapings."""

import json
import time
from collections.abc import Callable

from botocore.exceptions import ClientError

from .aws_rows import Call, Gone, Refused

# -- S3


def make_bucket(call: Call) -> dict:
    """An existing bucket is an error, also where S3 itself would answer 200 (us-east-1, same owner)."""
    name, more = call.state["bucket"], {}
    try:
        call.client.head_bucket(Bucket=name)
    except ClientError as error:  # not there, or another account's, which CreateBucket says
        if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (403, 404):
            raise
    else:
        raise Refused(f"bucket {name!r} already exists in this account; import it or choose another name")
    if call.client.meta.region_name != "us-east-1":
        more["CreateBucketConfiguration"] = {"LocationConstraint": call.client.meta.region_name}
    if call.state.get("objectLockEnabled"):
        more["ObjectLockEnabledForBucket"] = True
    call.client.create_bucket(Bucket=name, **more)
    return {}


def bucket_tags(call: Call) -> None:
    tags = call.state.get("tags") or {}
    if tags:
        call.client.put_bucket_tagging(
            Bucket=call.state["bucket"], Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]}
        )
    else:
        call.client.delete_bucket_tagging(Bucket=call.state["bucket"])


def bucket_facts(data: dict, state: dict) -> dict:
    name, region = state["bucket"], data.get("BucketRegion") or state.get("region") or "us-east-1"
    return data | {
        "Bucket": name, "Arn": f"arn:aws:s3:::{name}", "BucketDomainName": f"{name}.s3.amazonaws.com",
        "BucketRegion": region, "BucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
    }  # fmt: skip


def remove_bucket(call: Call) -> None:
    name = call.state["bucket"]
    if call.state.get("forceDestroy"):
        pages = call.client.get_paginator("list_object_versions").paginate(Bucket=name)
        for page in pages:
            versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            doomed = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in versions]
            if doomed:
                call.client.delete_objects(Bucket=name, Delete={"Objects": doomed, "Quiet": True})
    call.client.delete_bucket(Bucket=name)


def suspend_versioning(call: Call) -> None:
    """Versioning can't be taken away, only suspended."""
    call.client.put_bucket_versioning(
        Bucket=call.state["bucket"], VersioningConfiguration={"Status": "Suspended"}
    )


def under(member: str) -> Callable[[dict, dict], dict]:
    return lambda data, state: {member: data}


NOTIFIED = {
    "lambdaFunctions": ("LambdaFunction", "lambdaFunctionArn"),
    "queues": ("Queue", "queueArn"),
    "topics": ("Topic", "topicArn"),
}


def notifications(props: dict) -> dict:
    """Pulumi's three flat lists as one configuration; a rule without an id gets a stable one."""
    made = {}
    for prop, (noun, arn) in NOTIFIED.items():
        for i, rule in enumerate(props.get(prop) or []):
            filters = [
                {"name": k, "value": rule[p]}
                for k, p in (("prefix", "filterPrefix"), ("suffix", "filterSuffix"))
                if rule.get(p)
            ]
            entry = {
                arn: rule[arn],
                "events": rule["events"],
                "id": rule.get("id") or f"tf-s3-{noun.lower()}-{i}",
            }
            made.setdefault(f"{noun}Configurations", []).append(
                entry | ({"filter": {"key": {"filterRules": filters}}} if filters else {})
            )
    if props.get("eventbridge"):
        made["eventBridgeConfiguration"] = {}
    kept = {k: v for k, v in props.items() if k not in (*NOTIFIED, "eventbridge")}
    return kept | {"configuration": made}


def notified(data: dict, state: dict) -> dict:
    notifications: dict = {"eventbridge": "EventBridgeConfiguration" in data}
    for prop, (noun, arn) in NOTIFIED.items():
        rules = []
        for entry in data.get(f"{noun}Configurations") or []:
            rules_ = {
                r["Name"].lower(): r["Value"]
                for r in entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
            }
            rules.append({arn: entry[arn[0].upper() + arn[1:]], "events": entry["Events"], "id": entry.get("Id"),
                          "filterPrefix": rules_.get("prefix"), "filterSuffix": rules_.get("suffix")})  # fmt: skip
        notifications[prop] = rules
    return notifications


def forget_notifications(call: Call) -> None:
    call.client.put_bucket_notification_configuration(
        Bucket=call.state["bucket"], NotificationConfiguration={}
    )


# -- KMS


def key_switches(call: Call) -> None:
    key, state, old = {"KeyId": call.state["keyId"]}, call.state, call.old
    rotate, rotated = state.get("enableKeyRotation"), old.get("enableKeyRotation", False)
    if rotate and (not rotated or state.get("rotationPeriodInDays") != old.get("rotationPeriodInDays")):
        days = state.get("rotationPeriodInDays")
        call.client.enable_key_rotation(**key, **({"RotationPeriodInDays": days} if days else {}))
    elif rotated and not rotate:
        call.client.disable_key_rotation(**key)
    if state.get("isEnabled", True) != old.get("isEnabled", True):
        (call.client.enable_key if state.get("isEnabled", True) else call.client.disable_key)(**key)


def key_state(call: Call) -> dict:
    """A key that waits for its deletion is gone for the provider."""
    metadata = call.client.describe_key(KeyId=call.state["id"])["KeyMetadata"]
    if metadata["KeyState"] in ("PendingDeletion", "PendingReplicaDeletion"):
        raise Gone(call.state["id"])
    return metadata


def remove_key(call: Call) -> None:
    days = call.state.get("deletionWindowInDays", 30)
    call.client.schedule_key_deletion(KeyId=call.state["keyId"], PendingWindowInDays=days)


# -- IAM


def detach_role(call: Call) -> None:
    """`forceDetachPolicies`: what was attached from elsewhere goes with the role."""
    if call.state.get("forceDetachPolicies"):
        role = {"RoleName": call.state["name"]}
        for policy in call.client.list_attached_role_policies(**role)["AttachedPolicies"]:
            call.client.detach_role_policy(**role, PolicyArn=policy["PolicyArn"])
        for name in call.client.list_role_policies(**role)["PolicyNames"]:
            call.client.delete_role_policy(**role, PolicyName=name)


# -- Lambda


def concurrency(call: Call) -> None:
    wanted, name = call.state.get("reservedConcurrentExecutions", -1), call.state["name"]
    if wanted == call.old.get("reservedConcurrentExecutions", -1):
        return
    if wanted < 0:
        call.client.delete_function_concurrency(FunctionName=name)
    else:
        call.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=wanted)


def function_facts(data: dict, state: dict) -> dict:
    arn = data.get("FunctionArn") or ""
    if not arn:
        return data
    region = arn.split(":")[3]
    uri = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{{}}/invocations"
    return {"ReservedConcurrentExecutions": -1} | data | {
        "InvokeArn": uri.format(arn), "QualifiedArn": f"{arn}:{data.get('Version', '$LATEST')}",
        "QualifiedInvokeArn": uri.format(f"{arn}:{data.get('Version', '$LATEST')}"),
    }  # fmt: skip


def permission(call: Call) -> dict:
    qualifier = {"Qualifier": call.state["qualifier"]} if call.state.get("qualifier") else {}
    policy = json.loads(call.client.get_policy(FunctionName=call.state["function"], **qualifier)["Policy"])
    for statement in policy["Statement"]:
        if statement["Sid"] == call.state["statementId"]:
            principal, condition = statement["Principal"], statement.get("Condition", {})
            if isinstance(principal, dict):
                principal = principal.get("Service") or principal.get("AWS")
            flat = {k.lower(): v for test in condition.values() for k, v in test.items()}
            return {"StatementId": statement["Sid"], "Action": statement["Action"], "Principal": principal,
                    "SourceArn": flat.get("aws:sourcearn"), "SourceAccount": flat.get("aws:sourceaccount")}  # fmt: skip
    raise Gone(call.state["statementId"])


def invoke(call: Call, action: str, previous: str | None) -> dict:
    """One invocation; with lifecycleScope CRUD the payload has the action (the real provider's `tf` key)."""
    state, payload = call.state, json.loads(call.state["input"])
    if state.get("lifecycleScope", "CREATE_ONLY") == "CRUD":
        if not isinstance(payload, dict):
            raise Refused("lifecycleScope CRUD needs an input that is a JSON object")
        payload[state.get("terraformKey") or "tf"] = {
            "action": action,
            "prev_input": json.loads(previous) if previous else None,
        }
    answer = call.client.invoke(
        FunctionName=state["functionName"],
        Payload=json.dumps(payload).encode(),
        Qualifier=state.get("qualifier") or "$LATEST",
    )
    body = answer["Payload"].read().decode()
    if answer.get("FunctionError"):
        raise Refused(f"{state['functionName']} failed ({answer['FunctionError']}): {body}")
    return {"result": body, "functionName": state["functionName"]}


def invoke_create(call: Call) -> dict:
    return invoke(call, "create", None)


def invoke_update(call: Call) -> dict:
    return invoke(call, "update", call.old.get("input")) if call.changed & {"input", "triggers"} else {}


def invoke_delete(call: Call) -> None:
    if call.state.get("lifecycleScope") == "CRUD":
        invoke(call, "delete", call.state["input"])


def invoked(call: Call) -> dict:
    """An invocation cannot be read back: it is what the state says."""
    return {k: call.state[k] for k in ("result", "functionName") if k in call.state}


def invocation_forces(changed: set[str], inputs: dict) -> set[str]:
    once = {"input", "triggers"} if inputs.get("lifecycleScope", "CREATE_ONLY") == "CREATE_ONLY" else set()
    return changed & ({"functionName", "qualifier"} | once)


# -- CloudWatch, EventBridge, SNS, SQS


def retention(call: Call) -> None:
    days, name = call.state.get("retentionInDays"), call.state["name"]
    if days == call.old.get("retentionInDays"):
        return
    if days:
        call.client.put_retention_policy(logGroupName=name, retentionInDays=days)
    else:
        call.client.delete_retention_policy(logGroupName=name)


def without_star(data: dict, state: dict) -> dict:
    """DescribeLogGroups ends a group's ARN in ':*', which the provider takes off."""
    return data | ({"arn": data["arn"].removesuffix(":*")} if "arn" in data else {})


def queue_name(data: dict, state: dict) -> dict:
    arn = (data.get("Attributes") or {}).get("QueueArn")
    return data | ({"QueueName": arn.split(":")[-1]} if arn else {})


def clear_rule(call: Call) -> None:
    if call.state.get("forceDestroy"):
        rule = {"Rule": call.state["name"], "EventBusName": call.state.get("eventBusName", "default")}
        targets = [t["Id"] for t in call.client.list_targets_by_rule(**rule)["Targets"]]
        if targets:
            call.client.remove_targets(**rule, Ids=targets)


def clear(operation: str, attribute: str) -> Callable[[Call], None]:
    return lambda call: getattr(call.client, operation)(
        QueueUrl=call.state["queueUrl"], Attributes={attribute: ""}
    )


def attributes(operation: str, paths: dict[str, str]) -> Callable[[Call], None]:
    """SNS sets one attribute at a time."""

    def step(call: Call) -> None:
        target = {"SubscriptionArn" if "subscription" in operation else "TopicArn": call.state["arn"]}
        for prop, path in paths.items():
            value = call.state.get(prop)
            if value != call.old.get(prop) and prop not in ("owner", "fifoTopic"):
                text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
                getattr(call.client, operation)(
                    **target, AttributeName=path.split(".")[-1], AttributeValue=text
                )

    return step


# -- DynamoDB


def keys(hash_key: str | None, range_key: str | None) -> list[dict]:
    named = (("HASH", hash_key), ("RANGE", range_key))
    return [{"attributeName": name, "keyType": kind} for kind, name in named if name]


def table(props: dict) -> dict:
    """Pulumi's flat hash and range keys, capacities and stream as the API's structures."""
    made = dict(props)
    schema = keys(made.pop("hashKey", None), made.pop("rangeKey", None))
    if schema:
        made["keys"] = schema
    read, write = made.pop("readCapacity", 0), made.pop("writeCapacity", 0)
    if read or write:
        made["capacity"] = {"readCapacityUnits": read or 1, "writeCapacityUnits": write or 1}
    if "streamEnabled" in made or "streamViewType" in made:
        view, on = made.pop("streamViewType", None), made.pop("streamEnabled", False)
        made["stream"] = {"streamEnabled": on} | ({"streamViewType": view} if on and view else {})
    for noun in ("globalSecondaryIndexes", "localSecondaryIndexes"):
        if props.get(noun):
            made[noun] = [index(i, props.get("hashKey") if noun[0] == "l" else None) for i in props[noun]]
    return made


def index(given: dict, hash_key: str | None) -> dict:
    projection = {"projectionType": given["projectionType"]}
    if given.get("nonKeyAttributes"):
        projection["nonKeyAttributes"] = given["nonKeyAttributes"]
    made = {"name": given["name"], "projection": projection,
            "keySchema": keys(given.get("hashKey") or hash_key, given.get("rangeKey"))}  # fmt: skip
    if given.get("readCapacity"):
        made["provisionedThroughput"] = {
            "readCapacityUnits": given["readCapacity"],
            "writeCapacityUnits": given["writeCapacity"],
        }
    return made


def described_table(data: dict, state: dict) -> dict:
    made = dict(data)
    for key in data.get("KeySchema", []):
        made["hashKey" if key["KeyType"] == "HASH" else "rangeKey"] = key["AttributeName"]
    if data.get("KeySchema"):
        stream = data.get("StreamSpecification", {})
        made |= {
            "streamEnabled": stream.get("StreamEnabled", False),
            "streamViewType": stream.get("StreamViewType", ""),
        }
        made["billingMode"] = data.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        made |= {"readCapacity": data.get("ProvisionedThroughput", {}).get("ReadCapacityUnits", 0),
                 "writeCapacity": data.get("ProvisionedThroughput", {}).get("WriteCapacityUnits", 0)}  # fmt: skip
    for noun in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        if noun in data:
            made[noun] = [i | {"ProjectionType": i["Projection"]["ProjectionType"],
                               "NonKeyAttributes": i["Projection"].get("NonKeyAttributes"),
                               **{("hashKey" if k["KeyType"] == "HASH" else "rangeKey"): k["AttributeName"]
                                  for k in i["KeySchema"]}}
                          for i in data[noun] or []]  # fmt: skip
    if "SSEDescription" in data:
        sse = data["SSEDescription"]
        made["SSESpecification"] = {
            "Enabled": sse.get("Status") == "ENABLED",
            "KMSMasterKeyId": sse.get("KMSMasterKeyArn"),
        }
    if "ContinuousBackupsDescription" in data:
        backups = data["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        made["pointInTimeRecovery"] = {"enabled": backups.get("PointInTimeRecoveryStatus") == "ENABLED",
                                       "recoveryPeriodInDays": backups.get("RecoveryPeriodInDays")}  # fmt: skip
    if "TimeToLiveDescription" in data:
        ttl = data["TimeToLiveDescription"]
        made["ttl"] = {
            "enabled": ttl.get("TimeToLiveStatus") == "ENABLED",
            "attributeName": ttl.get("AttributeName", ""),
        }
    return made


def table_switches(call: Call) -> None:
    """Point-in-time recovery and time to live are set after the table is there."""
    name, state, old = {"TableName": call.state["name"]}, call.state, call.old
    until = time.monotonic() + 120
    while call.client.describe_table(**name)["Table"]["TableStatus"] != "ACTIVE" and time.monotonic() < until:
        time.sleep(0.1)
    wanted, was = (
        state.get("pointInTimeRecovery") or {"enabled": False},
        old.get("pointInTimeRecovery") or {"enabled": False},
    )
    if any(wanted.get(k) != was.get(k) for k in wanted):
        days = (
            {"RecoveryPeriodInDays": wanted["recoveryPeriodInDays"]}
            if wanted.get("recoveryPeriodInDays")
            else {}
        )
        call.client.update_continuous_backups(
            **name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": wanted["enabled"], **days}
        )
    ttl, was = state.get("ttl") or {"enabled": False}, old.get("ttl") or {"enabled": False}
    if ttl.get("enabled", False) != was.get("enabled", False):
        attribute = ttl.get("attributeName") or was.get("attributeName")
        call.client.update_time_to_live(
            **name, TimeToLiveSpecification={"Enabled": ttl.get("enabled", False), "AttributeName": attribute}
        )


def table_gone(call: Call) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            call.client.describe_table(TableName=call.state["name"])
        except ClientError:
            return
        time.sleep(0.1)
