"""Of ministack: RDS."""

from collections.abc import Callable

from ministack.services import rds as service

from .parts import Answer

error: Callable[[str, str, int], Answer] = service._error
"""Code, message, status."""
xml: Callable[[int, str, str], Answer] = service._xml
"""Status, root, content."""
