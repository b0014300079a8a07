"""Programs of people's own in other languages, with every component of the package, and the tools that run them.

`python -m tests.e2e.languages` puts the tools into the cache folder (3 to 14 minutes on 2 cores, so that no test begins
it; it needs Go, and Node.js with npm). Without them the tests are skipped, and say so. They are

- yaml/pulumi-language-yaml, Pulumi's language host for YAML (https://github.com/pulumi/pulumi-yaml), or one on
  PATH;
- typescript/sdk, which writes the TypeScript SDK with Pulumi's own generator (pkg/v3/codegen/nodejs, at the engine's
  version), and typescript/node_modules, the TypeScript compiler with Pulumi's SDK for Node.js.

go.sum and package-lock.json have the digest of whatever is downloaded for them.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from local import cache, engine

HERE = Path(__file__).parent
SOURCES = {
    "yaml": [HERE / "yaml" / "go.mod", HERE / "yaml" / "go.sum"],
    "typescript": [
        engine.GO / "go.mod",
        engine.GO / "go.sum",
        *(HERE / name for name in ("sdk.go", "package.json", "package-lock.json")),
    ],
}
YAML_HOST = "pulumi-language-yaml"
PREPARE = "python -m tests.e2e.languages"


def tools() -> Path:
    """The tools' folder; another one once their sources change."""
    sources = b"".join(path.read_bytes() for paths in SOURCES.values() for path in paths)
    return cache.folder() / "languages" / hashlib.sha256(sources).hexdigest()[:16]


def yaml_host() -> Path | None:
    """Pulumi's language host for YAML; None where nobody has installed or built one."""
    if on_path := shutil.which(YAML_HOST):
        return Path(on_path)
    built = tools() / "yaml" / YAML_HOST
    return built if built.exists() else None


def typescript() -> Path | None:
    """The folder of `sdk` and `node_modules`; None where nobody has prepared it."""
    return tools() / "typescript" if tools().exists() else None


def prepare() -> None:
    """Makes the tools' folder, unless it is there. Raises engine.EngineError where that can't be done."""
    tools().parent.mkdir(parents=True, exist_ok=True)
    with engine.locked(tools().parent / ".lock", lambda: None):
        if tools().exists():
            return
        with tempfile.TemporaryDirectory(dir=tools().parent) as scratch:
            made = Path(scratch, "tools")
            for name, paths in SOURCES.items():
                (made / name).mkdir(parents=True)
                for path in paths:
                    shutil.copyfile(path, made / name / path.name)
            go = engine.toolchain(lambda line: None)
            _run(
                made / "yaml", go, "build", "-o", YAML_HOST, f"github.com/pulumi/pulumi-yaml/cmd/{YAML_HOST}"
            )
            _run(made / "typescript", go, "build", "-o", "sdk", "sdk.go")
            _run(made / "typescript", "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            made.rename(tools())


def _run(folder: Path, *command: str | Path) -> None:
    env = {
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    lines: list[str] = []
    try:
        engine.run([*command], folder, 1800, env, lines.append)
    except (OSError, subprocess.SubprocessError) as error:
        raise engine.EngineError(f"{command[0]} failed: {' '.join(lines[-5:]) or error}") from error
