"""Of ministack: STS."""

from collections.abc import Callable

from ministack.services import sts as service

from .parts import Answer, Record, Replaceable

error: Callable[..., Answer] = service._error
"""Status, code, message, and `ns`, the namespace."""
expire_sessions: Replaceable[Callable[[], None]] = Replaceable(service, "_evict_expired_sessions")
sessions: dict[str, Record] = service._sessions
"""By access key id."""
register_session: Callable[[str, Record], None] = service.register_session
