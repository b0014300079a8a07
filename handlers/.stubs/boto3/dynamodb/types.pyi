from typing import Any

class TypeDeserializer:
    def deserialize(self, value: dict[str, Any]) -> Any: ...
