"""The repository's program on a real Pulumi engine, as one of its stacks, against the embedded cloud.

`__main__.py` runs as an inline program of Pulumi's Automation API in this process, so no language plugin is
needed. The workspace is `.tributary/stack/`: copies of `Pulumi.yaml` and `Pulumi.<stack>.yaml` (Pulumi writes
into them, and git must stay clean) and the state as plain files. The passphrase is empty: the stack holds
no secret of anybody. The engine writes the state once, at its end, also when it fails or is interrupted: to write the
whole of it after each resource, as it does by itself, is half of its work. As long as it is not written the file
`unsaved` is there; the next `up` then begins with a new cloud.

What depends on the machine is overridden in the copy: functions run on the host's own architecture and
interpreter, and pipelines into OpenSearch are left out where there is none, with those that take their collections.

Nothing of the caller's accounts gets in: see `scrub`. Raises `StackFailed` when `up` fails, and
`pulumi.automation.CommandError` when another command of the engine does.
Source: https://www.pulumi.com/docs/iac/automation-api/
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import runpy
import shutil
import sys
from collections.abc import Callable, Generator, Iterable, Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation

from local import cache, configured, engine, opensearch, taken

NAME = "local"
# Variables by which a client or Pulumi finds somebody's accounts, credentials, proxies, or other settings.
PRIVATE = ("AWS_", "AMAZON_", "GOOGLE_", "GCLOUD_", "GCP_", "CLOUDSDK_", "AZURE_", "ARM_", "BOTO_",
           "PULUMI_", "TF_", "TRIBUTARY_LOCAL_")  # fmt: skip
# A line of the engine that another one follows up: a resource is reported when it is done.
UNDER_WAY = re.compile(r"^@ |ing( \(\d+s\))?(\x1b\[\d*m| )*$")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def scrub(environment: MutableMapping[str, str], run: Path) -> None:
    """Takes every real credential out of the environment, and the ways to the files that hold some."""
    for name in list(environment):
        if name.upper().startswith(PRIVATE) or name.upper() in PROXIES:
            del environment[name]
    nowhere = str(run / "no-credentials")
    environment.update(
        {
            "AWS_CONFIG_FILE": nowhere,
            "AWS_SHARED_CREDENTIALS_FILE": nowhere,
            "AWS_EC2_METADATA_DISABLED": "true",
            "BOTO_CONFIG": nowhere,
            "CLOUDSDK_CONFIG": nowhere,
            "GCE_METADATA_HOST": "127.0.0.1:9",  # the discard port: nobody listens
            "NO_GCE_CHECK": "true",
        }
    )


@contextlib.contextmanager
def uncollected() -> Generator[None, None, None]:
    """Keeps the garbage collector still while a program runs: the providers' SDKs are hundreds of thousands of objects
    that never go, and going through them again and again is a third of the program's time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def of_the_program() -> list[str]:
    """The modules of the program that are imported, by their names."""
    return [name for name in sys.modules if name == "components" or name.startswith("components.")]


@contextlib.contextmanager
def imported_before() -> Generator[None, None, None]:
    """Puts the program's modules back that were there before it ran and imported them anew: what was read with their
    classes, such as the arguments of the pipelines, is of no class of the new ones."""
    before = {name: sys.modules[name] for name in of_the_program()}
    try:
        yield
    finally:
        for name in of_the_program():
            del sys.modules[name]
        sys.modules.update(before)


class Workspace(automation.LocalWorkspace):
    """A workspace whose outputs are read by one command of Pulumi's, not by one for secrets and one for the rest."""

    def select_stack(self, stack_name: str) -> None:
        """Runs nothing: every command is started with the stack's name. Raises StackNotFoundError where the workspace
        has no state of it."""
        stacks = Path(self.work_dir, "state", ".pulumi", "stacks")
        if not any(stacks.rglob(f"{stack_name}.json")):
            raise automation.StackNotFoundError(
                automation.CommandResult("", f"no {stack_name} in {stacks}", 1)
            )

    def stack_outputs(self, stack_name: str) -> automation.OutputMap:
        """The outputs in plain text: nothing here is a secret of anybody."""
        command = ["stack", "output", "--json", "--show-secrets", "--stack", stack_name]
        printed = self.pulumi_command.run(command, self.work_dir, dict(self.env_vars)).stdout
        values: dict[str, Any] = json.loads(printed)
        return {name: automation.OutputValue(value, secret=False) for name, value in values.items()}


def succeeded(show_secrets: bool = True) -> automation.UpdateSummary:
    """What the history would say of an operation, of which nobody reads more: one that fails raises before."""
    now = datetime.now(UTC)
    return automation.UpdateSummary("", now, "", {}, {}, "succeeded", now)


NOISE = re.compile(r"update failed|Program failed|an unhandled error occurred|Exception calling application")


class StackFailed(RuntimeError):
    """The engine did not bring the stack up; the message has its errors, without what they were raised by."""


def errors(lines: Iterable[str]) -> list[str]:
    """The errors among the lines that an engine prints, each once, with the errors of a config that go on below it."""
    listed: list[str] = []
    open_block = False
    for line in lines:
        _, is_error, text = line.partition("error: ")
        if is_error:
            text = text.removeprefix("python inline source runtime error: ").strip()
            open_block = text.endswith(":")
            if not NOISE.search(text) and text not in listed:
                listed.append(text)
        elif open_block and line.startswith("      ") and listed:
            listed[-1] += f" {line.strip()}"
        else:
            open_block = False
    return listed


def unsaved(run: Path) -> Path:
    """The file that is there where the engine did not come to write the stack's state."""
    return run / "stack" / "unsaved"


def file_of(work: Path, name: str) -> Path:
    """The copy of a stack's config in a workspace."""
    return work / f"Pulumi.{name}.yaml"


def running(run: Path) -> str:
    """The stack that the workspace is of."""
    return next((path.name.split(".")[1] for path in (run / "stack").glob("Pulumi.*.yaml")), NAME)


class LocalStack:
    """A stack of the clone at `root`, its workspace in `run`; `ready` is the cloud's ready line. With `role` each
    account is entered by its role of that name. Raises Refused where the config is wrong, or there is no such stack."""

    def __init__(
        self,
        root: Path,
        run: Path,
        binary: Path,
        ready: Mapping[str, Any],
        say: Callable[[str], None] = print,
        name: str = NAME,
        role: str = "",
    ):
        self.root, self.say, self.name = root, say, name
        self.printed: list[str] = []  # by the engine
        self.not_run: dict[str, tuple[Mapping[str, Any], str]] = {}  # by name, its config and why
        work = run / "stack"
        (work / "state").mkdir(parents=True, exist_ok=True)
        # Its holder is dead: this clone's lock is ours.
        shutil.rmtree(work / "state" / ".pulumi" / "locks", ignore_errors=True)
        self._config(work, role)
        path = [
            str(root / "local" / "providers" / "bin"),
            str(Path(sys.executable).parent),
            os.environ["PATH"],
        ]
        environment = {
            "PATH": os.pathsep.join(path),
            "TRIBUTARY_PYTHON": sys.executable,  # what the providers run on
            "PULUMI_HOME": str(cache.folder() / "pulumi"),
            "PULUMI_BACKEND_URL": (work / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # https://github.com/pulumi/pulumi/releases/tag/v3.40.1
            "PULUMI_EXPERIMENTAL": "true",
            "PULUMI_SKIP_CHECKPOINTS": "true",
            # A provider that is not ours would be downloaded, and would then talk to the real service.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # An output used as text is an error here, not a sentence in somebody's resource name.
            "PULUMI_ERROR_OUTPUT_STRING": "1",
            **{f"TRIBUTARY_LOCAL_{key.upper()}": str(value) for key, value in ready.items()},
        }
        os.environ.update(environment)
        self.unsaved, self.engine = unsaved(run), engine.Engine(binary)
        workspace = Workspace(
            work_dir=str(work),
            program=self._program,
            pulumi_home=environment["PULUMI_HOME"],
            env_vars=environment,
            pulumi_command=self.engine,
        )
        self.stack = automation.Stack.create_or_select(name, workspace)
        self.stack.info = succeeded  # else a command more of Pulumi's, its history, after each operation

    def _config(self, work: Path, role: str) -> None:
        shutil.copyfile(self.root / "Pulumi.yaml", work / "Pulumi.yaml")
        settings = configured.copied(self.root, self.name, role)
        copied = file_of(work, self.name)
        if copied.exists():
            before: dict[str, Any] = yaml.safe_load(copied.read_text()) or {}
            if salt := before.get("encryptionsalt"):
                settings["encryptionsalt"] = salt
        self.config: dict[str, Any] = settings["config"]
        copied.write_text(configured.text(settings))
        self.settings = configured.read_file(copied, self.root)
        if left_out := self._left_out():
            pipelines: dict[str, Any] = self.config["tributary:pipelines"]
            self.not_run |= {name: (pipelines.pop(name), why) for name, why in left_out.items()}
            copied.write_text(configured.text(settings))
            self.settings = configured.read_file(copied, self.root)

    def _left_out(self) -> dict[str, str]:
        """Why pipelines can't run here, by their names."""
        why, left_out = opensearch.unavailable(), taken.left_out(self.settings)
        for name, pipeline in self.settings.pipelines.items():
            if why and pipeline.kind in opensearch.KINDS:
                left_out[name] = why
        return left_out

    def _program(self) -> None:
        """Runs `__main__.py` from scratch, as `pulumi up` would: a second run imports anew."""
        for name in of_the_program():
            del sys.modules[name]
        if str(self.root) not in sys.path:
            sys.path.insert(0, str(self.root))
        runpy.run_path(str(self.root / "__main__.py"), run_name="__main__")

    def up(self) -> dict[str, Any]:
        """Creates or updates everything; the stack's outputs."""
        with uncollected(), imported_before(), self._state_written():
            try:
                done = self.stack.up(**self._output(), suppress_outputs=True)
            except automation.CommandError as error:
                of_its_own = str(error).rpartition(" stderr: ")[2].strip()
                raise StackFailed("; ".join(errors(self.printed)) or of_its_own) from error
        return {name: output.value for name, output in done.outputs.items()}

    def preview(self) -> dict[str, int]:
        """How many resources `up` would create, update, replace, delete, and leave the same."""
        with uncollected(), imported_before():
            done = self.stack.preview(**self._output())
        return {getattr(op, "value", op): count for op, count in done.change_summary.items()}

    def destroy(self) -> None:
        """Takes all of the stack's resources away."""
        with self._state_written():
            self.stack.destroy(**self._output())

    @contextlib.contextmanager
    def _state_written(self) -> Generator[None, None, None]:
        """Says so in the workspace as long as what the engine does is in no state yet."""
        self.unsaved.touch()
        try:
            yield
        finally:
            if not self.engine.killed:
                self.unsaved.unlink(missing_ok=True)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs by name."""
        return {name: output.value for name, output in self.stack.outputs().items()}

    def _output(self) -> dict[str, Any]:
        # The engine writes to a pipe and would never color by itself.
        def each(line: str) -> None:
            self.printed.append(line)
            if not UNDER_WAY.search(line):
                self.say(line)

        return {"on_output": each, "color": "always" if sys.stdout.isatty() else "never"}
