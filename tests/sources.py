"""The project's own modules, for tests that read all of them: without the environments that `make` or Pulumi put beside
them (policy/venv, components/plugin/venv)."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def modules(folder: str, pattern: str = "*.py") -> list[Path]:
    """The modules below a folder of the project, in order."""
    return [
        path for path in sorted((ROOT / folder).rglob(pattern)) if "venv" not in path.relative_to(ROOT).parts
    ]
