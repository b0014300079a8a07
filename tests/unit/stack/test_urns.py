"""What a stack's state calls its resources stays: a URN that goes is a resource that is deleted, or made anew.

`urns.txt` has the URNs of the shipped stacks, without stack and project. A renamed resource keeps its line, by an alias
(https://www.pulumi.com/docs/iac/concepts/resources/options/aliases/) that makes the old name known; one that is taken
away on purpose loses its line here and gets one in CHANGELOG.md.

    .venv/bin/python -m tests.unit.stack.test_urns     writes the file anew
"""

from pathlib import Path

from tests.recording import record

STACKS = ("dev", "local", "prod")
FILE = Path(__file__).with_name("urns.txt")


def urns(stack: str) -> list[str]:
    """`<stack> <types of its parents>$<type>::<name>` of each resource but the stack and the providers."""
    requests = record(stack).requests.values()
    return sorted(
        _line(stack, request.parent, request.type, request.name)
        for request in requests
        if not request.type.startswith(("pulumi:pulumi:Stack", "pulumi:providers:"))
    )


def _line(stack: str, parent_urn: str, kind: str, name: str) -> str:
    parents = (parent_urn.split("::")[2] if parent_urn else "").removeprefix("pulumi:pulumi:Stack")
    return f"{stack} {f'{parents}$'.removeprefix('$')}{kind}::{name}"


def former_urns(stack: str) -> set[str]:
    """What today's resources still answer to, as `urns` writes it: by an alias of their own, or of what they stand in
    (https://www.pulumi.com/docs/iac/concepts/resources/options/aliases/#inherited-aliases)."""
    requests = record(stack).requests
    former: set[str] = set()
    for request in requests.values():
        for alias in request.aliases:
            name = alias.spec.name or request.name
            parent = alias.spec.parentUrn or request.parent
            former.add(_line(stack, parent, request.type, name))
        if not request.parent:
            continue
        kinds, above_name = request.parent.split("::")[2:]
        above = requests.get(f"{kinds.rpartition('$')[2]}::{above_name}")
        if above is None:
            continue
        for alias in above.aliases:
            # As the mocks write a URN: the kinds of two levels.
            grandparent = (alias.spec.parentUrn or above.parent).split("::")[2].rpartition("$")[2]
            parent = (
                f"urn:pulumi:{stack}::tributary::{grandparent}${above.type}::{alias.spec.name or above.name}"
            )
            former.add(_line(stack, parent, request.type, request.name))
    return former


def test_no_resource_of_a_stack_loses_its_urn() -> None:
    for stack in STACKS:
        before = {line for line in FILE.read_text().splitlines() if line.startswith(f"{stack} ")}
        assert len(before) > 200
        assert before - set(urns(stack)) - former_urns(stack) == set()


def test_an_alias_keeps_what_stands_in_a_component_too() -> None:
    """The load check's resources were the pipeline's own, and are deleted and made anew by nobody."""
    were = "dev tributary:pipelines:BigQueryTransferPipeline$tributary:blocks:LambdaFunction"
    assert f"{were}::shop-warehouse-reconcile" in former_urns("dev")
    assert f"{were}$aws:iam/role:Role::shop-warehouse-reconcile" in former_urns("dev")
    assert f"{were}$aws:iam/role:Role::shop-warehouse-load-check" not in former_urns("dev")


def lines() -> list[str]:
    """What the file has to have: what is registered now, and the names of before that an alias still makes known."""
    written = set(FILE.read_text().splitlines())
    return [line for stack in STACKS for line in sorted({*urns(stack), *(written & former_urns(stack))})]


def test_the_file_has_every_resource() -> None:
    assert FILE.read_text().splitlines() == lines()


if __name__ == "__main__":
    FILE.write_text("".join(f"{line}\n" for line in lines()))
