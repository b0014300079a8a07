"""A refusal as the service writes it: its code, in the form of the request's protocol.

Codes: "Common errors" of each service's API reference, such as
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html (ValidationError) and
https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html (ValidationException).
Forms: https://smithy.io/2.0/aws/protocols/index.html, and for EC2
https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-troubleshooting.html.
"""

from __future__ import annotations

import json
import re
import uuid
from xml.sax.saxutils import escape

from .operations import Matched

Answer = tuple[int, dict[str, str], bytes]
# Where it is neither ValidationException nor, of the query protocol, ValidationError.
CODES = {
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html#CommonErrors
    "ec2": "InvalidParameterValue",
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html#API_CreateLogGroup_Errors
    "logs": "InvalidParameterException",
    # https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html#API_CreateTopic_Errors
    "sns": "InvalidParameter",
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
    "sqs": "InvalidParameterValue",
    # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
    "s3": "InvalidArgument",
    # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#S3ControlErrorCodeList
    "s3control": "InvalidRequest",
}
# What no XML can hold, not even as a reference: https://www.w3.org/TR/xml/#charsets
NO_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
UNREADABLE = {"query": "MalformedInput", "ec2": "InvalidParameterValue", "rest-xml": "MalformedXML"}
UNKNOWN = {"query": "InvalidAction", "ec2": "InvalidAction"}


def invalid(matched: Matched, message: str) -> Answer:
    """The answer to a request beyond its model's constraints: the service's own code in `CODES`, or its protocol's."""
    service = matched.operation.service_model.service_name
    code = CODES.get(service, "ValidationError" if matched.protocol == "query" else "ValidationException")
    return answer(service, matched.protocol, code, message)


def unreadable(matched: Matched, message: str) -> Answer:
    """The answer to a request that is no input of its operation: SerializationException, or as `UNREADABLE` has it."""
    code = UNREADABLE.get(matched.protocol, "SerializationException")
    return answer(matched.operation.service_model.service_name, matched.protocol, code, message)


def unknown(service: str, name: str, form: bool, cbor: bool) -> Answer:
    """The answer to an operation that no model has: InvalidAction to a form, else UnknownOperationException."""
    protocol = "query" if form else "cbor" if cbor else "json"
    code = UNKNOWN.get(protocol, "UnknownOperationException")
    return answer(service, protocol, code, f"The action or operation {name} is not one of this service.")


def answer(service: str, protocol: str, code: str, message: str) -> Answer:
    """Status 400 with a code and a message, in JSON, CBOR or XML by the protocol; S3's and EC2's XML differ."""
    request, text = str(uuid.uuid4()), escape(NO_XML.sub("?", message))
    if protocol == "rest-xml" and service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{text}</Message><RequestId>{request}</RequestId></Error>"
        return (
            400,
            {"Content-Type": "application/xml"},
            b'<?xml version="1.0" encoding="UTF-8"?>\n' + body.encode(),
        )
    if protocol == "ec2":
        body = f"<Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors>"
        body = f"<Response>{body}<RequestID>{request}</RequestID></Response>"
        return 400, {"Content-Type": "text/xml"}, body.encode()
    if protocol in ("query", "rest-xml"):
        body = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
        body = f"<ErrorResponse>{body}<RequestId>{request}</RequestId></ErrorResponse>"
        return 400, {"Content-Type": "text/xml"}, body.encode()
    error = {"__type": code, "message": message}
    if protocol == "cbor":
        import cbor2

        headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        return 400, headers, cbor2.dumps(error)
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-ErrorType": code}
    if service == "sqs":  # the code that its SDKs report, from the time when it spoke the query protocol
        headers["x-amzn-query-error"] = f"{code};Sender"
    return 400, headers, json.dumps(error).encode()
