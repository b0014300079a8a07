"""DynamoDB's time to live: expired items go within seconds, and the stream has a record of each as the service's has.

A record of an expiry is a REMOVE by the principal dynamodb.amazonaws.com; ministack's own reaper, every 60 s, writes
none and is put out of action. DynamoDB itself takes up to a few days.
Source: docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html.
"""

from __future__ import annotations

import logging
import threading
import time
from contextvars import ContextVar
from typing import Any

from ..seams import dynamodb
from ..seams.parts import Record
from ..seams.responses import request_scope

INTERVAL = 1.0  # seconds
STOCK_REAPER = "dynamodb-ttl-reaper"  # its thread
SERVICE = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
log = logging.getLogger("tributary.cloud")
expiring: ContextVar[bool] = ContextVar("expiring", default=False)
stock_remove, stock_record = dynamodb.remove_item.current, dynamodb.change_record.current


def remove(table: Record, partition: str, sort: str) -> Any:
    """Removes an item as ministack's own function does, but nothing on the thread of ministack's reaper."""
    if threading.current_thread().name == STOCK_REAPER:
        return None
    return stock_remove(table, partition, sort)


def record(*args: Any) -> Record:
    """A change's stream record, with DynamoDB as `userIdentity` where the item goes because its time has passed."""
    return stock_record(*args) | ({"userIdentity": SERVICE} if expiring.get() else {})


def expire(name: str, attribute: str) -> None:
    """Removes the table's items whose time, a number of seconds, has passed."""
    now = time.time()
    table: Record = dynamodb.tables.get(name) or {"items": {}}  # a deleted table
    with dynamodb.lock:
        due = [
            (partition, sort, item)
            for partition, row in table["items"].items()
            for sort, item in row.items()
            if float(item.get(attribute, {}).get("N", now)) < now
        ]
        for partition, sort, item in due:
            remove(table, partition, sort)
            dynamodb.stream_event.current(name, "REMOVE", item, None)


def reap() -> None:
    """Once a second, removes what has expired in each table with time to live enabled; an error is logged."""
    expiring.set(True)  # in this thread's own context
    while True:
        time.sleep(INTERVAL)
        for (account, region, name), setting in list(dynamodb.ttl_settings.all_items()):
            if setting.get("TimeToLiveStatus") == "ENABLED":
                try:
                    with request_scope(account, region):
                        expire(name, setting["AttributeName"])
                except Exception:
                    log.exception("time to live of table %s", name)


def install() -> None:
    """Puts `remove` and `record` in the places of ministack's functions, and starts the thread of `reap`."""
    dynamodb.remove_item.replace(remove)
    dynamodb.change_record.replace(record)
    threading.Thread(target=reap, daemon=True, name="dynamodb-ttl").start()
