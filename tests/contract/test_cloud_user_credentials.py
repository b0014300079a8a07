"""What an IAM user may have besides access keys, listed, changed and deleted, and a user that goes only without any.

Pages: API_UploadSSHPublicKey.html, API_UploadSigningCertificate.html, API_CreateServiceSpecificCredential.html and
API_DeleteUser.html of https://docs.aws.amazon.com/IAM/latest/APIReference/; the limits are of
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html. Answers are read by botocore's model.
"""

from __future__ import annotations

import base64
import json
import struct
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.embedded_cloud import ANALYTICS, WORKLOAD, Cloud

CERTIFICATE = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----"


def rsa(number: int) -> str:
    """A public key of 2048 bits as OpenSSH writes it (RFC 4253, 6.6)."""
    parts = [b"ssh-rsa", b"\x01\x00\x01", b"\x00" + number.to_bytes(256, "big")]
    return f"ssh-rsa {base64.b64encode(b''.join(struct.pack('>I', len(p)) + p for p in parts)).decode()} a@b"


def certificate(number: int) -> str:
    return CERTIFICATE.format(base64.b64encode(number.to_bytes(64, "big")).decode())


class User:
    def __init__(self, cloud: Cloud, account: str = WORKLOAD):
        self.iam, self.name = cloud.client("iam", account), f"user-{uuid.uuid4().hex[:8]}"
        self.iam.create_user(UserName=self.name)

    def __call__(self, operation: str, **request: Any) -> Any:
        return getattr(self.iam, operation)(UserName=self.name, **request)

    def refused(self, operation: str, **request: Any) -> str:
        with pytest.raises(ClientError) as error:
            self(operation, **request)
        return error.value.response["Error"]["Code"]


@pytest.fixture
def user(cloud: Cloud) -> User:
    return User(cloud)


def test_an_ssh_key_is_uploaded_listed_changed_and_deleted(user: User) -> None:
    made = user("upload_ssh_public_key", SSHPublicKeyBody=rsa(7))["SSHPublicKey"]
    assert (made["UserName"], made["Status"]) == (user.name, "Active")
    assert len(made["Fingerprint"]) == 47
    key = made["SSHPublicKeyId"]
    [listed] = user("list_ssh_public_keys")["SSHPublicKeys"]
    assert listed == {n: made[n] for n in ("UserName", "SSHPublicKeyId", "Status", "UploadDate")}
    whole = user("get_ssh_public_key", SSHPublicKeyId=key, Encoding="SSH")["SSHPublicKey"]
    assert whole["SSHPublicKeyBody"] == rsa(7)
    user("update_ssh_public_key", SSHPublicKeyId=key, Status="Inactive")
    assert user("list_ssh_public_keys")["SSHPublicKeys"][0]["Status"] == "Inactive"
    user("delete_ssh_public_key", SSHPublicKeyId=key)
    assert user("list_ssh_public_keys")["SSHPublicKeys"] == []
    assert user.refused("delete_ssh_public_key", SSHPublicKeyId=key) == "NoSuchEntity"


def test_an_ssh_key_is_a_key_uploaded_once_and_of_five_at_most(user: User) -> None:
    for number in range(5):
        user("upload_ssh_public_key", SSHPublicKeyBody=rsa(number))
    assert user.refused("upload_ssh_public_key", SSHPublicKeyBody=rsa(1)) == "DuplicateSSHPublicKey"
    assert user.refused("upload_ssh_public_key", SSHPublicKeyBody=rsa(5)) == "LimitExceeded"
    assert user.refused("upload_ssh_public_key", SSHPublicKeyBody="ssh-rsa AAAA") == "InvalidPublicKey"


def test_a_signing_certificate_is_uploaded_listed_changed_and_deleted(user: User) -> None:
    made = user("upload_signing_certificate", CertificateBody=certificate(1))["Certificate"]
    [listed] = user("list_signing_certificates")["Certificates"]
    assert listed == made and listed["CertificateBody"] == certificate(1)
    user("update_signing_certificate", CertificateId=made["CertificateId"], Status="Inactive")
    assert user("list_signing_certificates")["Certificates"][0]["Status"] == "Inactive"
    assert user.refused("upload_signing_certificate", CertificateBody="none") == "MalformedCertificate"
    assert (
        user.refused("upload_signing_certificate", CertificateBody=certificate(1)) == "DuplicateCertificate"
    )
    user("upload_signing_certificate", CertificateBody=certificate(2))
    assert user.refused("upload_signing_certificate", CertificateBody=certificate(3)) == "LimitExceeded"
    user("delete_signing_certificate", CertificateId=made["CertificateId"])
    assert len(user("list_signing_certificates")["Certificates"]) == 1


def test_a_service_specific_credential_tells_its_password_when_it_is_made_and_never_again(user: User) -> None:
    service = "codecommit.amazonaws.com"
    made = user("create_service_specific_credential", ServiceName=service)["ServiceSpecificCredential"]
    assert made["ServiceUserName"] == f"{user.name}-at-{WORKLOAD}"
    [credential] = user("list_service_specific_credentials")["ServiceSpecificCredentials"]
    assert (
        credential == {key: value for key, value in made.items() if key != "ServicePassword"}
        and made["ServicePassword"]
    )
    other = user("list_service_specific_credentials", ServiceName="cassandra.amazonaws.com")
    assert other["ServiceSpecificCredentials"] == []
    name = made["ServiceSpecificCredentialId"]
    reset = user("reset_service_specific_credential", ServiceSpecificCredentialId=name)
    assert reset["ServiceSpecificCredential"]["ServicePassword"] != made["ServicePassword"]
    user("create_service_specific_credential", ServiceName=service)
    assert user.refused("create_service_specific_credential", ServiceName=service) == "LimitExceeded"
    unknown = {"ServiceName": "s3.amazonaws.com"}
    assert user.refused("create_service_specific_credential", **unknown) == "NotSupportedService"
    user("delete_service_specific_credential", ServiceSpecificCredentialId=name)
    assert len(user("list_service_specific_credentials")["ServiceSpecificCredentials"]) == 1


def key(user: User) -> Callable[[], Any]:
    made = user("upload_ssh_public_key", SSHPublicKeyBody=rsa(1))["SSHPublicKey"]["SSHPublicKeyId"]
    return lambda: user("delete_ssh_public_key", SSHPublicKeyId=made)


def signing(user: User) -> Callable[[], Any]:
    made = user("upload_signing_certificate", CertificateBody=certificate(1))["Certificate"]["CertificateId"]
    return lambda: user("delete_signing_certificate", CertificateId=made)


def git(user: User) -> Callable[[], Any]:
    made = user("create_service_specific_credential", ServiceName="codecommit.amazonaws.com")
    name = made["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]
    return lambda: user("delete_service_specific_credential", ServiceSpecificCredentialId=name)


def device(user: User) -> Callable[[], Any]:
    made = user.iam.create_virtual_mfa_device(VirtualMFADeviceName=user.name)["VirtualMFADevice"][
        "SerialNumber"
    ]
    user("enable_mfa_device", SerialNumber=made, AuthenticationCode1="123456", AuthenticationCode2="654321")
    return lambda: user("deactivate_mfa_device", SerialNumber=made)


def password(user: User) -> Callable[[], Any]:
    user("create_login_profile", Password="correct-Horse-1")
    return lambda: user("delete_login_profile")


def access_key(user: User) -> Callable[[], Any]:
    made = user("create_access_key")["AccessKey"]["AccessKeyId"]
    return lambda: user("delete_access_key", AccessKeyId=made)


def inline(user: User) -> Callable[[], Any]:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    user("put_user_policy", PolicyName="own", PolicyDocument=policy)
    return lambda: user("delete_user_policy", PolicyName="own")


def group(user: User) -> Callable[[], Any]:
    user.iam.create_group(GroupName=user.name)
    user("add_user_to_group", GroupName=user.name)
    return lambda: user("remove_user_from_group", GroupName=user.name)


@pytest.mark.parametrize("attached", [key, signing, git, device, password, access_key, inline, group])
def test_a_user_is_deleted_only_after_all_that_is_attached_to_it(
    user: User, attached: Callable[[User], Callable[[], Any]]
) -> None:
    """API_DeleteUser.html names each: the password, access keys, inline policies, certificates, SSH keys, Git
    credentials, the MFA device, memberships."""
    take_away = attached(user)
    assert user.refused("delete_user") == "DeleteConflict"
    take_away()
    user("delete_user")
    assert user.refused("get_user") == "NoSuchEntity"


LISTS = (
    "list_ssh_public_keys", "list_signing_certificates", "list_service_specific_credentials", "list_mfa_devices",
    "list_access_keys", "list_groups_for_user", "list_user_policies", "list_attached_user_policies",
)  # fmt: skip


@pytest.mark.parametrize("operation", LISTS)
def test_what_a_destroyed_user_is_searched_for_is_answered(user: User, operation: str) -> None:
    """With `force_destroy` Terraform's AWS provider lists all of these (internal/service/iam/user.go)."""
    answer = user(operation)
    assert [value for value in answer.values() if isinstance(value, list)] == [[]]
    user.name = "nobody"
    assert user.refused(operation) == "NoSuchEntity"


def test_a_password_that_is_not_there_is_not_found(user: User) -> None:
    assert user.refused("delete_login_profile") == "NoSuchEntity"


def test_the_users_of_two_accounts_have_nothing_in_common(cloud: Cloud) -> None:
    first, second = User(cloud), User(cloud, ANALYTICS)
    second.name = first.name
    second("create_user")
    key(first)
    assert second("list_ssh_public_keys")["SSHPublicKeys"] == []
