"""Serves the package to the engine; started by Pulumi's Python runtime with this folder and the engine's address."""

import sys
from pathlib import Path

from pulumi.provider import main

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))  # the repository's root

from components.plugin import provider

if __name__ == "__main__":
    main(provider(), sys.argv[1:])
