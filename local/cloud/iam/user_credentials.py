"""An IAM user's SSH keys, signing certificates and service-specific credentials, and what keeps a user from deletion.

ministack has none of the three; whoever deletes a user lists them all first, as Terraform's AWS provider does with
`force_destroy`. API_UploadSSHPublicKey.html, API_UploadSigningCertificate.html,
API_CreateServiceSpecificCredential.html and their neighbours (https://docs.aws.amazon.com/IAM/latest/APIReference/);
how many there may be: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html. A user that still has
anything is not deleted, with DeleteConflict (API_DeleteUser.html).
Missing: none of them opens anything here; a certificate is read for its form alone; a list is one page.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
import string
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import botocore.session

from local.plain import is_list

from .. import query_protocol
from ..models import constraints, wire
from ..seams import iam
from ..seams.parts import Record
from ..seams.responses import get_account_id
from . import authorization

MODEL = botocore.session.Session().get_service_model("iam")
SERVICES = ("bedrock.amazonaws.com", "cassandra.amazonaws.com", "codecommit.amazonaws.com")
PEM = re.compile(r"\s*-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*")
# Of one (account, user): id -> what was made, oldest first.
Stores = defaultdict[tuple[str, str], dict[str, dict[str, Any]]]
Operation = Callable[[Record, str, Mapping[str, Any]], Record]
keys, certificates, credentials = Stores(dict), Stores(dict), Stores(dict)


class Refused(Exception):
    """`code` is the service's, of which the model knows the status."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def identifier(prefix: str) -> str:
    """A new id: the prefix, and 20 random characters of A-Z and 2-7."""
    return prefix + "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(20))


def fingerprint(body: str) -> str:
    """Of an RSA key as OpenSSH writes it, in the form that the console shows: its MD5 in hex."""
    kind, _, rest = body.strip().partition(" ")
    try:
        raw = base64.b64decode(rest.split(" ")[0], validate=True)
        (length,) = struct.unpack(">I", raw[:4])
        if kind != "ssh-rsa" or raw[4 : 4 + length] != b"ssh-rsa":
            raise ValueError(kind)
    except (ValueError, binascii.Error, struct.error):
        raise Refused("InvalidPublicKey", "The public key is malformed or otherwise invalid.") from None
    return ":".join(f"{byte:02x}" for byte in hashlib.md5(raw, usedforsecurity=False).digest())


def user_of(request: Mapping[str, Any], principal: Any) -> str:
    """The user that is named, or without a name the caller itself."""
    name = request.get("UserName") or (principal.arn.rpartition("/")[2] if ":user/" in principal.arn else "")
    if name not in iam.users:
        raise Refused("NoSuchEntity", f"The user with name {name} cannot be found.")
    return name


def room(existing: Mapping[str, Any], most: int, what: str) -> None:
    """Raises LimitExceeded where `kept` has as many as the quota allows, `most`; `what` is the quota's name."""
    if len(existing) >= most:
        raise Refused("LimitExceeded", f"Cannot exceed quota for {what}: {most}")


def upload_key(existing: Record, user: str, request: Mapping[str, Any]) -> Record:
    """UploadSSHPublicKey, up to five keys a user; DuplicateSSHPublicKey for a key that the user has."""
    body = request["SSHPublicKeyBody"]
    key: Record = {
        "UserName": user,
        "SSHPublicKeyId": identifier("APKA"),
        "Fingerprint": fingerprint(body),
        "SSHPublicKeyBody": body,
        "Status": "Active",
        "UploadDate": time.time(),
    }
    if any(other["Fingerprint"] == key["Fingerprint"] for other in existing.values()):
        raise Refused(
            "DuplicateSSHPublicKey", "The SSH public key is already associated with the specified IAM user."
        )
    room(existing, 5, "SSHPublicKeysPerUser")
    existing[key["SSHPublicKeyId"]] = key
    return {"SSHPublicKey": key}


def upload_certificate(existing: Record, user: str, request: Mapping[str, Any]) -> Record:
    """UploadSigningCertificate, up to two a user; MalformedCertificate for what is no PEM, DuplicateCertificate."""
    body = request["CertificateBody"]
    try:
        base64.b64decode("".join(match[1].split()) if (match := PEM.fullmatch(body)) else "?", validate=True)
    except binascii.Error:
        raise Refused("MalformedCertificate", "Unable to parse certificate.") from None
    if any(other["CertificateBody"] == body for other in existing.values()):
        raise Refused("DuplicateCertificate", "The same certificate is associated with an IAM user already.")
    room(existing, 2, "SigningCertificatesPerUser")
    certificate: Record = {
        "UserName": user,
        "CertificateId": identifier("") + identifier("")[:12],
        "CertificateBody": body,
        "Status": "Active",
        "UploadDate": time.time(),
    }
    existing[certificate["CertificateId"]] = certificate
    return {"Certificate": certificate}


def create_credential(existing: Record, user: str, request: Mapping[str, Any]) -> Record:
    """CreateServiceSpecificCredential, up to two a user and service; NotSupportedService beyond `SERVICES`."""
    service = request["ServiceName"]
    if service not in SERVICES:
        raise Refused("NotSupportedService", f"No such service {service} is supported for this operation.")
    room(
        {k: v for k, v in existing.items() if v["ServiceName"] == service},
        2,
        "ServiceSpecificCredentialsPerUser",
    )
    credential: Record = {
        "CreateDate": time.time(),
        "ServiceName": service,
        "ServiceUserName": f"{user}-at-{get_account_id()}",
        "ServicePassword": secrets.token_urlsafe(32),
        "ServiceSpecificCredentialId": identifier("ACCA"),
        "UserName": user,
        "Status": "Active",
    }
    existing[credential["ServiceSpecificCredentialId"]] = credential
    return {"ServiceSpecificCredential": credential}


def reset_credential(existing: Record, user: str, request: Mapping[str, Any]) -> Record:
    """ResetServiceSpecificCredential: the credential with a new password."""
    credential = credential_of(existing, request["ServiceSpecificCredentialId"])
    credential["ServicePassword"] = secrets.token_urlsafe(32)
    return {"ServiceSpecificCredential": credential}


def credential_of(existing: Record, name: str) -> Record:
    """What the user has under that id; NoSuchEntity where there is nothing."""
    if name not in existing:
        raise Refused("NoSuchEntity", f"No such {name} of the user.")
    return existing[name]


def listed(member: str, secret: tuple[str, ...]) -> Any:
    """An operation that lists what a user has, of a service if the request names it, but for members in `secret`."""

    def do(existing: Record, user: str, request: Mapping[str, Any]) -> Record:
        of = request.get("ServiceName")
        credentials = [v for v in existing.values() if of in (None, v.get("ServiceName"))]
        return {
            member: [{k: v for k, v in item.items() if k not in secret} for item in credentials],
            "IsTruncated": False,
        }

    return do


def status(name: str) -> Any:
    """An operation that sets the status of what the request names; `name` is the member with the id."""

    def do(existing: Record, user: str, request: Mapping[str, Any]) -> Record:
        credential_of(existing, request[name])["Status"] = request["Status"]
        return {}

    return do


def removal(name: str) -> Any:
    """An operation that deletes what the request names; `name` is the member with the id."""

    def do(existing: Record, user: str, request: Mapping[str, Any]) -> Record:
        del existing[credential_of(existing, request[name])[name]]
        return {}

    return do


KEY, CERTIFICATE, CREDENTIAL = "SSHPublicKeyId", "CertificateId", "ServiceSpecificCredentialId"
OPERATIONS: dict[str, tuple[Stores, Operation]] = {
    "UploadSSHPublicKey": (keys, upload_key),
    "GetSSHPublicKey": (keys, lambda existing, user, request: {"SSHPublicKey": credential_of(existing, request[KEY])}),
    "ListSSHPublicKeys": (keys, listed("SSHPublicKeys", ("SSHPublicKeyBody", "Fingerprint"))),
    "UpdateSSHPublicKey": (keys, status(KEY)),
    "DeleteSSHPublicKey": (keys, removal(KEY)),
    "UploadSigningCertificate": (certificates, upload_certificate),
    "ListSigningCertificates": (certificates, listed("Certificates", ())),
    "UpdateSigningCertificate": (certificates, status(CERTIFICATE)),
    "DeleteSigningCertificate": (certificates, removal(CERTIFICATE)),
    "CreateServiceSpecificCredential": (credentials, create_credential),
    "ListServiceSpecificCredentials": (credentials, listed("ServiceSpecificCredentials", ("ServicePassword",))),
    "UpdateServiceSpecificCredential": (credentials, status(CREDENTIAL)),
    "ResetServiceSpecificCredential": (credentials, reset_credential),
    "DeleteServiceSpecificCredential": (credentials, removal(CREDENTIAL)),
}  # fmt: skip


def in_the_way(user: str) -> str | None:
    """What keeps the user from being deleted: all that API_DeleteUser.html names and ministack does not see."""
    place = (get_account_id(), user)
    there = {
        "login profile": user in iam.login_profiles,
        "policies": bool(iam.inline_policies_of_users.get(user)),
        "signing certificates": bool(certificates[place]),
        "SSH public keys": bool(keys[place]),
        "service-specific credentials": bool(credentials[place]),
        "MFA devices": any(device["User"] == user for device in iam.mfa_devices.values()),
        "group memberships": any(user in group["Users"] for group in iam.groups.values()),
    }
    return next((what for what, is_there in there.items() if is_there), None)


async def around(stock: Any, method: str, path: str, headers: Record, body: Any, query: Any) -> Any:
    """Stands in front of IAM: answers `OPERATIONS`, DeleteConflict for a user that has anything, NoSuchEntity where a
    list is of a user that is not there; any other request goes to ministack."""
    form = {key: value[0] if is_list(value) else value for key, value in dict(query or {}).items()}
    text = body.decode(errors="replace") if isinstance(body, bytes) else body or ""
    form |= dict(parse_qsl(text, keep_blank_values=True))
    name = form.get("Action", "")
    try:
        if name == "DeleteUser" and (what := in_the_way(form.get("UserName", ""))):
            raise Refused("DeleteConflict", f"Cannot delete entity, must delete {what} first.")
        if name in ("ListAccessKeys", "ListMFADevices") and form.get("UserName"):
            user_of(form, None)  # ministack answers an empty list for a user that is not there
        if name not in OPERATIONS:
            return await stock(method, path, headers, body, query)
        operation = MODEL.operation_model(name)
        request = wire.from_form(operation.input_shape, wire.tree(form), False)
        store, do = OPERATIONS[name]
        user = user_of(request, authorization.caller(headers, query))
        answer = do(store[get_account_id(), user], user, request)
        return 200, {"Content-Type": "text/xml"}, query_protocol.write(operation, answer)
    except Refused as error:
        return iam.error(status_of(name, error.code), error.code, str(error), ns="iam")
    except constraints.Unreadable:  # refused by the model
        return await stock(method, path, headers, body, query)


def status_of(operation: str, code: str) -> int:
    """The HTTP status of an operation's error by IAM's model, 400 where the model has none for it."""
    shapes: list[Any] = MODEL.operation_model(operation).error_shapes  # type: ignore[assignment]  # a cached property
    known = {shape.error_code: shape for shape in shapes}
    return known[code].metadata.get("error", {}).get("httpStatusCode", 400)


def install() -> None:
    """Puts `around` in front of IAM."""
    authorization.wrap("iam", around)
