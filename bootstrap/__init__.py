"""What must be there before a stack is deployed: the roles that deploy it and preview it, as policies.

    python -m bootstrap            writes docs/permissions.md and bootstrap/policies/ anew, of this repository's stacks
    python -m bootstrap <stack>    prints the policies of Pulumi.<stack>.yaml, and writes nothing

A list is made of what the stack registers (`registered`), what the AWS provider calls for each type of resource
(`calls`: seen in its log, or documented) and where that type's ARN has its name (`kinds`). Nothing is made, and nothing
is called.
"""
