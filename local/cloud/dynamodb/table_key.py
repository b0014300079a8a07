"""The key of a DynamoDB table: who exports the table or reads its stream must be let decrypt by it.

A table under a customer's key is exported, and its stream read, only by whom the key lets decrypt by way of DynamoDB,
with the table and the account as encryption context; other calls do not need that right.
Source: docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html.
"""

import json

from local.plain import within

from ..iam.authorization import Denied, caller, check
from ..s3.encryption import MissingKey, resolve_key
from ..seams import dynamodb
from ..seams.iam_evaluator import PrincipalInfo
from ..seams.parts import Answer, Handler, Record
from ..seams.responses import error_response_json
from .history import Table, table_id


def check_table_key(principal: PrincipalInfo, table: Table) -> None:
    """Raise Denied unless the principal may decrypt with the key of the table, where it is a customer's."""
    record: Record = dynamodb.tables.get_scoped(*table) or {}
    encryption = within(record, "SSEDescription")
    key = encryption.get("KMSMasterKeyArn", "")
    # The account's own key for DynamoDB lets all its principals in by that service.
    if encryption.get("Status") != "ENABLED" or not key or key.endswith("alias/aws/dynamodb"):
        return
    context: Record = {
        "kms:viaservice": f"dynamodb.{table[1]}.amazonaws.com",
        "kms:calleraccount": principal.account,
        "kms:encryptioncontext:aws:dynamodb:tablename": table[2],
        "kms:encryptioncontext:aws:dynamodb:subscriberid": table[0],
        "kms:encryptioncontextkeys": ["aws:dynamodb:tableName", "aws:dynamodb:subscriberId"],
    }
    check(principal, "kms:Decrypt", resolve_key(key, table[0]), **context)


async def handle_streams(
    stock: Handler, method: str, path: str, headers: Record, body: bytes, query: Record
) -> Answer:
    """A stream is encrypted as its table is: who may not decrypt gets no iterator of it."""
    if headers.get("x-amz-target", "").endswith(".GetShardIterator"):
        try:
            check_table_key(caller(headers, query), table_id(json.loads(body)["StreamArn"]))
        except (Denied, MissingKey) as refused:
            return error_response_json("AccessDeniedException", str(refused), 400)
    return await stock(method, path, headers, body, query)
