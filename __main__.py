"""Carries operational data to where people ask questions of it: settings -> accounts -> pipelines -> outputs."""

import dataclasses

import pulumi

from components import settings
from components.accounts import aws_provider
from components.blocks.alarm import AlarmTopic
from components.pipelines import KINDS
from components.pipelines.pipeline import Connection

stack = settings.from_pulumi(pulumi.Config("tributary"))

accounts: dict = {}
for name, account in stack.accounts.items():
    if account not in accounts:  # two names may stand for one account
        provider = aws_provider(name, account, stack.tags)
        topic = AlarmTopic(
            f"{name}-alarms", account, stack.alarms.emails, pulumi.ResourceOptions(provider=provider)
        )
        accounts[account] = Connection(provider, topic.arn)

deployed = {}
for name, pipeline in stack.pipelines.items():
    handed_on = {"landing": deployed[pipeline.source].landing} if pipeline.source else {}
    topic_arn = accounts[pipeline.args.account].alarm_topic_arn
    args = dataclasses.replace(pipeline.args, alarm_topic_arn=topic_arn, **handed_on)
    deployed[name] = KINDS[pipeline.kind].deploy(name, args, accounts)

pulumi.export(
    "pipelines",
    {
        name: {
            "kind": pipeline.kind,
            "account": pipeline.args.account.id,
            "region": pipeline.args.account.region,
            "from": pipeline.source,
            **deployed[name].outputs,
            "landing": deployed[name].landing.described() if deployed[name].landing else None,
        }
        for name, pipeline in stack.pipelines.items()
    },
)
