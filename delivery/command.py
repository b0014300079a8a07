"""The `pulumi` command line as a job runs it: a preview whose events are kept, and a deployment of what was reviewed.

`--save-plan` and `up --plan`: https://www.pulumi.com/docs/iac/concepts/update-plans/
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from delivery import preview, reviewed, strip
from delivery.accounts import Accounts
from delivery.arrived import Arrived, arrivals, denials
from delivery.drift import PAUSED
from delivery.paused import SENT_WHOLE, paused
from delivery.preview import Preview
from delivery.reasons import short, why
from delivery.settings import StackDelivery

STREAMED = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true", "PULUMI_SKIP_UPDATE_CHECK": "true"}


class Stopped(RuntimeError):
    """A deployment was not begun; the message says why."""


def run_preview(
    root: Path, stack: str, folder: Path, delivered: StackDelivery, *, refresh: bool = False
) -> Preview:
    """Previews a stack: `<stack>.jsonl` and `<stack>.plan` in the folder. A preview that fails is no error here."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["pulumi", "preview", "--json", "--save-plan", str((folder / f"{stack}.plan").resolve())]
    command += ["--refresh"] if refresh else _policies(delivered)
    done = subprocess.run(
        [*command, "--stack", stack, "--non-interactive"], cwd=root, env={**os.environ, **STREAMED},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    events = strip.stripped(done.stdout)
    (folder / f"{stack}.jsonl").write_text(events)
    return preview.read(stack, events)


def under(root: Path, stack: str, role: str) -> None:
    """Lets each account of the stack's config be entered by its role of that name, in this copy of the repository."""
    file = root / f"Pulumi.{stack}.yaml"
    content = yaml.safe_load(file.read_text())
    for account in content["config"]["tributary:accounts"].values():
        region = account["region"]
        partition = (
            "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
        )
        arn = f"arn:{partition}:iam::{account['id']}:role/{role}"
        if account.get("roles"):  # by the same way, to another end
            account["roles"][-1]["arn"] = arn
        else:
            account["role"] = arn
    text: str = yaml.safe_dump(content, sort_keys=False)  # pyright: ignore[reportUnknownMemberType] - of untyped streams
    file.write_text(text)


def deploy(root: Path, stack: str, folder: Path, shown: Path | None, delivered: StackDelivery) -> Preview:
    """Deploys `stack` of the clone at `root`. `folder` gets the plan; `shown` is the preview that was reviewed, None
    where nothing was. Raises Stopped if the deployment would do anything else than what was reviewed."""
    plan = run_preview(root, stack, folder, delivered)
    if plan.failed:
        raise Stopped(f"{stack} can't be previewed: {why(plan)}")
    if shown is None:
        if delivered.approval and plan.changes:
            raise Stopped(
                f"{stack} waits for approval of what a pull request showed, and nothing was shown for this commit; "
                "open a pull request with the change"
            )
    elif differing := reviewed.differences(preview.read(stack, shown.read_text()), plan):
        listed = "\n".join(f"  {difference}" for difference in differing[:50])
        more = f"\n  … and {len(differing) - 50} more" if len(differing) > 50 else ""
        raise Stopped(
            f"{stack} would not be deployed as it was reviewed:\n{listed}{more}\n"
            "something else was deployed in between, or somebody changed it by hand; preview the change again"
        )
    if off := _switched_on(root, stack, plan):
        raise Stopped(
            f"{stack} has what was switched off by hand, and this deployment would switch it on:\n"
            + "\n".join(f"  {line}" for line in off)
            + "\nresume it first, then run the deployment again"
        )
    command = ["pulumi", "up", "--yes", "--skip-preview", "--plan", str((folder / f"{stack}.plan").resolve())]
    command += [*_policies(delivered), "--stack", stack, "--non-interactive"]
    done = subprocess.run(
        command, cwd=root, env={**os.environ, **STREAMED}, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise Stopped(f"{stack}: pulumi up ended with {done.returncode}; what it did is in the log above")
    return plan


def _switched_on(root: Path, stack: str, plan: Preview) -> list[str]:
    """What is off, by hand, of the resources that a plan changes."""
    changed = {change.urn for change in plan.changes if change.type in SENT_WHOLE}
    if not changed:
        return []
    resources = state(root, stack)
    off = paused(resources, Accounts(resources).client, changed)
    return [f"{each.resource}: {each.what}" for each in off if each.kind == PAUSED]


def state(root: Path, stack: str) -> list[dict[str, Any]]:
    """The resources in a stack's state. Raises Stopped."""
    command = ["pulumi", "stack", "export", "--stack", stack, "--non-interactive"]
    done = subprocess.run(
        command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Stopped(f"{stack}: its state can't be read: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)["deployment"].get("resources") or []


def embedded(root: Path, stack: str, role: str = "") -> Arrived:
    """Runs a stack on the embedded cloud, with data through every pipeline: what arrived, and what was refused. With
    `role` each account is entered by its role of that name, which has the policies printed for one that deploys."""
    local = [sys.executable, "-m", "local"]
    up = subprocess.run(
        [*local, "up", "--stack", stack, *(["--role", role] if role else [])], cwd=root, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(up.stdout, up.stderr, sep="\n")
    log = root / ".tributary" / "cloud.log"
    refused = denials(log.read_text(errors="replace")) if log.is_file() else ()
    # What it says on standard error is why there is no table of what arrived.
    _, refusal, reason = (
        up.stderr.rpartition("\nup: ") if "\nup: " in up.stderr else up.stderr.partition("up: ")
    )
    failure = (
        short(reason if refusal else (up.stderr.strip().splitlines() or [""])[-1]) if up.returncode else ""
    )
    if not failure:
        status = subprocess.run(
            [*local, "status", "--format", "json"], cwd=root, capture_output=True, text=True, check=False
        )
        rows = json.loads(status.stdout.strip() or "[]")
        failure = "" if rows else short(status.stderr) or f"`python -m local up` ended with {up.returncode}"
        return Arrived(stack, arrivals(rows), refused, failure)
    return Arrived(stack, (), refused, failure)


def _policies(delivered: StackDelivery) -> Sequence[str]:
    level = "prod" if delivered.policies == "mandatory" else "dev"
    return ["--policy-pack", "policy", "--policy-pack-config", f"policy/levels/{level}.json"]
