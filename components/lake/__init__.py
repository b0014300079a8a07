"""A run: exports that lie in a bucket become Parquet, tables in Glue, and queries in Athena.

An export has it, whose run exports first.

filling.py                            what a run fills, without the arguments of a pipeline
run.py state_machine.py steps.py      the state machine and its functions
states.py                             what its steps are written with
place.py                              where a run works in the bucket
event_start.py                        an event that starts a run
glue_database.py lake_formation.py    the catalog, and who may read it
workgroup.py queries.py reader.py     Athena: limits, named queries, the reader's policy
merging.py                            what of an Iceberg table Athena writes
copies.py                             which Iceberg tables a plain copy is kept of
upkeep.py                             the role of the optimizers of Iceberg tables
alarms.py                             when a source fails or brings nothing new
"""
