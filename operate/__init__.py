"""A stack that runs: what arrived when, what is failing and what to do, and the switches to run, pause and resume it.

    python -m operate status prod [--format json] [--role NAME]
    python -m operate run|pause|resume prod shop-lake [--role NAME]

`make status STACK=prod` and its siblings call these. The stack `local` has the same by `make status`: local/ hands its
embedded cloud to the functions here, so there is no second implementation.

    entering.py   the accounts of a stack, and its Google project, entered by a role
    outputs.py    what of a stack's outputs is read here
    row.py        what is known of a table's way, and a table and JSON of it
    alarms.py     which of a pipeline's alarms fire, and what each says to do
    measures.py   what CloudWatch measured
    status.py     the rows of all pipelines
    kinds/        what each kind of pipeline shows of its tables, and how it is run, paused and resumed
    switch.py     what of a pipeline can be off
    switches.py   run, pause, resume
    schedules.py  EventBridge's schedules and rules, on and off

Nothing here reads a row of the data: only the records that runs leave, the services' own descriptions, and metrics.
`python -m bootstrap <stack>` prints the policies of the two roles that this takes: `status` reads, `operate` switches.
"""
