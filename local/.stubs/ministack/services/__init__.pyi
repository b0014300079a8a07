# See the folder above: a part is what local/cloud/seams says that it is.
from typing import Any

def __getattr__(name: str) -> Any: ...
