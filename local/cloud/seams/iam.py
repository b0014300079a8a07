"""Of ministack: IAM."""

from collections.abc import Callable

from ministack.services import iam as service

from .parts import Answer, Record, Store

error: Callable[..., Answer] = service._error
"""Status, code, message, and `ns`, the namespace."""
groups: Store[Record] = service._groups
login_profiles: Store[Record] = service._login_profiles
mfa_devices: Store[Record] = service._mfa_devices
roles: Store[Record] = service._roles
inline_policies_of_users: Store[Record] = service._user_inline_policies
users: Store[Record] = service._users
