"""A stack's config, as it is deployed on the embedded cloud: any `Pulumi.<stack>.yaml` of the project.

The copy that the engine gets is the file, but for what the embedded cloud has not: how the stack's secrets are
encrypted (another passphrase or a key of KMS; https://www.pulumi.com/docs/iac/concepts/secrets/), and another runtime
than the host's.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bootstrap.registered import config_in, config_of
from components.accounts import AccountArgs
from components.arguments import Refused
from components.stack import settings

ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64"}
OF_SECRETS = ("encryptionsalt", "secretsprovider", "encryptedkey")


def read(root: Path, stack: str) -> settings.Settings:
    """The settings of Pulumi.<stack>.yaml over the defaults of Pulumi.yaml. Raises Refused: with what is wrong, or
    where there is no such stack."""
    return settings.read(config_of(stack, root))


def read_file(path: Path, root: Path) -> settings.Settings:
    """The settings of a file like Pulumi.<stack>.yaml. Raises Refused."""
    return settings.read(config_in(path, root))


def copied(root: Path, stack: str, role: str = "") -> dict[str, Any]:
    """The content of Pulumi.<stack>.yaml for this host, each account entered by its role of that name, where one is
    given. Raises Refused."""
    config_of(stack, root)  # that it is there, and a stack's file
    content: dict[str, Any] = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text())
    content = {key: value for key, value in content.items() if key not in OF_SECRETS}
    config: dict[str, Any] = content.setdefault("config", {})
    for key in [key for key in config if ":" not in key]:  # the project's own keys may leave its name out
        config[f"tributary:{key}"] = config.pop(key)
    if sealed := sorted(key for key, value in config.items() if _is_sealed(value)):
        raise Refused(
            [f"{sealed[0]}: is encrypted with the stack's own key, which the embedded cloud has not"]
        )
    functions: dict[str, Any] = config.setdefault("tributary:functions", {})
    functions.update(architecture=architecture(), runtime=f"python3.{sys.version_info.minor}")
    if role:
        enter_by(config["tributary:accounts"], role)
    return content


def architecture() -> str:
    """The host's own, as Lambda calls it."""
    return ARCHITECTURES.get(platform.machine().lower(), "x86_64")


def _is_sealed(value: Any) -> bool:
    return isinstance(value, Mapping) and "secure" in value


def enter_by(accounts: Mapping[str, Any], role: str) -> None:
    """Puts another role's name at the end of the way into each account of a config."""
    for account in accounts.values():
        arn = AccountArgs(id=account["id"], region=account["region"]).role_arn(role)
        if account.get("roles"):
            account["roles"][-1]["arn"] = arn
        else:
            account["role"] = arn


def text(content: Mapping[str, Any]) -> str:
    """The content as YAML."""
    written: str = yaml.safe_dump(dict(content), sort_keys=False)  # pyright: ignore[reportUnknownMemberType] - of untyped streams
    return written
