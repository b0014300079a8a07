"""Questions that only a real account or project answers."""

import sys
from pathlib import Path

# A handler's module imports the shared ones as its bundle has them: beside it.
sys.path.append(str(Path(__file__).resolve().parents[2] / "components" / "shared"))
