"""Carries operational data to where people ask questions of it: settings -> accounts -> pipelines -> outputs."""

import pulumi

import policy
from components import stack
from components.stack import settings

with policy.enforced() as checks:
    config = settings.from_pulumi(pulumi.Config("tributary"))
    accounts = stack.connect(config.accounts, config.gcp, config.tags, config.alarms.emails)
    pipelines = stack.deploy(config.pipelines, accounts)

    pulumi.export("pipelines", {name: pipeline.outputs for name, pipeline in pipelines.items()})
    pulumi.export("dashboards", stack.dashboards(config, accounts, pipelines, checks))
    pulumi.export("cost", stack.report_cost(config, checks))
