"""What all kinds of pipeline share: how their arguments begin, and what a stack's program hands them and gets back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp
from pydantic import Field

from components.accounts import AccountArgs, arn_pattern
from components.arguments import BY_NAME, OF_THE_STACK, FilledIn, Text, arguments, matching
from components.blocks.collection import SharedCollection
from components.blocks.collection_group import SharedGroup
from components.blocks.function import FunctionSettings
from components.landing import Landing

TopicArn = Annotated[
    Text,
    matching(
        arn_pattern("sns", "[A-Za-z0-9_-]{1,256}"),
        "'{value}' is not a topic's ARN; write 'arn:aws:sns:<region>:<account id>:<topic>'",
    ),
]


@arguments
class PipelineArgs:
    """What all kinds of pipeline have in common."""

    account: Annotated[AccountArgs, BY_NAME]
    """The account that the pipeline's resources stand in."""
    alarm_topic_arn: Annotated[TopicArn | None, OF_THE_STACK] = None
    """The SNS topic of that account that alarms go to."""
    functions: Annotated[FunctionSettings, OF_THE_STACK] = FunctionSettings()
    """What all functions of the stack have in common."""
    reserved_concurrency: Annotated[int, Field(ge=2, le=1000)] | None = None
    """Concurrent runs that are kept for each of the pipeline's functions, and at the same time the most it has; without
    it they share the account's. Lambda leaves at least 100 of an account's runs unreserved."""
    retain_data: Annotated[bool, OF_THE_STACK] = True
    """Whether buckets, keys and tables with data outlive the stack."""


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
        """The provider of the Google Cloud project."""
        assert self.google is not None  # the settings refuse a pipeline that needs it where `gcp` is not set
        return self.google


@dataclass(frozen=True)
class Deployed:
    """What a stack's program gets of a pipeline: outputs, and what its kind yields for others to take."""

    outputs: Mapping[str, pulumi.Input[Any]]
    landing: Landing | None = None
    shared_collection: SharedCollection | None = None
    shared_group: SharedGroup | None = None


@dataclass(frozen=True)
class HandOver(FilledIn):
    """What a pipeline takes of another one; the mark of the argument that takes it."""

    reference: str
    """The key of a config that names the other pipeline."""
    argument: str
    """The argument that it stands for."""
    of: Callable[[Deployed], Any]
    """Where the other one, once it is registered, has it."""
    lacking: str = ""
    """Why one of a kind that yields it may have none, and what to write."""
    instead: str = ""
    """What a config may write in its place."""

    @property
    def note(self) -> str:
        """The key that a stack's config writes for the argument."""
        written = f"in a stack's config `{self.reference}: <pipeline>`"
        return f"{written}, or {self.instead}" if self.instead else written

    @property
    def what(self) -> str:
        """What it is, in an error."""
        return self.argument.replace("_", " ")


LANDING = HandOver(
    "from", "landing", lambda deployed: deployed.landing, instead="`landing:` for a bucket that exists"
)
COLLECTION = HandOver("collection_of", "shared_collection", lambda deployed: deployed.shared_collection)
GROUP = HandOver(
    "group_of",
    "shared_group",
    lambda deployed: deployed.shared_group,
    "makes no collection that stands in a group; write collection: {generation: nextgen} there, or name another",
)
HAND_OVERS = (LANDING, COLLECTION, GROUP)
