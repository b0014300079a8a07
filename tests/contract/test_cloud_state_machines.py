"""The embedded Step Functions refuses a definition that the service would not take."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.embedded_cloud import WORKLOAD, Cloud

SOUND: dict[str, Any] = {
    "StartAt": "Sure?",
    "States": {
        "Sure?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.sure", "IsPresent": True, "Next": "Yes"}],
            "Default": "Yes",
        },
        "Yes": {"Type": "Succeed"},
    },
}


def without_choices() -> str:
    broken = json.loads(json.dumps(SOUND))
    broken["States"]["Sure?"]["Choices"] = []
    return json.dumps(broken)


@pytest.fixture(scope="module")
def role(cloud: Cloud) -> str:
    own = {"Sid": "Own", "Effect": "Allow", "Action": "states:StartExecution"}
    own |= {"Resource": f"arn:aws:states:us-east-1:{WORKLOAD}:stateMachine:sound"}
    return cloud.role(WORKLOAD, "steps", "states.amazonaws.com", own)


def test_a_choice_without_choices_is_refused_as_the_machine_is_made(cloud: Cloud, role: str) -> None:
    client = cloud.client("stepfunctions", WORKLOAD)
    with pytest.raises(client.exceptions.InvalidDefinition, match="Choices is empty"):
        client.create_state_machine(name="none", definition=without_choices(), roleArn=role)
    assert client.list_state_machines()["stateMachines"] == []


def test_and_as_it_is_changed(cloud: Cloud, role: str) -> None:
    client = cloud.client("stepfunctions", WORKLOAD)
    arn = client.create_state_machine(name="sound", definition=json.dumps(SOUND), roleArn=role)[
        "stateMachineArn"
    ]
    with pytest.raises(ClientError) as refused:
        client.update_state_machine(stateMachineArn=arn, definition=without_choices())
    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"
    assert "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED" in str(refused.value)
    assert json.loads(client.describe_state_machine(stateMachineArn=arn)["definition"]) == SOUND
