from contextvars import ContextVar
from typing import Any

_ALWAYS_ALLOWED_ACTIONS: frozenset[str]
_request_origin: ContextVar[tuple[str, bool]]

class EvalContext:
    principal_arn: str
    principal_type: str
    principal_account: str
    action: str
    resource_arn: str
    region: str
    source_ip: str
    secure_transport: bool
    request_tags: dict[str, str]
    tag_keys: list[str]
    service_context: dict[str, Any]
    principal_keys: dict[str, Any]
    def __init__(
        self,
        principal_arn: str,
        principal_type: str,
        principal_account: str,
        action: str,
        resource_arn: str,
        region: str,
        source_ip: str = ...,
        secure_transport: bool = ...,
        request_tags: dict[str, str] = ...,
        tag_keys: list[str] = ...,
        service_context: dict[str, Any] = ...,
        principal_keys: dict[str, Any] = ...,
    ) -> None: ...

class PrincipalInfo:
    arn: str
    type: str
    account: str
    policies: list[list[Any]] | None
    keys: dict[str, Any]
    limits: list[list[list[Any]]]
    def __init__(
        self,
        arn: str,
        type: str,
        account: str,
        policies: list[list[Any]] | None,
        keys: dict[str, Any] = ...,
        limits: list[list[list[Any]]] = ...,
    ) -> None: ...

class AuthError:
    code: str
    message: str
    details: dict[str, str]
    def __init__(self, code: str, message: str, details: dict[str, str] = ...) -> None: ...

def __getattr__(name: str) -> Any: ...
