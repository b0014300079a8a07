"""The events of the steps that fold an increment into the next snapshot; what they return: run_steps.py. Pure."""

from typing import TypedDict

# The field `step` of an event: what the function shall do.
DIVIDE, FOLD, GATHER = "divide", "fold", "gather"


class FoldInputs(TypedDict):
    """What is folded."""

    schema_key: str
    current_prefix: str | None
    window_prefixes: list[str]


class DivideEvent(FoldInputs):
    """DIVIDE: an increment is divided into the parts that it is folded in."""

    step: str
    table: str
    export_id: str


class FoldEvent(FoldInputs):
    """FOLD: one part of the next snapshot is written."""

    step: str
    part: int
    plan_key: str
    folder: str


class GatherEvent(TypedDict):
    """GATHER: the parts become the next snapshot, if all are there."""

    step: str
    plan_key: str
    folder: str
    output_key: str
