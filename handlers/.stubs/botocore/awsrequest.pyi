from collections.abc import Mapping

class AWSRequest:
    method: str
    url: str
    headers: Mapping[str, str]
    def __init__(
        self, method: str, url: str, *, data: bytes | str = ..., headers: Mapping[str, str] = ...
    ) -> None: ...

class AWSResponse:
    status_code: int
    headers: Mapping[str, str]
    content: bytes
    def __init__(self, url: str, status_code: int, headers: Mapping[str, str], raw: object) -> None: ...
