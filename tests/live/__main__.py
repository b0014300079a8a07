"""Lives every life in somebody's sandbox, records what the services answered, and destroys everything.

    .venv/bin/python -m tests.live sandbox.yaml               what is to be made, what it costs, "yes", and then it runs
    .venv/bin/python -m tests.live sandbox.yaml --costly      OpenSearch Serverless, too
    .venv/bin/python -m tests.live sandbox.yaml --only pool   one of them
    .venv/bin/python -m tests.live sandbox.yaml --clean-up    what a run that was killed has left

The form of the file is in `tests/live/sandbox_file.py`. Ends with 1 where a life failed, where a service does not do
what the program relies on, or where something is left.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.live import answers, command_line, stacks, sweep, sweep_google
from tests.live.every import LIVES
from tests.live.place import Sandbox
from tests.live.sandbox import record
from tests.live.sandbox_file import NotASandbox, SandboxFile


def main(
    words: Sequence[str], answer: Callable[[str], str] = input, sandbox: Sandbox | None = None,
    folder: Path = answers.FOLDER, say: Callable[[str], None] = print,
) -> int:  # fmt: skip
    """The exit code. `sandbox` is how the file's accounts are reached, where not by the caller's credentials."""
    parser = argparse.ArgumentParser(prog="python -m tests.live", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, help="the sandboxes, as tests/live/sandbox_file.py has it")
    parser.add_argument("--only", nargs="+", choices=LIVES, metavar="LIFE", help=f"of {', '.join(LIVES)}")
    parser.add_argument(
        "--costly", action="store_true", help="with what costs dollars an hour: OpenSearch Serverless"
    )
    parser.add_argument(
        "--clean-up", action="store_true", help="delete what an earlier run has left, and nothing else"
    )
    parser.add_argument("--yes", action="store_true", help="do not wait for a yes")
    given = parser.parse_args(words)
    try:
        file = SandboxFile.read(given.file)
        place = sandbox or file.sandbox()
    except NotASandbox as error:
        say(f"refused: {error}")
        return 1
    if given.costly:
        place.costly = True
    if given.clean_up:
        return clean_up(place, say, lambda: given.yes or agreed(answer))
    lives, missing = chosen(place, given.only)
    say(plan(place, lives, missing))
    if not (given.yes or agreed(answer)):
        say("nothing was made")
        return 1
    broken = [name for name in lives if not lived(name, place, folder, say)]
    still = remaining(place)
    say("\n".join(["left, see --clean-up:", *still]) if still else "nothing is left")
    if broken:
        say(f"not as it should be: {', '.join(broken)}")
    return 1 if broken or still else 0


def agreed(answer: Callable[[str], str]) -> bool:
    """Whether the person at the keyboard lets the lives begin."""
    return answer("write yes to go on: ").strip() == "yes"


def chosen(place: Sandbox, only: Sequence[str] | None) -> tuple[list[str], dict[str, list[str]]]:
    """The lives that can be lived here, and of each other what it lacks."""
    wanted = {name: life for name, life in LIVES.items() if not only or name in only}
    missing = {
        name: sorted(life.needs - place.has) for name, life in wanted.items() if life.needs - place.has
    }
    return [name for name in wanted if name not in missing], missing


def plan(place: Sandbox, lives: Sequence[str], missing: dict[str, list[str]]) -> str:
    """What is to be made, where, and about what it costs."""
    google = f", and in the Google project {place.google.project}" if place.google else ""
    lines = [f"In {' and '.join(place.accounts)} ({place.region}){google}, under names with tributary-live-:"]
    width = max(map(len, LIVES))
    lines += [f"  {name:{width}}  {LIVES[name].cost}: {LIVES[name].makes}" for name in lives]
    lines += [f"  {name:{width}}  not here, it needs: {', '.join(lacks)}" for name, lacks in missing.items()]
    return "\n".join([*lines, "All of it is destroyed at the end, whatever happens."])


def lived(name: str, place: Sandbox, folder: Path, say: Callable[[str], None]) -> bool:
    """Whether the life came to its end, and the services do what the program relies on."""
    say(f"{name}: begins")
    try:
        path = record(name, place, "aws", folder)
    except Exception:
        say(f"{name}: FAILED\n{traceback.format_exc()}")
        return False
    settled = answers.settled(path)
    for question, answered in settled.items():
        say(f"{name}: {question}? {answered['answer']}")
    wrong = answers.unreliable(settled)
    say("\n".join(f"{name}: NOT {line}" for line in wrong) or f"{name}: recorded in {path}")
    return not wrong


def remaining(place: Sandbox) -> list[str]:
    """What the sandbox still has of what lives make, a line each."""
    names = [str(resource) for resource in sweep.left(place)]
    return names + (
        [f"{api} {name}" for api, _, name in sweep_google.left(place.google)] if place.google else []
    )


def destroyed(place: Sandbox, name: str) -> list[str]:
    """Destroys the stack of a run that was killed; why it could not, a line. What is left of it is then swept."""
    assert place.deploys is not None
    front = place.deploys(name)
    front.pulumi("cancel", "--yes")
    try:
        stacks.destroyed(front)
        front.stop()
    except AssertionError as error:
        return [f"stack {name}: {error}"]
    return []


def clean_up(place: Sandbox, say: Callable[[str], None], agreed: Callable[[], bool]) -> int:
    """Deletes what is left, and says what can't be."""
    kept = [f"stack {name}" for name in command_line.kept()] if place.deploys else []
    lines = [*kept, *remaining(place)]
    say("\n".join(["to be deleted:", *lines]) if lines else "nothing is left")
    if not lines:
        return 0
    if not agreed():
        say("nothing was deleted")
        return 1
    failed = [line for name in kept for line in destroyed(place, name.removeprefix("stack "))]
    failed += sweep.sweep(place) + (sweep_google.sweep(place.google) if place.google else [])
    still = remaining(place)
    say("\n".join([*failed, *(f"still there: {resource}" for resource in still)]) or "nothing is left")
    return 1 if failed or still else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
