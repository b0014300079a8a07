"""A statement that is never right can't be written."""

import json

import pytest

from components.iam import Statement, document, pass_role, trust


def test_a_star_in_an_action_is_refused() -> None:
    with pytest.raises(ValueError, match="statement Read: s3:Get\\*: a '\\*' in an action; name the actions"):
        Statement("Read", ["s3:Get*"], ["arn:aws:s3:::b"])


def test_every_resource_needs_its_reason() -> None:
    with pytest.raises(ValueError, match="statement Make: a resource '\\*' and its reason go together"):
        Statement("Make", ["s3:CreateJob"], ["*"])
    assert Statement("Make", ["s3:CreateJob"], ["*"], every_resource_because="it takes none").resources == [
        "*"
    ]


def test_a_reason_without_a_star_is_refused() -> None:
    with pytest.raises(ValueError, match="go together"):
        Statement("Make", ["s3:CreateJob"], ["arn:aws:s3:::b"], every_resource_because="none")


@pytest.mark.parametrize("sid", ["", "Read objects", "read-objects"])
def test_a_sid_that_iam_refuses_is_refused(sid: str) -> None:
    with pytest.raises(ValueError, match="a sid is made of letters and digits"):
        Statement(sid, ["s3:GetObject"], ["arn:aws:s3:::b/*"])


def test_two_statements_of_a_policy_need_two_sids() -> None:
    read = Statement("Read", ["s3:GetObject"], ["arn:aws:s3:::b/*"])
    with pytest.raises(ValueError, match="share a sid"):
        document(read, read)


def test_a_trust_lets_a_service_act_for_one_account_only() -> None:
    trusted = trust(
        "lambda.amazonaws.com", "111111111111", "arn:aws:lambda:eu-central-1:111111111111:function:f"
    )
    assert json.loads(str(trusted))["Statement"] == [
        {
            "Sid": "Assume",
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": ["sts:AssumeRole"],
            "Condition": {
                "StringEquals": {"aws:SourceAccount": "111111111111"},
                "ArnLike": {"aws:SourceArn": "arn:aws:lambda:eu-central-1:111111111111:function:f"},
            },
        }
    ]


def test_a_role_is_passed_to_one_service_only() -> None:
    statement = pass_role("HandOver", "arn:aws:iam::111111111111:role/r", "batchoperations.s3.amazonaws.com")
    assert statement.conditions == {
        "StringEquals": {"iam:PassedToService": "batchoperations.s3.amazonaws.com"}
    }
