from collections.abc import Mapping

class Config:
    def __init__(
        self,
        *,
        region_name: str = ...,
        retries: Mapping[str, str | int] = ...,
        max_pool_connections: int = ...,
        connect_timeout: float = ...,
        read_timeout: float = ...,
        signature_version: object = ...,
        proxies: Mapping[str, str] = ...,
        s3: Mapping[str, str] = ...,
        inject_host_prefix: bool = ...,
    ) -> None: ...
