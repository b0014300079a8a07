"""Of ministack: the front door."""

from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

from ministack import app as service

from .parts import Answer, Handler, Record, Replaceable

handlers: dict[str, Handler] = service.SERVICE_HANDLERS
"""By service."""
authenticate_only: Callable[[str, Record, Record, str], Answer | None] = service._authenticate_only
"""Service, headers, query, request id."""
decompressed: Callable[[bytes, Record], bytes] = service._decompress_request_body
"""Body, headers."""
shortcuts: Replaceable[Callable[..., Awaitable[Any]]] = Replaceable(service, "_handle_post_body_shortcuts")
"""Method, path, headers, body, query, request id."""
data_plane: Replaceable[Callable[..., Awaitable[Any]]] = Replaceable(
    service, "_handle_special_data_plane_request"
)
"""Method, path, headers, body, query, request id and more by name."""
with_data_plane_headers: Callable[[Answer, str], Answer | None] = service._with_data_plane_headers
"""Answer, request id."""
asgi: Callable[..., Awaitable[None]] = service.app
"""The application."""
pin_request_origin: Replaceable[Callable[[Any, bool], None]] = Replaceable(service, "pin_request_origin")
pin_signed_request: Replaceable[Callable[..., Any]] = Replaceable(service, "pin_signed_request")


def add_service(name: str, module: ModuleType) -> None:
    """A service that ministack does not have: its module, which handles requests, by its name."""
    service._loaded_modules[name] = module
    service.SERVICE_REGISTRY[name] = {"module": name}
    handlers[name] = service._lazy_handler(name)
