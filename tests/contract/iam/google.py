"""Who may do what in a Google project, and which AWS identity counts as whom there.

Allow policies add up, and what is granted on a project holds for what is in it
(https://docs.cloud.google.com/iam/docs/policies). A dataset's access entries name basic roles, predefined ones and the
project's own (https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets). A resource here is
`projects/<project>`, or below it `datasets/<id>`, `buckets/<name>`, `topics/<name>`, `serviceAccounts/<email>`.

An AWS identity becomes a pool's principal if it is of the provider's account and the condition holds; the mapping
makes its subject (https://docs.cloud.google.com/iam/docs/workload-identity-federation). Of the expressions this reads
`assertion.arn.startsWith('…')` and `assertion.arn.extract('…{x}…')`
(https://docs.cloud.google.com/iam/docs/conditions-attribute-reference#extract); another one raises.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.contract.iam.google_roles import BASIC, KNOWN, ROLES
from tests.contract.iam.grants import Grant, Granting, UnreadGrant, only
from tests.typed import fake

PLACES = ("projects/",)
_STARTS = re.compile(r"assertion\.arn\.startsWith\('([^'\\]*)'\)")
_EXTRACT = re.compile(r"assertion\.arn\.extract\('([^'{]*)\{\w+\}([^']*)'\)")


@dataclass(frozen=True)
class Federation:
    """A workload identity pool's provider for one AWS account."""

    pool: str
    account: str
    condition: str
    subject: str

    def principal(self, arn: str) -> str | None:
        """Whom an AWS identity counts as, as a member without its project's number; none if it is refused."""
        starts = _STARTS.fullmatch(self.condition)
        extracts = _EXTRACT.fullmatch(self.subject)
        if (self.condition and not starts) or not extracts:
            raise ValueError(
                f"{self.pool}: the proof evaluates no {self.condition!r}, or no {self.subject!r}"
            )
        if arn.split(":")[4] != self.account or (starts and not arn.startswith(starts[1])):
            return None
        before, _, rest = arn.partition(extracts[1])
        subject, separator, _ = rest.partition(extracts[2])
        return f"{self.pool}/subject/{subject}" if separator and subject and before != arn else None


def federation(resource: Granting) -> Federation:
    """A provider's rules. Raises UnreadGrant on one that isn't for AWS."""
    inputs = resource.inputs
    only(resource, {
        "workloadIdentityPoolId", "workloadIdentityPoolProviderId", "aws", "attributeCondition", "attributeMapping",
    })  # fmt: skip
    mapping = dict(inputs["attributeMapping"])
    subject = mapping.pop("google.subject")
    if mapping:
        raise UnreadGrant(resource, f"the proof does not read attributes: {', '.join(mapping)}")
    condition = inputs.get("attributeCondition", "")
    return Federation(inputs["workloadIdentityPoolId"], inputs["aws"]["accountId"], condition, subject)


_ON: dict[str, Any] = {
    "gcp:projects/iAMMember:IAMMember": fake(lambda i: ""),
    "gcp:storage/bucketIAMMember:BucketIAMMember": fake(lambda i: f"/buckets/{i['bucket']}"),
    "gcp:pubsub/topicIAMMember:TopicIAMMember": fake(lambda i: f"/topics/{i['topic']}"),
    "gcp:serviceaccount/iAMMember:IAMMember": fake(
        lambda i: f"/serviceAccounts/{i['serviceAccountId'].split('/')[-1]}"
    ),
}


def member(resource: Granting, project: str, custom: Mapping[str, Sequence[str]]) -> Iterator[Grant]:
    """The grants of one member's role on a project, a bucket, a topic or a service account."""
    inputs = resource.inputs
    only(resource, {"member", "role", "project", "bucket", "topic", "serviceAccountId"})
    on = f"projects/{inputs.get('project', project)}{_ON[resource.type](inputs)}"
    for may in _granted(resource, inputs["role"], custom):
        yield Grant(f"Google's {resource.name}", inputs["member"], may, on)


def dataset(resource: Granting, project: str, custom: Mapping[str, Sequence[str]]) -> Iterator[Grant]:
    """The grants of a dataset's access entries; without any, BigQuery would make up its own."""
    on = f"projects/{resource.inputs.get('project', project)}/datasets/{resource.inputs['datasetId']}"
    for entry in resource.inputs["accesses"]:
        only(resource, {"role", "specialGroup", "userByEmail", "groupByEmail"}, entry)
        role: str = BASIC.get(entry["role"]) or entry["role"]
        for may in _granted(resource, role, custom):
            yield Grant(f"dataset {resource.name}", _entitled(entry), may, on)


def _entitled(entry: Mapping[str, Any]) -> str:
    if email := entry.get("userByEmail"):
        return f"{'serviceAccount' if email.endswith('.gserviceaccount.com') else 'user'}:{email}"
    if email := entry.get("groupByEmail"):
        return f"group:{email}"
    return f"specialGroup:{entry['specialGroup']}"


def _granted(resource: Granting, role: str, custom: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """A predefined role is one thing that is granted; of a project's own role each permission is."""
    if role in custom:
        return custom[role]
    if role not in ROLES:
        raise UnreadGrant(resource, f"the proof does not know what {role} holds")
    return [role]


def allows(grants: Iterable[Grant], who: str, may: str, on: str, pools: Sequence[Federation] = ()) -> bool:
    """Whether one of the grants lets `who` do it, a member or the ARN of an AWS identity. Raises ValueError on a
    permission that neither a role here nor a grant names."""
    grants = list(grants)
    if may not in KNOWN | {grant.may for grant in grants} | _PROJECTS_OWN:
        raise ValueError(f"{may} on {on}: no role here holds such a permission")
    names = {who, "*"}
    if who.startswith("arn:"):
        names |= {name for pool in pools if (name := pool.principal(who))}
    return any(
        _plain(grant.who) in names
        and (grant.may in ("*", may) or may in ROLES.get(grant.may, ()))
        and (on == grant.on or on.startswith(f"{grant.on}/"))
        for grant in grants
    )


# What no predefined role here holds: the project's own roles do, or nobody.
_PROJECTS_OWN = {
    "bigquery.transfers.get", "bigquery.transfers.update", "iam.serviceAccounts.delete", "pubsub.topics.delete",
    "storage.buckets.setIamPolicy",
}  # fmt: skip


def _plain(member: str) -> str:
    return re.sub(
        r"^principal://iam\.googleapis\.com/projects/[^/]+/locations/global/workloadIdentityPools/",
        "",
        member,
    )
