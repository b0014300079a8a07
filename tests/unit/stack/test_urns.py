"""What a stack's state calls its resources stays: a URN that goes is a resource that is deleted, or made anew.

`urns.txt` has the URNs of the shipped stacks, without stack and project. A renamed resource keeps its line, by an alias
(https://www.pulumi.com/docs/iac/concepts/resources/options/aliases/) that makes the old name known; one that is taken
away on purpose loses its line here and gets one in CHANGELOG.md.

    .venv/bin/python -m tests.unit.stack.test_urns     writes the file anew
"""

from pathlib import Path

from tests.recording import record
from tests.unit.stack.upgrade import STACKS, aliases, line

FILE = Path(__file__).with_name("urns.txt")


def urns(stack: str) -> list[str]:
    """`<stack> <types of its parents>$<type>::<name>` of each resource but the stack and the providers."""
    requests = record(stack).requests.values()
    return sorted(
        f"{stack} {line(request.parent, request.type, request.name)}"
        for request in requests
        if not request.type.startswith(("pulumi:pulumi:Stack", "pulumi:providers:"))
    )


def former_urns(stack: str) -> set[str]:
    """What today's resources still answer to, as `urns` writes it."""
    return {f"{stack} {former}" for formers in aliases(record(stack)).values() for former in formers}


def test_no_resource_of_a_stack_loses_its_urn() -> None:
    for stack in STACKS:
        before = {each for each in FILE.read_text().splitlines() if each.startswith(f"{stack} ")}
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
