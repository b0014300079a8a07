"""`python -m local.cloud --port P --state DIR [--gcp-port G]`: prints {"endpoint": ...} when ready; SIGTERM or SIGINT
stops it. The secret of the run is in TRIBUTARY_LOCAL_SECRET; without one, an account's requests are not checked, and
a warning says so. With G the local Google Cloud stands beside it and ends with it; its endpoint is the ready line's
`gcp`, and what functions find as GOOGLE_ENDPOINT."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from local import secret

from . import server


async def run(port: int, google: subprocess.Popen[str] | None) -> None:
    """Serves the cloud until a signal comes; prints the ready line once it and `google`, if given, answer."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def ready() -> None:
        line = {"endpoint": f"http://127.0.0.1:{port}"}
        if google and google.stdout:
            line["gcp"] = json.loads(google.stdout.readline())["endpoint"]
        print(json.dumps(line), flush=True)

    await server.serve(port, ready, stop)


def google_cloud(port: int, state: Path, aws: str, shared_secret: str | None) -> subprocess.Popen[str]:
    """Starts `local.gcp` at a port; its first line of output is its ready line. `given` is the run's secret, if any."""
    return subprocess.Popen(
        [sys.executable, "-m", "local.gcp", "--port", str(port), "--state", str(state), "--aws-endpoint", aws],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        env={**os.environ, **({secret.VARIABLE: shared_secret} if shared_secret else {})},
    )  # fmt: skip


def main() -> None:
    """Runs the cloud by the command line's arguments, and ends the process without waiting for ministack's threads."""
    parser = argparse.ArgumentParser(prog="python -m local.cloud", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--gcp-port", type=int)
    arguments = parser.parse_args()
    google, shared_secret = None, secret.taken(os.environ)
    if shared_secret is None:
        print(secret.WARNING, file=sys.stderr, flush=True)
    if arguments.gcp_port:  # started first: it loads while this does
        google = google_cloud(
            arguments.gcp_port, arguments.state / "gcp", f"http://127.0.0.1:{arguments.port}", shared_secret
        )
    server.prepare(arguments.port, arguments.state, shared_secret)
    if google:
        os.environ["GOOGLE_ENDPOINT"] = f"http://127.0.0.1:{arguments.gcp_port}"
    try:
        asyncio.run(run(arguments.port, google))
    finally:
        if google:
            google.terminate()
            google.wait(10)
    sys.stdout.flush()
    # ministack's pollers are daemon threads that may hold locks; the workers are gone already.
    os._exit(0)


if __name__ == "__main__":
    main()
