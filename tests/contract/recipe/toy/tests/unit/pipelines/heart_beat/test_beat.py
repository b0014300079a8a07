"""A beat is a line of JSON."""

import json
import sys

from tests.recording import ROOT

sys.path.insert(0, str(ROOT / "handlers" / "beat"))

from beats import beat


def test_a_beat_is_a_line_with_its_name_and_whole_seconds() -> None:
    text = beat("pulse", 12.9)
    assert text.endswith(b"\n") and json.loads(text) == {"beat": "pulse", "at": 12}
