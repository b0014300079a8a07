"""`python -m local up|status|run|pause|resume|down`: a stack on the embedded cloud of this clone (Makefile).

`up` deploys the stack `local`, or with `--stack` another one as its `Pulumi.<stack>.yaml` is, with its account ids:
what that takes as it is, tables, streams and databases, is made before it. With `--role` each account is entered by its
role of that name, which has the policies that `python -m bootstrap <stack>` prints for one that deploys. A clone has
one stack up at a time: for another one a new cloud is started. The other commands are about the one that is up.

`up` ends with the table of what arrived where and exits with 1 when a row falls short, a resource fails, or
the cloud does not start. Where OpenSearch can't be had (it needs Java and, once, Maven's registry), the
pipelines into it are left out: their rows say so, and that is a 1 as well. Interrupted (also by SIGTERM or
SIGHUP), `up` exits with 130 and stops what this run has started; a cloud that an earlier, finished `up` left
running stays. `status` changes nothing, and exits with 1 where nothing runs; it has what `operate` says of any running
stack, and beside it what was sent. `run`, `pause` and `resume` are those of `operate`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]
from pulumi import RunError
from pulumi.automation import CommandError

from local import configured, engine, opensearch, samples, stand_ins
from local.background import Clone, CloudError
from local.garbage import collect_seldom
from local.samples import databases, declared_databases
from local.stack import NAME, LocalStack, StackFailed, file_of, running, scrub, unsaved
from operate import row
from operate.__main__ import SWITCHES, turn
from operate.outputs import Refused
from operate.status import status as status_of

ROOT = Path(__file__).resolve().parent.parent


def say(text: str) -> None:
    """A line on standard output, at once."""
    print(text, flush=True)


def up(clone: Clone, name: str = NAME, role: str = "") -> int:
    """Starts the cloud and the stack, sends data through it, and prints what arrived; the exit code. With `role` each
    account is entered by its role of that name."""
    began = time.monotonic()
    configured.copied(clone.root, name, role)  # that there is such a stack, before a cloud is started for it
    binary = engine.find(say)
    try:
        opensearch.install()
    except opensearch.Unavailable as reason:
        say(f"without OpenSearch: {reason}")
    with engine.locked(clone.folder / "lock", lambda: say("up: another make runs in this clone, waiting")):
        ready, finished = clone.running(), False
        if ready and unsaved(clone.folder).exists():
            say("cloud: an earlier `up` was killed before its state was written; a new cloud is started")
            engine.kill_in(unsaved(clone.folder).parent)
            ready = None
        if ready and running(clone.folder) != name:
            say(f"cloud: the stack {running(clone.folder)} is up; a new cloud is started for {name}")
            ready = None
        started = ready is None
        try:
            if ready is None:
                ready = clone.start()
            say(
                f"cloud: {'started' if started else 'running'} at {ready['endpoint']}, "
                "log in .tributary/cloud.log"
            )
            stack = LocalStack(clone.root, clone.folder, binary, ready, say, name, role)
            if any(
                account.chain or account.permissions_boundary for account in stack.settings.accounts.values()
            ):
                stand_ins.make_roles(ready["endpoint"], name, stack.settings, clone.root, ["deploy"])
            declared = samples.declared(stack.settings)
            databases.write(clone.folder / "cloud", declared_databases.of_stack(declared))
            stand_ins.make_adopted(ready["endpoint"], stack.settings)
            samples.before(samples.Cloud(ready["endpoint"], {}, declared=declared), stack.settings)
            outputs = stack.up() | {"not_run": samples.left_out(stack.not_run)}
            say(f"stack: up after {time.monotonic() - began:.1f} s; sending samples")
            cloud = samples.Cloud(ready["endpoint"], outputs, ready["gcp"], declared=declared)
            rows = samples.run(cloud, say)
            finished = True
        except Exception:
            finished = True  # the cloud stays, to be inspected; the next `up` goes on from there
            raise
        finally:
            if started and not finished:
                clone.stop()
        clone.write_outputs(outputs)
        print(f"\n{samples.report(rows)}\n")
        say(f"up: done in {time.monotonic() - began:.1f} s")
        return 0 if all(row.complete for row in rows) else 1


def cloud_of(clone: Clone) -> samples.Cloud | None:
    """The cloud and the stack that are up in the clone; None where nothing is."""
    ready, outputs = clone.running(), clone.outputs()
    if ready is None or outputs is None:
        return None
    name = running(clone.folder)
    settings = configured.read_file(file_of(clone.folder / "stack", name), clone.root)
    return samples.Cloud(
        ready["endpoint"], outputs, ready["gcp"], declared=samples.declared(settings), stack=name
    )


def status(clone: Clone, form: str) -> int:
    """Prints what arrived, as a table or as JSON; the exit code."""
    cloud = cloud_of(clone)
    if cloud is None:
        print("status: nothing is up in this clone; `make up` brings it up", file=sys.stderr)
        if form == "json":
            say("[]")
        return 1
    rows, now = samples.rows(cloud), status_of(cloud)
    if form == "json":
        say(json.dumps(beside(rows, now)))
    else:
        say(f"{samples.report(rows)}\n\n{row.report(now)}{row.dashboards(cloud.dashboards)}")
        say(
            f"\ncloud: {cloud.endpoint}, Google {cloud.gcp}; sign with an account's id and the secret "
            f"`ready.secret` of {clone.record.relative_to(clone.root)} (docs/local.md, 'Who can reach it')"
        )
    return 0 if all(row.complete for row in rows) else 1


def beside(rows: Sequence[samples.Row], running: Sequence[row.TableStatus]) -> list[dict[str, Any]]:
    """What the samples say of each table, and beside it what any running stack says of it."""
    known = {(each.pipeline, each.table): each.as_json() for each in running}
    listed = [each.as_json() | known.pop((each.pipeline, each.table), {}) for each in rows]
    # What concerns a pipeline as a whole was sent by nobody.
    unsent = dict.fromkeys(samples.Row.COLUMNS)
    return listed + [unsent | of_pipeline for of_pipeline in known.values()]


def switch(clone: Clone, command: str, pipeline: str) -> int:
    """Runs, pauses or resumes a pipeline of what is up; the exit code."""
    cloud = cloud_of(clone)
    if cloud is None:
        print(f"{command}: nothing is up in this clone; `make up` brings it up", file=sys.stderr)
        return 1
    return turn(cloud, command, pipeline)


def down(clone: Clone) -> int:
    """Stops what runs and takes `.tributary/` away; the exit code."""
    if clone.folder.exists():
        with engine.locked(
            clone.folder / "lock", lambda: say("down: another make runs in this clone, waiting")
        ):
            say(
                "down: "
                + ("the embedded cloud is stopped" if clone.stop() else "no embedded cloud was running")
            )
            shutil.rmtree(clone.folder, ignore_errors=True)
    return 0


def interrupt(number: int, frame: FrameType | None) -> Any:
    """Turns a signal into KeyboardInterrupt, so that what was begun is stopped."""
    for again in (signal.SIGTERM, signal.SIGHUP):  # once is enough: stopping is under way
        signal.signal(again, signal.SIG_IGN)
    raise KeyboardInterrupt


def again(lost: sys.UnraisableHookArgs) -> None:
    """Interrupts once more where an interrupt came in a place that can't raise it, such as the callback of a weak
    reference, of which each import has one: Python prints it there, and the command would go on.
    Source: https://docs.python.org/3/library/sys.html#sys.unraisablehook"""
    if lost.exc_type is KeyboardInterrupt:
        # This is the main thread: no other one is interrupted.
        after = threading.Timer(0.01, signal.pthread_kill, (threading.get_ident(), signal.SIGINT))
        after.daemon = True
        after.start()
    else:
        sys.__unraisablehook__(lost)


def main() -> int:
    """Runs a command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=("up", "status", "down", *SWITCHES))
    parser.add_argument("pipeline", nargs="?", default="", help="of run, pause and resume")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="of status")
    parser.add_argument("--stack", default=NAME, help="of up: whose Pulumi.<stack>.yaml is deployed")
    parser.add_argument(
        "--role", default="", help="of up: the role's name in each account, instead of the config's"
    )
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    sys.unraisablehook = again
    clone = Clone(ROOT)
    os.chdir(ROOT)
    scrub(os.environ, clone.folder)
    collect_seldom()
    try:
        if arguments.command == "up":
            return up(clone, arguments.stack, arguments.role)
        if arguments.command in SWITCHES:
            return switch(clone, arguments.command, arguments.pipeline)
        return status(clone, arguments.format) if arguments.command == "status" else down(clone)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except StackFailed as error:
        print(f"{arguments.command}: the stack can't be deployed: {error}", file=sys.stderr)
    except (engine.EngineError, CloudError, samples.SampleError, Refused, RunError, ClientError) as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
    except CommandError as error:
        # What it printed to its standard output has been shown already.
        print(
            f"{arguments.command}: the engine failed {str(error).rpartition(' stderr: ')[2]}", file=sys.stderr
        )
    return 1


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Pulumi's threads of a program that was interrupted wait for an engine that is gone.
    os._exit(code)
