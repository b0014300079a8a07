"""Makes ready what must be there before a deployment: config -> state, roles, Google -> what GitHub is given."""

import sys
from pathlib import Path

import pulumi

sys.path.insert(1, str(Path(__file__).resolve().parents[2]))

import policy
from bootstrap.making import program, settings

config = settings.read(pulumi.Config())
with policy.enforced():
    at_aws = program.state_and_doors(config)

# Outside: the rules are on what a stack makes. Who deploys manages what has no name before it is made, and at Google
# makes roles and grants them; what judges these roles is tests/contract/iam.
for stack, environments in program.deployers(config, at_aws).items():
    pulumi.export(stack, environments)
