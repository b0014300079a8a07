"""Walks a state machine's definition (https://states-language.net/spec.html), as far as `export_steps` uses it."""

import json
from typing import Any, cast


class Failed(Exception):
    """What a task's failure is called, and its cause."""

    def __init__(self, name: Any, cause: str = ""):
        super().__init__(f"{name}: {cause}")
        self.name, self.cause = name, cause


def at(data: Any, path: Any):
    """The value at `$`, or at `$.a.b`."""
    for part in path.removeprefix("$").split(".")[1:]:
        data = data[part]
    return data


def filled(template: Any, data: Any, value: Any = None) -> Any:
    """A template with its paths replaced by what stands there."""
    if isinstance(template, list):
        return [filled(each, data, value) for each in cast("list[Any]", template)]
    if not isinstance(template, dict):
        return template
    made: dict[Any, Any] = {}
    for key, each in cast("dict[str, Any]", template).items():
        if key.endswith(".$"):
            made[key[:-2]] = value if each == "$$.Map.Item.Value" else at(data, each)
        else:
            made[key] = filled(each, data, value)
    return made


class Machine:
    """`invoke(function ARN, event)` raises Failed; `read(bucket, key)` is an object's bytes."""

    def __init__(self, definition: Any, invoke: Any, read: Any):
        self.definition, self.invoke, self.read = definition, invoke, read

    def run(self, data: Any):
        """The execution's output for an input. Raises Failed."""
        return self._walk(self.definition, data)

    def _walk(self, machine: Any, data: Any):
        name = machine["StartAt"]
        for _ in range(1000):
            step = machine["States"][name]
            try:
                if step["Type"] == "Choice":
                    name = self._choose(step, data)
                    continue
                result = getattr(self, step["Type"].lower())(step, data)
            except Failed as failed:
                for rule in step.get("Catch", ()):
                    if failed.name in rule["ErrorEquals"] or "States.ALL" in rule["ErrorEquals"]:
                        error = {"Error": failed.name, "Cause": failed.cause}
                        data, name = self._placed(rule, data, error), rule["Next"]
                        break
                else:
                    raise
                continue
            data = self._placed(step, data, result)
            if "OutputPath" in step:
                data = {} if step["OutputPath"] is None else at(data, step["OutputPath"])
            if step.get("End") or step["Type"] == "Succeed":
                return data
            name = step["Next"]
        raise AssertionError(f"the machine does not come to an end: {name}")

    @staticmethod
    def _placed(step: Any, data: Any, result: Any):
        path = step.get("ResultPath", "$")
        if path is None:
            return data
        return result if path == "$" else {**data, path.removeprefix("$."): result}

    @staticmethod
    def _choose(step: Any, data: Any):
        for rule in step["Choices"]:
            there = rule["Variable"].removeprefix("$.") in data
            if "IsPresent" in rule:
                matches = there is rule["IsPresent"]
            else:
                wanted = rule.get("StringEquals", rule.get("BooleanEquals"))
                matches = there and at(data, rule["Variable"]) == wanted
            if matches:
                return rule["Next"]
        return step["Default"]

    def task(self, step: Any, data: Any):
        """A Task's result, after its retries. Raises Failed."""
        event = filled(step.get("Parameters", "$"), data)
        tries: dict[Any, Any] = {}
        event = data if event == "$" else event
        while True:
            try:
                return json.loads(json.dumps(self.invoke(step["Resource"], event)))
            except Failed as failed:
                for number, rule in enumerate(step.get("Retry", ())):
                    if failed.name in rule["ErrorEquals"] and tries.get(number, 0) < rule["MaxAttempts"]:
                        tries[number] = tries.get(number, 0) + 1
                        break
                else:
                    raise

    def map(self, step: Any, data: Any):
        """A Map over a list, or over the lines of an object."""
        if "ItemReader" in step:
            parameters = filled(step["ItemReader"]["Parameters"], data)
            items = [
                json.loads(line) for line in self.read(parameters["Bucket"], parameters["Key"]).splitlines()
            ]
        else:
            items = at(data, step["ItemsPath"])
        selector = step.get("ItemSelector")
        events = [filled(selector, data, item) if selector else item for item in items]
        return [self._walk(step["ItemProcessor"], event) for event in events]

    def parallel(self, step: Any, data: Any):
        """A Parallel's branches, one after the other."""
        return [self._walk(branch, data) for branch in step["Branches"]]

    def wait(self, step: Any, data: Any):
        """A Wait, which takes no time here."""
        assert at(data, step["SecondsPath"]) > 0
        return data

    def succeed(self, step: Any, data: Any):
        """A Succeed."""
        return data

    def __getattr__(self, name: Any):
        if name == "pass":
            return self._pass
        raise AttributeError(name)

    @staticmethod
    def _pass(step: Any, data: Any):
        if "Result" in step:
            return step["Result"]
        if "Parameters" in step:
            return filled(step["Parameters"], data)
        return at(data, step.get("InputPath", "$"))
