"""Why a stack can't be deployed, of what the engine prints; and what a program that ran leaves behind."""

from __future__ import annotations

import importlib
import sys

from components import names
from local.stack import errors, imported_before, of_the_program

DENIED = "invoke of getStream failed: User: a is not authorized to perform: kinesis:DescribeStreamSummary"
PRINTED = f"""\
 +  pulumi:pulumi:Stack tributary-dev creating (30s) error: python inline source runtime error: {DENIED}
 +  pulumi:pulumi:Stack tributary-dev **creating failed (30s)** 2 errors
Diagnostics:
  pulumi:pulumi:Stack (tributary-dev):
    error: python inline source runtime error: {DENIED}
    Traceback (most recent call last):
      File "x.py", line 95, in run
    error: update failed
    error: an unhandled error occurred: python inline source runtime error: {DENIED}
"""


def test_each_error_is_listed_once_without_what_it_was_raised_by() -> None:
    assert errors(PRINTED.splitlines()) == [DENIED]


def test_a_configs_errors_go_on_below_the_first_line() -> None:
    printed = (
        "    error: the config has 2 errors:\n      pipelines.a: x\n      pipelines.b: y\n    \n      other"
    )
    assert errors(printed.splitlines()) == ["the config has 2 errors: pipelines.a: x pipelines.b: y"]


def test_what_is_no_error_is_none() -> None:
    assert errors([" +  aws:cloudwatch:MetricAlarm a-errors created", "Resources:"]) == []


def test_what_was_read_before_a_program_ran_is_of_the_classes_that_are_imported_after_it() -> None:
    with imported_before():
        for module in of_the_program():
            del sys.modules[module]
        anew = importlib.import_module("components.names")
        assert anew is not names
    assert importlib.import_module("components.names") is names
    assert anew not in sys.modules.values()
