"""What a service answered, kept as files, and put to the embedded cloud later.

A file `recorded/<name>.json` is one life of a few resources in one account, in the order of the calls:

    {"recorded": "2026-05-01", "endpoint": "aws",
     "settled": {"<question>": {"answer": {...}, "relied": {...}}},
     "calls": [
      {"service": "sqs", "operation": "CreateQueue", "request": {...}, "error": "", "answer": {...}}, ...]}

`settled` has what the life found out for a question of docs/live.md: `answer` is what the services did, `relied` what
of it the program relies on. Of Google, `service` is `google-<api>`, and `operation` the verb and the path, with `{}`
for names.

`request` is what the client was given and `answer` what it returned, or `error` the error's code and `answer` its
message: botocore's own parameters and results, bytes as {"base64": ...}, times as ISO 8601 text. Account ids, key ids,
secrets, tokens and signed addresses are masked as they are recorded (`mask`), so that a file may be published; what is
masked is the same wherever it stands, so a queue's address in one answer still fits the next request.

`replay` sends the requests again and compares `shape`: the keys and the types of what comes back, and the error's code.
`compare` does so with the calls of the same life lived anew: for lives whose requests hold what a service made up, or a
secret, which a file does not have. Values are ids and times mostly, which differ; those that matter are settled.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

FOLDER = Path(__file__).parent / "recorded"
# The sandbox's ids become the ids that the embedded cloud knows; any other account's becomes this one.
OTHER_ACCOUNT = "999999999999"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ANVA|AIPA)[A-Z0-9]{12,}\b")
_ACCOUNT = re.compile(r"(?<![0-9A-Za-z.])[0-9]{12}(?![0-9A-Za-z.])")
_SIGNED = re.compile(r"([?&](?:X-Amz-[A-Za-z-]+|Signature|AWSAccessKeyId)=)[^&\s\"]+")
_SECRET = re.compile(r"secret|token|password|credential|privatekey|plaintext", re.IGNORECASE)
MASKED = "masked"
TIMES, PAUSE = 120, 0.5  # how often, and after how many seconds, what differs is read again


@dataclass(frozen=True)
class Call:
    """One call: its service and operation as botocore names them, and what came back."""

    service: str
    operation: str
    request: dict[str, Any]
    answer: dict[str, Any]
    error: str = ""


@dataclass
class Recorder:
    """Records the calls of the clients that it is put on. `accounts` maps real ids to those that a file shows."""

    accounts: dict[str, str]
    calls: list[Call] = field(default_factory=list[Call])
    settled: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def add(self, service: str, operation: str, request: Any, answer: Any, error: str = "") -> None:
        """Keeps a call, masked."""

        def shown(value: Any) -> Any:
            return mask(json.loads(json.dumps(value, default=_plain)), self.accounts)

        self.calls.append(Call(service, operation, shown(request), shown(answer), error))

    def settle(self, question: str, answer: dict[str, Any], **relied: Any) -> None:
        """Keeps what was found out, and what the program relies on of it."""
        self.settled[question] = mask({"answer": answer, "relied": relied}, self.accounts)

    def on(self, client: Any) -> Any:
        """The same client, recorded from now on
        (https://docs.aws.amazon.com/boto3/latest/guide/events.html)."""
        pending: list[dict[str, Any]] = []

        def given(params: dict[str, Any], **_: Any) -> None:
            pending[:] = [json.loads(json.dumps(params, default=_plain))]

        def answered(parsed: dict[str, Any], model: Any, **_: Any) -> None:
            request = pending.pop() if pending else {}
            error = parsed.get("Error", {})
            answer = {"Message": error.get("Message", "")} if error else dict(parsed)
            answer.pop("ResponseMetadata", None)
            self.add(model.service_model.service_name, model.name, request, answer, error.get("Code", ""))

        client.meta.events.register("provide-client-params.*", given)
        client.meta.events.register("after-call.*", answered)
        return client

    def write(self, name: str, endpoint: str = "aws", folder: Path = FOLDER) -> Path:
        """The file of this name, made of the calls so far."""
        text = {
            "recorded": f"{datetime.now(UTC):%Y-%m-%d}",
            "endpoint": endpoint,
            "settled": self.settled,
            "calls": [asdict(call) for call in self.calls],
        }
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.json"
        path.write_text(json.dumps(text, indent=1, sort_keys=True) + "\n")
        return path


def mask(value: Any, accounts: dict[str, str], key: str = "") -> Any:
    """The value without what may not be published. A token that only pages is a secret too: it is of no use later."""
    if isinstance(value, dict):
        return {name: mask(member, accounts, name) for name, member in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [mask(member, accounts, key) for member in cast("list[Any]", value)]
    if not isinstance(value, str):
        return value
    if _SECRET.search(key):
        return MASKED
    for real, shown in accounts.items():
        if not real.isdigit():  # a Google project, or the name of the run
            value = value.replace(real, shown)
    text = _ACCOUNT.sub(lambda match: accounts.get(match[0], OTHER_ACCOUNT), value)
    return _SIGNED.sub(rf"\g<1>{MASKED}", _KEY_ID.sub(MASKED, text))


def read(path: Path) -> list[Call]:
    """The calls of a file."""
    return [Call(**call) for call in json.loads(path.read_text())["calls"]]


def settled(path: Path) -> dict[str, dict[str, Any]]:
    """What a file says of the questions of docs/live.md."""
    return json.loads(path.read_text()).get("settled", {})


def unreliable(settled: dict[str, dict[str, Any]]) -> list[str]:
    """What the program relies on and is not so, a line each."""
    return [
        f"{question}: {key} is {answered['answer'].get(key)!r}, and the program relies on {relied!r}"
        for question, answered in settled.items()
        for key, relied in answered["relied"].items()
        if answered["answer"].get(key) != relied
    ]


def lived_anew(recorded: Path, now: Path) -> list[str]:
    """What differs between a life's recording and one of the same life lived elsewhere, a line each: its calls, and
    what it settled but for the seconds that something took."""
    before, after = settled(recorded), settled(now)
    lines = [
        f"{question}: {key} was {was!r}, and here {after.get(question, {}).get('answer', {}).get(key)!r}"
        for question, answered in before.items()
        for key, was in answered["answer"].items()
        if key != "seconds" and was != after.get(question, {}).get("answer", {}).get(key)
    ]
    return lines + compare(read(recorded), read(now))


def compare(recorded: Iterable[Call], now: Iterable[Call]) -> list[str]:
    """What differs between two recordings of one life, a line each. Of a call that was made until its answer was the
    awaited one, the last counts."""
    before, after = (_last(calls) for calls in (recorded, now))
    lines: list[Any] = []
    for number, (was, here) in enumerate(zip(before, after, strict=False), 1):
        difference = _difference(was, here) if _name(was) == _name(here) else f"and not {_name(here)}"
        if difference:
            lines.append(f"call {number}, {was.service}:{was.operation}: the service answered {difference}")
    if len(before) != len(after):
        lines.append(f"{len(before)} calls, and here {len(after)}")
    return lines


def _last(calls: Iterable[Call]) -> list[Call]:
    return [
        list(same)[-1] for _, same in itertools.groupby(calls, key=lambda call: (_name(call), call.request))
    ]


def _name(call: Call) -> tuple[str, str]:
    return call.service, call.operation


def shape(value: Any) -> Any:
    """The keys and the types of a value; a list has the shapes of its members, each once."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in sorted(cast("dict[str, Any]", value).items())}
    if isinstance(value, list):
        return sorted({json.dumps(shape(member)) for member in cast("list[Any]", value)})
    return type(value).__name__


def replay(calls: Iterable[Call], client: Callable[[str], Any], accounts: dict[str, str]) -> list[str]:
    """Sends each request again and returns what differs, a line each; nothing where the two clouds agree. What is read
    is read again for a minute while it differs, since the life waited, too."""
    different: list[Any] = []
    for number, call in enumerate(calls, 1):
        reads = call.operation.startswith(("Describe", "Get", "List"))
        difference = ""
        for _ in range(TIMES if reads else 1):
            if not (difference := _difference(call, _sent(call, client, accounts))):
                break
            time.sleep(PAUSE if reads else 0)
        else:
            different.append(
                f"call {number}, {call.service}:{call.operation}: the service answered {difference}"
            )
    return different


def _sent(call: Call, client: Callable[[str], Any], accounts: dict[str, str]) -> Call:
    """The call as the other cloud answers its request."""
    recorder = Recorder(accounts)
    sent = recorder.on(client(call.service))
    method = next(name for name, of in sent.meta.method_to_api_mapping.items() if of == call.operation)
    with suppress(sent.exceptions.ClientError):
        getattr(sent, method)(**_typed(call.request))
    (now,) = recorder.calls
    return now


def _difference(call: Call, now: Call) -> str:
    if now.error != call.error:
        return f"{call.error or 'well'}, here {now.error or 'well'}"
    if not call.error and shape(now.answer) != shape(call.answer):
        return f"{shape(call.answer)}, here {shape(now.answer)}"
    return ""


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, datetime):
        return value.isoformat()
    return {"stream": type(value).__name__}  # a body that is read later is not recorded


def _typed(value: Any) -> Any:
    if isinstance(value, dict) and {*cast("dict[str, Any]", value)} == {"base64"}:
        return base64.b64decode(cast("dict[str, str]", value)["base64"])
    if isinstance(value, dict):
        return {name: _typed(member) for name, member in cast("dict[str, Any]", value).items()}
    return [_typed(member) for member in cast("list[Any]", value)] if isinstance(value, list) else value
