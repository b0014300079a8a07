"""What must be there before a stack is deployed: the roles that deploy it and preview it, as policies.

    python -m bootstrap            writes docs/permissions.md and bootstrap/policies/ anew, of this repository's stacks
    python -m bootstrap <stack>    prints the policies of Pulumi.<stack>.yaml, and writes nothing
        --permissions-boundary NAME    who deploys makes roles with this policy as their boundary alone
        --json                         all that the stack's roles may, for the program that makes them
    python -m bootstrap.cost <stack>       what the stack is expected to cost; --against FILE, what changes
    python -m bootstrap.cheaper <stack>    what would cost less, and what is given up for it

A list is made of what the stack registers (`registered`), what the AWS provider calls for each type of resource
(`calls`: seen in its log, or documented) and where that type's ARN has its name (`kinds`). Nothing is made, and nothing
is called.

registered.py             what a stack registers, by running it under mocks
calls.py kinds.py         the calls of each type of resource; what it is called in AWS
roles.py narrowing.py     the policies of who deploys, previews and looks for drift; what narrows an action
operating.py              the policies of who sees how a running stack does, and of who runs and pauses it
boundary.py               the most that a role which the stack makes may
google.py runner.py       the same at Google; what whoever runs `pulumi` needs besides
making/ program/          the program that makes accounts ready with these lists
begin.py                  `make bootstrap`: explains it, previews it, asks, makes it, moves its state
why.py page.py            a line for each statement; docs/permissions.md
cost.py cheaper.py        what a stack is expected to cost, and what it could be without, from the command line
"""
