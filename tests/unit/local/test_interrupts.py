"""An interrupt of `python -m local` ends it, wherever in the program it comes."""

import subprocess
import sys
from pathlib import Path

from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[3]
# An object that is interrupted while it goes: Python prints the KeyboardInterrupt there and goes on.
PROGRAM = """
import signal, sys, time
from local import __main__ as local

class Going:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def up(*_):
    Going()
    time.sleep(seconds)
    return 0

seconds, sys.argv, local.up = float(sys.argv[1]), ["local", "up"], up
sys.exit(local.main())
"""


def test_an_interrupt_that_comes_where_python_cannot_raise_it_ends_the_command_still() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(PATIENCE)], cwd=ROOT, capture_output=True, text=True,
                          timeout=2 * PATIENCE, check=False)  # fmt: skip
    assert (done.returncode, done.stderr.splitlines()[-1]) == (130, "interrupted")
