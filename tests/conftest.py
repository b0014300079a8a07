"""What every tier of tests stands on: the project's root on the path, and an Output in text as an error."""

import os
import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)
