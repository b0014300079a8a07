"""Of ministack: EventBridge."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ministack.services import eventbridge as service

from .parts import Answer, Record, RegionalStore, Replaceable, Store

next_of_cron: Callable[[Any, datetime], datetime | None] = service._cron_next_fire
"""Fields, after."""
to_lambda: Replaceable[Callable[[str, str], None]] = Replaceable(service, "_dispatch_to_lambda")
bus_policies: Store[Any] = service._event_bus_policies
invoke_target: Replaceable[Callable[..., None]] = Replaceable(service, "_invoke_target")
"""Target, event, rule, view."""
cron_fields: Callable[[str], Any] = service._parse_cron_fields
rate_seconds: Callable[[str], int | None] = service._parse_rate_seconds
event_view: Callable[[Record], Any] = service._pattern_event_view
put_events: Callable[..., Answer] = service._put_events
"""Request, whether a source may be AWS's."""
rules: RegionalStore[Record] = service._rules
