"""What two or more pipelines are made of: each block is the smallest thing that is secure by itself.

alarm.py                             an alarm, and the account's topic for alarms
bucket.py key.py                     where data rests, and what encrypts it
queue.py object_events.py            work and failures that wait; an event for each new file of a landing
table.py                             a DynamoDB table, adopted or made
collection.py collection_group.py    an OpenSearch Serverless collection, its policies, and its group
function.py schedule.py              a Lambda function with its role, log and alarms; what calls it by the clock
network.py                           the VPC that a service stands in
"""
