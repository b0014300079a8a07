"""The policy pack's own environment, made once in the cache folder: its packages are not the program's."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACK = Path(__file__).resolve().parent.parent / "policy"
CACHE = Path(os.environ.get("TRIBUTARY_CACHE", Path.home() / ".cache" / "tributary"))


def environment() -> str:
    """The interpreter that the pack runs under; skips where the environment can't be made."""
    wanted = f"{sys.version_info[:3]} {(PACK / 'requirements.lock').read_text()}"
    made = CACHE / "policy-pack" / hashlib.sha256(wanted.encode()).hexdigest()[:12]
    python, ready = made / "bin" / "python", made / "ready"
    if not ready.exists():
        try:
            for command in (
                [sys.executable, "-m", "venv", "--clear", made],
                [
                    python,
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--require-hashes",
                    "-r",
                    PACK / "requirements.lock",
                ],
            ):
                subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
        except (subprocess.SubprocessError, OSError) as error:
            why = getattr(error, "stderr", None) or error
            pytest.skip(f"the policy pack was not tested: its environment can't be made: {why}")
        ready.touch()
    return str(python)
