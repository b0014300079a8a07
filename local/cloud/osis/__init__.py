"""OpenSearch Ingestion, which ministack does not have: Data Prepper from a DynamoDB table to a collection.

control_plane.py  the API: pipelines made, changed, started, stopped
pipeline_body.py  a pipeline's YAML, read and checked
engine.py         what runs a pipeline: the export, then the stream
expressions.py    conditions on an event, for routes
documents.py      an attribute value as JSON
sink.py           bulk requests, and the dead-letter queue
"""
