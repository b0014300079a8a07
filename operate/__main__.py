"""`python -m operate status|run|pause|resume <stack> [pipeline]`: see the package.

`status` exits with 1 where something is failing or can't be read; a pipeline that is paused, or has carried nothing
yet, is no failure.
"""

import argparse
import sys
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs] - has none

from operate import row, switches
from operate.entering import GoogleError, deployed
from operate.outputs import Cloud, Refused
from operate.status import status

ROOT = Path(__file__).resolve().parent.parent
SWITCHES = {"run": switches.run, "pause": switches.pause, "resume": switches.resume}


def main() -> int:
    """Runs a command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m operate", description=__doc__)
    parser.add_argument("command", choices=("status", *SWITCHES))
    parser.add_argument("stack")
    parser.add_argument("pipeline", nargs="?", default="", help="of run, pause and resume")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="of status")
    parser.add_argument("--role", default="", help="the role's name in each account, instead of the config's")
    parser.add_argument(
        "--google-account", default="", help="the service account's e-mail, to call Google as it"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    arguments = parser.parse_args()
    try:
        cloud = deployed(arguments.root, arguments.stack, arguments.role, arguments.google_account)
        if arguments.command == "status":
            return show(cloud, arguments.format)
        return turn(cloud, arguments.command, arguments.pipeline)
    except (Refused, GoogleError, ClientError, BotoCoreError) as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
        return 1


def show(cloud: Cloud, form: str) -> int:
    """Prints what arrived, as a table or as JSON; the exit code."""
    rows = status(cloud)
    print(row.as_json(rows) if form == "json" else row.report(rows))
    if form != "json" and (named := row.dashboards(cloud.dashboards)):
        print(named)
    return 0 if all(each.well for each in rows) else 1


def turn(cloud: Cloud, command: str, pipeline: str) -> int:
    """Runs, pauses or resumes a pipeline, and prints what it did; the exit code. Raises Refused."""
    if not pipeline:
        raise Refused(f"which pipeline? PIPELINE=<one of {', '.join(sorted(cloud.pipelines)) or 'none'}>")
    print("\n".join(SWITCHES[command](cloud, pipeline)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
