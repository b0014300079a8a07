"""An alarm says what happened, what it means for the data, and what to do: each names a command that there is."""

import re
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from components.shared.run_commands import ITS_INPUT, newest, start_command
from tests.recording import record
from tests.sources import modules
from tests.unit.repository.test_commands import ROOT, of_aws, operations

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMMAND = re.compile(r"\b(aws [a-z0-9]+ [a-z-]+|pulumi up|bq ls|gcloud transfer operations)\b")
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
LONGEST = 1024


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_every_alarm_names_a_command_that_there_is(stack: str) -> None:
    meanings = {name: alarm["alarmDescription"] for name, alarm in record(stack).of(ALARM).items()}
    assert len(meanings) > 30
    assert [name for name, meaning in meanings.items() if not COMMAND.search(meaning)] == []
    assert [name for name, meaning in meanings.items() if len(meaning) > LONGEST] == []
    named = {pair for meaning in meanings.values() for pair in of_aws(meaning)}
    assert len(named) > 4
    assert [pair for pair in sorted(named) if pair[1] not in operations(pair[0])] == []


# What follows in a command, and the type and property of the resource that it must be.
NAMED = {
    r"aws logs tail (\S+?)[.);]? ": ("aws:cloudwatch/logGroup:LogGroup", "name"),
    r"--function-name (\S+)": ("aws:lambda/function:Function", "name"),
    r"--state-machine-arn \S+:([\w-]+)": ("aws:sfn/stateMachine:StateMachine", "name"),
    r"[Tt]he queue ([\w-]*tributary[\w-]*)": ("aws:sqs/queue:Queue", "name"),
    r"--source-arn \S+:([\w-]+)": ("aws:sqs/queue:Queue", "name"),
    r"--queue-url \S+/([\w-]+)": ("aws:sqs/queue:Queue", "name"),
    r"--recursive s3://([\w-]+)/": ("aws:s3/bucket:Bucket", "bucket"),
    r"--pipeline-name ([\w-]+)": ("aws:opensearchingest/pipeline:Pipeline", "pipelineName"),
    r"--job-names=(transferJobs/[\w-]+)": ("gcp:storage/transferJob:TransferJob", "name"),
}


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_what_an_alarm_names_is_a_resource_of_its_stack(stack: str) -> None:
    recorded = record(stack)
    seen: set[str] = set()
    for name, alarm in recorded.of(ALARM).items():
        for pattern, (kind, key) in NAMED.items():
            for named in re.findall(pattern, f"{alarm['alarmDescription']} "):
                seen.add(pattern)
                assert named in {inputs.get(key) for inputs in recorded.of(kind).values()}, (name, named)
    assert len(seen) > 6


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_an_alarm_says_what_happened_and_then_what_to_do(stack: str) -> None:
    """In sentences of at most 22 words, beside their commands, of which there are two or more."""
    for name, alarm in record(stack).of(ALARM).items():
        text = re.sub(r" \((?:aws|gcloud) [^)]*\)", "", alarm["alarmDescription"])
        sentences = re.split(r"(?<=[a-z0-9)/\"])[.;:] (?=[A-Za-z])", text)
        assert len(sentences) > 1, name
        assert [sentence for sentence in sentences if len(sentence.split()) > 22] == [], name


# What only who reads the alarm can know.
THE_READERS = {"<key>"}


def placeholders(text: str) -> set[str]:
    """What stands in for a value in a command that is shown."""
    return set(re.findall(r"<[^<>]*>", text)) - THE_READERS


def incomplete(text: str) -> list[str]:
    """The commands of a text without an option that they can't do without: AWS's by the models that the command line is
    made of, Google's by their pages."""
    missing: list[str] = []
    for command in re.split(r"(?=\baws [a-z0-9-]+ [a-z])", text):
        given = set(re.findall(r"--([a-z0-9-]+)", command))
        for service, operation in of_aws(command):
            missing += [f"{operation} --{option}" for option in sorted(required(service, operation) - given)]
    # https://docs.cloud.google.com/bigquery/docs/reference/bq-cli-reference#bq_ls: the transfer is an argument.
    lists = re.findall(r"bq ls[^.]*", text)
    missing += [
        command
        for command in lists
        if not re.search(r"--transfer_run .*projects/\S+/transferConfigs/\S+", command)
    ]
    operations_of_jobs = re.findall(
        r"gcloud transfer operations list\S*( --job-names=transferJobs/\S+)?", text
    )
    return missing + ["gcloud --job-names" for names_job in operations_of_jobs if not names_job]


@cache
def required(service: str, operation: str) -> set[str]:
    """The options of a command that have to be there; a run of a state machine can't be planned without its input."""
    model: Any = botocore.session.get_session().get_service_model(service)
    by_option = {xform_name(name, "-"): name for name in model.operation_names}
    members: list[str] = model.operation_model(by_option[operation]).input_shape.required_members
    more = {"input"} if operation == "start-execution" else set[str]()
    return {xform_name(member, "-") for member in members} | more


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_a_sentence_does_not_run_into_the_command_before_it(stack: str) -> None:
    for name, alarm in record(stack).of(ALARM).items():
        assert re.findall(r"\S+[.;:][A-Z][a-z]+ ", alarm["alarmDescription"]) == [], name


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_an_alarms_commands_are_whole(stack: str) -> None:
    meanings = {name: alarm["alarmDescription"] for name, alarm in record(stack).of(ALARM).items()}
    assert {name: missing for name, text in meanings.items() if (missing := placeholders(text))} == {}
    assert {name: missing for name, text in meanings.items() if (missing := incomplete(text))} == {}


def test_a_command_that_is_not_whole_is_seen() -> None:
    assert placeholders("aws s3 ls s3://<the pipeline's bucket>/") == {"<the pipeline's bucket>"}
    assert incomplete("again: aws stepfunctions start-execution --state-machine-arn arn") == [
        "start-execution --input"
    ]
    assert incomplete("aws sqs receive-message: the URL") == ["receive-message --queue-url"]
    assert incomplete("See bq ls --transfer_run. Then") == ["bq ls --transfer_run"]
    assert incomplete("See gcloud transfer operations list. Then") == ["gcloud --job-names"]


def test_one_function_writes_the_command_that_starts_a_run_and_the_page_has_what_it_writes() -> None:
    rooms = ("components", "operate", "handlers", "delivery", "adoption", "bootstrap")
    written = [str(file) for room in rooms for file in modules(room) if "start-execution" in file.read_text()]
    assert [file for file in written if not file.endswith("run_commands.py")] == []
    assert len(written) == 1
    page = (ROOT / "docs" / "export.md").read_text()
    assert f"{newest('<state machine>', 'FAILED')}\n{start_command('<state machine>', ITS_INPUT)}" in page


def test_a_run_that_was_stopped_in_time_is_not_explained_by_an_error_that_it_has_not() -> None:
    meanings = {name: alarm["alarmDescription"] for name, alarm in record("prod").of(ALARM).items()}
    stopped = [text for name, text in meanings.items() if name.endswith("-run-timeout")]
    assert stopped and all(
        "--status-filter TIMED_OUT" in text and "--query cause" not in text for text in stopped
    )
