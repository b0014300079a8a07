"""What whoever runs `pulumi` needs besides the roles of the accounts: the state, the stack's secrets, and the roles.

A provider assumes the role of its account; the command line itself reads the state and decrypts the secrets with the
credentials that it was started with. A preview takes no lock and writes no state (`Preview` in
https://github.com/pulumi/pulumi/blob/master/pkg/backend/diy/backend.go); a stack whose secrets are under a KMS key
(`--secrets-provider awskms://…`) is decrypted with it
(https://www.pulumi.com/docs/iac/concepts/secrets/#aws-key-management-service-kms).

Where a stack's objects are in the bucket: `stackLockDir` of lock.go, `projectReferenceStore` of
store.go and `stackTagsPath` of stack_tags.go beside it.
"""

from collections.abc import Iterable

from bootstrap.roles import PROJECT, Grant


def runner(
    state: str,
    secrets_key: str | None,
    roles: Iterable[str],
    *,
    previews_only: bool,
    stack: str,
    state_key: str | None = None,
) -> list[Grant]:
    """The statements. `state` is the bucket's ARN, `secrets_key` the ARN of the key of the stack's secrets, `state_key`
    that of the bucket's, `roles` are the accounts' roles.

    `previews_only`: a job that reads the state and writes none. `stack`: its name."""
    folder = f"{PROJECT}/{stack}"
    itself = [f"{state}/.pulumi/stacks/{folder}.{end}" for end in ("json*", "pulumi-tags")]
    read = [f"{state}/.pulumi/meta.yaml", *itself]
    own = [
        *itself,
        *(f"{state}/.pulumi/{kind}/{folder}/*" for kind in ("backups", "history", "locks/organization")),
    ]
    grants = [
        Grant("FindState", "finds the stack in the state", ["s3:ListBucket"], [state]),
        Grant("ReadState", "reads the stack's state", ["s3:GetObject"], read),
    ]
    if not previews_only:
        why = "writes the stack's state, its history and its lock"
        actions = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        grants.append(Grant("WriteState", why, actions, own))
    if state_key:
        use = ["kms:Decrypt"] if previews_only else ["kms:Decrypt", "kms:GenerateDataKey"]
        region = state_key.split(":")[3]
        suffix = "amazonaws.com.cn" if state_key.startswith("arn:aws-cn:") else "amazonaws.com"
        through = {"StringEquals": {"kms:ViaService": f"s3.{region}.{suffix}"}}
        grants.append(Grant("UseStateKey", "the state is encrypted under the key", use, [state_key], through))
    if secrets_key:
        use = ["kms:Decrypt"] if previews_only else ["kms:Decrypt", "kms:Encrypt"]
        grants.append(
            Grant("UseSecrets", "the stack's secrets are encrypted under the key", use, [secrets_key])
        )
    if named := sorted(roles):
        grants.append(Grant("TakeRoles", "the roles of the accounts", ["sts:AssumeRole"], named))
    return grants
