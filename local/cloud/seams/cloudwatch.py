"""Of ministack: CloudWatch."""

from collections.abc import Callable

from ministack.services import cloudwatch as service

from .parts import Answer, Record, Replaceable, Store

alarms: Store[Record] = service._alarms
alarm_actions: Replaceable[Callable[[Record, str, str, str], None]] = Replaceable(
    service, "_dispatch_alarm_actions"
)
"""Alarm, old and new state, reason."""
put_metric_data: Callable[[Record, Record, bool], Answer] = service._put_metric_data
"""Form, CBOR, whether it is CBOR."""
