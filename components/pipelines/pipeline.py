"""What every pipeline's arguments begin with."""

from typing import Annotated, Optional

import pulumi
from pydantic import SkipValidation

from components.accounts import AccountArgs
from components.arguments import arguments
from components.blocks.function import FunctionSettings


@arguments
class PipelineArgs:
    """What all kinds of pipeline have in common."""

    account: AccountArgs
    """The account that the pipeline's resources stand in; in a stack's config, its name."""
    alarm_topic_arn: Annotated[Optional[pulumi.Input[str]], SkipValidation] = None
    """The SNS topic of that account that alarms go to; a stack's program fills it in."""
    functions: FunctionSettings = FunctionSettings()
    """What all functions of the stack have in common; a stack's program fills it in."""
    retain_data: bool = True
    """Whether buckets, keys and tables with data outlive the stack; a stack's program fills it in."""
