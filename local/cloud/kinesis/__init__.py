"""What Kinesis answers otherwise than ministack.

sequence_numbers.py  a record's number in the service's form
stream_tags.py       tags of streams and of their consumers
"""
