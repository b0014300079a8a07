"""The program through its front door: the `pulumi` command line on a copy of the project, against the embedded cloud.

The language host is the `pulumi-language-python` on PATH, as in Pulumi's own installation, else the one of the folder
FRONT_DOOR_PARTS (`language-host/`, `aws-bridge/`), for machines that can't have that installation. `missing` says what
there is not. Which providers run is a parameter:

    local   the project's own, which send each resource's calls to the embedded cloud
    real    HashiCorp's terraform-provider-aws, behind the bridge in FRONT_DOOR_PARTS; Google's are the project's own
    own     the plugins of Pulumi's own installation (`pulumi plugin install`): pulumi-aws and pulumi-gcp themselves

Nothing of the caller's accounts gets in: `local.stack.scrub`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local import cache, engine, opensearch
from local.stack import scrub

ROOT = Path(__file__).resolve().parents[2]
PARTS = Path(os.environ.get("FRONT_DOOR_PARTS") or os.devnull).resolve()
BINARY = re.compile(r"terraform-provider-aws_v[\d.]+(_x5)?")
PLACES = (Path("/opt"), Path("/usr/local"), Path("/usr/share"), Path.home() / ".terraform.d")
# Where Google's provider sends the requests of each product; all of them are one endpoint here.
GOOGLE = {
    "BIG_QUERY": "bigquery/v2/", "BIGQUERY_DATA_TRANSFER": "v1/", "STORAGE": "storage/v1/", "STORAGE_TRANSFER": "v1/",
    "IAM": "v1/", "IAM_BETA": "v1/", "PUBSUB": "v1/", "RESOURCE_MANAGER": "v1/", "SERVICE_USAGE": "v1/",
    "CLOUD_RESOURCE_MANAGER": "", "IAM_CREDENTIALS": "v1/", "COMPUTE": "compute/v1/",
}  # fmt: skip
PATIENCE = float(os.environ.get("FRONT_DOOR_PATIENCE", "900"))  # seconds for one command


def language_host() -> Path | None:
    """The folder of the language host, or None."""
    if installed := shutil.which("pulumi-language-python"):
        return Path(installed).parent
    beside = PARTS / "language-host"
    return beside if (beside / "pulumi-language-python").is_file() else None


def terraform_provider() -> str | None:
    """A terraform-provider-aws of this machine."""
    if given := os.environ.get("TFBRIDGE_PROVIDER"):
        return given
    for place in filter(Path.is_dir, PLACES):
        for provider in sorted(place.glob("**/terraform-provider-aws_v*")):
            if BINARY.fullmatch(provider.name) and os.access(provider, os.X_OK):
                return str(provider)
    return None


def too_old_for_ingestion() -> bool:
    """Whether terraform-provider-aws is of the 5 series, which has no `pipeline_role_arn` of an OpenSearch Ingestion
    pipeline: the bridge drops what it does not know, and the service refuses a pipeline without a role."""
    return "aws_v5." in (terraform_provider() or "")


def missing(providers: str) -> str | None:
    """What this machine lacks to run with these providers."""
    if language_host() is None:
        return "no pulumi-language-python on PATH or in FRONT_DOOR_PARTS: install Pulumi"
    if providers == "real":
        if not (PARTS / "aws-bridge").is_dir():
            return "no bridge to terraform-provider-aws in FRONT_DOOR_PARTS"
        if terraform_provider() is None:
            return "no terraform-provider-aws on this machine; TFBRIDGE_PROVIDER names one"
        for account in ("111111111111", "222222222222"):  # S3 Control has the account before its host
            try:
                socket.getaddrinfo(f"{account}.localhost", None)
            except OSError:
                return f"no address for {account}.localhost: write 127.0.0.1 for it into /etc/hosts"
    if providers == "own":
        for name in ("aws", "gcp"):
            if not any(home().glob(f"plugins/resource-{name}-v*")):
                return f"no pulumi-{name} in {home()}: pulumi plugin install resource {name}"
    return None


def home() -> Path:
    """Where the `pulumi` command line keeps its plugins and its log-in."""
    return Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")


def bridge_python() -> Path:
    """The interpreter of the bridge, with what it imports: made once, in the cache folder."""
    lock = Path(__file__).with_name("bridge.lock")
    made = cache.folder() / "judges" / f"bridge-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    with engine.locked(made.parent / ".lock", lambda: None):
        if not (made / "ready").exists():
            shutil.rmtree(made, ignore_errors=True)
            uv = [str(Path(sys.executable).parent / "uv")]
            subprocess.run([*uv, "venv", "-q", "--python", sys.executable, made], check=True)
            python = str(made / "bin" / "python")
            subprocess.run(
                [*uv, "pip", "install", "-q", "--require-hashes", "--python", python, "-r", lock], check=True
            )
            (made / "ready").touch()
    return made / "bin" / "python"


@dataclass
class Run:
    """What one command did: its events are the engine's own (`--event-log`)."""

    command: str
    code: int
    text: str
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def counts(self) -> dict[str, int]:
        """How many resources of each operation, as the last summary has it; nothing at zero."""
        summaries = [event["summaryEvent"] for event in self.events if "summaryEvent" in event]
        assert summaries, f"{self.command} came to no end:\n{self.failure}"
        return {op: count for op, count in summaries[-1]["resourceChanges"].items() if count}

    @property
    def changes(self) -> dict[str, str]:
        """`<type>::<name>` of what is not as it was -> the operation."""
        ended = [event["resOutputsEvent"]["metadata"] for event in self.events if "resOutputsEvent" in event]
        return {
            resource["urn"].split("::", 2)[2].rpartition("$")[2]: resource["op"]
            for resource in ended
            if resource["op"] not in ("same", "read", "refresh")
        }

    @property
    def failure(self) -> str:
        """What matters of the output: errors, else its end."""
        lines = self.text.splitlines()
        return "\n".join([line for line in lines if "error:" in line] or lines[-40:])


class Front:
    """A copy of the project in `work`, its embedded cloud, and the command line on one stack."""

    patience = PATIENCE

    def __init__(self, work: Path, stack: str, providers: str):
        self.work, self.stack, self.providers, self.steps = work, stack, providers, 0
        self.project = work / "project"
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file():
                (self.project / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.project / name)
        if not (self.project / ".venv").exists():
            (self.project / ".venv").symlink_to(Path(sys.prefix))
        (work / "state").mkdir(exist_ok=True)
        self.environment: dict[str, str] = self._environment() | {
            "PULUMI_HOME": str(home() if providers == "own" else work / "pulumi"),
            "PULUMI_BACKEND_URL": (work / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "front-door",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DEBUG_COMMANDS": "true",  # for --event-log
            "PULUMI_ERROR_OUTPUT_STRING": "1",
            "TRIBUTARY_PYTHON": sys.executable,
        }
        self.endpoint, self.gcp = self._start()
        host = language_host()
        assert host is not None
        path = [*self._providers(), str(engine.find().parent), str(host), str(Path(sys.executable).parent)]
        self.environment["PATH"] = os.pathsep.join([*path, os.environ["PATH"]])

    def _environment(self) -> dict[str, str]:
        environment = dict(os.environ)
        scrub(environment, self.work)
        return environment

    def _start(self) -> tuple[str, str]:
        """Starts the cloud: its endpoint, and Google's. A collection needs OpenSearch, which only a set-up brings."""
        opensearch.install()
        ports: list[str] = []
        for _ in range(2):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                ports.append(str(free.getsockname()[1]))
        command = [sys.executable, "-m", "local.cloud", "--port", ports[0], "--gcp-port", ports[1]]
        self.log = (self.work / "cloud.log").open("w")
        self.cloud = subprocess.Popen(
            [*command, "--state", str(self.work / "cloud")], cwd=self.project, text=True, env=self.environment,
            stdout=subprocess.PIPE, stderr=self.log,
        )  # fmt: skip
        assert self.cloud.stdout is not None
        for line in self.cloud.stdout:
            if line.startswith("{"):
                ready = json.loads(line)
                return ready["endpoint"], ready["gcp"]
        raise RuntimeError(f"the embedded cloud did not start:\n{(self.work / 'cloud.log').read_text()}")

    def _providers(self) -> list[str]:
        """What goes in front of PATH, and what the providers find in the environment."""
        own = self.project / "local" / "providers" / "bin"
        if self.providers != "own":
            self.environment |= {
                "TRIBUTARY_LOCAL_ENDPOINT": self.endpoint,
                "TRIBUTARY_LOCAL_GCP": self.gcp,
            }
        if self.providers == "local":
            return [str(own)]
        if self.providers == "real":
            python, google = bridge_python(), self.work / "google"
            google.mkdir()
            script = google / "pulumi-resource-gcp"
            script.write_text(f'#!/bin/sh\nexec "{own}/pulumi-resource-gcp" "$@"\n')
            script.chmod(0o755)
            (self.work / "bridge").mkdir()
            self.environment |= {
                "TFBRIDGE_PROVIDER": terraform_provider() or "",
                "TFBRIDGE_DIR": str(self.work / "bridge"),
                "TFBRIDGE_ENDPOINT": self.endpoint,
                "TFBRIDGE_PYTHON": str(python),
                "TFBRIDGE_TF_LOG": os.environ.get("TFBRIDGE_TF_LOG", "off"),
            }
            return [str(PARTS / "aws-bridge"), str(google), str(python.parent)]
        self.environment |= {
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": "111111111111", "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_S3_USE_PATH_STYLE": "true", "GOOGLE_OAUTH_ACCESS_TOKEN": "no-real-token",
            "PULUMI_GCP_SKIP_REGION_VALIDATION": "true",
        }  # fmt: skip
        self.environment |= {
            f"GOOGLE_{name}_CUSTOM_ENDPOINT": f"{self.gcp}/{path}" for name, path in GOOGLE.items()
        }
        return []

    def pulumi(self, *words: str, events: bool = False) -> Run:
        """Runs a command to its end; one that takes longer than `patience` is killed, with all that it started."""
        self.steps += 1
        out, log = (self.work / f"{self.steps:02}-{words[0]}.{end}" for end in ("log", "events"))
        command = ["pulumi", *words, "--stack", self.stack, "--non-interactive", "--color", "never"]
        command += ["--event-log", str(log)] if events else []
        with out.open("w") as to:
            process = subprocess.Popen(
                command, cwd=self.project, env=self.environment, stdin=subprocess.DEVNULL, stdout=to,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                code = process.wait(self.patience)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                code = 124
        event_log = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return Run(" ".join(words), code, out.read_text(), event_log)

    def ok(self, *words: str, events: bool = True) -> Run:
        """A command that must succeed; its run."""
        run = self.pulumi(*words, events=events)
        assert run.code == 0, f"pulumi {run.command} ended with {run.code}:\n{run.failure}"
        return run

    def state(self) -> list[dict[str, Any]]:
        """The resources in the stack's state."""
        exported = json.loads(self.ok("stack", "export", events=False).text)
        return exported["deployment"].get("resources") or []

    def stop(self) -> None:
        """Ends the cloud and closes its log."""
        self.cloud.send_signal(signal.SIGTERM)
        try:
            self.cloud.wait(self.patience)
        except subprocess.TimeoutExpired:
            self.cloud.kill()
            self.cloud.wait()
        self.log.close()
