"""What S3 does beside ministack's buckets and objects.

encryption.py   SSE-KMS: who reads or writes an encrypted object needs the key
replication.py  replicas by the bucket's rules
batch.py        S3 Batch Replication: what was there before the rules, or failed
"""
