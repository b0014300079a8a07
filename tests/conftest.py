"""What every tier of tests stands on: the project's root on the path, and an Output in text as an error."""

import importlib
import logging
import os
import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"
SHARED = str(Path(ROOT, "components", "shared"))  # a bundle has these modules beside the handler's own
for place in (SHARED, ROOT):
    if place not in sys.path:
        sys.path.insert(0, place)

pytest_plugins = ["tests.order"]

sdk = importlib.import_module("tests.sdk")  # by name, as the path is set above
sdk.make_cheaper()

# A refused program leaves futures whose error nobody reads, and asyncio logs its traceback when they are
# collected, at any moment. Before Python 3.11.8 that fails the parser, pytest's among them, if it is at work just then
# (https://github.com/python/cpython/issues/106905). The tests read the error itself.
logging.getLogger("asyncio").setLevel(logging.CRITICAL)
