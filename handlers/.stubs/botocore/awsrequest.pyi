from collections.abc import Mapping

class AWSRequest:
    method: str
    url: str
    headers: Mapping[str, str]
    def __init__(
        self, method: str, url: str, *, data: bytes | str = ..., headers: Mapping[str, str] = ...
    ) -> None: ...
