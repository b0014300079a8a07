"""What is checked of an export before it is announced: its files, their sizes and checksums."""

import gzip
import hashlib
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.pipelines.conftest import Wire
from tests.unit.pipelines.replication.arriving import (
    Account,
    Bucket,
    etag,
    export,
    increment,
    md5,
    notification,
    summary_of,
)


@pytest.mark.parametrize("body", [b"", gzip.compress(b"other")], ids=["empty", "other"])
def test_an_increment_with_a_corrupt_file_is_not_announced(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account, body: Any
):
    bucket.objects = corrupt(increment([3, 4]), "000001.json.gz", body)
    failures, reason = receive(notification(summary_of(bucket.objects)))
    assert (failures, account.announced, account.hidden) == (["m0"], [], [30])
    assert "000001.json.gz" in reason


def test_a_summary_that_tells_no_time_is_corrupt(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account
):
    objects = export([3], exportTime=None)
    bucket.objects = objects
    assert "manifest-summary.json: KeyError 'exportToTime'" in receive(notification(summary_of(objects)))[1]


def corrupt(objects: Any, suffix: Any, body: Any):
    key = next(key for key in objects if key.endswith(suffix))
    return {**objects, key: body}


@pytest.mark.parametrize(
    ("objects", "says"),
    [
        (
            corrupt(export([3, 4]), "data/000001.json.gz", gzip.compress(b"other")),
            "data/000001.json.gz has ETag",
        ),
        (corrupt(export([3, 4]), "data/000001.json.gz", b""), "data/000001.json.gz is empty"),
        (corrupt(export([3]), "manifest-files.json", b"{}\n"), "manifest-files.json: its md5 is"),
        (corrupt(export([3]), "manifest-files.md5", b"not a checksum"), "'not a checksum' is not an md5"),
        (corrupt(export([3]), "manifest-summary.json", b"{"), "manifest-summary.json: JSONDecodeError"),
        (export([3], itemCount=4), "it says 4 items, the files of manifest-files.json hold 3"),
        (export([3], tableArn="orders"), "manifest-summary.json: IndexError"),
    ],
)
def test_a_corrupt_export_names_the_file_and_is_not_announced(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account, objects: Any, says: str
):
    bucket.objects = objects
    failures, reason = receive(notification(summary_of(objects)), receives=5)
    assert failures == ["m0"]
    assert says in reason
    assert (account.announced, account.hidden) == ([], [30])


def test_a_broken_line_of_a_manifest_is_named(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account
):
    objects = export([3])
    manifest = b'{"dataFileS3Key": "AWSDynamoDB/1/data/a.json.gz", "itemCount": "many"}\n'
    objects = corrupt(
        corrupt(objects, "manifest-files.json", manifest), "manifest-files.md5", md5(manifest).encode()
    )
    bucket.objects = objects
    assert (
        "manifest-files.json line 1: ValueError itemCount 'many', which is no number of items"
        in receive(notification(summary_of(objects)))[1]
    )


ONE_PART = etag(b"body")


OTHER = etag(b"other")


WHOLE = hashlib.md5(b"body").hexdigest()


OTHER_WHOLE = hashlib.md5(b"other").hexdigest()


@pytest.mark.parametrize(
    ("stored", "named", "damaged"),
    [
        (WHOLE, ONE_PART, False),
        (ONE_PART, WHOLE, False),
        (OTHER_WHOLE, ONE_PART, True),
        (OTHER, WHOLE, True),
        ("aa-2", "aa-2", False),
        ("aa-2", "bb-2", True),
        ("aa-3", "bb-2", False),  # uploaded in other parts: nothing to compare
    ],
)
def test_an_etag_is_compared_with_what_an_upload_of_as_many_parts_would_have(
    app: ModuleType, stored: Any, named: Any, damaged: bool
):
    import arrival

    is_damaged = arrival._damaged  # pyright: ignore[reportPrivateUsage] - each form of a digest
    assert is_damaged(stored, hashlib.md5(b"body").digest(), named) is damaged


def test_with_a_kms_key_an_etag_is_no_checksum(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account
):
    whole = export([3])
    bucket.objects = corrupt(whole, ".json.gz", gzip.compress(b"encrypted in another way"))
    bucket.kms = True
    assert receive(notification(summary_of(whole)))[0] == []


def test_a_checksum_file_by_its_documented_name_is_read(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account
):
    whole = export([3])
    bucket.objects = {key.replace(".md5", ".checksum"): body for key, body in whole.items()}
    assert receive(notification(summary_of(whole)))[0] == []


def test_a_manifest_whose_keys_lack_the_prefix_is_read_below_the_summary(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account
):
    without = export([3], root="")
    bucket.objects = {f"raw/orders/{key}": body for key, body in without.items()}
    assert receive(notification(summary_of(bucket.objects)))[0] == []


def test_many_files_are_listed_a_thousand_at_a_time(
    receive: Callable[..., tuple[list[str], str]], wire: Wire, bucket: Bucket, account: Account
):
    bucket.objects = export([1] * 10_000)
    assert receive(notification(summary_of(bucket.objects)))[0] == []
    assert json.loads(account.announced[0]["Detail"])["file_count"] == 10_000
    assert (bucket.pages, wire.calls["GetObject"]) == (10, 3)


def test_an_export_is_whole_exactly_when_no_file_is_missing(app: ModuleType):
    import arrival

    @given(
        st.lists(st.integers(0, 3), max_size=6).flatmap(
            lambda n: st.tuples(st.just(n), st.sets(st.integers(0, 5)))
        )
    )
    def check(drawn: Any):
        counts, missing = drawn
        objects = export(counts)
        data = sorted(key for key in objects if "/data/" in key)
        missing = {data[n] for n in missing if n < len(data)}
        manifest = next(body for key, body in objects.items() if key.endswith("manifest-files.json"))
        verdict = arrival.judge(
            arrival.Export(
                bucket="replica",
                key=summary_of(objects),
                summary=objects[summary_of(objects)],
                manifest=manifest.splitlines(keepends=True),
                manifest_md5=hashlib.md5(manifest).digest(),
                stated_md5=hashlib.md5(manifest).hexdigest(),
                stored={
                    k: arrival.Stored(len(objects[k]), etag(objects[k])) for k in data if k not in missing
                },
                etags_are_checksums=True,
            )
        )
        assert isinstance(verdict, arrival.Waiting if missing else arrival.Complete)
        if missing:
            assert all(key in str(verdict) for key in sorted(missing)[:5])

    check()
