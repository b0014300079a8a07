"""`python -m local.cloud --port P --state DIR [--gcp-port G]`: prints {"endpoint": ...} when ready; SIGTERM or SIGINT
stops it. The secret of the run is in TRIBUTARY_LOCAL_SECRET; without one, an account's requests are not checked, and
a warning says so. With G the local Google Cloud stands beside it and ends with it; its endpoint is the ready line's
`gcp`, and what functions find as GOOGLE_ENDPOINT. Its process starts with the first connection to that port, which
waits for it: most stacks have nothing at Google."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from local import secret

from . import server


class Google:
    """The local Google Cloud at a port of loopback: a socket that listens, and the process that takes it over.
    `shared_secret` is the run's, if there is one.
    Source: https://man7.org/linux/man-pages/man3/sd_listen_fds.3.html, of services that start so"""

    def __init__(self, port: int, state: Path, aws: str, shared_secret: str | None):
        self.endpoint, self.socket = f"http://127.0.0.1:{port}", socket.create_server(("127.0.0.1", port))
        listener = str(self.socket.fileno())
        self.command = [sys.executable, "-m", "local.gcp", "--port", str(port), "--listener", listener,
                        "--state", str(state), "--aws-endpoint", aws]  # fmt: skip
        self.environment = {secret.VARIABLE: shared_secret} if shared_secret else {}
        self.process: subprocess.Popen[bytes] | None = None

    def start_when_called(self) -> None:
        """Has the running loop start the process when somebody connects."""
        asyncio.get_running_loop().add_reader(self.socket, self._start)

    def _start(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.process = subprocess.Popen(
            self.command, pass_fds=[self.socket.fileno()], env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self.socket.close()  # the process has it: whoever connects after its end is refused

    def stop(self) -> None:
        """Ends the process, if it was started."""
        self.socket.close()
        if self.process:
            self.process.terminate()
            self.process.wait(10)


async def run(port: int, google: Google | None) -> None:
    """Serves the cloud until a signal comes; prints the ready line once it answers, with the endpoint of `google`."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    line = {"endpoint": f"http://127.0.0.1:{port}"}
    if google:
        google.start_when_called()
        line["gcp"] = google.endpoint
    await server.serve(port, lambda: print(json.dumps(line), flush=True), stop)


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
    if arguments.gcp_port:
        aws = f"http://127.0.0.1:{arguments.port}"
        google = Google(arguments.gcp_port, arguments.state / "gcp", aws, shared_secret)
    server.prepare(arguments.port, arguments.state, shared_secret)
    if google:
        os.environ["GOOGLE_ENDPOINT"] = google.endpoint
    try:
        asyncio.run(run(arguments.port, google))
    finally:
        if google:
            google.stop()
    sys.stdout.flush()
    # ministack's pollers are daemon threads that may hold locks; the workers are gone already.
    os._exit(0)


if __name__ == "__main__":
    main()
