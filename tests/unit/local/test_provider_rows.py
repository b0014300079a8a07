"""Where a row of the local provider says that an answer has the resource, the service's own model has such a member."""

from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from local.providers.aws_rows import Entry, Member, Missing
from local.providers.aws_types import ROWS

PLACES = [
    (kind, operation, place) for kind, row in sorted(ROWS.items()) for operation, place in row.result.items()
]


def output_of(service: str, operation: str) -> Any:
    """The shape of an operation's answer, by the name that boto3 has for it."""
    model: Any = botocore.session.get_session().get_service_model(service)
    (name,) = [name for name in model.operation_names if xform_name(name) == operation]
    return model.operation_model(name).output_shape


@pytest.mark.parametrize(("kind", "operation", "place"), PLACES, ids=lambda value: str(value))
def test_an_answer_has_what_a_row_reads_of_it(kind: str, operation: str, place: Member | Entry) -> None:
    members = output_of(ROWS[kind].service, operation).members
    if isinstance(place, Entry):
        assert place.member in members[place.entries].member.members
    else:
        assert place.name in {"", *members}


def test_an_entry_is_the_one_of_the_resource() -> None:
    place = Entry("Aliases", "AliasName", "name")
    answer = {"Aliases": [{"AliasName": "a", "id": 1}, {"AliasName": "b", "id": 2}]}
    assert place.of(answer, {"name": "b"}) == {"AliasName": "b", "id": 2}
    for removed in (answer, {}, {"Aliases": None}):
        with pytest.raises(Missing, match="Aliases"):
            place.of(removed, {"name": "c"})


def test_a_member_that_an_answer_lacks_is_empty() -> None:
    assert Member("User").of({"User": {"Path": "/"}}, {}) == {"Path": "/"}
    assert Member("User").of({}, {}) == {}
    assert Member().of({"a": 1}, {}) == {"a": 1}
