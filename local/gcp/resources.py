"""The parts of Google Cloud around BigQuery, in memory: service accounts, IAM policies and Pub/Sub (roles: `roles`).

A policy names members that exist and is set with the etag it was read with. Shapes as in the REST references:
"projects.serviceAccounts" (https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts),
"Policy" (https://docs.cloud.google.com/iam/docs/reference/rest/v1/Policy), "projects.topics"
(https://docs.cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics), "projects.subscriptions"
(https://docs.cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions).
Missing: roles are recorded and not enforced,
a message is delivered once and its acknowledgement has no deadline.
"""

from __future__ import annotations

import re
import uuid

from local.gcp import clock
from local.gcp.refusals import Body, Refused
from local.gcp.roles import Roles
from local.gcp.wire import Handler, Route

# Not an agent of a service, which is there from the start.
OF_A_PROJECT = r"@(?!gcp-sa-|project-|storage-transfer-service\.)[a-z0-9-]+\.iam\.gserviceaccount\.com$"


def now() -> str:
    """The local cloud's time as Google's APIs write it (RFC 3339, in UTC)."""
    return clock.text(clock.now())


class Resources:
    """Accounts by e-mail address; policies, topics and subscriptions by name, and what waits in subscriptions."""

    def __init__(self) -> None:
        self.accounts: dict[str, Body] = {}
        self.roles = Roles()
        self.policies: dict[str, Body] = {}
        self.topics: dict[str, Body] = {}
        self.subscriptions: dict[str, Body] = {}
        self.waiting: dict[str, list[Body]] = {}

    def routes(self) -> list[Route]:
        """The methods of service accounts, roles, policies and Pub/Sub, each as HTTP verbs, path and handler."""
        account = r"/v1/(projects/[^/:]+/serviceAccounts/[^/:]+)"
        topic, subscription = (
            r"/v1/(projects/[^/]+/topics/[^/:]+)",
            r"/v1/(projects/[^/]+/subscriptions/[^/:]+)",
        )
        return [
            ("POST", r"/v1/projects/([^/:]+)/serviceAccounts", self.create_account),
            ("GET", r"/v1/(projects/[^/:]+)/serviceAccounts", self.listed("accounts", self.accounts)),
            ("GET", r"/v1/(projects/[^/:]+)/topics", self.listed("topics", self.topics)),
            ("GET", r"/v1/(projects/[^/:]+)/subscriptions", self.listed("subscriptions", self.subscriptions)),
            ("GET", account, lambda b, q, name: self.account(name)),
            ("PATCH", account, self.patch_account),
            ("DELETE", account, lambda b, q, name: self.accounts.pop(self.account(name)["email"]) and {}),
            *self.roles.routes(),
            ("POST|GET", r"/v[13]/(projects/.+):getIamPolicy", lambda b, q, name: self.policy(name)),
            (
                "POST",
                r"/v[13]/(projects/.+):setIamPolicy",
                lambda b, q, name: self.set_policy(name, b.get("policy", {})),
            ),
            ("PUT", topic, lambda b, q, name: self.create(self.topics, name, b)),
            ("GET", topic, lambda b, q, name: self.find(self.topics, name)),
            ("PATCH", topic, lambda b, q, name: self.patch(self.topics, name, b["topic"])),
            (
                "DELETE",
                topic,
                lambda b, q, name: self.find(self.topics, name) and self.topics.pop(name) and {},
            ),
            (
                "POST",
                topic + ":publish",
                lambda b, q, name: {"messageIds": [self.publish(name, m) for m in b["messages"]]},
            ),
            ("PUT", subscription, self.subscribe),
            ("GET", subscription, lambda b, q, name: self.find(self.subscriptions, name)),
            (
                "DELETE",
                subscription,
                lambda b, q, name: (
                    self.find(self.subscriptions, name) and self.subscriptions.pop(name) and {}
                ),
            ),
            ("POST", subscription + ":pull", self.pull),
            (
                "POST",
                subscription + ":acknowledge",
                lambda b, q, name: self.find(self.subscriptions, name) and {},
            ),
        ]

    def create(self, kind: dict[str, Body], name: str, body: Body) -> Body:
        """A new topic or subscription; 409 where the name is in use, 400 where Pub/Sub allows no such name."""
        if name in kind:
            raise Refused(
                409, f"Resource already exists in the project (resource={name.rsplit('/', 1)[-1]})."
            )
        if not re.fullmatch(
            r"[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}", leaf := name.rsplit("/", 1)[-1]
        ) or leaf.startswith("goog"):
            raise Refused(400, f"Invalid resource name given (name={name}).")
        kind[name] = {**body, "name": name}
        return kind[name]

    def find(self, kind: dict[str, Body], name: str) -> Body:
        """The topic or subscription of that name, as it is kept; 404 where there is none."""
        if name not in kind:
            raise Refused(404, f"Resource not found (resource={name.rsplit('/', 1)[-1]}).")
        return kind[name]

    def patch(self, kind: dict[str, Body], name: str, body: Body) -> Body:
        """The topic or subscription with the body's fields over its own; an update mask is not read."""
        self.find(kind, name).update(body)
        return kind[name]

    @staticmethod
    def listed(field: str, existing: dict[str, Body]) -> Handler:
        """The route that lists what of it is the project's."""
        return lambda b, q, project: {
            field: [item for item in existing.values() if item["name"].startswith(f"{project}/")]
        }

    def create_account(self, body: Body, query: Body, project: str) -> Body:
        """Answers serviceAccounts.create: an account of the project; 400 on its id's form, 409 where it is there."""
        if not re.fullmatch(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])", account := body.get("accountId", "")):
            raise Refused(
                400,
                f"The account ID {account!r} does not have a length between 6 and 30, or not the form "
                "[a-z]([-a-z0-9]*[a-z0-9])",
            )
        email = f"{account}@{project}.iam.gserviceaccount.com"
        if email in self.accounts:
            raise Refused(409, f"Service account {account} already exists within project projects/{project}.")
        unique = str(uuid.uuid4().int)[:21]
        self.accounts[email] = {
            **body.get("serviceAccount", {}),
            "name": f"projects/{project}/serviceAccounts/{email}",
            "email": email,
            "projectId": project,
            "uniqueId": unique,
            "oauth2ClientId": unique,
        }
        return self.accounts[email]

    def account(self, name: str) -> Body:
        """The account whose e-mail address or unique id ends the name, of any project; 404 where there is none."""
        key = name.rsplit("/", 1)[-1]
        account = self.accounts.get(key) or next(
            (a for a in self.accounts.values() if a["uniqueId"] == key), None
        )
        if not account:
            raise Refused(404, f"Unknown service account {key}")
        return account

    def patch_account(self, body: Body, query: Body, name: str) -> Body:
        """Answers serviceAccounts.patch: sets display name and description, and nothing else; no mask is read."""
        changes = body.get("serviceAccount", {})
        self.account(name).update({k: changes[k] for k in ("displayName", "description") if k in changes})
        return self.account(name)

    def policy(self, name: str) -> Body:
        """Answers getIamPolicy: without bindings at first; 404 for an account, topic or subscription that is none."""
        for prefix, kind in (
            ("/serviceAccounts/", None),
            ("/topics/", self.topics),
            ("/subscriptions/", self.subscriptions),
        ):
            if prefix in name:
                self.account(name) if kind is None else self.find(kind, name)
        return self.policies.setdefault(name, {"version": 1, "etag": "ACAB", "bindings": []})

    def set_policy(self, name: str, policy: Body) -> Body:
        """Answers setIamPolicy: the policy with a new etag; 409 where it has another etag than the kept one, 400 on a
        role or member that no policy can name."""
        if policy.get("etag", have := self.policy(name)["etag"]) != have:
            raise Refused(
                409, "There were concurrent policy changes. Please retry the whole read-modify-write."
            )
        for binding in policy.get("bindings", []):
            if not re.match(
                r"(roles|projects/[^/]+/roles|organizations/\d+/roles)/", binding.get("role", "")
            ):
                raise Refused(400, f"Role {binding.get('role')!r} is not supported for this resource.")
            if binding["role"].startswith("projects/"):
                self.roles.active(binding["role"])
            for member in binding.get("members", []):
                kind, _, who = member.partition(":")
                if kind not in (
                    "serviceAccount",
                    "user",
                    "group",
                    "domain",
                    "allUsers",
                    "allAuthenticatedUsers",
                    "principal",
                    "principalSet",
                    "projectEditor",
                    "projectOwner",
                    "projectViewer",
                ):
                    raise Refused(
                        400,
                        f"The member {member} is of an unknown type. Please set a valid type prefix for the member.",
                    )
                if kind == "serviceAccount" and re.search(OF_A_PROJECT, who) and who not in self.accounts:
                    raise Refused(400, f"Service account {who} does not exist.")
        self.policies[name] = {"version": 1, **policy, "etag": uuid.uuid4().hex[:12]}
        return self.policies[name]

    def publish(self, topic: str, message: Body) -> str:
        """The new message's id; it waits then in every subscription that the topic has. 404 without the topic."""
        self.find(self.topics, topic)
        message = {**message, "messageId": str(uuid.uuid4().int)[:16], "publishTime": now()}
        for name, subscription in self.subscriptions.items():
            if subscription["topic"] == topic:
                self.waiting[name].append(message)
        return message["messageId"]

    def subscribe(self, body: Body, query: Body, name: str) -> Body:
        """Answers subscriptions.create: what is published from now on waits in it; 404 where its topic is not there,
        409, and nothing lost, where the subscription is."""
        self.find(self.topics, body.get("topic", ""))
        subscription = self.create(self.subscriptions, name, body)
        self.waiting[name] = []
        return subscription

    def pull(self, body: Body, query: Body, name: str) -> Body:
        """Answers subscriptions.pull: the oldest messages, `maxMessages` at most (else 1), which then wait no more."""
        self.find(self.subscriptions, name)
        most, queue = int(body.get("maxMessages", 1)), self.waiting[name]
        taken, queue[:] = queue[:most], queue[most:]
        return {"receivedMessages": [{"ackId": m["messageId"], "message": m} for m in taken]} if taken else {}
