"""From a stack's config to its pipelines.

settings.py     reads the config: names become what they stand for, every error at once
conflicts.py    what is right in each pipeline and wrong in two together
copies.py       the plain copies of Iceberg tables that the stack's transfers load
neighbours.py   stacks of the same project whose resources would have the same names
kinds.py        the kinds of pipeline: their arguments, and what one yields for another
deployment.py   a provider for each account, then the pipelines in their order
dashboard.py    what an account's dashboard shows
dashboards.py   a dashboard of alarms in each account
costs.py        what all of it costs, as an output and a table, and the ceiling
"""

from components.stack.costs import report_cost as report_cost
from components.stack.dashboards import dashboards as dashboards
from components.stack.deployment import connect as connect
from components.stack.deployment import deploy as deploy
