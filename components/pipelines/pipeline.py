"""What all kinds of pipeline share: how their arguments begin, and what a stack's program hands them and gets back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp
from pydantic import Field

from components.accounts import AccountArgs
from components.arguments import Text, arguments, matching
from components.blocks.collection import SharedCollection
from components.blocks.function import FunctionSettings
from components.landing import Landing


@arguments
class PipelineArgs:
    """What all kinds of pipeline have in common."""

    account: AccountArgs
    """The account that the pipeline's resources stand in; in a stack's config, its name."""
    alarm_topic_arn: (
        Annotated[
            Text,
            matching(
                "arn:aws[a-z-]{0,20}:sns:[a-z0-9-]{1,40}:[0-9]{12}:[A-Za-z0-9_-]{1,256}",
                "'{value}' is not a topic's ARN; write 'arn:aws:sns:<region>:<account id>:<topic>'",
            ),
        ]
        | None
    ) = None
    """The SNS topic of that account that alarms go to; a stack's program fills it in."""
    functions: FunctionSettings = FunctionSettings()
    """What all functions of the stack have in common; a stack's program fills it in."""
    reserved_concurrency: Annotated[int, Field(ge=2, le=1000)] | None = None
    """Concurrent runs that are kept for each of the pipeline's functions, and at the same time the most it has; without
    it they share the account's. Lambda leaves at least 100 of an account's runs unreserved."""
    retain_data: bool = True
    """Whether buckets, keys and tables with data outlive the stack; a stack's program fills it in."""


@dataclass(frozen=True)
class Connection:
    """An account that a stack's program has made a provider and a topic for."""

    provider: aws.Provider
    alarm_topic_arn: pulumi.Input[str]


@dataclass(frozen=True)
class Accounts:
    """What a stack's program has connected: each AWS account, and the Google Cloud project where the stack has one."""

    aws: Mapping[AccountArgs, Connection]
    google: gcp.Provider | None = None

    def __getitem__(self, account: AccountArgs) -> Connection:
        return self.aws[account]

    def google_provider(self) -> gcp.Provider:
        assert self.google is not None  # the settings refuse a pipeline that needs it where `gcp` is not set
        return self.google


@dataclass(frozen=True)
class Deployed:
    """What a stack's program gets of a pipeline: outputs, and what its kind yields for others to take."""

    outputs: Mapping[str, pulumi.Input[Any]]
    landing: Landing | None = None
    shared_collection: SharedCollection | None = None
