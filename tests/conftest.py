"""What every tier of tests stands on: the project's root on the path, and Outputs in text as an error."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"
for folder in (ROOT, ROOT / "tests"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
