"""Which job of GitHub's may enter: one repository's, of one environment or branch, by the subject of its token.

AWS: "Configuring OpenID Connect in Amazon Web Services"
(https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws), both audience and
subject compared whole. Google: an attribute condition is required for an issuer that others share, and a service
account lets in one subject (https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines).
"""

import json
import re
from collections.abc import Sequence
from typing import Any

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
MAPPING = {"google.subject": "assertion.sub", "attribute.repository": "assertion.repository"}
SUBJECT_BYTES = 127
"""What `google.subject` may have (https://docs.cloud.google.com/iam/docs/workload-identity-federation#mapping)."""


def let_in(provider_arn: str, subject: str, people: Sequence[str] = ()) -> str:
    """The trust of a role that a job enters by: the token's audience and its whole subject. `people` may as well."""
    statements: list[dict[str, Any]] = [
        {
            "Sid": "OneJobOfOneRepository", "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": provider_arn},
            "Condition": {"StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": subject}},
        }
    ]  # fmt: skip
    if people:
        statements.append(
            {
                "Sid": "PeopleByHand",
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"AWS": [*people]},
            }
        )
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def condition(repository: str) -> str:
    """The attribute condition of a provider at Google: this repository, by its id as well where it is known."""
    owner, _, name = repository.partition("/")
    (login, _, owner_id), (short, _, id) = owner.partition("@"), name.partition("@")
    named = f"assertion.repository == '{login}/{short}'"
    if not id:
        return named
    return f"{named} && assertion.repository_owner_id == '{owner_id}' && assertion.repository_id == '{id}'"


def member(pool: str, subject: str) -> str:
    """Who may be a service account at Google: one subject of a pool, `projects/<number>/locations/global/
    workloadIdentityPools/<id>`. Raises ValueError for a subject that is longer than Google takes."""
    if len(subject.encode()) > SUBJECT_BYTES:
        raise ValueError(f"the subject {subject!r} has more than the {SUBJECT_BYTES} bytes that Google takes")
    if not re.fullmatch(r"projects/[^/]+/locations/global/workloadIdentityPools/[a-z0-9-]+", pool):
        raise ValueError(f"{pool!r} is no pool's name")
    return f"principal://iam.googleapis.com/{pool}/subject/{subject}"
