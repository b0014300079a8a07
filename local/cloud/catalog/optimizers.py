"""The optimizers of an Iceberg table, which ministack's Glue does not know: made, changed, read and deleted, not run.

Glue takes one of each kind for a table that is there and is Iceberg, and a role that it can take on; nothing is
compacted, expired or deleted here. Source: docs.aws.amazon.com/glue/latest/webapi/API_CreateTableOptimizer.html.
"""

from __future__ import annotations

import json

from ..iam import authorization
from ..seams import glue
from ..seams.parts import Answer, Handler, Record
from ..seams.responses import error_response_json, get_account_id, get_region, json_response
from .iceberg_scan import is_iceberg

optimizers: dict[tuple[str, str, str, str], dict[str, Record]] = {}
"""(Account, region, database, table) -> kind -> configuration. A table that is deleted takes its optimizers along."""


def handle_optimizer(action: str, request: Record) -> Answer:
    """The answer to one of the four operations."""
    database, name, kind = request["DatabaseName"], request["TableName"], request["Type"]
    place = (get_account_id(), get_region(), database, name)
    table = glue.tables.get(f"{database}/{name}")
    if not table:
        optimizers.pop(place, None)
        return error_response_json("EntityNotFoundException", f"Table {name} not found.", 400)
    own = optimizers.setdefault(place, {})
    if action == "CreateTableOptimizer":
        if not is_iceberg(table):
            return error_response_json("InvalidInputException", f"Table {name} is not an Iceberg table.", 400)
        if kind in own:
            return error_response_json("AlreadyExistsException", f"Optimizer {kind} already exists.", 400)
    elif kind not in own:
        return error_response_json("EntityNotFoundException", f"Optimizer {kind} not found.", 400)
    if action == "DeleteTableOptimizer":
        del own[kind]
    elif action == "GetTableOptimizer":
        optimizer = {"type": kind, "configuration": own[kind], "configurationSource": "table"}
        rest = {"CatalogId": place[0], "DatabaseName": database, "TableName": name}
        return json_response({**rest, "TableOptimizer": optimizer})
    else:
        own[kind] = request["TableOptimizerConfiguration"]
    return json_response({})


async def handle(
    stock: Handler, method: str, path: str, headers: Record, body: bytes, query: Record
) -> Answer:
    """Takes the operations of an optimizer, and leaves the others to ministack."""
    action = headers.get("x-amz-target", "").split(".")[-1]
    if action in (f"{verb}TableOptimizer" for verb in ("Create", "Update", "Get", "Delete")):
        return handle_optimizer(action, json.loads(body))
    return await stock(method, path, headers, body, query)


def install() -> None:
    """Goes before ministack's Glue."""
    authorization.wrap("glue", handle)
