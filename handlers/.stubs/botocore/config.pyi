from collections.abc import Mapping

class Config:
    def __init__(
        self,
        *,
        retries: Mapping[str, str | int] = ...,
        max_pool_connections: int = ...,
        connect_timeout: float = ...,
        read_timeout: float = ...,
        signature_version: object = ...,
        proxies: Mapping[str, str] = ...,
        s3: Mapping[str, str] = ...,
    ) -> None: ...
