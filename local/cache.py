"""The cache: the one folder outside the clone that anything is written to, which outlives it.

It is `$TRIBUTARY_CACHE`, else `$XDG_CACHE_HOME/tributary`, else `~/.cache/tributary`, where bundles lie, too
(components/bundling/bundles.py). Source: https://specifications.freedesktop.org/basedir-spec/latest/
"""

import os
from pathlib import Path


def folder() -> Path:
    """Its path, which may not be there yet."""
    if chosen := os.environ.get("TRIBUTARY_CACHE"):
        return Path(chosen).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").resolve() / "tributary"
