"""What a DynamoDB table was: its changes since this process started, its items at a moment, and its recovery window.

The window starts when recovery was enabled, or when this process started, and is 35 days at most.
Source: docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html.
"""

import json
from collections import defaultdict

from ..clock import clock
from ..seams import dynamodb
from ..seams.parts import Record
from ..seams.responses import get_account_id, get_region

WINDOW_SECONDS = 35 * 86400
Table = tuple[str, str, str]  # account, region, name
# What changed in a table, oldest first: seconds, keys, old image, new image.
history: dict[Table, list[tuple[float, Record, Record | None, Record | None]]] = defaultdict(list)
recoverable_since: dict[Table, float] = {}
stock_emit = dynamodb.stream_event.current


def table_id(table_arn: str) -> Table:
    """The account, the region and the table's name out of its ARN, or of the ARN of an export or a stream of it."""
    parts = table_arn.split(":", 5)
    return parts[4], parts[3], parts[5].removeprefix("table/").split("/")[0]


def remember(name: str, event: str, old: Record | None, new: Record | None, replicate: bool = True) -> None:
    """Adds a change to the table's history, unless the item is as before, and passes it on to ministack's streams."""
    table = dynamodb.tables.get(name)
    if table and old != new:
        image = new or old or {}
        keys = {k: image[k] for k in (table["pk_name"], table["sk_name"]) if k and k in image}
        history[(get_account_id(), get_region(), name)].append((clock(), keys, old, new))
    stock_emit(name, event, old, new, replicate)


def identity(table: Record, item: Record) -> str:
    """An item's key as text, the same for every image of the item; `table` is the table's record."""
    return json.dumps(
        [item.get(table["pk_name"]), item.get(table["sk_name"]) if table["sk_name"] else None], sort_keys=True
    )


def items_at(table: Table, moment: float) -> list[Record]:
    """The table's items as they were: today's, with later changes taken back."""
    record = dynamodb.tables.get_scoped(*table)
    assert record is not None
    items = {
        identity(record, item): item
        for group in list(record["items"].values())
        for item in list(group.values())
    }
    for when, keys, old, _new in reversed(history[table]):
        if when <= moment:
            break
        items.pop(identity(record, keys), None)
        if old is not None:
            items[identity(record, keys)] = old
    return list(items.values())


def changes_between(table: Table, start: float, end: float, view: str) -> list[Record]:
    """Each item that changed: the image before the window, the last image in it, none of the steps between."""
    record = dynamodb.tables.get_scoped(*table)
    assert record is not None
    net: dict[str, Record] = {}
    for when, keys, old, new in history[table]:
        if start <= when < end:
            line = net.setdefault(identity(record, keys), {"Keys": keys, "OldImage": old})
            line.update(NewImage=new, Metadata={"WriteTimestampMicros": {"N": str(int(when * 1e6))}})
    lines: list[Record] = []
    for line in net.values():
        if line["OldImage"] is None and line["NewImage"] is None:
            continue  # came and went inside the window
        members = (
            ("Metadata", "Keys", "OldImage", "NewImage")
            if view == "NEW_AND_OLD_IMAGES"
            else ("Metadata", "Keys", "NewImage")
        )
        lines.append({name: line[name] for name in members if line[name] is not None})
    return lines


def window_start(table: Table) -> float:
    """The recovery window's start in seconds since 1970: the first call here for the table, or 35 days ago if later."""
    return max(recoverable_since.setdefault(table, clock()), clock() - WINDOW_SECONDS)
