"""The published lists are read as their documentation has them; what they do not have stays as it was."""

import json
import re
import urllib.error
from collections.abc import Callable
from decimal import Decimal
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from components.cost.offers import GOOGLE, OFFER, PRODUCTS, offered, sold
from components.cost.prices import FILES, Price, prices, read
from components.cost.refresh import aws, google, main, renewed, write
from docs.costs import by_hand
from tests.typed import fake


def offer(*products: tuple[str, dict[str, str], list[tuple[str, str]]]) -> dict[str, Any]:
    """An offer file (https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/
    reading-service-price-list-file-for-services.html): products by SKU, and their terms with price dimensions."""
    listed: dict[str, Any] = {
        "publicationDate": "2026-12-01T10:00:00Z",
        "products": {},
        "terms": {"OnDemand": {}},
    }
    for number, (usage, attributes, tiers) in enumerate(products):
        sku = f"SKU{number}"
        listed["products"][sku] = {"sku": sku, "attributes": {"usagetype": usage} | attributes}
        dimensions = {
            f"{sku}.T.{position}": {"beginRange": begin, "unit": "GB", "pricePerUnit": {"USD": dollars}}
            for position, (begin, dollars) in enumerate(tiers)
        }
        listed["terms"]["OnDemand"][sku] = {f"{sku}.T": {"sku": sku, "priceDimensions": dimensions}}
    return listed


@pytest.mark.parametrize("code", ["", "USE1-", "EUC1-", "APN1-", "EU-"])
def test_a_product_is_recognised_with_any_regions_code(code: str) -> None:
    listed = offer((f"{code}TimedStorage-ByteHrs", {}, [("0", "0.3060000000")]))
    assert list(offered("AmazonDynamoDB", listed)) == [("dynamodb.storage", Decimal("0.306"))]


def test_keys_of_kms_begin_with_the_regions_name() -> None:
    listed = offer(("eu-central-1-KMS-Keys", {}, [("0", "1.0000000000")]))
    assert list(offered("awskms", listed)) == [("kms.key", Decimal(1))]


def test_another_product_that_ends_alike_is_not_taken() -> None:
    listed = offer(("EUC1-IA-TimedStorage-ByteHrs", {}, [("0", "0.1224")]))
    assert list(offered("AmazonDynamoDB", listed)) == []
    other = offer(("EUC1-WriteRequestUnits", {"operation": "CommittedThroughput"}, [("0", "0.5")]))
    assert list(offered("AmazonDynamoDB", other)) == []


def test_the_first_tier_that_is_paid_is_the_price() -> None:
    tiers = [("51200", "0.022"), ("0", "0.0000000000"), ("25", "0.0245")]
    listed = offer(("EUC1-TimedStorage-ByteHrs", {"volumeType": "Standard"}, tiers))
    assert list(offered("AmazonS3", listed)) == [("s3.storage", Decimal("0.0245"))]


def test_an_excerpt_of_a_list_as_aws_published_it_is_read() -> None:
    """AmazonS3 for us-east-1, version 20230123170643: two of its products, with all that it says of them."""
    listed = json.loads((Path(__file__).with_name("AmazonS3.json")).read_text())
    assert list(offered("AmazonS3", listed)) == [("s3.storage", Decimal("0.023"))]
    rows = aws(read(FILES / "aws.csv"), ["us-east-1"], lambda address: listed)
    (storage,) = [row for row in rows if (row.key, row.region) == ("s3.storage", "us-east-1")]
    assert (storage.date, storage.source) == ("2023-01-23", "price list AmazonS3")


LISTED: dict[str, list[tuple[str, dict[str, str], list[tuple[str, str]], str | None]]] = {
    # Usage type, what sets it apart, its tiers, and our price: of the lists for us-east-1, neighbours first.
    "AmazonS3": [  # 2026-09-28
        ("TimedStorage-ByteHrs", {"volumeType": "INTAAS3ObjectOverhead"}, [("0", "0.0210000000")], None),
        ("TimedStorage-ByteHrs", {"volumeType": "Standard"}, [("0", "0.0230000000")], "s3.storage"),
        ("TimedStorage-SIA-ByteHrs", {"volumeType": "Standard - Infrequent Access"}, [("0", "0.0125000000")],
         "s3.infrequent"),
        ("Requests-Tier1", {"group": "S3-API-Tier1"}, [("0", "0.0000050000")], "s3.put"),
        ("Requests-Tier2", {"group": "S3-API-Tier2"}, [("0", "0.0000004000")], "s3.get"),
    ],
    "AWSQueueService": [  # 2026-09-11
        ("Requests-FIFO-RBP", {"group": "SQS-APIRequest-Tier1"}, [("0", "0.0000005000")], None),
        ("Requests-Fair-RBP", {"group": "SQS-APIRequest-Tier1"}, [("0", "0.0000001000")], None),
        ("Requests-RBP", {"group": "SQS-APIRequest-Tier1"},
         [("0", "0.0000004000"), ("100000000000", "0.0000003000")], "sqs.request"),
    ],
    "AWSLambda": [  # 2026-09-19
        ("Request-ARM", {"group": "AWS-Lambda-Requests-ARM"}, [("0", "0.0000002000")], None),
        ("Request", {"group": "AWS-Lambda-Requests"}, [("0", "0.0000002000")], "lambda.request"),
        ("Lambda-GB-Second-ARM", {"group": "AWS-Lambda-Duration-ARM"},
         [("0", "0.0000133334"), ("7500000000", "0.0000120001")], "lambda.arm64"),
        ("Lambda-GB-Second", {"group": "AWS-Lambda-Duration"},
         [("0", "0.0000166667"), ("6000000000", "0.0000150000")], "lambda.x86_64"),
    ],
    "AmazonDynamoDB": [  # 2026-09-11
        ("IA-TimedStorage-ByteHrs", {}, [("0", "0.1000000000")], None),
        ("TimedStorage-ByteHrs", {"volumeType": "Amazon DynamoDB - Indexed DataStore"},
         [("0", "0.0000000000"), ("25", "0.2500000000")], "dynamodb.storage"),
        ("IA-WriteRequestUnits", {"operation": "PayPerRequestThroughput"}, [("0", "0.00000078")], None),
        ("USE1-TimedPITRStorage-ByteHrs", {}, [("0", "0.2")], "dynamodb.pitr"),
        ("WriteRequestUnits", {"group": "DDB-WriteUnits", "operation": "PayPerRequestThroughput"},
         [("0", "0.0000006250")], "dynamodb.write"),
        ("ReadRequestUnits", {"group": "DDB-ReadUnits", "operation": "PayPerRequestThroughput"},
         [("0", "0.0000001250")], "dynamodb.read"),
    ],
    "AmazonSNS": [  # 2026-09-15
        ("DeliveryAttempts-HTTP", {}, [("0", "0.0000000000"), ("100000", "0.0000006000")], None),
        ("DeliveryAttempts-SMTP", {}, [("0", "0.0000000000"), ("1000", "0.0000200000")], "sns.email"),
    ],
    "AmazonStates": [  # 2026-09-11
        ("USE1-StepFunctions-Request", {}, [("0", "0.0000010000")], None),
        ("USE1-StateTransition", {"group": "SFN-StateTransitions"}, [("0", "0.0000250000")],
         "states.transition"),
    ],
    "AmazonCloudWatch": [  # 2026-09-22
        ("USE1-DataProcessing-Bytes", {"group": "Ingested Logs"}, [("0", "0.5000000000")], "logs.in"),
        ("USE1-TimedStorage-ByteHrs", {}, [("0", "0.0300000000")], "logs.storage"),
        ("CW:MetricMonitorUsage", {"group": "Metric"}, [("0", "0.3000000000"), ("10000", "0.1000000000")],
         "cloudwatch.metric"),
    ],
    "AWSEvents": [  # 2026-10-08
        ("USE1-Event-64K-Chunks", {"eventType": "Partner Event"}, [("0", "0.000001")], None),
        ("USE1-Event-64K-Chunks", {"eventType": "Custom Event"}, [("0", "0.000001")], "events.custom"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", LISTED)
def test_of_products_that_are_called_alike_the_right_one_is_taken_and_is_what_we_have(name: str) -> None:
    listed = offer(*((usage, more, tiers) for usage, more, tiers, _ in LISTED[name]))
    rows = {(row.key, row.region): row.price for row in read(FILES / "aws.csv")}
    own = {key: rows[key, "us-east-1"] for *_, key in LISTED[name] if key}
    assert dict(offered(name, listed)) == own


def test_what_a_list_has_replaces_and_what_it_has_not_stays() -> None:
    old = [
        Price("aoss.ocu", "us-east-1", Decimal("0.24"), "OCU-hour", "2026-06-10", "https://page", "page"),
        Price("osis.ocu", "us-east-1", Decimal("0.24"), "OCU-hour", "2026-06-10", "https://page", "page"),
    ]
    rows = renewed(old, [("aoss.ocu", Decimal("0.339"))], "eu-central-1", "2026-12-01", "price list AmazonES")
    assert [(row.key, row.region, row.price, row.date) for row in rows] == [
        ("aoss.ocu", "eu-central-1", Decimal("0.339"), "2026-12-01"),
        ("aoss.ocu", "us-east-1", Decimal("0.24"), "2026-06-10"),
        ("osis.ocu", "us-east-1", Decimal("0.24"), "2026-06-10"),
    ]
    assert rows[0].page == "https://page" and rows[0].source == "price list AmazonES"


def test_each_services_list_of_each_region_is_read_and_written_again_as_it_was_read(tmp_path: Any) -> None:
    requested: list[str] = []

    def fetch(address: str) -> Any:
        requested.append(address)
        products: list[Any] = (
            [("EUC1-IndexingOCU", {}, [("0", "0.3390000000")])] if "AmazonES" in address else []
        )
        return offer(*products)

    rows = aws(read(FILES / "aws.csv"), ["eu-central-1"], fetch)
    assert OFFER.format("AmazonES", "eu-central-1") in requested
    assert len(requested) == len({product.offer for product in PRODUCTS.values()})
    write(tmp_path / "aws.csv", rows)
    (new,) = [
        row for row in read(tmp_path / "aws.csv") if (row.key, row.region) == ("aoss.ocu", "eu-central-1")
    ]
    assert (new.price, new.date, new.unit) == (Decimal("0.339"), "2026-12-01", "OCU-hour")


def test_the_prices_that_are_there_are_written_as_they_stand(tmp_path: Any) -> None:
    for path in FILES.glob("*.csv"):
        write(tmp_path / path.name, read(path))
        assert (tmp_path / path.name).read_text() == path.read_text()


def test_googles_skus_are_read_page_by_page() -> None:
    def sku(description: str, region: str, *rates: tuple[str, int]) -> dict[str, Any]:
        tiers = [{"unitPrice": {"units": units, "nanos": nanos}} for units, nanos in rates]
        return {
            "description": description,
            "serviceRegions": [region],
            "pricingInfo": [{"pricingExpression": {"tieredRates": tiers}}],
        }

    storage = sku("Active Logical Storage (EU)", "eu", ("0", 0), ("0", 23_000_000))
    analysis = sku("Analysis (EU)", "eu", ("0", 0), ("6", 250_000_000))
    pages = [{"skus": [storage], "nextPageToken": "next"}, {"skus": [analysis]}]

    def fetch(address: str) -> Any:
        if GOOGLE["bigquery.query"][0] not in address:
            return {"skus": []}
        return pages[1 if "pageToken=next" in address else 0]

    rows = google(read(FILES / "google.csv"), ["EU"], "key", fetch)
    prices = {row.key: row.price for row in rows if row.region == "EU"}
    assert (prices["bigquery.storage"], prices["bigquery.query"]) == (Decimal("0.023"), Decimal("6.25"))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of prices, to be written; no key of Google."""
    for path in FILES.glob("*.csv"):
        (tmp_path / path.name).write_text(path.read_text())
    monkeypatch.setattr("components.cost.refresh.FILES", tmp_path)
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    return tmp_path


def answering(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], Any]) -> None:
    """What each list's address answers."""
    monkeypatch.setattr("components.cost.refresh.aws", fake(lambda rows, regions: aws(rows, regions, answer)))
    monkeypatch.setattr(
        "components.cost.refresh.google", fake(lambda rows, regions, key: google(rows, regions, key, answer))
    )


def unchanged(path: Path) -> bool:
    return path.read_text() == (FILES / path.name).read_text()


def missing(address: str, code: int = 404) -> urllib.error.HTTPError:
    return urllib.error.HTTPError(address, code, "Not Found", Message(), None)


def test_without_a_network_the_prices_stay_and_the_command_says_so(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(address: str) -> Any:
        raise OSError("no route")

    answering(monkeypatch, answer)
    with pytest.raises(SystemExit, match=r"aws.csv stays as it is, .*: a list was not read \(OSError\)"):
        main(["eu-central-1"])
    assert unchanged(files / "aws.csv")
    with pytest.raises(SystemExit, match="name the regions"):
        main([])
    with pytest.raises(SystemExit, match=r"google.csv stays as it is: the list for EU needs GOOGLE_API_KEY"):
        main(["EU"])


def test_a_service_that_a_region_has_not_keeps_the_others_from_nothing(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(address: str) -> Any:
        if "AmazonES" not in address:
            raise missing(address)
        return offer(("EUC1-IndexingOCU", {}, [("0", "0.3390000000")]))

    answering(monkeypatch, answer)
    main(["eu-central-1"])
    assert capsys.readouterr().out.splitlines()[-1].startswith("aws.csv: 1 of ")
    rows = {(row.key, row.region): row.price for row in read(files / "aws.csv")}
    assert rows["aoss.ocu", "eu-central-1"] == Decimal("0.339")
    assert rows["s3.storage", "eu-central-1"] == prices()["s3.storage", "eu-central-1"].price


def test_a_list_that_may_be_there_and_is_not_read_stops_the_command(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(address: str) -> Any:
        raise missing(address, 503)

    answering(monkeypatch, answer)
    with pytest.raises(SystemExit, match=r"a list was not read \(HTTPError 503\)"):
        main(["eu-central-1"])
    assert unchanged(files / "aws.csv")


def test_what_is_written_is_not_denied_when_the_other_list_fails(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(address: str) -> Any:
        if "amazonaws.com" not in address:
            raise missing(address, 403)
        return offer(("EUC1-IndexingOCU", {}, [("0", "0.3390000000")]))

    answering(monkeypatch, answer)
    monkeypatch.setenv("GOOGLE_API_KEY", "a-secret-key")
    with pytest.raises(SystemExit) as ended:
        main(["EU", "eu-central-1"])
    assert "google.csv stays as it is" in str(ended.value.code)
    assert "aws.csv" not in str(ended.value.code) and "a-secret-key" not in str(ended.value.code)
    assert "aws.csv: 1 of " in capsys.readouterr().out
    assert unchanged(files / "google.csv") and not unchanged(files / "aws.csv")


def standard(description: str, *regions: str) -> dict[str, Any]:
    tiers = [{"unitPrice": {"units": "0", "nanos": nanos}} for nanos in (0, 26_000_000)]
    priced = [{"pricingExpression": {"tieredRates": tiers}}]
    return {"description": description, "serviceRegions": [*regions], "pricingInfo": priced}


def test_the_multi_region_of_cloud_storage_is_read_under_its_other_name() -> None:
    service = GOOGLE["gcs.storage"][0]
    skus = [
        standard("Standard Storage Belgium/Netherlands Dual-region", "europe", "europe-west1"),
        standard("Standard Storage Belgium", "europe-west1"),
        standard("Standard Storage Europe Multi-region", "europe"),
    ]
    for region in ("EU", "eu", "europe-west1"):
        assert list(sold(service, {"skus": skus}, region)) == [("gcs.storage", Decimal("0.026"))]
    assert list(sold(service, {"skus": skus[:2]}, "EU")) == []
    assert list(sold(service, {"skus": skus}, "US")) == []


def test_alarms_of_each_kind_are_kept_apart_by_their_usage_type() -> None:
    listed = offer(
        ("EUC1-CW:CompositeAlarmMonitorUsage", {}, [("0", "0.5")]),
        ("EUC1-CW:HighResAlarmMonitorUsage", {"alarmType": "High Resolution"}, [("0", "0.3")]),
        ("EUC1-CW:AlarmMonitorUsage", {"alarmType": "Standard"}, [("0", "0.1")]),
    )
    kinds = dict(offered("AmazonCloudWatch", listed))
    assert {key: f"{price:f}" for key, price in kinds.items()} == {
        "cloudwatch.alarm": "0.1",
        "cloudwatch.fast_alarm": "0.3",
        "cloudwatch.composite": "0.5",
    }


def test_the_page_lists_each_price_that_no_list_renews_and_no_other() -> None:
    listed = set(re.findall(r"`([\w.]+)`", by_hand()))
    known = PRODUCTS.keys() | GOOGLE.keys()
    assert listed | known == {price.key for price in prices().values()} and not listed & known


def test_an_sku_of_another_service_or_region_is_not_taken() -> None:
    service = GOOGLE["bigquery.query"][0]
    answer = {"skus": [{"description": "Analysis (US)", "serviceRegions": ["us"], "pricingInfo": []}]}
    assert list(sold(service, answer, "EU")) == []
    assert list(sold("another", answer, "US")) == []
