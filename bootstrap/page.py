"""The page docs/permissions.md: what each role of a stack may, what its deployer may, and what its readers may."""

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from bootstrap.calls import SEEN
from bootstrap.google import POOLS, POOLS_READ, permissions
from bootstrap.operating import operate, status
from bootstrap.registered import Program, config_of, registered
from bootstrap.roles import Grant, Stack, deploy, preview, refresh
from bootstrap.runner import runner
from bootstrap.why import WHY
from components.accounts import AccountArgs
from components.arguments.plain import is_list

OPTIONS = Path(__file__).with_name("options.yaml")
STACKS = ("dev", "prod")
"""The stacks of this repository that are deployed to AWS."""
HEAD = """# Permissions

Written by `.venv/bin/python -m bootstrap`; a test compares it with what the program registers.
`.venv/bin/python -m bootstrap <stack>` prints the policies of the five roles (deploy, preview, refresh, status,
operate) of any stack whose `Pulumi.<stack>.yaml` is in this folder, and the boundary of those that it makes; those of
`dev` and `prod` are in [bootstrap/policies](../bootstrap/policies), ready for `aws iam create-policy`.

What judges it: a policy evaluator that is not ours decides that each role may what its job needs and nothing of a
neighbour (`tests/contract/iam`), and that the deploy and the preview role may send each request that the real AWS
provider (5.100.0) was seen to send while it made, refreshed and destroyed these stacks, and one with other settings, on
the embedded cloud: in them it made {seen} of the {types} types of AWS resource that `prod` has. Changes, tags and what
newer providers do come from the services' pages (`bootstrap/documented.json`). Each stack of this repository
is previewed under its preview role and made, changed, refreshed and destroyed under its deploy role, by the `pulumi`
command line on the embedded cloud, whose IAM lets either role do what its policies here allow and nothing more
(`tests/cli`). No AWS account has judged it yet ([live.md](live.md)).
"""


@functools.cache  # the page and the policies are written from the same few
def program(stack: str, bounded_by: str = "") -> Program:
    """What a stack of this repository registers; with `bounded_by`, as if its accounts had a `permissions_boundary`, a
    policy of that name."""
    config = config_of(stack)
    for account in config["accounts"].values() if bounded_by else ():
        arn = AccountArgs(id=account["id"], region=account["region"]).role_arn("")
        account["permissions_boundary"] = f"{arn.removesuffix('role/')}policy/{bounded_by}"
    return registered(stack, config)


@functools.cache
def options() -> Program:
    """A stack with the settings that `prod` has not: what they add is on the page as well."""
    config = yaml.safe_load(OPTIONS.read_text())["config"]
    own = {key.removeprefix("tributary:"): value for key, value in config.items()}
    return registered("prod", config_of("prod") | own)


def page() -> str:
    """The whole page."""
    types = types_made(program("prod"))
    head = HEAD.format(seen=len(types & seen_made()), types=len(types))
    parts = [head, *_deployers(), "## The pipelines' roles\n", *_roles(), *_readers()]
    return "\n".join(parts)


def types_made(of: Program) -> set[str]:
    """The types of AWS resource that a program makes."""
    return {r.type for r in of.resources if r.type.startswith("aws:") and not r.read}


def seen_made() -> set[str]:
    """The types that the real provider was seen to make."""
    return {type for type, during in SEEN.items() if during.get("write")}


def _deployers() -> Iterator[str]:
    stack = Stack("prod", program("prod"))
    yield "## Who deploys\n"
    yield (
        "Of stack `prod`. What AWS knows by a name is granted by `<project>-<stack>-<pipeline>-`; what it knows by an\n"
        "id is granted by the tags that the provider sets on all that it makes. An `*` stands where AWS knows no\n"
        "resource for the action. The role can change no role but the stack's own and can't hand over any other; see\n"
        "[accounts.md](accounts.md) for its trust, and for what keeps the roles that it makes small.\n"
    )
    for name, place in sorted(stack.places().items()):
        yield f"### Deploying to `{name}` ({place['account']})\n"
        yield from _table(deploy(stack, place))
        yield f"### Previewing `{name}`\n"
        grants = preview(stack, place)
        if grants:
            yield from _table(grants)
        else:
            yield "Nothing: a preview makes no request there but to find out who it is, which needs no right.\n"
        yield f"### Comparing `{name}` with the state\n"
        yield (
            "For `drift.yml` ([pull-requests.md](pull-requests.md)): it reads settings, no data, and changes nothing.\n"
        )
        yield from _table(refresh(stack, place))
        yield f"### Seeing how `{name}` does\n"
        yield (
            "For `make status` ([production.md](production.md#a-running-stack)): it reads records of runs,\n"
            "descriptions and metrics, no row of the data, and changes nothing.\n"
        )
        yield from _table(status(stack, place))
        yield f"### Running, pausing and resuming in `{name}`\n"
        yield "For `make run`, `make pause` and `make resume`, and for nothing else.\n"
        yield from _table(operate(stack, place))
    yield "### In the Google Cloud project\n"
    yield (
        "From the products' pages; no log of Google's provider has judged it. A custom role of the deployer has:\n"
        + _listed(permissions(stack.program, during="deploy"))
        + ".\nOne of the previewer has: "
        + _listed(permissions(stack.program, during="preview"))
        + ".\nOne of who compares the project with the state, for `drift.yml`, has: "
        + _listed(permissions(stack.program, during="refresh"))
        + ".\nOne of who sees how it does has: "
        + _listed(permissions(stack.program, during="status"))
        + ".\nOne of who runs, pauses and resumes it has: "
        + _listed(permissions(stack.program, during="operate"))
        + ".\nTo change a transfer that runs as a service account Google may ask\n"
        "[for that account as well](https://docs.cloud.google.com/bigquery/docs/use-service-accounts): the deployer's\n"
        "`iam.serviceAccounts.actAs` is for each account of the project; who runs and pauses is to be granted\n"
        "`roles/iam.serviceAccountUser` on `<pipeline>-transfer` alone, by hand, once the first deployment has made it."
        + "\n\nWhere Google refuses `iam.workloadIdentityPools.getAttestationRules` in a custom role\n"
        "([as is reported](https://github.com/hashicorp/terraform-provider-google/issues/26963); Google's\n"
        "[list](https://docs.cloud.google.com/iam/docs/custom-roles-permissions-support) has each permission's\n"
        "level), `predefined_pool_roles: true` has `make bootstrap` leave it out of the two roles that have it, and\n"
        f"bind `{POOLS}` beside the deployer's, `{POOLS_READ}`\n"
        "beside that of who compares. By hand, do the same.\n"
    )
    yield "### Who runs `pulumi`\n"
    yield (
        "With state in a bucket `state`, secrets under a key, and a role in each account: what the credentials need\n"
        "that the command starts with. A preview takes no lock and writes nothing. First to preview, then to deploy:\n"
    )
    key = "arn:aws:kms:ap-northeast-1:111111111111:key/<secrets>"
    for role, only in (("preview", True), ("deploy", False)):
        roles = [f"arn:aws:iam::{place['account']}:role/{role}" for place in stack.places().values()]
        yield from _table(runner("arn:aws:s3:::state", key, roles, previews_only=only, stack="prod"))


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(grants: list[Grant]) -> Iterator[str]:
    rows = ["| statement | actions | on | why |", "|---|---|---|---|"]
    for grant in grants:
        rows.append(_row(grant.sid, grant.render(), grant.why))
    yield "\n".join(rows) + "\n"


def _row(sid: str, statement: dict[str, Any], why: str) -> str:
    actions, resources = statement["Action"], statement["Resource"]
    service = actions[0].partition(":")[0]
    same = all(action.startswith(f"{service}:") for action in actions)
    named = [actions[0], *(action.partition(":")[2] if same else action for action in actions[1:])]
    on = ", ".join(f"`{_short(str(resource))}`" for resource in resources)
    for test, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            on += f"; `{key}` {test} " + ", ".join(
                f"`{_short(str(value))}`" for value in (values if is_list(values) else [values])
            )
    if statement["Effect"] == "Deny":
        sid += " (deny)"
    return f"| {sid} | {', '.join(f'`{name}`' for name in named)} | {on} | {why} |"


def _short(arn: str) -> str:
    """An ARN without what is the same in all of them: `…:` for the partition, the service, the region, the account."""
    return re.sub(r"^arn:[\w-]+:[\w-]+:[\w-]*:\d*:", "…:", arn) if arn.startswith("arn:") else arn


def _roles() -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for source, whole in (("prod", program("prod")), ("options", options())):
        for name in whole.pipelines:
            kind = whole.outputs["pipelines"][name]["kind"]
            parts: list[str] = []
            for role, statements in sorted(_statements(whole, name).items()):
                part = re.sub(f".*-{re.escape(name)}-?", "", role) or kind
                new = {(f"{kind} {_generic(part)}", s["Sid"]) for s in statements} - seen
                if new:
                    seen |= new
                    rows = [_row(s["Sid"], s, WHY[s["Sid"]]) for s in statements]
                    parts.append(
                        "\n".join(
                            [
                                f"`{role}`\n",
                                "| statement | actions | on | why |",
                                "|---|---|---|---|",
                                *rows,
                                "",
                            ]
                        )
                    )
            if parts:
                beside = "" if source == "prod" else ", with settings that `prod` has not"
                yield f"### `{name}`: {kind}{beside}\n"
                yield from parts


def _generic(part: str) -> str:
    """A role of a table's own is like that of each other table."""
    return re.sub(r"^(products|reviews|customers|orders)$|[0-9a-f]{8}$", "table", part)


def _statements(whole: Program, pipeline: str) -> dict[str, list[dict[str, Any]]]:
    """By role, or user, of a pipeline."""
    longest = sorted(whole.pipelines, key=len, reverse=True)
    gathered: dict[str, list[dict[str, Any]]] = {}
    for r in whole.resources:
        if r.type in ("aws:iam/rolePolicy:RolePolicy", "aws:iam/userPolicy:UserPolicy"):
            owner = next((p for p in longest if r.name == p or r.name.startswith(f"{p}-")), None)
            if owner == pipeline:
                role = str(r.inputs.get("role") or r.inputs.get("user"))
                gathered.setdefault(role, []).extend(json.loads(r.inputs["policy"])["Statement"])
    return gathered


def _readers() -> Iterator[str]:
    yield "## Who reads\n"
    yield (
        "The output `pipelines.<name>.reader_policy` of an export, for whoever queries its tables in Athena\n"
        "([export.md](export.md)). Of `prod`, and of one under Lake Formation:\n"
    )
    governed = {"governed": options().outputs["pipelines"]["governed"]}
    for name, output in sorted({**program("prod").outputs["pipelines"], **governed}.items()):
        if policy := output.get("reader_policy"):
            statements = json.loads(policy)["Statement"]
            rows = [_row(s["Sid"], s, WHY[s["Sid"]]) for s in statements]
            yield "\n".join(
                [f"`{name}`\n", "| statement | actions | on | why |", "|---|---|---|---|", *rows, ""]
            )
