"""`python -m delivery <command>`: see the package. What a command needs comes from its arguments and, for GitHub's API,
from the variables that a workflow sets: GITHUB_REPOSITORY, GITHUB_API_URL, GITHUB_TOKEN, GITHUB_OUTPUT,
GITHUB_STEP_SUMMARY.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from delivery import arrived, comment, drift, github, preview, settings, strip, touched

ROOT = Path(__file__).resolve().parent.parent


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("stacks", help="which stacks the changed files touch, as JSON")
    command.add_argument("--root", type=Path, default=ROOT, help="the repository")
    command.add_argument(
        "--since", help="the commit that the change is compared with; else paths on standard input"
    )
    command.add_argument("--all", action="store_true", help="every stack that is deployed")
    command.set_defaults(run=_stacks)

    command = commands.add_parser(
        "strip", help="an engine's events on standard input, without what nothing needs"
    )
    command.set_defaults(run=lambda arguments: sys.stdout.write(strip.stripped(sys.stdin.read())) and 0)

    command = commands.add_parser("comment", help="the comment, the summary and the labels of previews")
    command.add_argument(
        "folder", type=Path, help="<stack>.jsonl of a preview, <stack>.arrived.json of a run"
    )
    command.add_argument("--root", type=Path, default=ROOT)
    command.add_argument("--commit", required=True)
    command.add_argument("--link", required=True, help="the address of the job's summary")
    command.add_argument("--removed", default="", help="stacks whose file is taken away, with commas")
    command.set_defaults(run=_comment)

    command = commands.add_parser("publish", help="puts comment.md and labels.json on a pull request")
    command.add_argument("folder", type=Path)
    command.add_argument("--pull-request", type=int, required=True)
    command.set_defaults(run=_publish)

    command = commands.add_parser("drift", help="writes, patches or closes a stack's issue")
    command.add_argument("stack")
    command.add_argument("--root", type=Path, default=ROOT)
    command.add_argument("--preview", type=Path, required=True, help="the events of a preview with --refresh")
    command.add_argument("--strangers", type=Path, help="what a scan of the accounts saw, as JSON")
    command.add_argument("--link", required=True, help="the address of the run")
    command.set_defaults(run=_drift)

    arguments = parser.parse_args(words)
    try:
        return int(arguments.run(arguments))
    except (settings.Refused, github.GithubError) as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
        return 1


def _stacks(arguments: argparse.Namespace) -> int:
    """Writes `stacks`, `embedded` and `removed` to standard output and to GITHUB_OUTPUT."""
    root, delivered = arguments.root, settings.read(arguments.root)
    names = [*delivered.stacks, *delivered.embedded]
    files = {name: root / f"Pulumi.{name}.yaml" for name in names}
    configs = {
        name: (yaml.safe_load(file.read_text()) or {}).get("config") or {}
        for name, file in files.items() if file.is_file()
    }  # fmt: skip
    changed = _changed(root, arguments.since) if not arguments.all else ["Pulumi.yaml"]
    these = touched.stacks(changed, configs)
    outputs = {
        "stacks": [name for name in these if name in delivered.stacks],
        "embedded": these,
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
    removed = tuple(name for name in arguments.removed.split(",") if name)
    report = report_of(folder, commit=arguments.commit, link=arguments.link, removed=removed)
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
    read = preview.read(arguments.stack, arguments.preview.read_text())
    listed = json.loads(arguments.strangers.read_text()) if arguments.strangers else []
    strangers = [drift.Stranger(**one) for one in listed]
    body = drift.body(read, strangers, arguments.link, settings.read(arguments.root).mask)
    repository, marker = github.Repository.of_job(), drift.marker(arguments.stack)
    print(f"issue: {github.put_issue(repository, marker, drift.title(arguments.stack), body)}")
    return 0


def report_of(folder: Path, **more: Any) -> comment.Report:
    """The report of what a folder has: previews by stack, and runs on the embedded cloud."""
    previews = [preview.read(file.stem, file.read_text()) for file in sorted(folder.glob("*.jsonl"))]
    runs = [arrived.read(file.read_text()) for file in sorted(folder.glob("*.arrived.json"))]
    return comment.Report(tuple(previews), arrivals=tuple(runs), **more)


if __name__ == "__main__":
    sys.exit(main())
