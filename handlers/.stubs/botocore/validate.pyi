from typing import Any

from botocore.model import Shape

def validate_parameters(params: Any, shape: Shape) -> None: ...
