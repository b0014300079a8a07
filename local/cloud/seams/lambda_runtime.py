"""Of ministack: Lambda's workers."""

from collections.abc import Callable

from ministack.core import lambda_runtime as service

from .parts import Record, Replaceable

execution_credentials: Replaceable[Callable[[Record], dict[str, str]]] = Replaceable(
    service, "execution_credentials"
)
"""Of a function's configuration."""
reset: Callable[[], None] = service.reset
"""Ends the workers."""
