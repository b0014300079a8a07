"""Of ministack: STS."""

from collections.abc import Callable

from ministack.services import sts as service

from .parts import Answer, Record

error: Callable[[int, str, str], Answer] = service._error
"""Status, code, message."""
sessions: dict[str, Record] = service._sessions
"""By access key id."""
register_session: Callable[[str, Record], None] = service.register_session
