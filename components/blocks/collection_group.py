"""The group that a collection of the next generation of OpenSearch Serverless stands in: the collections of a group
share its units, are of one type, and sleep together; its generation, standby replicas and name can't be changed
(https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-collection-groups.html).
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import ArgsKwargs

from components import names
from components.arguments import Text, arguments, matching, together
from components.arguments.plain import is_mapping

_SCALING = "https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-scaling.html"


def _units(value: int) -> int:
    if value not in (0, 2, 4, 8) and (value % 16 or value > 1696):
        raise ValueError(
            f"{value} is no capacity that a group has ({_SCALING}); write 2, 4, 8, 16 or a further multiple of 16, up "
            "to 1696, or 0 as a minimum"
        )
    return value


LeastUnits = Annotated[int, Field(ge=0), AfterValidator(_units)]
MostUnits = Annotated[int, Field(ge=2), AfterValidator(_units)]


@arguments
class CollectionGroupArgs:
    """The group of a collection of generation `nextgen`: what its collections share is units."""

    adopt: (
        Annotated[
            str,
            matching("[a-z][a-z0-9-]{2,31}", "'{value}' is not a group's name (3-32 of a-z 0-9 '-')"),
        ]
        | None
    ) = None
    """A group that exists, by its name, shared with others of this account and region; it is not changed. Without it a
    group is made."""
    min_indexing_units: LeastUnits = 0
    """Units for indexing that are always there; 0 lets it sleep."""
    max_indexing_units: MostUnits = 4
    """The most of them, and so the most that indexing costs."""
    min_search_units: LeastUnits = 0
    """Units for search that are always there; 0 lets it sleep."""
    max_search_units: MostUnits = 4
    """The most of them, and so the most that searching costs."""

    @model_validator(mode="wrap")
    @classmethod
    def _remember_what_is_written(cls, written: Any, construct: Callable[[Any], Any]) -> Any:
        group = construct(written)
        keys = written.kwargs if isinstance(written, ArgsKwargs) else written
        if is_mapping(keys) or keys is None:
            object.__setattr__(group, "_written", frozenset(keys or ()))  # it is frozen for everybody else
        return group

    def written(self) -> frozenset[str]:
        """The keys that the config writes, those with the default's value among them."""
        remembered: frozenset[str] = vars(self).get("_written", frozenset())
        fields = dataclasses.fields(self)
        return remembered | {each.name for each in fields if getattr(self, each.name) != each.default}

    @together
    def _limits_fit(self) -> Iterator[str]:
        for part, least, most in (
            ("indexing", self.min_indexing_units, self.max_indexing_units),
            ("search", self.min_search_units, self.max_search_units),
        ):
            if least > most:
                yield f"min_{part}_units: {least} is more than max_{part}_units, {most}; write that or less"

    @together
    def _an_adopted_group_has_its_own_limits(self) -> Iterator[str]:
        if self.adopt and self.written() - {"adopt"}:
            yield "adopt: an adopted group keeps its limits; leave out the units, or 'adopt'"


@arguments
class SharedGroup:
    """The collection group of another pipeline, as that pipeline hands it on."""

    name: Annotated[
        Text, matching("[a-z][a-z0-9-]{2,31}", "'{value}' is not a group's name (3-32 of a-z 0-9 '-')")
    ]
    """The group's name."""
    type: Literal["SEARCH", "TIMESERIES"]
    """What its collections are made for; all are of one type."""


def planned_name(name: str, args: CollectionGroupArgs) -> str:
    """The name of the group of the collection `name`, which is known before it is there."""
    return args.adopt or names.collection(f"{name}-group")


def group_of(
    name: str, args: CollectionGroupArgs, shared: SharedGroup | None, opts: pulumi.ResourceOptions
) -> pulumi.Input[str]:
    """The name of the group of the collection `name`: made, adopted, or another pipeline's. Raises RunError where the
    one to adopt is of the other generation; the provider says so where there is none."""
    if shared:
        return shared.name
    if args.adopt:
        # Read at once, not as an Output: a refusal stops the preview here, in one sentence.
        parent = pulumi.InvokeOptions(parent=opts.parent)
        group = aws.opensearch.get_serverless_collection_group(name=args.adopt, opts=parent)
        if group.generation != "NEXTGEN":
            raise pulumi.RunError(
                f"pipelines.{name}.collection.group.adopt: the group '{args.adopt}' is of generation "
                f"{group.generation or 'CLASSIC'}, which holds no collection of the next one; name another group, or "
                "leave it out for a group of its own"
            )
        return group.name
    limits = aws.opensearch.ServerlessCollectionGroupCapacityLimitArgs(
        min_indexing_capacity_in_ocu=args.min_indexing_units,
        max_indexing_capacity_in_ocu=args.max_indexing_units,
        min_search_capacity_in_ocu=args.min_search_units,
        max_search_capacity_in_ocu=args.max_search_units,
    )
    return aws.opensearch.ServerlessCollectionGroup(
        f"{name}-group",
        name=planned_name(name, args),
        description=f"The units of {names.collection(name)}",
        generation="NEXTGEN",
        standby_replicas="ENABLED",
        capacity_limits=[limits],
        opts=opts,
    ).name
