"""Writes schema.json, the package's schema: `python -m components.plugin.schema`."""

import json
from pathlib import Path

from components.plugin import provider

FILE = Path(__file__).with_name("schema.json")


def text() -> str:
    """The schema as the plugin answers it to the engine, indented."""
    return json.dumps(json.loads(provider().schema or "{}"), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
