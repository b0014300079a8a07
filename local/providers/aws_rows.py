"""A row of the AWS table, what its functions get, and what they raise. aws.py says what a row means."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from .values import Props

if TYPE_CHECKING:
    from .aws import Aws

Step = str | Callable[["Call"], Props | None]  # an operation's name, or a function of a Call
MISSING = re.compile(r"NotFound|NoSuch|NonExistent|DoesNotExist|^404$")


@dataclass(frozen=True)
class Member:
    """The member of an answer that has the resource; without a name the whole answer has it."""

    name: str = ""

    def of(self, answer: dict[str, Any], state: Mapping[str, Any]) -> Any:
        """What the answer has there; nothing where it lacks the member."""
        return (answer.get(self.name) or {}) if self.name else answer


@dataclass(frozen=True)
class Entry:
    """The entry of a list in an answer whose member is the resource's property: `Aliases` by `AliasName`, `name`."""

    entries: str
    member: str
    prop: str

    def of(self, answer: dict[str, Any], state: Mapping[str, Any]) -> Any:
        """The entry. Raises Missing where the list has none."""
        for entry in answer.get(self.entries) or ():
            if str(entry.get(self.member)) == str(state.get(self.prop)):
                return entry
        raise Missing(self.entries)


Place = Member | Entry
WHOLE = Member()


@dataclass(frozen=True)
class Row:
    """A type of pulumi-aws: the steps that make, read, change and delete one, and what differs from the API's names."""

    service: str
    create: tuple[Step, ...]
    read: tuple[Step, ...]
    update: tuple[Step, ...] = ()
    delete: tuple[Step, ...] = ()
    id: str = "{name}"
    """A pattern over the state; the properties that it names identify the resource."""
    name: str = ""
    """The property that gets a generated name when it is left out."""
    names: tuple[str, str] = ("", "")
    """A pattern that a name must match, and the same in words."""
    paths: Mapping[str, str] = field(default_factory=dict[str, str])
    result: Mapping[str, Place] = field(default_factory=dict[str, Place])
    """Operation -> where the resource is in its answer."""
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Members of a request that are always the same."""
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Property -> what it becomes when it is taken away."""
    local: tuple[str, ...] = ()
    """Properties that the provider keeps to itself."""
    keys: tuple[str, ...] = ()
    """Properties that identify the resource, besides those of the id."""
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Property -> what the real provider fills in when it is left out."""
    replace: tuple[str, ...] = ()
    """Properties that replace the resource, besides those that no update operation takes."""
    forces: Callable[[set[str], Props], set[str]] | None = None
    """(changed properties, inputs) -> those that replace the resource, where that depends on the values."""
    sparse: tuple[str, ...] = ()
    """Update operations that take changed properties only."""
    read_by_function: tuple[str, ...] = ()
    """Properties that `after` or a function reads."""
    withheld: tuple[str, ...] = ()
    """Properties that the service never returns, whatever its model has."""
    handles: tuple[str, ...] = ()
    """Properties that the functions among the steps take care of."""
    lookup: Callable[[Any, str], str] | None = None
    """(client, name) -> the id, where a function names it."""
    untag: str = ""
    imported: tuple[str, str] = ("", "")
    """The id of an import where it is another one, and the id made of its parts."""
    unset: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Property -> its value where nothing is set: no import states it (values.without), and no diff sees it."""
    volatile: tuple[str, ...] = ()
    """Outputs that an update changes."""
    ready: tuple[str, str] | None = None
    """(member, value) that the first read must show."""
    before: Callable[[Props], Props] = dict[str, Any]
    """Reshapes inputs for the API."""
    after: Callable[[Props, Props], Props] = lambda data, state: data
    """(answer, state) -> the answer reshaped as properties."""

    @property
    def identity(self) -> list[str]:
        """The properties that say which resource is meant: those in the id, then `keys`."""
        return [*re.findall(r"{(\w+)}", self.id), *self.keys]


@dataclass
class Call:
    """What a function among a row's steps gets."""

    cloud: "Aws"
    row: Row
    client: Any
    state: Props  # inputs with their outputs, `id` and tags
    old: Props  # the state before the update, else empty
    changed: set[str]
    removed: set[str] = field(default_factory=set[str])  # what the inputs don't say any more


class Missing(Exception):
    """A function among the steps found that the resource isn't there."""


class Refused(Exception):
    """The provider says no, with a sentence for the user."""


def loopback(variable: str) -> str:
    """The endpoint in an environment variable. Refused unless its host is 127.0.0.1 or ::1."""
    endpoint = os.environ.get(variable, "")
    if urlsplit(endpoint).hostname not in ("127.0.0.1", "::1"):
        raise Refused(
            f"{variable} is {endpoint!r}: the local provider speaks to http://127.0.0.1:<port> only"
        )
    return endpoint


def is_missing(error: Exception) -> bool:
    """Whether an error means that the resource isn't there: Missing, or a service's code like NoSuchBucket or 404."""
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    return isinstance(error, Missing) or bool(MISSING.search(code))


def imported(forms: tuple[str, str], key: str, where: Mapping[str, str]) -> tuple[str, Props]:
    """The id that an import's name stands for, and the parameters in that name: `forms` are a row's `imported`."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(forms[0]))
    match = re.fullmatch(pattern, key)
    if not match:
        raise Refused(f"{key!r} is not an id of the form {forms[0]}")
    return forms[1].format_map({**where, **match.groupdict()}), match.groupdict()
