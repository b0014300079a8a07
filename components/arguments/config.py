"""A project's Pulumi config as plain data."""

import json
from typing import Any

import pulumi


def values_of(config: pulumi.Config) -> dict[str, Any]:
    """The values by their keys, without the project's prefix; what is no JSON is text
    (https://www.pulumi.com/docs/iac/concepts/config/#structured-configuration)."""
    prefix, values = f"{config.name}:", dict[str, Any]()
    # The engine hands the config over in the environment; a program run in process (Automation API, tests) sets it.
    for key in {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}:
        if key.startswith(prefix):
            text = config.require(key.removeprefix(prefix))
            try:
                values[key.removeprefix(prefix)] = json.loads(text)
            except json.JSONDecodeError:
                values[key.removeprefix(prefix)] = text
    return values
