"""The recorded previews (tests/cli/recordings.py makes them), as the tests read them."""

from pathlib import Path

from delivery.preview import Preview, read

HERE = Path(__file__).parent
RECORDED = HERE / "recorded"
NAMES = sorted(f"{file.parent.name}/{file.stem}" for file in RECORDED.glob("*/*.jsonl"))
"""`<stack>/<change>` of each."""


def text(name: str) -> str:
    """A recorded preview, as it was printed."""
    return (RECORDED / f"{name}.jsonl").read_text()


def recorded(name: str) -> Preview:
    """A recorded preview, read."""
    return read(name.partition("/")[0], text(name))
