"""Step Functions refuses a definition that is none; ministack, which runs machines, takes any.

state_machines.py   the refusal, as a machine is made or changed
states_language.py  what `statelint` says of a definition
"""
