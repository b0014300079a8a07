"""Looks for what a program wants, in the account of each resource's provider. Nothing but reads is called."""

import json
import re
import urllib.error
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs] - has none

from adoption import aws, google
from adoption.kinds import Kind, Lacking, Values, filled
from adoption.wanted import Wanted, alias_of
from delivery.accounts import Accounts

KINDS: Mapping[str, Kind] = {**aws.KINDS, **google.KINDS}
NOT_THERE = re.compile(r"NotFound|NoSuch|NonExistent|DoesNotExist|^404$")
"""Of an error's code."""
ALSO_NOT_THERE = re.compile(r"WorkGroup .*is not found", re.I)
"""Of a message: Athena's code is that of any invalid request."""


@dataclass(frozen=True)
class Seen:
    """What was seen of a resource: the id of its import, or why it is to be made."""

    wanted: Wanted
    id: str = ""
    reason: str = ""
    failed: bool = False
    """Whether it could not be seen: neither is known."""


def search(
    wanted: Mapping[str, Wanted],
    providers: Mapping[str, Mapping[str, Any]],
    *,
    endpoint: str | None = None,
    google_endpoint: str | None = None,
) -> list[Seen]:
    """Looks for each, what others are made of first. The endpoints are those of an embedded cloud."""
    states = [{"urn": urn, "type": _type(urn), "inputs": inputs} for urn, inputs in providers.items()]
    accounts, ids, seen = Accounts(states, endpoint=endpoint), dict[str, str](), list[Seen]()
    clients: dict[str, google.Google] = {}
    for each in _in_order(wanted):
        inputs = providers[each.provider]
        kind = KINDS.get(each.type)
        if kind is None or kind.search is None:
            reason = kind.made_anew if kind else f"{each.type} is no type that is known here"
            seen.append(Seen(each, reason=reason))
            continue
        if each.type.startswith("aws:"):
            client = accounts.client(kind.service, {"provider": f"{each.provider}::"})
        else:
            impersonate = str(inputs.get("impersonateServiceAccount", ""))
            client = clients.setdefault(each.provider, google.Google(google_endpoint, impersonate))
        seen.append(_search(each, kind, client, _values(each, inputs, ids, wanted)))
        if seen[-1].id:
            ids[each.urn] = seen[-1].id
    return seen


def _search(wanted: Wanted, kind: Kind, client: Any, values: Values) -> Seen:
    assert kind.search is not None
    try:
        there = kind.search.run(client, values)
        if there is None:
            return Seen(wanted, reason="it is not there")
        return Seen(wanted, id=filled(kind.id, {**values, "found": there}))
    except Lacking as error:
        return Seen(wanted, reason=f"{error.args[0]} is not known before the deployment")
    except ClientError as error:
        answer: Any = error.response
        code, message = str(answer["Error"].get("Code", "")), str(answer["Error"].get("Message", ""))
        if NOT_THERE.search(code) or ALSO_NOT_THERE.search(message):
            return Seen(wanted, reason="it is not there")
        return Seen(wanted, reason=f"{error.operation_name}: {code}: {message}", failed=True)
    except urllib.error.URLError as error:
        return Seen(wanted, reason=f"Google answered: {error}", failed=True)


def _values(
    wanted: Wanted, provider: Mapping[str, Any], ids: Mapping[str, str], every: Mapping[str, Wanted]
) -> Values:
    """The inputs; what is not known and made of one resource is that resource's id where it is there."""
    values: dict[str, Any] = {}
    if wanted.type.startswith("aws:"):
        region = str(provider.get("region", ""))
        partition = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
        values["region"] = region
        values["partition"] = next(
            (part for start, part in partition.items() if region.startswith(start)), "aws"
        )
        values["account"] = _plain(provider.get("allowedAccountIds"))[0]
        if alias := alias_of(wanted, every):
            values["alias"] = alias
    else:
        values["project"] = provider.get("project", "")
    for key, urns in wanted.made_of.items():
        there = [ids[urn] for urn in urns if urn in ids]
        if len(urns) == 1 and there and key not in wanted.inputs:
            values[key] = google.member(there[0]) if key == "member" else there[0]
    return values | {key: value for key, value in wanted.inputs.items() if isinstance(value, str)}


def _in_order(wanted: Mapping[str, Wanted]) -> Iterable[Wanted]:
    done: dict[str, Wanted] = {}

    def after(each: Wanted) -> None:
        if each.urn not in done:
            for urns in each.made_of.values():
                for urn in urns:
                    if urn in wanted and urn != each.urn:
                        after(wanted[urn])
            done[each.urn] = each

    for each in wanted.values():
        after(each)
    return done.values()


def _plain(value: Any) -> Sequence[str]:
    return json.loads(value) if isinstance(value, str) else value or [""]


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]
