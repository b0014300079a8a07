"""Records each life in the account of the caller's credentials: TRIBUTARY_LIVE=yes, AWS_REGION, and a sandbox.

What is written to `recorded/` is committed, and `tests/contract/test_live_answers.py` holds the embedded cloud to it.
"""

from __future__ import annotations

import os

import boto3
import pytest

from tests.live.lives import LIVES
from tests.live.sandbox import record


@pytest.mark.parametrize("name", LIVES)
def test_a_life_is_recorded_and_leaves_nothing(name: str) -> None:
    session = boto3.Session(region_name=os.environ["AWS_REGION"])
    account = session.client("sts").get_caller_identity()["Account"]
    assert account in os.environ["TRIBUTARY_LIVE_ACCOUNTS"].split(","), (
        f"{account} is not one of TRIBUTARY_LIVE_ACCOUNTS: nothing is made in an account that was not named"
    )
    path = record(name, session.client, account)
    assert account not in path.read_text()
