"""Kinesis: a stream has the tags that it is made with
(https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html); ministack leaves them out."""

from __future__ import annotations

from ministack.services import kinesis

stock_create = kinesis._create_stream


def create(data: dict) -> tuple:
    answer = stock_create(data)
    if answer[0] == 200 and data.get("Tags"):
        kinesis._streams[data["StreamName"]]["tags"].update(data["Tags"])
    return answer


def install() -> None:
    kinesis._create_stream = create
