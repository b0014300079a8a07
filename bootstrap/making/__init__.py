"""What `make bootstrap` makes before the first deployment, as a Pulumi program of its own (bootstrap/program).

In the account of the state: the bucket and the keys of state and secrets, GitHub's identity provider, and for each
stack two roles that a job of the workflows enters by. In each account of a stack: a role that deploys, one that
previews and one that looks for drift, with the policies that `python -m bootstrap <stack>` prints, and trusting the
entering role alone. At Google: a pool that trusts the repository, and for each stack three service accounts with custom
roles.

settings.py   the program's config, checked
lists.py      what each stack's roles may, from `python -m bootstrap --json <stack>`
github.py     which job may enter: the subject of its token, and the trust of it
names.py      what is called how
state.py      the bucket and the keys of state and secrets
entering.py   the identity provider, and the roles that a job enters by
accounts.py   the roles in each account
google.py     the pool, the service accounts, their roles, the project's services
template.py   the roles in the accounts as a CloudFormation template, for a StackSet
program.py    all of it, in the order in which it is made
"""
