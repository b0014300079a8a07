"""The lake's catalog: Glue's tables and crawlers, and Athena's queries over them.

glue.py           UpdatePartition, and a crawler that crawls
iceberg.py        Glue's Iceberg REST catalog: where a table's metadata lies, and what follows a commit
optimizers.py     the optimizers of an Iceberg table, as they are set
athena.py         queries over the registered partitions, and views
iceberg_scan.py   an Iceberg table's rows, for a query
iceberg_merge.py  MERGE into an Iceberg table
iceberg_optimize.py  OPTIMIZE of one
hive_coercion.py  which type of an older partition is read under the table's type now
"""
