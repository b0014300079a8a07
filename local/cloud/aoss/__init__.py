"""OpenSearch Serverless: ministack's control plane, what it lacks, and one real node behind all collections.

control_plane.py  what the API lacks; a request's way from the endpoint to the node
data_requests.py  a request to a collection, for the node, and the permissions that it needs
data_access.py    network policies and data access policies
groups.py         collection groups, and how their collections sleep and wake
lifecycle.py      lifecycle policies
"""
