"""Step Functions refuses a definition that is none, and runs queries of Athena's; ministack, which runs machines, takes
any, and has no such task.

athena_queries.py   the task
state_machines.py   the refusal, as a machine is made or changed
states_language.py  what `statelint` says of a definition
"""
