"""AWS on the developer's machine: ministack in one process, and what a program would miss in it, or not be refused.

`server` puts the extensions, a module for each subject, in front of ministack's own functions. A service with several
has a room: `aoss`, `catalog` (Glue and Athena), `dynamodb`, `firehose`, `iam` (who may do what, for every service),
`kinesis`, `osis`, `s3`, `step_functions`. `seams` has the parts of ministack that they use or replace, `models` the
services' models, `worker` what Lambda's workers import. Without a room:

server.py                        the process: its environment, its extensions, its port
retries.py                       a call that an SDK makes again is not made again
refusals.py                      each call that IAM refuses is a line of the log
alarms.py function_logs.py       CloudWatch's alarms, and a function's log
function_code.py                 a function's code, which its workers share
rds_export.py                    RDS: snapshots, and their export to S3
sqs_attributes.py                a queue's redrive policy
kms_key_ids.py                   a KMS key under an id that a config names
deliveries.py                    what services deliver on their own behalf, evaluated
background.py clock.py           work behind an answered request; the time of day, which a test can set forward
expiry.py                        what runs out is searched for seldom
query_protocol.py                answers of the query protocol, by a service's model
service_clients.py               clients of a role that a service assumes
"""
