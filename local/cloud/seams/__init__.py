"""What this cloud takes of ministack, a module for each of its services: no other module imports ministack.

Most of it is private there, which is why pyproject.toml pins ministack to the patch. A name here is public and typed;
where an upgrade takes a part away or changes it, one line of one of these modules is to be changed
(tests/unit/local/private_names.txt has each part with its signature, and the version that it is of).

app.py responses.py              the front door; whose request it is, and answers in the services' forms
parts.py                         the shapes of ministack's parts: records, stores, functions to be replaced
iam.py iam_actions.py iam_evaluator.py sts.py    users and roles, the table of actions, the evaluator
lambda_svc.py lambda_runtime.py  functions, and their workers
athena.py glue.py s3.py rds.py kms.py
dynamodb.py dynamodb_streams.py kinesis.py firehose.py opensearchserverless.py
cloudwatch.py eventbridge.py scheduler.py sns.py sqs.py stepfunctions.py tagging.py
"""
