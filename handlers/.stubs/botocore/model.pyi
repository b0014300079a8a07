# Of botocore 1.43: a service's model, as it stands in the package's data. A shape has members where it is a structure,
# a member where it is a list, and so on: `type_name` says which.
from collections.abc import Mapping
from typing import Any

class Shape:
    name: str
    type_name: str
    metadata: Mapping[str, Any]
    members: Mapping[str, Shape]
    required_members: list[str]
    member: Shape
    key: Shape
    value: Shape
    enum: list[str]

class OperationModel:
    name: str
    input_shape: Shape | None
    output_shape: Shape | None
    error_shapes: list[Shape]
    service_model: ServiceModel

class ServiceModel:
    def __init__(self, service_description: Mapping[str, Any], service_name: str | None = ...) -> None: ...
    operation_names: list[str]
    metadata: Mapping[str, Any]
    def operation_model(self, operation_name: str) -> OperationModel: ...
