"""The components as a Pulumi package, for programs in any language.

`pulumi package add <repository>/components/plugin` makes the package's SDK. A component is hosted where all of its
resources have one provider, which the program passes on; a replication stands in two accounts and is for Python only.
The schema is inferred from the argument classes that check a stack's config, and they check what a program passes.

Limits: a property can't be told "none" from absent, so a default can be changed and not be unset
(`lifecycle.expire_days: null`). Source:
https://www.pulumi.com/docs/iac/guides/building-extending/packages/source-based-plugin/
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.provider.experimental import analyzer, component

from components.arguments import described, parse, schema_of
from components.pipelines.export import ExportArgs, ExportPipeline

NAME = "tributary"
VERSION = "0.1.0"


class _Analyzer(analyzer.Analyzer):
    """Takes a field's sentence from pydantic: Pulumi's own looks into the source of one class, and finds nothing that a
    base class declares."""

    def get_docstring(self, typ: type, name: str) -> str | None:
        return described(typ, name) or super().get_docstring(typ, name)


def hosted(made: type[pulumi.ComponentResource], args: type) -> type[pulumi.ComponentResource]:
    """The component as the host calls it: with the plain mapping that came over the wire."""
    schema_of(args)

    def construct(
        self: pulumi.ComponentResource,
        name: str,
        given: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        made.__init__(self, name, parse(args, _whole(given)), opts)  # pyright: ignore  (the base class's __init__ is another)

    construct.__annotations__ = {"args": args}
    return type(made.__name__, (made,), {"__init__": construct, "__doc__": made.__doc__})


def _whole(value: Any) -> Any:
    """A number on the wire is a float; one without a fraction was meant as a whole one."""
    if isinstance(value, Mapping):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def provider() -> component.ComponentProvider:
    """The provider with its schema."""
    # ComponentProvider takes no analyzer of its own, so the name it looks up is replaced.
    component.Analyzer = _Analyzer  # pyright: ignore[reportPrivateImportUsage]
    return component.ComponentProvider([hosted(ExportPipeline, ExportArgs)], NAME, version=VERSION)
