"""What one API operation of DynamoDB can't say: the functions among a row's steps (each gets a Call) and reshapings."""

import time

from botocore.exceptions import ClientError

from .aws_rows import Call
from .values import Props


def keys(hash_key: str | None, range_key: str | None) -> list[Props]:
    """A key schema as the API has it, the hash key first; a key that is not given is left out."""
    named = (("HASH", hash_key), ("RANGE", range_key))
    return [{"attributeName": name, "keyType": kind} for kind, name in named if name]


def table(props: Props) -> Props:
    """Pulumi's flat hash and range keys, capacities and stream as the API's structures."""
    request = dict(props)
    schema = keys(request.pop("hashKey", None), request.pop("rangeKey", None))
    if schema:
        request["keys"] = schema
    read, write = request.pop("readCapacity", 0), request.pop("writeCapacity", 0)
    if read or write:
        request["capacity"] = {"readCapacityUnits": read or 1, "writeCapacityUnits": write or 1}
    if "streamEnabled" in request or "streamViewType" in request:
        view, on = request.pop("streamViewType", None), request.pop("streamEnabled", False)
        request["stream"] = {"streamEnabled": on} | ({"streamViewType": view} if on and view else {})
    for noun in ("globalSecondaryIndexes", "localSecondaryIndexes"):
        if props.get(noun):
            request[noun] = [index(i, props.get("hashKey") if noun[0] == "l" else None) for i in props[noun]]
    return request


def index(index_props: Props, hash_key: str | None) -> Props:
    """A secondary index as the API has it; `hash_key` is the table's, which a local index shares without stating it."""
    projection = {"projectionType": index_props["projectionType"]}
    if index_props.get("nonKeyAttributes"):
        projection["nonKeyAttributes"] = index_props["nonKeyAttributes"]
    request = {"name": index_props["name"], "projection": projection,
            "keySchema": keys(index_props.get("hashKey") or hash_key, index_props.get("rangeKey"))}  # fmt: skip
    if index_props.get("readCapacity"):
        request["provisionedThroughput"] = {
            "readCapacityUnits": index_props["readCapacity"],
            "writeCapacityUnits": index_props["writeCapacity"],
        }
    return request


def described_table(data: Props, state: Props) -> Props:
    """What the table's reads answer, as Pulumi's flat keys, capacities, stream, indexes, recovery and time to live."""
    answer = dict(data)
    for key in data.get("KeySchema", []):
        answer["hashKey" if key["KeyType"] == "HASH" else "rangeKey"] = key["AttributeName"]
    if data.get("KeySchema"):
        stream = data.get("StreamSpecification", {})
        answer |= {
            "streamEnabled": stream.get("StreamEnabled", False),
            "streamViewType": stream.get("StreamViewType", ""),
        }
        answer["billingMode"] = data.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        answer |= {"readCapacity": data.get("ProvisionedThroughput", {}).get("ReadCapacityUnits", 0),
                 "writeCapacity": data.get("ProvisionedThroughput", {}).get("WriteCapacityUnits", 0)}  # fmt: skip
    for noun in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        if noun in data:
            described: list[Props] = data[noun] or []
            answer[noun] = [i | {"ProjectionType": i["Projection"]["ProjectionType"],
                               "NonKeyAttributes": i["Projection"].get("NonKeyAttributes"),
                               **{("hashKey" if k["KeyType"] == "HASH" else "rangeKey"): k["AttributeName"]
                                  for k in i["KeySchema"]}}
                          for i in described]  # fmt: skip
    if "SSEDescription" in data:
        sse = data["SSEDescription"]
        answer["SSESpecification"] = {
            "Enabled": sse.get("Status") == "ENABLED",
            "KMSMasterKeyId": sse.get("KMSMasterKeyArn"),
        }
    if "ContinuousBackupsDescription" in data:
        backups = data["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        answer["pointInTimeRecovery"] = {"enabled": backups.get("PointInTimeRecoveryStatus") == "ENABLED",
                                       "recoveryPeriodInDays": backups.get("RecoveryPeriodInDays")}  # fmt: skip
    if "TimeToLiveDescription" in data:
        ttl = data["TimeToLiveDescription"]
        answer["ttl"] = {
            "enabled": ttl.get("TimeToLiveStatus") == "ENABLED",
            "attributeName": ttl.get("AttributeName", ""),
        }
    return answer


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
    """Waits until DescribeTable fails, 120 s at most: DeleteTable answers before the table is gone."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            call.client.describe_table(TableName=call.state["name"])
        except ClientError:
            return
        time.sleep(0.1)
