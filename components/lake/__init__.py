"""A run: exports that lie in a bucket become Parquet, tables in Glue, and queries in Athena.

Whichever pipeline has the bucket: an export, whose run exports first, or a replica, where the exports arrive.

filling.py                            what a run fills, in the words that both pipelines have for it
run.py state_machine.py steps.py      the state machine and its functions
place.py                              where a run works in the bucket
event_start.py                        an event that starts a run
glue_database.py lake_formation.py    the catalog, and who may read it
workgroup.py queries.py reader.py     Athena: limits, named queries, the reader's policy
alarms.py                             when a source fails or brings nothing new
"""
