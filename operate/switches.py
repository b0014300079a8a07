"""Run, pause and resume a pipeline. Only what the pipeline's kind names as its switches is touched.

By API, not by a key of the config: an incident does not wait for a review, and that an ingestion pipeline is stopped is
the property of no resource. So a paused pipeline differs from its program, and says so where
somebody meets it: `status` and the nightly comparison name what is off, since when, and how to switch it on; a
deployment that would switch it on stops (delivery/paused.py). `pulumi up` by hand leaves it off as long as it does not
change the schedule itself; where it does, the provider sends the schedule whole and switches it on without showing that
(https://github.com/pulumi/pulumi-aws/issues/2524).
"""

from datetime import UTC, datetime

from operate.kinds import KINDS
from operate.outputs import Cloud, Refused, command
from operate.row import Described

NO_SWITCH = {
    "replication": "what S3 is given while a rule is off, it never replicates, so that no rule is switched off",
    "firehose": "it has no schedule of a replay, and Firehose itself has no switch",
    "export": "it has no schedule, and no rule of snapshots: no run begins by itself",
}
"""Why a pipeline of a kind has nothing to switch; that of a replication is S3's
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html)."""


def switched_off(cloud: Cloud, name: str, pipeline: Described) -> list[tuple[str, datetime | None, str]]:
    """The switches of a pipeline that are off: each with since when, if that is known, and what happens to its data."""
    switches = KINDS[pipeline["kind"]].switches(cloud, name, pipeline)
    seen = [(switch, switch.off()) for switch in switches]
    return [
        (switch.what, since if isinstance(since, datetime) else None, switch.while_off)
        for switch, since in seen
        if since
    ]


def run(cloud: Cloud, name: str, at: datetime | None = None) -> list[str]:
    """Starts what the pipeline does, now or for a time; sentences of what is under way. Raises Refused."""
    pipeline = _named(cloud, name)
    moment = at or datetime.now(UTC).replace(microsecond=0)
    return [KINDS[pipeline["kind"]].run(cloud, name, pipeline, moment)]


def pause(cloud: Cloud, name: str) -> list[str]:
    """Switches the pipeline off; a sentence for each switch. What is under way goes on to its end. Raises Refused."""
    return _turned(cloud, name, on=False)


def resume(cloud: Cloud, name: str) -> list[str]:
    """Switches the pipeline on; a sentence for each switch. Raises Refused."""
    return _turned(cloud, name, on=True)


def _turned(cloud: Cloud, name: str, *, on: bool) -> list[str]:
    pipeline = _named(cloud, name)
    switches = KINDS[pipeline["kind"]].switches(cloud, name, pipeline)
    if not switches:
        upstream: str = pipeline.get("from") or ""
        instead = command(cloud, "pause", upstream) if upstream else "stop what writes to its source"
        raise Refused(f"{name}: {NO_SWITCH.get(pipeline['kind'], 'it has no schedule')}; instead: {instead}")
    lines: list[str] = []
    for switch in switches:
        changed, state = switch.turn(on), "on" if on else "off"
        lines.append(
            f"{name}: {switch.what} {'is' if changed else 'was'} {state}{'' if changed else ' already'}"
        )
    if not on:
        lines += [f"  {sentence}" for sentence in dict.fromkeys(s.while_off for s in switches) if sentence]
    return lines


def _named(cloud: Cloud, name: str) -> Described:
    if name not in cloud.pipelines:
        known = ", ".join(sorted(cloud.pipelines)) or "none"
        raise Refused(f"the stack has no pipeline '{name}'; it has {known}")
    return cloud.pipelines[name]
