"""The arguments of a heart beat."""

from typing import Annotated

from pydantic import Field

from components.arguments import arguments, matching
from components.pipelines.pipeline import PipelineArgs


@arguments
class HeartBeatArgs(PipelineArgs):
    """The arguments of a HeartBeatPipeline."""

    # https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
    stream: Annotated[
        str, matching("[a-zA-Z0-9_.-]{1,128}", "'{value}' is not a stream (1-128 of a-z A-Z 0-9 '_.-')")
    ]
    """The Kinesis stream, which is there already."""
    every_minutes: Annotated[int, Field(ge=2, le=60)] = 5
    """Minutes between two beats."""
