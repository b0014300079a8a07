"""Runs of a state machine on the services that are here, from the beginning or from one of its tasks."""

import copy
import json
from collections.abc import Callable, Iterable
from typing import Any

from tests.contract.kills.machine import Failed, Machine
from tests.typed import fake


def undisturbed(handler: str, event: dict[str, Any]) -> None:
    """What happens before a task where nothing goes wrong."""


Before = Callable[[str, dict[str, Any]], Any]


class Walk:
    """An undisturbed run of a machine, which can be begun at each of its tasks: what is disturbed there comes upon what
    the tasks before it left, and they need not run again."""

    def __init__(self, here: Any, states: dict[str, Any], given: dict[str, Any]) -> None:
        self.here, self.states, self.given = here, states, given
        self.tasks: list[tuple[str, dict[str, Any]]] = []
        self.begun: list[dict[str, Any]] = []
        """The services' state before each task."""
        self.answers: list[Any] = []

        def noted(handler: str, event: dict[str, Any]) -> None:
            self.tasks.append((handler, copy.deepcopy(event)))
            self.begun.append(here.services.state())

        walked(here, states, given, noted, answers=self.answers)

    def again(self, number: int, before: Before) -> None:
        """The run from that task on, counted from 0; `before` is called before it and each after it."""
        self.here.services.restore(self.begun[number])
        walked(
            self.here,
            self.states,
            self.given,
            before,
            known=list(zip(self.tasks, self.answers, strict=True))[:number],
        )


def walked(
    here: Any,
    states: dict[str, Any],
    given: dict[str, Any],
    before: Before = undisturbed,
    *,
    known: Iterable[tuple[tuple[str, dict[str, Any]], Any]] = (),
    answers: list[Any] | None = None,
):
    """A run of a machine with that input. `known`: its first tasks and what they answered, which are not run.
    `answers` gets what each task answers."""
    before_that = iter(known)

    def invoke(arn: str, event: dict[str, Any]):
        handler = arn.rpartition(":")[2]
        if known_task := next(before_that, None):
            task, answer = known_task
            assert task == (handler, event), (task, handler, event)
            return answer
        after = before(handler, event)
        try:
            answer = here.call(handler, event)
        except Exception as error:
            raise Failed(type(error).__name__, json.dumps({"errorMessage": str(error)})) from error
        if after:
            raise after
        if answers is not None:
            answers.append(copy.deepcopy(answer))
        return answer

    return Machine(states, invoke, fake(lambda bucket, key: here.services.objects[key])).run(given)
