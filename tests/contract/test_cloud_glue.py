"""What Glue answers of a crawler, as the AWS provider compares it with its inputs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.embedded_cloud import WORKLOAD, Cloud

# https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/glue_crawler: the default of each key. An
# answer without one is a change at each preview.
DEFAULTS = {
    "LineageConfiguration": {"CrawlerLineageSettings": "DISABLE"},
    "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"},
    "SchemaChangePolicy": {
        "DeleteBehavior": "DEPRECATE_IN_DATABASE",
        "UpdateBehavior": "UPDATE_IN_DATABASE",
    },
}
SETTINGS = {
    "LineageConfiguration": {"CrawlerLineageSettings": "ENABLE"},
    "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"},
    "SchemaChangePolicy": {"DeleteBehavior": "LOG", "UpdateBehavior": "LOG"},
}


@pytest.fixture(scope="module")
def glue(cloud: Cloud) -> Any:
    made = cloud.client("glue", WORKLOAD)
    made.create_database(DatabaseInput={"Name": "lake"})
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/lake/*"}
    cloud.role(WORKLOAD, "crawler", "glue.amazonaws.com", read)
    return made


def crawler(glue: Any, name: str, **settings: Any) -> dict[str, Any]:
    target = {"S3Targets": [{"Path": "s3://bucket/lake/"}]}
    role = f"arn:aws:iam::{WORKLOAD}:role/crawler"
    glue.create_crawler(Name=name, Role=role, DatabaseName="lake", Targets=target, **settings)
    return glue.get_crawler(Name=name)["Crawler"]


def of(crawler_answer: dict[str, Any]) -> dict[str, Any]:
    return {name: crawler_answer.get(name) for name in DEFAULTS}


def test_a_crawler_with_no_more_settings_has_the_services_defaults(glue: Any) -> None:
    described = crawler(glue, "plain")
    assert of(described) == DEFAULTS
    assert "Schedule" not in described


def test_what_a_request_sets_of_a_crawler_is_kept_and_the_rest_is_the_default(glue: Any) -> None:
    assert of(crawler(glue, "chosen", **SETTINGS)) == SETTINGS
    partly = crawler(
        glue, "partly", SchemaChangePolicy={"DeleteBehavior": "LOG"}, Schedule="cron(0 3 * * ? *)"
    )
    assert of(partly) == DEFAULTS | {
        "SchemaChangePolicy": {"DeleteBehavior": "LOG", "UpdateBehavior": "UPDATE_IN_DATABASE"}
    }
    assert partly["Schedule"]["ScheduleExpression"] == "cron(0 3 * * ? *)"


def test_a_changed_crawler_has_the_defaults_too(glue: Any) -> None:
    crawler(glue, "changed", **SETTINGS)
    glue.update_crawler(Name="changed", LineageConfiguration={})
    described = glue.get_crawler(Name="changed")["Crawler"]
    assert of(described) == SETTINGS | {"LineageConfiguration": DEFAULTS["LineageConfiguration"]}
    assert [c["LineageConfiguration"] for c in glue.get_crawlers()["Crawlers"] if c["Name"] == "plain"] == [
        DEFAULTS["LineageConfiguration"]
    ]
