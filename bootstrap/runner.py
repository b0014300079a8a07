"""What whoever runs `pulumi` needs besides the roles of the accounts: the state, the stack's secrets, and the roles.

A provider assumes the role of its account; the command line itself reads the state and decrypts the secrets with the
credentials that it was started with. A preview takes no lock and writes no state (`Preview` in
https://github.com/pulumi/pulumi/blob/master/pkg/backend/diy/backend.go); a stack whose secrets are under a KMS key
(`--secrets-provider awskms://…`) is decrypted with it
(https://www.pulumi.com/docs/iac/concepts/secrets/#aws-key-management-service-kms).
"""

from collections.abc import Iterable

from bootstrap.roles import Grant


def runner(state: str, secrets_key: str | None, roles: Iterable[str], *, previews_only: bool) -> list[Grant]:
    """The statements. `state` is the bucket's ARN, `secrets_key` the key's, `roles` the accounts' roles."""
    actions = ["s3:GetObject"] if previews_only else ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    why = "reads the state" if previews_only else "reads and writes the state, its history and its lock"
    grants = [
        Grant("FindState", "finds the stack in the state", ["s3:ListBucket"], [state]),
        Grant("UseState", why, actions, [f"{state}/.pulumi/*"]),
    ]
    if secrets_key:
        use = ["kms:Decrypt"] if previews_only else ["kms:Decrypt", "kms:Encrypt"]
        grants.append(
            Grant("UseSecrets", "the stack's secrets are encrypted under the key", use, [secrets_key])
        )
    if named := sorted(roles):
        grants.append(Grant("TakeRoles", "the roles of the accounts", ["sts:AssumeRole"], named))
    return grants
