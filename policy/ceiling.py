"""A rule on what a stack is expected to cost. No resource: what is judged is made of an estimate, which a stack's own
program has, and the policy pack makes of the resources that it is sent."""

from policy.rule import Problems, Props, rule
from policy.values import is_list

ESTIMATE = "tributary:cost:Estimate"
"""The type under which an estimate is judged: {ceiling, least, most}, in US dollars a month, and where types of
resource have no price that is known, {not_counted}, their names."""


@rule(
    ESTIMATE,
    write="take something out, choose what costs less (docs/cost.md), or raise `cost.ceiling`",
    page="https://docs.aws.amazon.com/wellarchitected/latest/cost-optimization-pillar/cost_govern_usage_goal_target.html",
)
def a_stack_costs_no_more_than_its_ceiling(props: Props) -> Problems:
    """A stack whose estimate is above `cost.ceiling` even at its least. A warning, or with `cost.enforcement:
    mandatory` a failed preview. In the pack: above the `ceiling` of the rule's config."""
    least, ceiling = props["least"], props["ceiling"]
    known = isinstance(least, int | float) and isinstance(ceiling, int | float)
    if known and least > ceiling:
        yield f"at least {least:,.2f} dollars a month, and the ceiling is {ceiling:,.2f}{not_counted(props)}"


def not_counted(props: Props) -> str:
    """The end of a sentence that lists the resource types without a price; empty if all have one."""
    types = props.get("not_counted")
    listed = ", ".join(str(type) for type in types) if is_list(types) else ""
    return f", without what no price is known of: {listed}" if listed else ""
