"""What the servicer calls of a cloud's half, aws.Aws or gcp.Gcp, and reads of a row of its table."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from .values import Props


class Row(Protocol):
    """A type of resource; aws_rows and gcp_types say what each member means."""

    @property
    def name(self) -> str:
        """The property that is made up when it is left out; empty where there is none."""
        ...

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What the real provider fills in when it is left out."""
        ...

    @property
    def unset(self) -> Mapping[str, Any]:
        """What stands where nothing is set."""
        ...

    @property
    def local(self) -> tuple[str, ...]:
        """Properties that the provider keeps to itself."""
        ...

    @property
    def handles(self) -> tuple[str, ...]:
        """Properties that functions take care of."""
        ...

    @property
    def volatile(self) -> tuple[str, ...]:
        """Outputs that an update changes."""
        ...


class Cloud(Protocol):
    """One cloud: its table of types, and what it does for the calls of the protocol."""

    @property
    def package(self) -> str:
        """The SDK's package, `aws` or `gcp`."""
        ...

    @property
    def tags(self) -> tuple[str, str]:
        """The property for a resource's own tags, and the one with the provider's among them."""
        ...

    @property
    def rows(self) -> Mapping[str, Row]:
        """The types by token."""
        ...

    @property
    def functions(self) -> Iterable[str]:
        """The tokens of the functions."""
        ...

    @property
    def default_tags(self) -> Mapping[str, str]:
        """The tags that every resource gets."""
        ...

    def refuse_config(self, config: Props) -> list[tuple[str, str]]:
        """(setting, reason) of what the provider's settings can't have."""
        ...

    def configure(self, config: Props) -> None:
        """Takes the provider's settings."""
        ...

    def refuse(self, kind: str, inputs: Props) -> list[tuple[str, str]]:
        """(property, reason) of what a resource can't have."""
        ...

    def replaces(self, kind: str, changed: set[str], inputs: Props) -> set[str]:
        """The changed properties that replace the resource."""
        ...

    def readable(self, kind: str, inputs: Props) -> set[str]:
        """The inputs that a read returns."""
        ...

    def place(self) -> dict[str, str]:
        """What the provider's settings say of where a resource is."""
        ...

    def identify(self, kind: str, key: str) -> tuple[str, Props]:
        """The id of what an import names, and the parameters in that name."""
        ...

    def create(
        self, kind: str, inputs: Props, tags: Props, partial: Callable[[str], None], /
    ) -> tuple[str, Props]:
        """Makes a resource: its id and its outputs; `partial` gets the id as soon as there is one."""
        ...

    def read(self, kind: str, key: str, state: Props) -> Props | None:
        """A resource's outputs, None where there is none."""
        ...

    def update(
        self, kind: str, key: str, old: Props, before: Props, inputs: Props, tags: Props, changed: set[str], /
    ) -> Props:
        """Changes a resource, and reads its outputs."""
        ...

    def delete(self, kind: str, key: str, state: Props) -> None:
        """Deletes a resource; what is gone already is no error."""
        ...

    def invoke(self, token: str, args: Props) -> Props:
        """What a function gives for its arguments."""
        ...
