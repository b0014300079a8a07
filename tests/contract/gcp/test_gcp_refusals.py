"""What the local Google Cloud refuses for want of a permission is in its log, where a run's denials are read."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.gcp.conftest import PROJECT, Denials, Landing
from tests.contract.gcp.copying import AGENT, Copy
from tests.waiting import eventually


@pytest.fixture
def copy(gcp: httpx.Client, landing: Landing) -> Copy:
    return Copy(gcp, landing)


def test_a_job_that_is_refused_is_a_denial_of_its_agent(copy: Copy, denials: Denials) -> None:
    """The answer itself is Google's: 403, in its words."""
    copy.grant(AGENT)
    with pytest.raises(AssertionError, match="PERMISSION_DENIED"):
        copy.create()
    assert denials(copy.bucket) == [(AGENT, "storage.buckets.get")]


def test_a_job_is_refused_that_may_not_publish_into_its_topic(copy: Copy, denials: Denials) -> None:
    topic = f"projects/{PROJECT}/topics/closed-{copy.number}"
    copy.ok("PUT", f"/v1/{topic}", json={})
    notification = {
        "pubsubTopic": topic,
        "eventTypes": ["TRANSFER_OPERATION_FAILED"],
        "payloadFormat": "JSON",
    }
    with pytest.raises(AssertionError, match="PERMISSION_DENIED"):
        copy.create({"notificationConfig": notification})
    assert denials(topic) == [(AGENT, "pubsub.topics.publish")]


@pytest.mark.parametrize(
    ("roles", "lacks"),
    [
        (("legacyBucketReader", "objectViewer"), "storage.objects.create"),
        (("legacyBucketReader", "objectCreator"), "storage.objects.get"),
    ],
)
def test_what_a_run_that_nobody_waits_for_was_refused_is_a_denial(
    copy: Copy, denials: Denials, roles: tuple[str, ...], lacks: str
) -> None:
    copy.landing.put("raw/orders/a.json", b"1")
    copy.create()
    assert copy.run()["status"] == "SUCCESS"
    assert denials(copy.bucket) == []
    copy.grant(AGENT, *roles)
    assert copy.run()["status"] == "FAILED"
    assert eventually(lambda: denials(copy.bucket)) == [(AGENT, lacks)]


def test_a_role_that_does_not_trust_the_agent_is_a_denial(copy: Copy, denials: Denials) -> None:
    copy.landing.put("raw/orders/a.json", b"1")
    copy.create()
    copy.landing.iam.update_assume_role_policy(RoleName=copy.role, PolicyDocument=copy.trust("1" * 21))
    assert copy.run()["status"] == "FAILED"
    [(principal, action)] = eventually(lambda: denials(f"arn:aws:iam::111111111111:role/{copy.role}"))
    assert principal.startswith("accounts.google.com:")
    assert action == "sts:AssumeRoleWithWebIdentity"
