from collections.abc import Mapping
from typing import Any

SERVICE_PATTERNS: dict[str, Any]

def extract_access_key_id(
    headers: Mapping[str, str], query_params: Mapping[str, Any] | None = ...
) -> str: ...
