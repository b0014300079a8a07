"""Of ministack: STS."""

from collections.abc import Callable

from ministack.services import sts as service

from .parts import Answer, Record

error: Callable[..., Answer] = service._error
"""Status, code, message, and `ns`, the namespace."""
sessions: dict[str, Record] = service._sessions
"""By access key id."""
register_session: Callable[[str, Record], None] = service.register_session
