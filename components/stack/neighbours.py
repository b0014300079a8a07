"""Stacks whose resources would have the same names: a physical name is `<project>-<stack>-<logical name>`, and does not
say where the stack's name ends.

Pipeline `eu-lake` of stack `prod` and pipeline `lake` of stack `prod-eu` are both `<project>-prod-eu-lake`. AWS takes
some names twice without a word (a queue, a topic, an alarm: the second stack changes the first one's), and a policy for
`<project>-prod-eu-*` reaches both. Names of stacks that are there stay, so that such a pair is refused at preview.

Known are the stacks that have a file `Pulumi.<stack>.yaml` beside Pulumi.yaml.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi
import yaml

from components.arguments import Refused
from components.arguments.plain import is_mapping


def meet_no_other_stack(named: Mapping[str, Iterable[str]]) -> None:
    """Raises Refused where names of the stack that is being deployed meet those of another in its project's folder."""
    folder = Path(pulumi.get_root_directory() or ".")
    errors = list(collisions(folder, pulumi.get_stack(), pulumi.get_project(), named))
    if errors:
        raise Refused(errors)


def collisions(folder: Path, stack: str, project: str, named: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """An error for each name of this stack, or of another in the folder, that the other's resources begin with.
    `named` is what names resources: `accounts` and `pipelines`, each a list of names."""
    for file in sorted(folder.glob("Pulumi.*.yaml")):
        other = file.name.removeprefix("Pulumi.").removesuffix(".yaml")
        if other.startswith(f"{stack}-"):
            for key, name in _meets(named, other.removeprefix(f"{stack}-")):
                yield (
                    f"{key}.{name}: its resources would be called '{project}-{stack}-{name}', as those of the stack "
                    f"'{other}' are ({file.name}); rename it, so that neither of "
                    f"'{name}' and '{other.removeprefix(f'{stack}-')}' begins with the other"
                )
        elif stack.startswith(f"{other}-"):
            for key, name in _meets(_named_in(file), stack.removeprefix(f"{other}-")):
                yield (
                    f"the stack's name '{stack}': resources of {key}.{name} of the stack '{other}' ({file.name}) are "
                    f"called '{project}-{other}-{name}', as this one's would be; name this stack otherwise, or rename "
                    f"'{name}' there"
                )


def _meets(named: Mapping[str, Iterable[str]], rest: str) -> Iterator[tuple[str, str]]:
    for key, names in named.items():
        for name in names:
            if f"{name}-".startswith(f"{rest}-") or f"{rest}-".startswith(f"{name}-"):
                yield key, name


def _named_in(file: Path) -> dict[str, list[str]]:
    """What names resources in another stack's file; nothing where the file is not understood, an error of its own."""
    try:
        loaded: Mapping[str, Any] = yaml.safe_load(file.read_text()) or {}
        config: Mapping[str, Any] = loaded.get("config") or {}
    except (yaml.YAMLError, AttributeError, OSError):
        return {}
    return {key: list(_mapping(config.get(f"tributary:{key}"))) for key in ("accounts", "pipelines")}


def _mapping(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):  # `pulumi config set` may have written it as text
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return {}
    return value if is_mapping(value) else {}
