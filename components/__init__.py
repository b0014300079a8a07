"""What is deployed. A room for each pipeline, and what every pipeline speaks:

accounts.py    a cloud account: its id, region and role, its ARNs, its provider
lake/          a run: exports in a bucket become tables that are queried; an export has it
landing.py     the bucket that data lands in, the only thing that one pipeline hands to another
iam.py         a statement and a document, with what may not be written
names.py       physical names: they fit their services and are the same on every run
"""
