"""Cases of every run, of an export and of a replica: its machine, and the functions that read and write the bucket."""

from typing import Any

from components.shared.catalog_names import staged_table
from tests.contract.iam.proof import Case, can, cannot
from tests.contract.iam.shared_cases import (
    ELSEWHERE,
    NEIGHBOUR,
    arn,
    role_arn,
    runs_as_a_function,
    taken_on_by,
)


def allowed(role: str, actions: str, *where: str, never: str = "", **more: Any) -> list[Case]:
    """The role may do each action on each of these, and none of them on `never`."""
    named = actions.split()
    cases = [can(role, action, resource, **more) for action in named for resource in where]
    return cases + [cannot(role, action, never, **more) for action in named if never]


def machine_of(
    pipeline: str,
    account: str,
    landing: str,
    landing_key: str,
    first: tuple[str, str, str] = ("source", "state", ""),
    *,
    registers: bool,
    folds: bool = False,
    iceberg: str = "",
) -> list[Case]:
    """What a run has wherever its exports come from: the machine, and the functions that read and write the bucket.
    `first`: what the function is called that finds the exports, and the folders that it reads and writes;
    `iceberg`: its Iceberg table."""
    database = f"tributary_proof_{pipeline}"
    source, source_reads, source_writes = f"tributary-proof-{pipeline}-{first[0]}", *first[1:]
    normalise, fold, writer, catalog, run = (
        f"tributary-proof-{pipeline}-{part}" for part in ("normalise", "fold", "iceberg", "catalog", "run")
    )
    machine = arn("states", f"stateMachine:{run}", account)
    functions = [source, normalise, catalog, *([fold] if folds else []), *([writer] if iceberg else [])]
    reads = {
        source: source_reads,
        normalise: "raw state windows",
        catalog: "state",
        fold: "lake state windows",
        writer: f"state windows lake/{iceberg}",
    }
    writes = {
        source: source_writes,
        normalise: "lake state windows",
        catalog: "state",
        fold: "lake windows",
        writer: f"lake/{iceberg}",
    }
    cases = [
        # For any machine of the account, as the guide's trust has it: a Distributed Map's children carry a label
        # (https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html).
        *taken_on_by(
            "states.amazonaws.com", run, account, machine, arn("states", f"stateMachine:{run}", ELSEWHERE)
        ),
        can(
            "states.amazonaws.com",
            "sts:AssumeRole",
            role_arn(run, account),
            context={"aws:SourceAccount": account, "aws:SourceArn": f"{machine}/Files"},
        ),
        *allowed(
            run,
            "lambda:InvokeFunction",
            *(arn("lambda", f"function:{name}", account) for name in functions),
            never=arn("lambda", "function:neighbour", account),
        ),
        *allowed(
            run, "states:StartExecution", machine, never=arn("states", "stateMachine:neighbour", account)
        ),
        *allowed(
            run,
            "states:DescribeExecution",
            arn("states", f"execution:{run}/Files:1", account),
            arn("states", f"execution:{run}:1", account),
            never=arn("states", "execution:neighbour/Files:1", account),
        ),
        # A run that is started again where it failed (https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html)
        # redrives its Map's children (https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html).
        *allowed(
            run,
            "states:RedriveExecution",
            arn("states", f"execution:{run}/Files:1", account),
            never=arn("states", "execution:neighbour/Files:1", account),
        ),
        cannot(run, "states:RedriveExecution", arn("states", f"execution:{run}:1", account)),
        # Step Functions stops a Map's children itself: the page above lists no such right, as older ones did.
        cannot(run, "states:StopExecution", arn("states", f"execution:{run}/Files:1", account)),
        *allowed(run, "s3:GetObject", f"{landing}/raw/a", never=f"{landing}/lake/a"),
        *allowed(run, "kms:Decrypt", landing_key, never=arn("kms", "key/neighbour", account)),
        cannot(run, "s3:PutObject", f"{landing}/raw/a"),
        # the functions: each its own prefixes
        *(case for name in functions for case in runs_as_a_function(name, account)),
        *(
            case
            for name in functions
            for case in (
                *allowed(
                    name,
                    "s3:GetObject",
                    *(f"{landing}/{p}/a" for p in reads[name].split()),
                    never=f"{landing}/results/a",
                ),
                *allowed(name, "s3:ListBucket", landing, never=NEIGHBOUR),
                *allowed(
                    name,
                    "kms:Decrypt kms:GenerateDataKey",
                    landing_key,
                    never=arn("kms", "key/neighbour", account),
                ),
                cannot(name, "s3:DeleteObject", f"{landing}/lake/a"),
            )
        ),
        *(
            case
            for name, prefixes in writes.items()
            if name in functions and prefixes
            for case in (
                *allowed(
                    name,
                    "s3:PutObject",
                    *(f"{landing}/{p}/a" for p in prefixes.split()),
                    never=f"{landing}/raw/a",
                ),
                cannot(name, "s3:PutObject", f"{NEIGHBOUR}/lake/a"),
            )
        ),
        *(
            can(name, "s3:AbortMultipartUpload", f"{landing}/{p}/a")
            for name in (normalise, fold, writer)
            if name in functions
            for p in writes[name].split()
        ),
        cannot(normalise, "s3:AbortMultipartUpload", f"{landing}/raw/a"),
        cannot(catalog, "s3:PutObject", f"{landing}/lake/a"),
        # publishing; the evaluator knows an account's metrics as its data set
        can(
            catalog,
            "cloudwatch:PutMetricData",
            arn("cloudwatch", "dataset/default", account),
            context={"cloudwatch:namespace": "tributary"},
        ),
        cannot(
            catalog,
            "cloudwatch:PutMetricData",
            arn("cloudwatch", "dataset/default", account),
            context={"cloudwatch:namespace": "AWS/Lambda"},
        ),
    ]
    kept = "glue:CreatePartition glue:CreateTable glue:GetTable glue:UpdatePartition glue:UpdateTable"
    own = [
        arn("glue", part, account) for part in ("catalog", f"database/{database}", f"table/{database}/orders")
    ]
    for resource in own:
        cases += [Case(registers, catalog, action, resource) for action in kept.split()]
    cases += [
        cannot(catalog, action, arn("glue", "table/neighbour/orders", account)) for action in kept.split()
    ]
    cases.append(cannot(catalog, "glue:DeleteTable", own[2]))
    if iceberg:
        cases += commits_to(writer, landing, iceberg, own, account)
        cases += merges_into(run, writer, (landing, landing_key), iceberg, database, account)
    return cases


def merges_into(
    run: str, writer: str, landing: tuple[str, str], table: str, database: str, account: str
) -> list[Case]:
    """What merges by Athena, whose queries run with the machine's role, and what the function stages for it
    (https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html). `landing`: the bucket and its key."""
    bucket, key = landing
    catalog, own_database, own, staged, other, neighbour = (
        arn("glue", part, account)
        for part in (
            "catalog",
            f"database/{database}",
            f"table/{database}/{table}",
            f"table/{database}/{staged_table(table, '1')}",
            f"table/{database}/neighbour",
            "table/neighbour/orders",
        )
    )
    results = f"{bucket}/results/a.csv"
    return [
        *allowed(
            run,
            "athena:GetQueryExecution athena:StartQueryExecution athena:StopQueryExecution",
            arn("athena", f"workgroup/tributary-proof-{database.removeprefix('tributary_proof_')}", account),
            never=arn("athena", "workgroup/neighbour", account),
        ),
        cannot(
            run,
            "athena:UpdateWorkGroup",
            arn("athena", f"workgroup/tributary-proof-{database[16:]}", account),
        ),
        *allowed(
            run,
            "athena:GetDataCatalog",
            arn("athena", "datacatalog/AwsDataCatalog", account),
            never=arn("athena", "datacatalog/neighbour", account),
        ),
        *allowed(
            run,
            "glue:GetDatabase",
            catalog,
            own_database,
            arn("glue", "database/default", account),
            never=arn("glue", "database/neighbour", account),
        ),
        *allowed(run, "glue:GetPartitions glue:GetTable", catalog, own_database, own, staged, never=other),
        *allowed(run, "glue:UpdateTable", catalog, own_database, own, never=staged),
        cannot(run, "glue:UpdateTable", other),
        cannot(run, "glue:GetTable", neighbour),
        cannot(run, "glue:DeleteTable", own),
        *allowed(run, "s3:GetObject", f"{bucket}/windows/orders/a", never=f"{bucket}/state/a"),
        *allowed(
            run,
            "s3:AbortMultipartUpload s3:GetObject s3:ListMultipartUploadParts s3:PutObject",
            f"{bucket}/lake/{table}/data/a",
            results,
            never=f"{bucket}/lake/neighbour/a",
        ),
        cannot(run, "s3:PutObject", f"{bucket}/windows/orders/a"),
        cannot(run, "s3:DeleteObject", f"{bucket}/lake/{table}/data/a"),
        *allowed(run, "s3:GetBucketLocation s3:ListBucketMultipartUploads", bucket, never=NEIGHBOUR),
        *(
            can(run, "s3:ListBucket", bucket, context={"s3:prefix": f"{prefix}a"})
            for prefix in (f"lake/{table}/", "windows/", "results/")
        ),
        *(
            cannot(run, "s3:ListBucket", bucket, context={"s3:prefix": p})
            for p in ("raw/", "lake/neighbour/")
        ),
        cannot(run, "s3:ListBucket", NEIGHBOUR, context={"s3:prefix": "windows/"}),
        *allowed(run, "kms:GenerateDataKey", key, never=arn("kms", "key/neighbour", account)),
        *allowed(writer, "glue:GetTables", catalog, own_database, staged, never=neighbour),
        *allowed(writer, "glue:DeleteTable", catalog, own_database, staged, never=other),
    ]


def commits_to(writer: str, landing: str, table: str, own: list[str], account: str) -> list[Case]:
    """What commits to an Iceberg table by Glue's Iceberg REST catalog
    (https://docs.aws.amazon.com/glue/latest/dg/iceberg-rest-apis.html). `own`: the catalog, the database, a table."""
    return [
        can(writer, "glue:GetCatalog", own[0]),
        cannot(writer, "glue:GetCatalog", arn("glue", "catalog/neighbour", account)),
        *allowed(
            writer,
            "glue:CreateTable glue:GetTable glue:UpdateTable",
            *own,
            never=arn("glue", "table/neighbour/orders", account),
        ),
        *allowed(writer, "glue:GetDatabase", *own[:2], never=arn("glue", "database/neighbour", account)),
        cannot(writer, "glue:DeleteTable", own[2]),
        # Its own tables' folders, and no other table's.
        cannot(writer, "s3:GetObject", f"{landing}/lake/neighbour/a"),
        cannot(writer, "s3:PutObject", f"{landing}/lake/neighbour/a"),
        cannot(writer, "s3:DeleteObject", f"{landing}/lake/{table}/a"),
    ]


def lake_of(
    role: str, bucket: str, key_arn: str, database: str, locations: list[str], account: str
) -> list[Case]:
    """The role that Lake Formation reads tables under; a location has {} for what lies below it."""
    return [
        *taken_on_by(
            "lakeformation.amazonaws.com",
            role,
            account,
            arn("lakeformation", f"database/{database}", account),
            arn("glue", f"database/{database}", account),
        ),
        *allowed(
            role, "s3:GetObject", *(f"{bucket}/{p.format('a')}" for p in locations), never=f"{bucket}/state/a"
        ),
        *(can(role, "s3:ListBucket", bucket, context={"s3:prefix": p.format("")}) for p in locations),
        cannot(role, "s3:ListBucket", bucket, context={"s3:prefix": "state/"}),
        cannot(role, "s3:ListBucket", NEIGHBOUR, context={"s3:prefix": "lake/"}),
        cannot(role, "s3:PutObject", f"{bucket}/lake/a"),
        *allowed(role, "kms:Decrypt", key_arn, never=arn("kms", "key/neighbour", account)),
    ]
