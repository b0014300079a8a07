"""Where a life is lived: sandbox accounts and perhaps a Google project, or the embedded cloud in their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.live.answers import Recorder
from tests.live.google import Google

SHOWN: tuple[str, ...] = ("111111111111", "222222222222")  # the accounts that a recorded file shows
PROJECT_SHOWN = "sandbox-project"
PREFIX = "tributary-live-"  # of the names of all that is made; a clean-up goes by it


@dataclass
class Sandbox:
    """The accounts, by their ids, and how to get a client of one: `client(service, account)`."""

    client: Callable[..., Any]
    accounts: tuple[str, ...]
    region: str
    google: Google | None = None
    database: str = ""
    """An RDS instance of the first account that is there, of MySQL or MariaDB."""
    roles: Mapping[str, str] = field(default_factory=dict[str, str])
    """The role that a deployment assumes in an account, by the account's id."""
    functions: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What of `tributary:functions` differs from the program's defaults."""
    deploys: Callable[[str], Any] | None = None
    """The command line on a stack of this name, as `tests.cli.front.Front` is."""
    lake_formation: bool = False
    """Whether the first account's data lake has who runs this as an administrator, and no default that lets all in."""
    costly: bool = False
    """Whether what costs dollars an hour may be made."""

    @property
    def has(self) -> set[str]:
        """What a life may need of it."""
        return {
            need
            for need, there in {
                "second account": len(self.accounts) > 1,
                "google": self.google is not None,
                "database": bool(self.database),
                "pulumi": self.deploys is not None,
                "lake formation": self.lake_formation,
                "costly": self.costly,
            }.items()
            if there
        }


@dataclass
class Place:
    """A sandbox as a life sees it: `place(service)` is a recorded client of the first account."""

    sandbox: Sandbox
    name: str
    recorder: Recorder = field(init=False)
    clients: dict[tuple[str, str], Any] = field(default_factory=dict[tuple[str, str], Any])

    def __post_init__(self) -> None:
        shown = dict(zip(self.sandbox.accounts, SHOWN, strict=False))
        for name in (self.name, self.name.replace("-", "_")):
            shown[name] = name[: len(PREFIX)] + "name"
        if self.sandbox.google:
            shown |= {self.sandbox.google.project: PROJECT_SHOWN}
        self.recorder = Recorder(shown)

    def __call__(self, service: str, account: int = 0) -> Any:
        """A client in the account of this number, recorded."""
        key = (service, self.sandbox.accounts[account])
        if key not in self.clients:
            self.clients[key] = self.recorder.on(self.sandbox.client(*key))
        return self.clients[key]

    @property
    def google(self) -> Google:
        """The project's APIs, recorded."""
        assert self.sandbox.google is not None
        self.sandbox.google.recorder = self.recorder
        return self.sandbox.google

    def account(self, number: int = 0) -> str:
        """The id of the first account, or of the second."""
        return self.sandbox.accounts[number]

    def settle(self, question: str, answer: dict[str, Any], **relied: Any) -> None:
        """Writes down what the services do, and what of it the program relies on."""
        self.recorder.settle(question, answer, **relied)
