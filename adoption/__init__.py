"""Takes what stands in the accounts already into a stack's state, without a change to it: `make adopt STACK=prod`.

    python -m adoption <stack>        shows what would be adopted, what differs and what would be made; asks; adopts
        --yes                         does not ask
        --show                        shows, and adopts nothing

For what was made by hand, by Terraform, or by this program before a `destroy` that left what holds data. Names are
the same on every run (components/names.py), so that each resource can be looked for by its name.

wanted.py          what the program registers, with inputs and what they are made of: from the engine's saved plan
kinds.py           what is known of a type
aws.py google.py   for each type: how its resources are looked for, what an import calls them, or why it has no import
looking.py         looks for each wanted resource, in the account of its provider
import_file.py     the engine's import file, filled in with what is there
differences.py     what the program would change of what was adopted, from the engine's events
parts.py           parts of what is JSON
run.py             a rehearsal on a copy of the state, what it shows, the import, and what no service keeps
"""
