"""What a stack of this folder is expected to cost: `python -m bootstrap.cost <stack> [--json] [--against <file>]`.

The program runs under mocks, as for the policies of who deploys. `--against`: a file like Pulumi.<stack>.yaml; prints
what changes from it to the stack's own.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi

from bootstrap.registered import config_in, config_of, in_words, registered
from components.cost import difference, difference_table, table


def estimated(stack: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The estimate of a stack with this config (keys without their namespace), as plain data: the program's output
    `cost`. Raises what the program raises."""
    return registered(stack, dict(config)).outputs["cost"]


def compared(stack: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """What changes from one config of a stack to another (components.cost.difference); None is a stack that is not
    there."""
    was, now = (None if config is None else estimated(stack, config) for config in (before, after))
    return difference(was, now)


def main(arguments: list[str] | None = None) -> None:
    """Prints what a stack costs, or what changes from another config. Ends in words where a file can't be read, or a
    config is refused."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap.cost", description=__doc__)
    parser.add_argument("stack")
    parser.add_argument("--json", action="store_true", help="as data")
    parser.add_argument("--against", type=Path, metavar="FILE", help="what changes from this config")
    options = parser.parse_args(arguments)
    with in_words():
        _print(options)


def _print(options: argparse.Namespace) -> None:
    config = config_of(options.stack)
    if options.against:
        before = config_in(options.against)
        try:
            was = estimated(options.stack, before)
        except pulumi.RunError as error:
            raise SystemExit(f"{options.against}: {error}") from None
        costs = difference(was, estimated(options.stack, config))
        print(json.dumps(costs, indent=1) if options.json else difference_table(costs), end="")
    else:
        costs = estimated(options.stack, config)
        print(json.dumps(costs, indent=1) if options.json else table(costs))


if __name__ == "__main__":
    main()
