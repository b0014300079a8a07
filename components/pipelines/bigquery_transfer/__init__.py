"""BigQuery transfer: a landing in S3, loaded into tables of BigQuery and compared with what was exported.

landing in S3 --[Storage Transfer --> Cloud Storage]--> Data Transfer Service --> BigQuery tables
              '--counts--> load check <--rows------------------------------------------'

args.py           the arguments and their checks
component.py      dataset, tables, transfer configs, and the access to S3
storage_copy.py   the copy into Cloud Storage, where the transfer does not read S3 itself
load_check.py     checks every load: did it run, and do its rows match the exports that it read?
"""
