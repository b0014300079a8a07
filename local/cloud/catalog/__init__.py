"""The lake's catalog: Glue's tables and crawlers, and Athena's queries over them.

glue.py           UpdatePartition, and a crawler that crawls
athena.py         queries over the registered partitions, and views
hive_coercion.py  which type of an older partition is read under the table's type now
"""
