"""Work behind an answered request leaves its error in the cloud's log: nobody else would learn of it."""

import asyncio
import logging

import pytest

from local.cloud import background


async def unreadable() -> None:
    raise ValueError("could not convert string to float: ''")


def test_an_error_behind_an_answered_request_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def cloud() -> None:
        background.in_background(unreadable())
        while background.running:
            await asyncio.sleep(0)

    loop = asyncio.new_event_loop()  # asyncio.run would leave the tests after this one without a loop
    with caplog.at_level(logging.ERROR, "tributary.cloud"):
        loop.run_until_complete(cloud())
    loop.close()
    assert "could not convert string to float" in caplog.text and "unreadable" in caplog.text
