"""Pulumi's engine, as far as a plugin of components calls it."""

from typing import Any

from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
)

from tests.recording import PITR_ON

ENDPOINTS = ("collectionEndpoint", "dashboardEndpoint")


def answered(members: struct_pb2.Struct) -> Any:
    """An answer to Invoke; its member is called as a word of Python's."""
    response = resource_pb2.ResourceInvokeResponse()
    getattr(response, "return").CopyFrom(members)
    return response


class Engine(resource_pb2_grpc.ResourceMonitorServicer, engine_pb2_grpc.EngineServicer):
    """The engine's side of a construction: takes every registration, and answers with the inputs and an ARN."""

    def __init__(self) -> None:
        self.registered: list[tuple[str, str, dict[str, Any], str]] = []

    def SupportsFeature(self, request: Any, context: Any) -> Any:
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id != "outputValues")

    def RegisterResource(self, request: Any, context: Any) -> Any:
        inputs = json_format.MessageToDict(request.object)
        provider = request.provider or dict(request.providers).get(request.type.split(":")[0], "")
        self.registered.append((request.type, request.name, inputs, provider))
        answer = struct_pb2.Struct()
        made = {key: f"https://{request.name}/{key}" for key in ("url", *ENDPOINTS)}
        made |= {"arn": f"arn:aws:mock:::{request.name}", "name": request.name}
        made |= {"email": f"{request.name}@mock", "uniqueId": "1", "secret": "opens", "number": "1"}
        answer.update({**made, **inputs})
        urn = f"urn:pulumi:test::shop::{request.type}::{request.name}"
        return resource_pb2.RegisterResourceResponse(urn=urn, id=f"{request.name}-id", object=answer)

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Log(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        if request.tok == "pulumi:pulumi:getResource":  # the provider that the program passed on
            known = struct_pb2.Struct()
            known.update({"urn": request.args["urn"], "id": "1", "state": {}})
            return answered(known)
        assert request.tok == "aws:dynamodb/getTable:getTable", request.tok
        name = request.args["name"]
        struct = struct_pb2.Struct()
        struct.update({"name": name, "arn": f"arn:aws:dynamodb:mock:mock:table/{name}"} | PITR_ON)
        return answered(struct)
