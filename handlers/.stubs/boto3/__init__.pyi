# boto3 makes its clients from the services' models at run time and has no types of its own: a client is Any here, and
# what is used besides is typed, so that handlers, delivery and the local cloud are checked strictly.
from typing import Any

from botocore.config import Config

DEFAULT_SESSION: Session | None

def client(
    service_name: str,
    *,
    region_name: str | None = ...,
    endpoint_url: str | None = ...,
    aws_access_key_id: str | None = ...,
    aws_secret_access_key: str | None = ...,
    aws_session_token: str | None = ...,
    config: Config = ...,
) -> Any: ...

class Session:
    region_name: str
    def __init__(
        self,
        aws_access_key_id: str | None = ...,
        aws_secret_access_key: str | None = ...,
        aws_session_token: str | None = ...,
        region_name: str | None = ...,
        *,
        botocore_session: object = ...,
    ) -> None: ...
    def client(
        self,
        service_name: str,
        *,
        region_name: str | None = ...,
        endpoint_url: str | None = ...,
        config: Config = ...,
    ) -> Any: ...
    def get_credentials(self) -> Any: ...
