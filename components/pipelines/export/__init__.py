"""Export: DynamoDB tables and RDS snapshots, on a schedule, in S3 and from there in Glue and Athena.

schedule --> state machine --> export to raw/ --> Parquet in lake/ --> Glue tables and views --> Athena
(or a new snapshot's event)                      (RDS exports are Parquet where they lie)

args.py sources.py                    the arguments and their checks
component.py                          tables, the landing with its key and events, and the run
start.py                              what starts a run
run.py state_machine.py steps.py      the state machine and its functions
simple_run.py                         `run: simple`: a function that only starts the exports
place.py statements.py                where a run works, and what its roles may do
glue_database.py lake_formation.py    the catalog, and who may read it
workgroup.py queries.py reader.py     Athena: limits, named queries, the reader's policy
alarms.py                             when a source fails or brings nothing new
"""
