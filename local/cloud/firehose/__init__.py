"""Firehose from a Kinesis stream to an OpenSearch Serverless collection.

control_plane.py  what the API lacks: this destination, made and refused as the service does
described.py      a destination as DescribeDeliveryStream shows it
delivery.py       a delivery stream's thread: read, transform, send, back up
records.py        a record on its way
"""
