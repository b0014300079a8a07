"""What a program registers and its state has not: from the plan that `pulumi preview --save-plan` writes
(https://www.pulumi.com/docs/iac/concepts/update-plans/; `DeploymentPlanV1` in
https://github.com/pulumi/pulumi/blob/v3.250.0/sdk/go/common/apitype/plan.go)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adoption.parts import listed, part
from delivery.preview import NOT_KNOWN

ALIAS = "aws:kms/alias:Alias"


@dataclass(frozen=True)
class Wanted:
    """A resource that would be made. `inputs` has what is known of them; `made_of` the resources behind each input."""

    urn: str
    parent: str
    provider: str
    """The provider's URN."""
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    made_of: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def type(self) -> str:
        """The type token."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        """`<type>::<name>`, as messages have it."""
        return f"{self.type}::{self.urn.split('::', 3)[3]}"


def read(plan: Mapping[str, Any]) -> dict[str, Wanted]:
    """The resources that a plan creates, by URN: no component and no provider."""
    wanted: dict[str, Wanted] = {}
    for urn, planned in part(plan, "resourcePlans").items():
        goal = part(planned, "goal")
        if "create" in listed(planned, "steps") and goal.get("custom"):
            each = Wanted(
                urn,
                str(goal.get("parent", "")),
                str(goal.get("provider", "")).rpartition("::")[0],
                _known(part(goal, "inputDiff", "adds")),
                part(goal, "propertyDependencies"),
            )
            if not each.type.startswith("pulumi:"):
                wanted[urn] = each
    return wanted


def providers(plan: Mapping[str, Any], state: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Each provider's inputs, by URN: of the state, and over it of the plan."""
    there: dict[str, Mapping[str, Any]] = {
        each["urn"]: part(each, "inputs") for each in state if _is_provider(each["urn"])
    }
    for urn, planned in part(plan, "resourcePlans").items():
        if _is_provider(urn):
            difference = part(planned, "goal", "inputDiff")
            there[urn] = {**there.get(urn, {}), **part(difference, "adds"), **part(difference, "updates")}
    return there


def _is_provider(urn: str) -> bool:
    return urn.split("::")[2].startswith("pulumi:providers:")


def alias_of(key: Wanted, wanted: Mapping[str, Wanted]) -> str | None:
    """The name of the alias that the program gives a key."""
    for each in wanted.values():
        if each.type == ALIAS and key.urn in each.made_of.get("targetKeyId", ()):
            return each.inputs.get("name")
    return None


def _known(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in inputs.items() if not (isinstance(value, str) and value in NOT_KNOWN)
    }
