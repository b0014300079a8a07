"""`python -m local.cloud --port P --state DIR`: prints {"endpoint": ...} when ready; SIGTERM or SIGINT stops it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from . import server


async def run(port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await server.serve(
        port, lambda: print(json.dumps({"endpoint": f"http://127.0.0.1:{port}"}), flush=True), stop
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.cloud", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    arguments = parser.parse_args()
    server.prepare(arguments.port, arguments.state)
    asyncio.run(run(arguments.port))
    sys.stdout.flush()
    # ministack's pollers are daemon threads that may hold locks; the workers are gone already.
    os._exit(0)


if __name__ == "__main__":
    main()
