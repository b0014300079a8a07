"""The commands that start a run again, as alarms, the status of a stack and the pages show them.

`aws stepfunctions` of https://docs.aws.amazon.com/cli/latest/reference/stepfunctions/; an execution without `--input`
gets `{}`, of which no run can be planned.
"""

from typing import Literal

NEWEST = "$run"
"""The shell's variable that `newest` sets: the ARN of an execution."""
ITS_INPUT = f'"$(aws stepfunctions describe-execution --execution-arn {NEWEST} --query input --output text)"'


def newest(machine: str, status: Literal["FAILED", "TIMED_OUT"]) -> str:
    """Puts the ARN of the machine's newest execution that ended so into `$run`; the list is newest first
    (https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html)."""
    return (
        f"run=$(aws stepfunctions list-executions --state-machine-arn {machine} --status-filter {status} "
        "--no-paginate --query 'executions[0].executionArn' --output text)"
    )


def start_command(machine: str, run_input: str) -> str:
    """Starts the machine with an input, which is a word of the shell: quoted JSON, or ITS_INPUT."""
    return f"aws stepfunctions start-execution --state-machine-arn {machine} --input {run_input}"
