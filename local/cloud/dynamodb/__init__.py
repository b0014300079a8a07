"""What DynamoDB does beside ministack's tables: exports, a past to export, keys, and time to live.

export.py        ExportTableToPointInTime: what is taken, what refused, and the export's course
export_files.py  the objects that an export writes
history.py       a table's changes, its items at a moment, and its recovery window
table_key.py     who exports a table or reads its stream must be let decrypt by its key
ttl.py           expired items go, and the stream has a record of each
"""
