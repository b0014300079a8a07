"""A stack: a connection to each of its accounts, and its pipelines, each after the ones that it stands on."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components import names
from components.accounts import AccountArgs, GcpArgs, aws_provider, gcp_provider
from components.arguments import replaced
from components.blocks.alarm import AlarmTopic
from components.pipelines.pipeline import LANDING, Accounts, Connection, Deployed
from components.stack.kinds import KINDS, PipelineSettings


def connect(
    accounts: Mapping[str, AccountArgs],
    google: GcpArgs | None,
    tags: Mapping[str, str],
    emails: Sequence[str],
) -> Accounts:
    """Creates one provider and one alarm topic for each account, and a provider for the Google Cloud project if any.

    `accounts` is by the config's names, of which two may have the same account; `tags` go on every AWS resource and, as
    labels, on every Google Cloud one; `emails` are the addresses that every alarm topic mails to.
    """
    connections: dict[AccountArgs, Connection] = {}
    for name, account in accounts.items():
        if account not in connections:
            provider = aws_provider(name, account, tags)
            topic = AlarmTopic(f"{name}-alarms", account, emails, pulumi.ResourceOptions(provider=provider))
            connections[account] = Connection(provider, topic.arn)
    return Accounts(connections, gcp_provider("google", google, tags) if google else None)


def deploy(pipelines: Mapping[str, PipelineSettings], accounts: Accounts) -> dict[str, Deployed]:
    """Registers the pipelines in their order, handing each what it takes from another."""
    deployed: dict[str, Deployed] = {}
    for name, pipeline in pipelines.items():
        handed_on: dict[str, Any] = {
            hand_over.argument: hand_over.of(deployed[upstream])
            for hand_over, upstream in pipeline.takes.items()
        }
        topic_arn = accounts[pipeline.args.account].alarm_topic_arn
        args = replaced(pipeline.args, alarm_topic_arn=topic_arn, **handed_on)
        parts = KINDS[pipeline.kind].deploy(name, args, accounts)
        described: dict[str, Any] = {
            "kind": pipeline.kind,
            "account": args.account.id,
            "region": args.account.region,
            "from": pipeline.takes.get(LANDING),
            "alarms": names.alarm(f"{name}-x").removesuffix("x"),
            **parts.outputs,
            "landing": parts.landing.described() if parts.landing else None,
        }
        deployed[name] = dataclasses.replace(parts, outputs=described)
    return deployed
