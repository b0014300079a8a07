"""`python -m delivery <command>`: see the package. What a command needs comes from its arguments and, for GitHub's API,
from the variables that a workflow sets: GITHUB_REPOSITORY, GITHUB_API_URL, GITHUB_TOKEN, GITHUB_OUTPUT,
GITHUB_STEP_SUMMARY.
"""

import argparse
import dataclasses
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from delivery import (
    accounts,
    arrived,
    comment,
    credentials,
    drift,
    github,
    installed,
    paused,
    preview,
    settings,
    strangers,
    strip,
    touched,
)
from delivery import command as command_line
from delivery.reasons import why
from delivery.values import mapping

ROOT = Path(__file__).resolve().parent.parent


Commands = Any  # argparse's action of subcommands, whose class has no public name


def main(words: Sequence[str] | None = None) -> int:
    """Runs a command; 1, with a sentence on standard error, where it can't be."""
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__)
    commands: Commands = parser.add_subparsers(dest="command", required=True)
    _commands_of_a_review(commands)
    _commands_of_a_cloud(commands)
    _commands_of_a_deployment(commands)
    arguments = parser.parse_args(words)
    try:
        return int(arguments.run(arguments))
    except (settings.Refused, github.GithubError, credentials.NoCredentials, command_line.Stopped) as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
        return 1


def _command(
    commands: Commands, run: Callable[[argparse.Namespace], int], name: str, text: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text)
    command.set_defaults(run=run)
    return command


def _commands_of_a_review(commands: Commands) -> None:
    """What a pull request touches, and what is shown on it."""
    command = _command(commands, _stacks, "stacks", "which stacks the changed files touch, as JSON")
    command.add_argument("--root", type=Path, default=ROOT, help="the repository")
    command.add_argument(
        "--since", help="the commit that the change is compared with; else paths on standard input"
    )
    command.add_argument("--all", action="store_true", help="every stack that is deployed")

    _command(commands, _strip, "strip", "an engine's events on standard input, without what nothing needs")

    command = _command(commands, _comment, "comment", "the comment, the summary and the labels of previews")
    command.add_argument(
        "folder", type=Path, help="<stack>.jsonl of a preview, <stack>.arrived.json of a run"
    )
    command.add_argument("--root", type=Path, default=ROOT)
    command.add_argument("--commit", required=True)
    command.add_argument("--link", required=True, help="the address of the job's summary")
    command.add_argument(
        "--removed", type=json.loads, default=[], help="stacks whose file is taken away, as JSON"
    )

    command = _command(commands, _publish, "publish", "puts comment.md and labels.json on a pull request")
    command.add_argument("folder", type=Path)
    command.add_argument("--pull-request", type=int, required=True)

    command = _command(
        commands, _verdict, "verdict", "fails where a preview failed or a mandatory policy is broken"
    )
    command.add_argument("folder", type=Path)


def _commands_of_a_cloud(commands: Commands) -> None:
    """What asks a cloud what a change would do, and what was changed there by hand."""
    command = _command(commands, _drift, "drift", "writes, patches or closes a stack's issue")
    command.add_argument("stack")
    command.add_argument("--root", type=Path, default=ROOT)
    command.add_argument("--preview", type=Path, required=True, help="the events of a preview with --refresh")
    command.add_argument(
        "--strangers",
        type=Path,
        required=True,
        help="what a scan of the accounts saw, as JSON; none: it failed",
    )
    command.add_argument("--link", required=True, help="the address of the run")

    command = _command(commands, _pulumi, "pulumi", "the command line and the providers, by their digests")
    command.add_argument("--root", type=Path, default=ROOT)
    command.add_argument("--lock", action="store_true", help="writes the digests, and installs nothing")

    _command(commands, _credentials, "credentials", "short-lived credentials into the job's environment")

    command = _command(commands, _preview, "preview", "previews a stack; the comment has why it failed")
    command.add_argument("stack")
    command.add_argument("--root", type=Path, default=ROOT)
    command.add_argument(
        "--role", default="", help="the role's name in each account, instead of the config's"
    )
    command.add_argument("--refresh", action="store_true")
    command.add_argument("--to", type=Path, required=True)

    command = _command(commands, _scan, "scan", "what a refresh can't see: what was added by hand")
    command.add_argument("stack")
    command.add_argument("--root", type=Path, default=ROOT)
    command.add_argument(
        "--role", default="", help="the role's name in each account, instead of the deployment's"
    )
    command.add_argument("--to", type=Path, required=True)

    command = _command(
        commands, _embedded, "embedded", "runs a stack on the embedded cloud; fails unless all arrives"
    )
    command.add_argument("stack")
    command.add_argument("--root", type=Path, default=ROOT)
    command.add_argument(
        "--role", default="deploy", help="of a stack that is deployed: the role's name in each account"
    )
    command.add_argument("--to", type=Path, required=True)


def _commands_of_a_deployment(commands: Commands) -> None:
    """What a merged commit deploys."""
    command = _command(commands, _reviewed, "reviewed", "what a merged commit's pull request showed")
    command.add_argument("--commit", required=True)
    command.add_argument("--to", type=Path, required=True)

    command = _command(commands, _deploy, "deploy", "deploys what was reviewed, and nothing else")
    command.add_argument("stack")
    command.add_argument("--root", type=Path, default=ROOT)
    command.add_argument("--reviewed", type=Path, required=True, help="the folder that 'reviewed' wrote")
    command.add_argument("--to", type=Path, required=True)


def _strip(_: argparse.Namespace) -> int:
    sys.stdout.write(strip.stripped(sys.stdin.read()))
    return 0


def _pulumi(arguments: argparse.Namespace) -> int:
    if arguments.lock:
        print("\n".join(installed.lock(arguments.root)))
    else:
        home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
        print(installed.install(arguments.root, home, os.environ))
    return 0


def _credentials(_: argparse.Namespace) -> int:
    print("\n".join(credentials.for_job()))
    return 0


def _stacks(arguments: argparse.Namespace) -> int:
    """Writes `stacks`, `embedded` and `removed` to standard output and to GITHUB_OUTPUT."""
    root, delivered = arguments.root, settings.read(arguments.root)
    names = [*delivered.stacks, *delivered.embedded]
    files = {name: root / f"Pulumi.{name}.yaml" for name in names}
    configs = {
        name: mapping(mapping(yaml.safe_load(file.read_text())).get("config"))
        for name, file in files.items() if file.is_file()
    }  # fmt: skip
    changed = _changed(root, arguments.since) if not arguments.all else ["Pulumi.yaml"]
    these = touched.stacks(changed, configs)
    outputs = {
        "stacks": [name for name in these if name in delivered.stacks],
        "embedded": these,  # without an account each of them runs
        "removed": touched.removed(changed, [name for name in names if name in configs]),
    }
    print(json.dumps(outputs))
    if file := os.environ.get("GITHUB_OUTPUT"):
        with Path(file).open("a") as to:
            to.writelines(f"{key}={json.dumps(value)}\n" for key, value in outputs.items())
    return 0


def _changed(root: Path, since: str | None) -> list[str]:
    if since is None:
        return [line.strip() for line in sys.stdin if line.strip()]
    command = ["git", "diff", "--name-only", "--no-renames", "-z", f"{since}...HEAD"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return [path for path in done.stdout.split("\0") if path]


def _comment(arguments: argparse.Namespace) -> int:
    """Writes comment.md, summary.md and labels.json into the folder."""
    folder, masking = arguments.folder, settings.read(arguments.root).mask
    report = report_of(folder, commit=arguments.commit, link=arguments.link, removed=tuple(arguments.removed))
    (folder / "comment.md").write_text(comment.comment(report, masking))
    whole = comment.summary(report, masking)
    (folder / "summary.md").write_text(whole)
    (folder / "labels.json").write_text(json.dumps(comment.labels(report.previews)) + "\n")
    if file := os.environ.get("GITHUB_STEP_SUMMARY"):
        Path(file).write_text(whole)
    return 0


def _publish(arguments: argparse.Namespace) -> int:
    repository, number = github.Repository.of_job(), arguments.pull_request
    body = (arguments.folder / "comment.md").read_text()
    wanted = json.loads((arguments.folder / "labels.json").read_text())
    print(f"comment: {github.put_comment(repository, number, comment.MARKER, body)}")
    github.put_labels(repository, number, wanted, comment.LABELS)
    print(f"labels: {', '.join(wanted) or 'none'}")
    return 0


def _drift(arguments: argparse.Namespace) -> int:
    if not arguments.preview.is_file():
        raise command_line.Stopped(f"{arguments.stack} was not compared: {arguments.preview} is not there")
    read = preview.read(arguments.stack, arguments.preview.read_text())
    added = None  # the scan writes a file where it was able to
    if arguments.strangers.is_file():
        added = [drift.Stranger(**row) for row in json.loads(arguments.strangers.read_text())]
        added += paused.at_google(read)
    body = drift.body(read, added, arguments.link, settings.read(arguments.root).mask)
    repository, marker = github.Repository.of_job(), drift.marker(arguments.stack)
    print(f"issue: {github.put_issue(repository, marker, drift.title(arguments.stack), body)}")
    return 0


def _preview(arguments: argparse.Namespace) -> int:
    delivered = settings.read(arguments.root).stacks[arguments.stack]
    if arguments.role:
        command_line.under(arguments.root, arguments.stack, arguments.role)
    read = command_line.run_preview(
        arguments.root, arguments.stack, arguments.to, delivered, refresh=arguments.refresh
    )
    print(
        f"{arguments.stack}: {len(read.changes)} changes" + (f", failed: {why(read)}" if read.failed else "")
    )
    return 0


def _scan(arguments: argparse.Namespace) -> int:
    """Writes <stack>.strangers.json."""
    resources = command_line.state(arguments.root, arguments.stack)
    entered = accounts.Accounts(resources, arguments.role)
    listed = strangers.strangers(resources, strangers.read(resources, entered.client))
    listed += paused.paused(resources, entered.client)
    arguments.to.mkdir(parents=True, exist_ok=True)
    content = json.dumps([dataclasses.asdict(stranger) for stranger in listed], indent=1)
    (arguments.to / f"{arguments.stack}.strangers.json").write_text(content + "\n")
    unread, off = (sum(s.kind == kind for s in listed) for kind in (drift.UNREAD, drift.PAUSED))
    print(
        f"{arguments.stack}: {len(listed) - unread - off} added by hand, {off} switched off, {unread} unread"
    )
    return 0


def _embedded(arguments: argparse.Namespace) -> int:
    """Writes <stack>.arrived.json; 1 unless all arrived and nothing was denied. The comment has what fell short."""
    stack, delivered = arguments.stack, settings.read(arguments.root)
    # A stack of the embedded cloud alone has no role that deploys it.
    run = command_line.embedded(arguments.root, stack, "" if stack in delivered.embedded else arguments.role)
    arguments.to.mkdir(parents=True, exist_ok=True)
    (arguments.to / f"{stack}.arrived.json").write_text(arrived.written(run))
    print(run.sentence)
    return 0 if run.complete else 1


def _verdict(arguments: argparse.Namespace) -> int:
    wrong: list[str] = []
    for shown in report_of(arguments.folder, commit="", link="").previews:
        broken = [finding for finding in shown.findings if finding.level == "mandatory"]
        wrong += [f"{shown.stack}: {why(shown)}"] if shown.failed else []
        wrong += [f"{shown.stack}: {finding.resource} breaks '{finding.rule}'" for finding in broken]
    print("\n".join(wrong) or "every stack can be previewed")
    return 1 if wrong else 0


def _reviewed(arguments: argparse.Namespace) -> int:
    """Writes <stack>.jsonl of each stack that was shown into a folder, which is empty where nothing was."""
    arguments.to.mkdir(parents=True, exist_ok=True)
    archive = github.previews_of(github.Repository.of_job(), arguments.commit, "preview.yml", "previews")
    names: list[str] = []
    if archive is not None:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            for name in files.namelist():
                if re.fullmatch(r"[\w-]+\.jsonl", name):  # no other file, and none of another folder
                    (arguments.to / name).write_bytes(files.read(name))
                    names.append(name)
    print(f"reviewed: {', '.join(sorted(names)) or 'nothing was shown for this commit'}")
    return 0


def _deploy(arguments: argparse.Namespace) -> int:
    delivered = settings.read(arguments.root).stacks[arguments.stack]
    shown = arguments.reviewed / f"{arguments.stack}.jsonl"
    file = shown if shown.is_file() else None
    done = command_line.deploy(arguments.root, arguments.stack, arguments.to, file, delivered)
    print(f"{arguments.stack}: deployed, {len(done.changes)} changes")
    return 0


def report_of(folder: Path, **more: Any) -> comment.Report:
    """The report of what a folder has: previews by stack, and runs on the embedded cloud."""
    previews = [preview.read(file.stem, file.read_text()) for file in sorted(folder.glob("*.jsonl"))]
    runs = [arrived.read(file.read_text()) for file in sorted(folder.glob("*.arrived.json"))]
    return comment.Report(tuple(previews), arrivals=tuple(runs), **more)


if __name__ == "__main__":
    sys.exit(main())
