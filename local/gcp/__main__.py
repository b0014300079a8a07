"""`python -m local.gcp --port P [--listener FD] --state DIR --aws-endpoint URL`: prints {"endpoint": ...} when ready;
SIGTERM or SIGINT stops it. FD is a socket that listens at P already. The secret of the run, which is callers' bearer
token, is in TRIBUTARY_LOCAL_SECRET; without one everybody may call."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from local import secret


async def run(arguments: argparse.Namespace, shared_secret: str | None) -> None:
    """Serves until SIGTERM or SIGINT and prints the ready line; `shared_secret` is the run's, if it has one."""
    with contextlib.redirect_stdout(
        sys.stderr
    ):  # bqemulator logs while it is imported; stdout is for the ready line
        from local.gcp.server import serve  # reads the environment that `main` has put in order

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(
        arguments.port,
        arguments.state,
        arguments.aws_endpoint,
        lambda endpoint: print(json.dumps({"endpoint": endpoint}), flush=True),
        stop,
        shared_secret,
        arguments.listener,
    )


def main() -> None:
    """Reads the command line, takes the host's credentials and proxies out of the environment, serves, and exits."""
    parser = argparse.ArgumentParser(prog="python -m local.gcp", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--listener", type=int)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--aws-endpoint", required=True)
    arguments = parser.parse_args()
    if not arguments.aws_endpoint.startswith(("http://127.0.0.1:", "http://localhost:")):
        parser.error(
            f"--aws-endpoint {arguments.aws_endpoint!r} is not on loopback; the local cloud never signs for another"
        )
    for name in [
        n for n in os.environ if n.startswith(("AWS_", "BQEMU_", "GOOGLE_")) or n.lower().endswith("_proxy")
    ]:
        del os.environ[name]  # nothing of the host's credentials, and nothing between loopback and here
    os.environ |= {
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    os.umask(0o077)
    arguments.state.mkdir(parents=True, exist_ok=True)
    arguments.state.chmod(0o700)
    asyncio.run(run(arguments, secret.taken(os.environ)))
    sys.stdout.flush()
    os._exit(0)  # transfers still running are daemon threads that may hold locks


if __name__ == "__main__":
    main()
