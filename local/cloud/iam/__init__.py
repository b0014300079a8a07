"""Who may do what: ministack's IAM, and what it does not evaluate, or not as the services do.

authorization.py      the gaps in ministack's evaluation that tributary's paths cross: key policies, trusts, contexts
signatures.py         every request is signed, and each signature is checked
role_assumption.py    who may take a role on
passed_roles.py       who may hand a role to a service
boundaries.py         the condition on the boundary that a role or a user gets
named_actions.py      the action that a request is judged as, where ministack does not name it
named_resources.py    the resource that it is judged for
several_resources.py  a request for several resources is judged for each
request_members.py    the members of a request's body, in each of the services' forms
user_credentials.py   a user's keys and certificates beside the access keys
"""
