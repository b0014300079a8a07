from collections.abc import Mapping

class AWSRequest:
    method: str
    url: str
    headers: Mapping[str, str]
    data: bytes | str
    def __init__(
        self, method: str, url: str, headers: Mapping[str, str] = ..., data: bytes | str = ...
    ) -> None: ...
    def prepare(self) -> AWSPreparedRequest: ...

class AWSPreparedRequest:
    body: bytes

class AWSResponse:
    status_code: int
    headers: Mapping[str, str]
    content: bytes
    def __init__(self, url: str, status_code: int, headers: Mapping[str, str], raw: object) -> None: ...
