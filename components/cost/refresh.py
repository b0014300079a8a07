"""Reads the published lists anew: `python -m components.cost.refresh eu-central-1 ap-northeast-1 …`.

AWS's offer files need no credentials; Google's SKUs need an API key in GOOGLE_API_KEY, and are left as they are
without. What a list does not have stays as it was, with its old date. Offer files have up to hundreds of MB: one is
held at a time.
"""

import csv
import datetime
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any

from components.cost.offers import GOOGLE, OFFER, PRODUCTS, SKUS, offered, sold
from components.cost.prices import COLUMNS, FILES, Price, read

Fetch = Callable[[str], Any]


def fetched(address: str) -> Any:
    """The JSON at an address. Raises OSError where there is no network or no such list."""
    with urllib.request.urlopen(address, timeout=120) as answer:
        return json.load(answer)


def renewed(
    rows: Iterable[Price], listed: Iterable[tuple[str, Decimal]], region: str, date: str, source: str
) -> list[Price]:
    """The `rows` with what was found in a list of a region, sorted: a price that is there is replaced, one that is not
    added with the unit and the page of its key. `listed`: (key, dollars a unit) of the `region`, like `eu-central-1`.
    `date`: the day of the list, YYYY-MM-DD. `source`: what the list is called, such as `price list AmazonS3`."""
    by_place = {(row.key, row.region): row for row in rows}
    units = {row.key: row for row in by_place.values()}
    for key, price in listed:
        if key in units:
            like = units[key]
            by_place[key, region] = Price(key, region, price, like.unit, date, like.page, source)
    return sorted(by_place.values(), key=lambda row: (row.key, row.region))


def write(path: Path, rows: Iterable[Price]) -> None:
    """The rows as a file."""
    with path.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for row in rows:
            table.writerow([f"{row.price:f}" if name == "price" else vars(row)[name] for name in COLUMNS])


def aws(rows: list[Price], regions: Iterable[str], fetch: Fetch = fetched) -> list[Price]:
    """The rows with what AWS's offer files have for these regions. A service that a region has not has no file there
    (404), and its rows stay as they are."""
    for region in regions:
        for offer in sorted({product.offer for product in PRODUCTS.values()}):
            try:
                listed = fetch(OFFER.format(offer, region))
            except urllib.error.HTTPError as error:
                if error.code != HTTPStatus.NOT_FOUND:
                    raise
                print(f"{region}: no list of {offer}, whose prices stay as they are")
                continue
            date = listed["publicationDate"][:10]
            rows = renewed(rows, offered(offer, listed), region, date, f"price list {offer}")
    return rows


def google(rows: list[Price], regions: Iterable[str], key: str, fetch: Fetch = fetched) -> list[Price]:
    """The rows with what Google's lists of SKUs have for these locations."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    for service in sorted({service for service, _ in GOOGLE.values()}):
        pages: list[Any] = []
        token = ""
        while not pages or token:
            query = urllib.parse.urlencode({"key": key, "pageToken": token, "pageSize": 5000})
            pages.append(fetch(f"{SKUS.format(service)}?{query}"))
            token = pages[-1].get("nextPageToken", "")
        skus = {"skus": [sku for page in pages for sku in page.get("skus", ())]}
        for region in regions:
            rows = renewed(rows, sold(service, skus, region), region, today, "list of SKUs")
    return rows


def main(regions: list[str]) -> None:
    """Writes the prices of these regions anew, each list's file by itself; ends in words that name a file which stays
    as it is."""
    if not regions:
        sys.exit("name the regions to read: us-east-1 eu-central-1, or at Google US EU europe-west3")
    of_aws = [region for region in regions if region[-1:].isdigit() and region.count("-") >= 2]
    of_google = [region for region in regions if region not in of_aws]
    key = os.environ.get("GOOGLE_API_KEY", "")
    failed: list[str] = []
    if of_aws:
        failed += _written(FILES / "aws.csv", lambda rows: aws(rows, of_aws))
    if of_google and key:
        failed += _written(FILES / "google.csv", lambda rows: google(rows, of_google, key))
    elif of_google:
        failed.append(f"google.csv stays as it is: the list for {', '.join(of_google)} needs GOOGLE_API_KEY")
    if failed:
        sys.exit("\n".join(failed))


def _written(path: Path, anew: Callable[[list[Price]], list[Price]]) -> list[str]:
    """Writes one file anew, and says so; the reason where it stays as it is."""
    before = read(path)
    try:
        after = anew(before)
    except OSError as error:
        status = f" {error.code}" if isinstance(error, urllib.error.HTTPError) else ""
        reason = f"{type(error).__name__}{status}"
        # An address of Google has the key in it, which the error's own text may show.
        return [f"{path.name} stays as it is, each price with its date: a list was not read ({reason})"]
    write(path, after)
    print(f"{path.name}: {len(set(after) - set(before))} of {len(after)} prices read anew")
    return []


if __name__ == "__main__":
    main(sys.argv[1:])
