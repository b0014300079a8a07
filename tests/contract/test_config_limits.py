"""What a config may say is what the API that it ends in takes: docs/config-limits.toml has the member of each key.

The judges are the services' models (botocore's, checked as the embedded cloud does; Google's discovery documents) and,
where a model is silent, the page that the row names.
"""

import functools
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, cast, get_args, get_origin

import annotated_types
import pytest
import regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi.runtime import mocks
from pydantic import AfterValidator
from pydantic.fields import FieldInfo

from components import names
from components.arguments import Refused, parse
from components.languages import glue_columns
from components.stack import settings as config
from docs import limits
from local.cloud.models import compiler, constraints
from local.gcp.messages import BITS
from tests.contract.config_examples import ACCOUNT
from tests.contract.config_examples import given as beside
from tests.typed import fake, listed
from tests.unit.test_names import NoResources

ROWS = limits.rows()
CLASSES = {cls.__name__: cls for cls in limits.classes()}
HINTS = {(name, key): hint for name, cls in CLASSES.items() for key, hint in limits.keys(cls)}
COMPARED = [
    place
    for place in HINTS
    if {"api", "google", "page", "count"} & ROWS.get(place[0], {}).get(place[1], {}).keys()
]
PHYSICAL: dict[str, Callable[[str], str]] = {
    "iam.CreateRole: RoleName": names.role,
    "lambda.CreateFunction: FunctionName": names.function,
    "osis.CreatePipeline: PipelineName": names.ingestion,
    "opensearchserverless.CreateCollection: name": names.collection,
    "stepfunctions.CreateStateMachine: name": names.state_machine,
    "cloudwatch.PutMetricAlarm: AlarmName": names.alarm,
    "cloudwatch.PutDashboard: DashboardName": lambda name: names.dashboard(f"{name}-dashboard"),
    "sns.CreateTopic: Name": lambda name: names.topic(f"{name}-alarms"),
}


@pytest.fixture(autouse=True)
def _stack() -> None:
    mocks.set_mocks(NoResources(), project="tributary", stack="prod")


def test_every_key_has_a_row_and_every_row_a_key() -> None:
    assert {(cls, key) for cls, keys in ROWS.items() for key in keys} == set(HINTS)


def test_a_row_says_where_its_key_ends_or_why_it_ends_nowhere() -> None:
    for place, row in ((f"{cls}.{key}", row) for cls, keys in ROWS.items() for key, row in keys.items()):
        assert len({"api", "google", "part", "none"} & row.keys()) == 1, place
        assert ("page" in row) == bool(
            {"pattern", "least", "most"} & row.keys() or isinstance(row.get("values"), list)
        ), place
        for path in (*limits.listed(row.get("api")), *limits.listed(row.get("count"))):
            assert limits.member(path), place
        for path in limits.listed(row.get("google")):
            assert limits.google_member(path), place


def accepted(place: tuple[str, str], value: Any) -> bool:
    cls, key = place
    name, _, of_a_name = key.partition(".")
    if place in (("StackArgs", "pipelines.<name>"), ("StackArgs", "accounts.<name>")):
        whole: dict[str, Any] = {"accounts": {"workload": ACCOUNT}}
        whole[name] = {
            value: {"kind": "export", "sources": [{"dynamodb": "orders"}]} if name == "pipelines" else ACCOUNT
        }
        try:
            config.read(whole)
        except Refused as refused:
            return not any(error.startswith(f"{name}.{value}: ") for error in refused.errors)
        return True
    hint = limits.unwrapped(dict(limits.keys(CLASSES[cls])).get(name, str))
    if of_a_name:
        value = {value: example((cls, name))}
    elif get_origin(hint) is dict:
        value = {example((cls, f"{name}.<name>")): value}
    elif get_origin(hint) is list:
        value = listed(value)
    try:
        parse(CLASSES[cls], beside(cls, key) | {name: value})
    except Refused:
        return False
    return True


def beyond(place: tuple[str, str], value: Any) -> list[str]:
    """What the API does not take of a value."""
    row = ROWS[place[0]][place[1]]
    errors: list[Any] = []
    if isinstance(value, list):
        members = cast("list[Any]", value)
        for path in limits.listed(row.get("count")):
            most = limits.member(path).metadata["max"]
            errors += [f"{path}: {len(members)} of them"] if len(members) > most else []
        return errors
    for path in limits.listed(row.get("api")):
        try:
            sent = becomes(row, path, value)
        except ValueError as error:  # nothing is sent of it
            errors.append(str(error))
            continue
        try:
            compiler(path.split(".")[0]).of(limits.member(path))(sent, path, errors)
        except constraints.Unreadable as error:
            errors.append(str(error))
    for path in limits.listed(row.get("google")):
        form = limits.google_member(path).get("format", "")
        least, most = BITS.get(form, (0, 0))
        if form in BITS and not least <= value * row.get("times", 1) < most:
            errors.append(f"{path}: {value} is no {form}")
    sent = value * row["times"] if "times" in row else value
    if "pattern" in row and not regex.fullmatch(row["pattern"], sent):
        errors.append(f"{row['page']}: {sent!r}")
    if "least" in row and not row["least"] <= (len(sent) if isinstance(sent, str) else sent) <= row["most"]:
        errors.append(f"{row['page']}: {sent!r}")
    if isinstance(row.get("values"), list) and sent not in row["values"]:
        errors.append(f"{row['page']}: {sent!r}")
    return errors


def becomes(row: limits.Row, path: str, value: Any) -> Any:
    """What the API is sent of a value."""
    if isinstance(row.get("values"), dict):
        return row["values"].get(str(value).lower() if isinstance(value, bool) else value, value)
    if "becomes" in row:
        return {
            "column": lambda: next(iter(glue_columns.columns({value: "string"}))),
            "glue type": lambda: glue_columns.column_type(value),
            "physical name": lambda: PHYSICAL[path](value),
        }[row["becomes"]]()
    if "times" in row:
        return value * row["times"]
    return row["form"].replace("{}", value) if "form" in row else value


def checks(hint: Any) -> tuple[Any, list[Any]]:
    """The type inside a hint, and its metadata."""
    metadata: list[Any] = []
    while True:
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            metadata += [
                part
                for annotation in more
                for part in (annotation.metadata if isinstance(annotation, FieldInfo) else [annotation])
            ]
        elif get_origin(hint) in (list, dict):
            hint = get_args(hint)[-1]
            metadata: list[Any] = []  # of its members
        elif limits.unwrapped(hint) is not hint:
            hint = next(choice for choice in get_args(hint) if choice is not type(None))
        else:
            return hint, metadata


def patterns(place: tuple[str, str]) -> list[str]:
    """The expressions of our check and of the API."""
    row = ROWS[place[0]][place[1]]
    own: list[Any] = []
    for check in checks(HINTS[place])[1]:
        named = (
            vars(check.func).get("pattern")
            if isinstance(check, AfterValidator)
            else getattr(check, "pattern", None)
        )
        own += [named] if named else []
    foreign = [limits.member(path).metadata.get("pattern") for path in limits.listed(row.get("api"))]
    return own + [
        pattern
        for pattern in [*foreign, row.get("pattern")]
        if pattern and "\\p" not in pattern and "\\u" not in pattern
    ]


@functools.cache
def example(place: tuple[str, str]) -> Any:
    """A value that is accepted."""
    row, hint = ROWS[place[0]][place[1]], HINTS[place]
    if "such_as" in row:
        return row["such_as"]
    kind, _ = checks(hint)
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if kind in (bool, int):
        return next(
            value
            for value in (True, 1, 2, 5, 30, 60)
            if kind is bool or (value is not True and accepted(place, value))
        )
    given = beside(*place).get(place[1])
    if given is not None:
        return listed(given)[0]
    return next(example for example in EXAMPLES if accepted(place, example))


INSERTED = ["-", "--", ".", "..", "/", "\n", "a" * 40, "a" * 2500, "a" * 263_000]
EXAMPLES = ["shop", "shop-lake", "a@example.com", "arn:aws:iam::111111111111:role/deploy", "s3:ObjectCreated:*", "raw/",
            "arn:aws:kms:eu-central-1:111111111111:key/1", "arn:aws:sns:eu-central-1:111111111111:alarms"]  # fmt: skip


def at_home(value: Any) -> Any:
    """An ARN of the account that the other keys are of, and a key of their location."""
    if isinstance(value, str) and value.startswith("projects/"):
        return re.sub("/locations/[^/]*/", "/locations/europe/", value)
    arn = (
        re.fullmatch(r"(arn:[^:]*:[^:]*):([^:]*):[0-9]{12}:(.*)", value, re.DOTALL)
        if isinstance(value, str)
        else None
    )
    return f"{arn[1]}:{arn[2] and 'eu-central-1'}:111111111111:{arn[3]}" if arn else value


def values(place: tuple[str, str]) -> st.SearchStrategy[Any]:
    """Values within our check, at its edges, within the API's limits, at theirs, and others."""
    kind, metadata = checks(HINTS[place])
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind)) | (
            st.text(max_size=9) if isinstance(get_args(kind)[0], str) else st.integers()
        )
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.sampled_from(sorted(edges(place, metadata))) | st.integers() | st.integers(0, 10_000)
    shown = example(place)
    if not isinstance(shown, str):
        return st.just(shown)
    made = [st.from_regex(regex_of(pattern), fullmatch=True).map(at_home) for pattern in patterns(place)]
    inserted = st.builds(
        fake(lambda at, more: shown[: at % (len(shown) + 1)] + more + shown[at % (len(shown) + 1) :]),
        st.integers(0, 99),
        st.text(max_size=2) | st.sampled_from(INSERTED),
    )
    several: list[st.SearchStrategy[Any]] = []
    if "count" in ROWS[place[0]][place[1]]:
        counts = st.sampled_from([1, 5, 6, 12, 13, 16, 17])
        several.append(counts.map(lambda count: [f"{shown[:-2]}{number:02}" for number in range(count)]))
    return st.one_of(*made, inserted, st.text(max_size=20), *several)


def too_long(place: tuple[str, str]) -> list[str]:
    """The example with letters and digits put in anywhere, just longer than the API takes."""
    row, shown = ROWS[place[0]][place[1]], example(place)
    if not isinstance(shown, str) or "becomes" in row:
        return []
    mosts = {limits.member(path).metadata.get("max") for path in limits.listed(row.get("api"))} | {
        row.get("most")
    }
    counted = re.findall(r"\{\d+,(\d+)\}", row.get("pattern", ""))
    around = len(row.get("form", "{}")) - len("{}")
    longer = {int(most) + 1 - around - len(shown) for most in [*mosts, *counted] if most}
    places = range(len(shown) + 1) if len(shown) < 30 else (len(shown),)
    return [shown[:at] + filler * by + shown[at:] for by in longer for at in places for filler in "a0"]


def regex_of(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def edges(place: tuple[str, str], metadata: list[Any]) -> set[int]:
    row, numbers = ROWS[place[0]][place[1]], {0, -1, 1, 2**31, 2**63}
    for check in metadata:
        ends = vars(check.func).get("limits", ()) if isinstance(check, AfterValidator) else ()
        ends = (
            *ends,
            *(
                getattr(check, end)
                for end in ("ge", "le")
                if isinstance(check, annotated_types.Ge | annotated_types.Le) and hasattr(check, end)
            ),
        )
        numbers |= {end + by for end in ends for by in (-1, 0, 1)}
    for path in limits.listed(row.get("api")):
        traits = limits.member(path).metadata
        numbers |= {
            traits[end] // row.get("times", 1) + by
            for end in ("min", "max")
            if end in traits
            for by in (-1, 0, 1)
        }
    return numbers | {
        row[end] // row.get("times", 1) + by for end in ("least", "most") if end in row for by in (-1, 0, 1)
    }


@pytest.mark.parametrize("place", COMPARED, ids=".".join)
def test_what_our_check_takes_the_api_takes(place: tuple[str, str]) -> None:
    assert accepted(place, example(place)), f"{example(place)!r} is refused, so nothing would be compared"
    taken = {repr(example(place))}

    @settings(
        max_examples=60,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(values(place))
    def compare(value: Any) -> None:
        errors, takes = beyond(place, value), accepted(place, value)
        assert not (errors and takes), errors
        taken.update([repr(value)] if takes else [])

    compare()
    for value in too_long(place):
        assert not (beyond(place, value) and accepted(place, value)), value
    # Of text with an expression some values are taken: else the comparison would show nothing.
    assert len(taken) > (1 if patterns(place) else 0)
