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
    found = []
    for request in requests:
        if request.type.startswith(("pulumi:pulumi:Stack", "pulumi:providers:")):
            continue
        parents = request.parent.split("::")[2] if request.parent else ""
        chain = (
            ""
            if parents in ("", "pulumi:pulumi:Stack")
            else parents.removeprefix("pulumi:pulumi:Stack$") + "$"
        )
        found.append(f"{stack} {chain}{request.type}::{request.name}")
    return sorted(found)


def former_names(stack: str) -> set[str]:
    """The names that aliases of today's resources still answer to, as `<stack> <name>`."""
    requests = record(stack).requests.values()
    return {
        f"{stack} {alias.spec.name}" for request in requests for alias in request.aliases if alias.spec.name
    }


def test_no_resource_of_a_stack_loses_its_urn() -> None:
    for stack in STACKS:
        before = {line for line in FILE.read_text().splitlines() if line.startswith(f"{stack} ")}
        assert len(before) > 200
        gone = before - set(urns(stack))
        known = former_names(stack)
        assert {urn for urn in gone if f"{stack} {urn.rpartition('::')[2]}" not in known} == set()


def test_the_file_has_every_resource() -> None:
    assert FILE.read_text().splitlines() == [urn for stack in STACKS for urn in urns(stack)]


if __name__ == "__main__":
    FILE.write_text("".join(f"{urn}\n" for stack in STACKS for urn in urns(stack)))
