"""Who may do what in a run, and that it fits into a role and a state."""

import json
from typing import Any

import pulumi
import pytest

from tests.recording import PITR_ON
from tests.unit.pipelines.export.recorded import BUCKET, KEY, ORDERS, SHOP, granted, lake, steps


def forty(length: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    named = [f"table{number:02}".ljust(length, "x") for number in range(40)]
    return [{"dynamodb": name} for name in named], dict.fromkeys(named, PITR_ON)


def test_forty_tables_with_types_of_their_own_are_passed_to_a_run_and_fit_into_its_role() -> None:
    sources, tables = forty(25)
    declared = {f"attribute.{number}.$": "decimal(38,2)" for number in range(40)}
    recorded = lake(*(source | {"columns": declared} for source in sources), key_arn=KEY, tables=tables)
    plan = steps(recorded)["States"]["Plan"]["Parameters"]
    sources_of_run = json.loads(plan["sources"])
    assert [source["name"] for source in sources_of_run] == list(tables)
    assert sources_of_run[39] == {
        "name": sources[39]["dynamodb"],
        "kind": "dynamodb",
        "arn": f"arn:aws:dynamodb:mock:mock:table/{sources[39]['dynamodb']}",
        "table": sources[39]["dynamodb"],
        "mode": "full",
        "format": "parquet",
        "declared": declared,
    }
    assert steps(recorded)["States"]["Plan for an event"]["Parameters"]["sources"] == plan["sources"]
    variables = recorded.inputs_of("aws:lambda/function:Function", "lake-source")["environment"]["variables"]
    assert set(variables) == {"BUCKET", "BUCKET_OWNER", "KMS_KEY_ARN", "PIPELINE"}
    assert len(recorded.inputs_of("aws:iam/rolePolicy:RolePolicy", "lake-source")["policy"]) < 10_240


def test_tables_whose_names_do_not_fit_into_a_role_are_refused_before_anything_is_made() -> None:
    sources, tables = forty(80)
    refused = (
        r"pipelines\.lake\.sources: the policy of the role would have 1\d,\d{3} characters, and IAM allows "
    )
    with pytest.raises(pulumi.RunError, match=f"{refused}10,240; spread the sources over two pipelines"):
        lake(*sources, tables=tables)
    lake(*sources[:20], tables=tables)


def test_a_simple_runs_tables_are_refused_where_they_do_not_fit_into_its_functions_variables() -> None:
    sources, tables = forty(80)
    with pytest.raises(
        pulumi.RunError, match=r"lake-export: its variable TABLES has 4,\d{3} characters, and 3,500"
    ):
        lake(*sources, run="simple", tables=tables)


def test_the_functions_may_touch_their_own_prefixes_only() -> None:
    recorded = lake(ORDERS | {"mode": "incremental"})
    assert granted(recorded, "lake-normalise") == {
        "ReadLanding": (["s3:GetObject"], [f"{BUCKET}/raw/*", f"{BUCKET}/state/*", f"{BUCKET}/windows/*"]),
        "WriteLanding": (
            ["s3:AbortMultipartUpload", "s3:PutObject"],
            [f"{BUCKET}/lake/*", f"{BUCKET}/state/*", f"{BUCKET}/windows/*"],
        ),
        "FindInLanding": (["s3:ListBucket"], [BUCKET]),
    }
    assert granted(recorded, "lake-fold")["WriteLanding"][1] == [f"{BUCKET}/lake/*", f"{BUCKET}/windows/*"]
    assert granted(recorded, "lake-catalog")["WriteLanding"][1] == [f"{BUCKET}/state/*"]
    database = "tributary_test_lake"
    glue = "arn:aws:glue:eu-central-1:111111111111"
    assert granted(recorded, "lake-catalog")["KeepCatalog"][1] == [
        f"{glue}:catalog",
        f"{glue}:database/{database}",
        f"{glue}:table/{database}/*",
    ]


def test_rds_writes_under_a_role_that_only_its_export_service_takes_on() -> None:
    recorded = lake(SHOP, key_arn=KEY)
    role = recorded.inputs_of("aws:iam/role:Role", "lake-rds")
    assert json.loads(role["assumeRolePolicy"])["Statement"] == [
        {
            "Sid": "Assume",
            "Effect": "Allow",
            "Principal": {"Service": "export.rds.amazonaws.com"},
            "Action": ["sts:AssumeRole"],
            "Condition": {"StringEquals": {"aws:SourceAccount": "111111111111"}},
        }
    ]
    assert granted(recorded, "lake-rds") == {
        "WriteExports": (["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [f"{BUCKET}/raw/shop/*"]),
        "FindLanding": (["s3:GetBucketLocation", "s3:ListBucket"], [BUCKET]),
    }
    passed = granted(recorded, "lake-source")["HandOverTheExportRole"]
    assert passed == (["iam:PassRole"], ["arn:aws:iam::111111111111:role/tributary-test-lake-rds"])
