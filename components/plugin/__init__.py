"""The components as a Pulumi package, for programs in any language.

`pulumi package add <repository>/components/plugin` makes the package's SDK. A component's resources have the providers
that the program passes on, one a cloud; what stands in two accounts is made of parts (replication.py).
The schema is inferred from the argument classes that check a stack's config, and they check what a program passes; the
rules of policy/ hold for what is registered here as well.

`schema.json` is the schema as last generated: schema.py, `python -m components.plugin.schema`, writes it anew.

Limits: Pulumi passes "none" and absent as the same, so a default can be changed and not be unset
(`lifecycle.expire_days: null`). Source:
https://www.pulumi.com/docs/iac/guides/building-extending/packages/source-based-plugin/
"""

import inspect
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.provider import ConstructResult
from pulumi.provider.experimental import analyzer, component

import policy
from components.arguments import described, parse, simplify_annotations
from components.arguments.plain import is_list, is_mapping
from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs
from components.pipelines.bigquery_transfer.component import BigQueryTransferPipeline
from components.pipelines.export.args import ExportArgs
from components.pipelines.export.component import ExportPipeline
from components.pipelines.firehose.args import FirehoseArgs
from components.pipelines.firehose.component import FirehosePipeline
from components.pipelines.replication.args import ReplicationArgs
from components.pipelines.replication.source import ReplicaRole
from components.pipelines.zero_etl.args import ZeroEtlArgs
from components.pipelines.zero_etl.component import ZeroEtlPipeline
from components.plugin.replication import Destination, ReplicaDestinationArgs, ReplicaSourceArgs, Source

NAME = "tributary"
VERSION = "0.1.0"
COMPONENTS: dict[str, tuple[type[pulumi.ComponentResource], type]] = {
    "ZeroEtlPipeline": (ZeroEtlPipeline, ZeroEtlArgs),
    "FirehosePipeline": (FirehosePipeline, FirehoseArgs),
    "ExportPipeline": (ExportPipeline, ExportArgs),
    "ReplicaRole": (ReplicaRole, ReplicationArgs),
    "ReplicaDestination": (Destination, ReplicaDestinationArgs),
    "ReplicaSource": (Source, ReplicaSourceArgs),
    "BigQueryTransferPipeline": (BigQueryTransferPipeline, BigQueryTransferArgs),
}
"""Name in the package -> the component, and its arguments."""


class _Analyzer(analyzer.Analyzer):
    """Takes the sentence of an argument from pydantic, and of an output from the class that declares it: Pulumi's own
    reads the source of one class only, and misses what a base class declares."""

    def get_docstring(self, typ: type, name: str) -> str | None:
        if text := described(typ, name):
            return text
        declared = (super(_Analyzer, self).get_docstring(cls, name) for cls in typ.__mro__)
        text = next((docstring for docstring in declared if docstring), None)
        return " ".join(text.split()) if text else None


class Host(component.ComponentProvider):
    """Makes the components, each under the policies."""

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Makes a component, and fails where the policies refuse it."""
        checks, opts = policy.Checks(), options or pulumi.ResourceOptions()
        opts.transformations = [*(opts.transformations or []), checks]
        result = super().construct(name, resource_type, inputs, opts)
        # The constructor has run, so nothing more is seen; the engine gets the component if all of it fits together.
        fits = pulumi.Output.from_input(checks.together())
        return ConstructResult(pulumi.Output.all(result.urn, fits).apply(lambda both: both[0]), result.state)


def hosted(
    name: str, component_class: type[pulumi.ComponentResource], args: type
) -> type[pulumi.ComponentResource]:
    """The component as the host calls it: with the plain mapping that came over the wire."""
    simplify_annotations(args)

    def construct(
        self: pulumi.ComponentResource,
        name: str,
        inputs: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        component_class.__init__(self, name, parse(args, _whole(inputs)), opts)  # pyright: ignore  (the base class's __init__ is another)

    construct.__annotations__ = {"args": args}
    return type(name, (component_class,), {"__init__": construct, "__doc__": inspect.getdoc(component_class)})


def _whole(value: Any) -> Any:
    """A number on the wire is a float; one without a fraction was meant as a whole one. A mapping's order is lost on
    the wire: its names are sorted, or a table's columns would change from run to run."""
    if is_mapping(value):
        return {key: _whole(value[key]) for key in sorted(value)}
    if is_list(value):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def provider() -> component.ComponentProvider:
    """The provider with its schema."""
    # ComponentProvider takes no analyzer of its own (pulumi 3.250 to 3.272), so the module's name for it is replaced.
    # What is public would be to write its __init__ anew, with generate_schema: more of Pulumi's inside, not less.
    component.Analyzer = _Analyzer  # pyright: ignore[reportPrivateImportUsage] - see above
    return Host([hosted(name, *parts) for name, parts in COMPONENTS.items()], NAME, version=VERSION)
