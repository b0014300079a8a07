"""What one API operation of S3 can't say: the functions among a row's steps (each gets a Call) and reshapings."""

from collections.abc import Callable

from botocore.exceptions import ClientError

from local.plain import within

from .aws_rows import Call, Refused
from .values import Props


def make_bucket(call: Call) -> Props:
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
    """Puts the whole set of tags on the bucket, or deletes the set where none is left."""
    tags = within(call.state, "tags")
    if tags:
        call.client.put_bucket_tagging(
            Bucket=call.state["bucket"], Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]}
        )
    else:
        call.client.delete_bucket_tagging(Bucket=call.state["bucket"])


def bucket_facts(data: Props, state: Props) -> Props:
    """HeadBucket's answer with the name and what follows from it and the region: the ARN and both domain names."""
    name, region = state["bucket"], data.get("BucketRegion") or state.get("region") or "us-east-1"
    return data | {
        "Bucket": name, "Arn": f"arn:aws:s3:::{name}", "BucketDomainName": f"{name}.s3.amazonaws.com",
        "BucketRegion": region, "BucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
    }  # fmt: skip


def remove_bucket(call: Call) -> None:
    """Deletes the bucket; by `forceDestroy` after each object version and delete marker, else S3 refuses a full one."""
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


def under(member: str) -> Callable[[Props, Props], Props]:
    """A row's `after` for an answer that Pulumi has as one property: `versioningConfiguration` over the whole."""
    return lambda data, state: {member: data}


NOTIFIED = {
    "lambdaFunctions": ("LambdaFunction", "lambdaFunctionArn"),
    "queues": ("Queue", "queueArn"),
    "topics": ("Topic", "topicArn"),
}


def notifications(props: Props) -> Props:
    """Pulumi's three flat lists as one configuration; a rule without an id gets a stable one."""
    configuration: Props = {}
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
            configuration.setdefault(f"{noun}Configurations", []).append(
                entry | ({"filter": {"key": {"filterRules": filters}}} if filters else {})
            )
    if props.get("eventbridge"):
        configuration["eventBridgeConfiguration"] = {}
    others = {k: v for k, v in props.items() if k not in (*NOTIFIED, "eventbridge")}
    return others | {"configuration": configuration}


def notified(data: Props, state: Props) -> Props:
    """GetBucketNotificationConfiguration's answer as Pulumi's three flat lists, and whether EventBridge gets events."""
    notifications: Props = {"eventbridge": "EventBridgeConfiguration" in data}
    for prop, (noun, arn) in NOTIFIED.items():
        rules: list[Props] = []
        entries: list[Props] = data.get(f"{noun}Configurations") or []
        for entry in entries:
            rules_ = {
                r["Name"].lower(): r["Value"]
                for r in entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
            }
            rules.append({arn: entry[arn[0].upper() + arn[1:]], "events": entry["Events"], "id": entry.get("Id"),
                          "filterPrefix": rules_.get("prefix"), "filterSuffix": rules_.get("suffix")})  # fmt: skip
        notifications[prop] = rules
    return notifications


def forget_notifications(call: Call) -> None:
    """Puts an empty configuration, which ends all notifications: S3 has no operation that deletes one."""
    call.client.put_bucket_notification_configuration(
        Bucket=call.state["bucket"], NotificationConfiguration={}
    )
