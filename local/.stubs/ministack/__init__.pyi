# Of ministack 1.5.33, which has no types: local/cloud/seams says of each part that is used what it is, and nothing else
# reads the package. What several modules use by the package's own names has its types in this folder.
from typing import Any

def __getattr__(name: str) -> Any: ...
