"""What is granted elsewhere than in an IAM document, as one flat list, and who of its services decides what.

OpenSearch Serverless, Lake Formation and Google's IAM only ever add up: each grant lets somebody do something with
something, and no grant takes another away. So a whole policy is a list of `Grant`, and a request passes if one fits it.
What fits is each service's own to say (`aoss`, `lake_formation`, `google`); the resource shows which of them decides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Grant:
    """One thing that one principal may do. `where` is the resource of the program that grants it."""

    where: str
    who: str
    """As the service writes it: an ARN, a member of Google's, `public` or a VPC endpoint."""
    may: str
    """A permission; at Google a predefined role, too."""
    on: str
    """The resource, or a pattern of the service's."""

    def __str__(self) -> str:
        return f"{self.where}: {self.who} {self.may} on {self.on}"


class Granting(Protocol):
    """A resource that grants, its JSON and its ARNs read."""

    @property
    def type(self) -> str:
        """Its type token."""
        ...

    @property
    def name(self) -> str:
        """Its name in the program."""
        ...

    @property
    def inputs(self) -> Mapping[str, Any]:
        """Its inputs."""
        ...


class UnreadGrant(ValueError):
    """A grant of a form that the proof does not read."""

    def __init__(self, resource: Granting, why: str):
        super().__init__(f"{resource.type} {resource.name}: {why}")


def only(resource: Granting, known: Iterable[str], of: Mapping[str, Any] | None = None) -> None:
    """Raises UnreadGrant if the resource, or a part of it, has an input that isn't known."""
    more = sorted({key for key, value in (of or resource.inputs).items() if value} - set(known))
    if more:
        raise UnreadGrant(resource, f"the proof does not read {', '.join(more)}; teach it, or leave it out")
