"""Cloud Storage: buckets with their IAM policies, and objects as files of the state folder.

What comes from another service of Google (a transfer, a load) is checked by `allow` against the bucket's policy; a
caller over HTTP is the project's owner. Shapes as in "Buckets" (https://docs.cloud.google.com/storage/docs/json_api/v1/buckets)
and "Objects" (https://docs.cloud.google.com/storage/docs/json_api/v1/objects); roles: "IAM roles for Cloud Storage"
(https://docs.cloud.google.com/storage/docs/access-control/iam-roles).
Missing: uploads over HTTP, versions, lifecycle rules (kept, and never due), ACLs, conditions of bindings.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from pathlib import Path
from urllib.parse import unquote

from local.gcp.refusals import Body, Refused, denied
from local.gcp.resources import now
from local.gcp.wire import Route

ROLES = {
    "legacyBucketReader": {"buckets.get", "objects.list"},
    "legacyBucketWriter": {"buckets.get", "objects.list", "objects.create", "objects.delete"},
    "objectCreator": {"objects.create"},
    "objectViewer": {"objects.get", "objects.list"},
}


class Storage:
    """Buckets, their policies and what is known of objects, in memory; the objects' bytes are files below `root`."""

    def __init__(self, root: Path):
        self.root = root
        self.buckets: dict[str, Body] = {}
        self.policies: dict[str, Body] = {}
        self.objects: dict[str, dict[str, Body]] = {}

    def routes(self) -> list[Route]:
        """The methods of buckets, their policies and objects, each as HTTP verbs, path and handler."""
        bucket, item = r"/storage/v1/b/([^/]+)", r"/storage/v1/b/([^/]+)/o/(.+)"
        return [
            ("POST", "/storage/v1/b", self.create),
            ("GET", "/storage/v1/b", lambda b, q: {"items": list(self.buckets.values())}),
            ("GET", bucket, lambda b, q, name: self.bucket(name)),
            ("PATCH", bucket, self.patch),
            ("DELETE", bucket, self.remove),
            ("GET", bucket + "/iam", lambda b, q, name: self.bucket(name) and self.policies[name]),
            ("PUT", bucket + "/iam", self.set_policy),
            ("GET", bucket + "/o", lambda b, q, name: {"items": self.listing(name, q.get("prefix", ""))}),
            ("GET", item, lambda b, q, name, key: self.find(name, unquote(key))),
            ("DELETE", item, self.delete),
        ]

    def bucket(self, name: str) -> Body:
        """Answers buckets.get: the bucket as it is kept; 404 where there is none."""
        if name not in self.buckets:
            raise Refused(404, "The specified bucket does not exist.")
        return self.buckets[name]

    def create(self, body: Body, query: Body) -> Body:
        """Answers buckets.insert: a bucket whose policy binds nobody; 400 on its name's form, 409 where it is there."""
        name = body.get("name", "")
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", name) or re.match("goog|.*google", name):
            raise Refused(400, f"Invalid bucket name: '{name}'")
        if name in self.buckets:
            raise Refused(
                409, "Your previous request to create the named bucket succeeded and you already own it."
            )
        location = body.get("location", "US").upper()
        self.buckets[name] = body | {"id": name, "location": location, "timeCreated": now()}
        self.policies[name], self.objects[name] = {"version": 1, "etag": "CAE=", "bindings": []}, {}
        return self.buckets[name]

    def patch(self, body: Body, query: Body, name: str) -> Body:
        """Answers buckets.patch: the body's fields over the bucket's, null clears one; name and location stay."""
        changed = self.bucket(name) | body | {"name": name, "location": self.bucket(name)["location"]}
        self.buckets[name] = {k: v for k, v in changed.items() if v is not None}
        return self.buckets[name]

    def remove(self, body: Body, query: Body, name: str) -> Body:
        """Answers buckets.delete with an empty body; 409 while the bucket has objects."""
        if self.bucket(name) and self.objects[name]:
            raise Refused(409, "The bucket you tried to delete is not empty.")
        for by_bucket in (self.buckets, self.policies, self.objects):
            del by_bucket[name]
        return {}

    def set_policy(self, body: Body, query: Body, name: str) -> Body:
        """Answers buckets.setIamPolicy: the policy with a new etag; 412 where it has another etag than the kept one."""
        if self.bucket(name) and body.get("etag", have := self.policies[name]["etag"]) != have:
            raise Refused(412, "At least one of the pre-conditions you specified did not hold.")
        self.policies[name] = body | {"etag": uuid.uuid4().hex[:12]}
        return self.policies[name]

    def allow(self, email: str, permission: str, bucket: str) -> None:
        """Refuse unless the bucket's policy gives the service account `permission`, like `objects.get`."""
        self.bucket(bucket)
        roles = [
            b["role"] for b in self.policies[bucket]["bindings"] if f"serviceAccount:{email}" in b["members"]
        ]
        if not any(permission in ROLES.get(role.removeprefix("roles/storage."), ()) for role in roles):
            raise denied(
                email,
                f"storage.{permission}",
                bucket,
                f"{email} does not have storage.{permission} access to the Google Cloud Storage bucket {bucket}. "
                f"Permission 'storage.{permission}' denied on resource (or it may not exist).",
            )

    def listing(self, bucket: str, prefix: str = "") -> list[Body]:
        """The objects whose names start with `prefix`, without their bytes, by name; 404 where there is no bucket."""
        self.bucket(bucket)
        return [stored for key, stored in sorted(self.objects[bucket].items()) if key.startswith(prefix)]

    def find(self, bucket: str, key: str) -> Body:
        """Answers objects.get: size, MD5 and time of writing, no bytes; 404 where object or bucket is not there."""
        self.bucket(bucket)
        if key not in self.objects[bucket]:
            raise Refused(404, f"No such object: {bucket}/{key}")
        return self.objects[bucket][key]

    def path(self, bucket: str, key: str) -> Path:
        """Where an object's bytes are, if it is there: a file named by the SHA-256 of the key, which any key has."""
        return self.root / bucket / hashlib.sha256(key.encode()).hexdigest()

    def put(self, bucket: str, key: str, data: bytes, metadata: Body) -> None:
        """Writes an object over what has its name; `metadata` is the writer's own, such as the ETag at its source."""
        path = self.path(bucket, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        digest = hashlib.md5(data, usedforsecurity=False).digest()
        self.objects[bucket][key] = {
            "name": key,
            "bucket": bucket,
            "size": str(len(data)),
            "md5Hash": base64.b64encode(digest).decode(),
            "etag": uuid.uuid4().hex[:12],
            "updated": now(),
            "metadata": metadata,
        }

    def delete(self, body: Body, query: Body, bucket: str, key: str) -> Body:
        """Answers objects.delete with an empty body, and removes the file; `key` comes in percent-encoding."""
        self.find(bucket, unquote(key))
        self.path(bucket, unquote(key)).unlink()
        del self.objects[bucket][unquote(key)]
        return {}
