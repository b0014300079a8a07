"""A heart beat: a record on a stream, every few minutes, so that readers know that the stream works.

schedule --> function --> Kinesis stream

args.py         the arguments and their checks
component.py    the function with its right, its schedule
alarms.py       when the beat stops

Guarded by: tests/unit/pipelines/heart_beat/, tests/contract/iam/table_heart_beat.py, tests/e2e/test_up.py
"""
