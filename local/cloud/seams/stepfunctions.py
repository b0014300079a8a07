"""Of ministack: Step Functions."""

from collections.abc import Callable

from ministack.services import stepfunctions as service

from .parts import Record

integrations: dict[str, Callable[[str, Record], Record]] = service._SERVICE_DISPATCH
"""The beginning of a task's resource -> what carries it out, which gets the resource and the parameters."""
sdk_call: Callable[[str, Record], Record] = service._invoke_aws_sdk_integration
"""A call as `arn:aws:states:::aws-sdk:<service>:<action>` makes it."""
task_error: Callable[[str, str], Exception] = service._ExecutionError
"""Error and cause, to be raised."""
