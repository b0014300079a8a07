"""What the AWS side of a BigQuery transfer by Storage Transfer must be able to do, and must not: the federated role.

The stack: `plain` exports two tables of account HERE under a customer's key and sends a queue each data file's event;
`warehouse` loads both by an event-driven copy. `typed` loads one typed table of a bucket that exists by a daily one.
"""

import dataclasses
from typing import Any

from tests.contract.iam import table_bigquery_transfer
from tests.contract.iam.proof import Case, can, cannot
from tests.contract.iam.shared_cases import (
    ELSEWHERE,
    HERE,
    arn,
    outsider,
    queue,
    reads_exports,
    role_arn,
)
from tests.contract.iam.table_bigquery_transfer import DATA, LOADER, READER, TYPED
from tests.contract.iam.table_grants import copied
from tests.contract.iam.table_replication import PLAIN as LANDING
from tests.contract.iam.table_replication import PLAIN_KEY as LANDING_KEY
from tests.contract.iam.table_replication import TABLES as TABLES
from tests.recording import AGENT

_PIPELINES: dict[str, Any] = table_bigquery_transfer.CONFIG["pipelines"]
CONFIG = table_bigquery_transfer.CONFIG | {
    "pipelines": {
        "plain": _PIPELINES["plain"] | {"event_queue": True},
        "warehouse": _PIPELINES["warehouse"] | {"storage_transfer": {"event_driven": True}},
        "typed": _PIPELINES["typed"] | {"storage_transfer": {}},
    }
}
COPY, EVENTS = "tributary-proof-warehouse-copy", "tributary-proof-plain-landing-objects"
TYPED_COPY = "tributary-proof-typed-copy"
GOOGLE, SUBJECT = "accounts.google.com", "accounts.google.com:sub"

TABLE: list[Case] = [
    *(case for case in table_bigquery_transfer.TABLE if case.who not in (READER, TYPED)),
    # --- a typed table's copy reads what its user would, without one
    *(
        dataclasses.replace(case, who=TYPED_COPY)
        for case in table_bigquery_transfer.TABLE
        if case.who == TYPED
    ),
    # --- the project's agent takes the role on by its identity at Google, and nobody else does
    *(
        case
        for role in (COPY, TYPED_COPY)
        for case in (
            can(GOOGLE, "sts:AssumeRoleWithWebIdentity", role_arn(role), context={SUBJECT: AGENT}),
            cannot(GOOGLE, "sts:AssumeRoleWithWebIdentity", role_arn(role), context={SUBJECT: "1" * 21}),
            cannot(GOOGLE, "sts:AssumeRoleWithWebIdentity", role_arn(role)),
            cannot(
                "www.amazon.com", "sts:AssumeRoleWithWebIdentity", role_arn(role), context={SUBJECT: AGENT}
            ),
            cannot(outsider(ELSEWHERE), "sts:AssumeRole", role_arn(role)),
            cannot("storagetransfer.amazonaws.com", "sts:AssumeRole", role_arn(role)),
        )
    ),
    # --- it reads the landing, and nothing else
    *reads_exports(COPY, LANDING, LANDING_KEY, DATA),
    # --- it takes the landing's events, which S3 alone sends for this bucket
    *(
        can(COPY, f"sqs:{action}", arn("sqs", EVENTS))
        for action in ("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility")
    ),
    cannot(COPY, "sqs:SendMessage", arn("sqs", EVENTS)),
    cannot(COPY, "sqs:PurgeQueue", arn("sqs", EVENTS)),
    cannot(COPY, "sqs:ReceiveMessage", arn("sqs", "neighbour")),
    *queue(EVENTS, HERE, "s3.amazonaws.com", LANDING),
    # --- at Google: files of exports are written once, those of a typed table again
    *copied(
        "tributary-proof-warehouse-copy-shop-analytics",
        "tributary-proof-warehouse-runs",
        LOADER,
        overwrites=False,
    ),
    *copied(
        "tributary-proof-typed-copy-shop-analytics",
        "tributary-proof-typed-runs",
        "tributary-proof-typed-transfer",
        overwrites=True,
    ),
]
