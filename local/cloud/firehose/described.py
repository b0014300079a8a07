"""A Firehose destination as the service describes it: its backup under another name, its processor with the defaults.

Pure. Sources: https://docs.aws.amazon.com/firehose/latest/APIReference/API_ProcessorParameter.html,
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html, and for the defaults the note on `parameters`
in https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/kinesis_firehose_delivery_stream.
"""

from __future__ import annotations

from typing import Any

Shape = dict[str, Any]
DEFAULTS = {"NumberOfRetries": "3", "BufferSizeInMBs": "1", "BufferIntervalInSeconds": "60"}


def described(config: Shape) -> Shape:
    """The description of a destination that was configured so."""
    backup = {"EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"}, **config["S3Configuration"]}
    description = {name: value for name, value in config.items() if name != "S3Configuration"}
    if processing := config.get("ProcessingConfiguration"):
        description["ProcessingConfiguration"] = with_defaults(processing, config["RoleARN"])
    return description | {"S3DestinationDescription": backup}


def with_defaults(processing: Shape, role: str) -> Shape:
    """What was not set of a Lambda processor is there with its default, the role of the delivery among it."""
    processors: list[Shape] = []
    for processor in processing.get("Processors", []):
        values = {each["ParameterName"]: each["ParameterValue"] for each in processor.get("Parameters", [])}
        if processor["Type"] == "Lambda":
            values |= {
                name: value for name, value in (DEFAULTS | {"RoleArn": role}).items() if name not in values
            }
        parameters = [{"ParameterName": name, "ParameterValue": value} for name, value in values.items()]
        processors.append({**processor, "Parameters": parameters})
    return {**processing, "Processors": processors}
