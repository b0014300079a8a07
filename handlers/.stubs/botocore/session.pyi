from typing import Any

from botocore.config import Config

class Session:
    def get_config_variable(self, logical_name: str) -> str: ...
    def get_available_services(self) -> list[str]: ...
    def register_component(self, name: str, component: object) -> None: ...
    def get_service_model(self, service_name: str, api_version: str | None = ...) -> Any: ...
    def create_client(
        self,
        service_name: str,
        region_name: str | None = ...,
        *,
        endpoint_url: str | None = ...,
        aws_access_key_id: str | None = ...,
        aws_secret_access_key: str | None = ...,
        aws_session_token: str | None = ...,
        config: Config = ...,
    ) -> Any: ...

def get_session() -> Session: ...
