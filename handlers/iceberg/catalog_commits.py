"""The Iceberg protocol of an account's Glue catalog, for what DuckDB does not do: loads a table, and commits to it.

https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml (LoadTableResult, CommitTableRequest),
Glue's: https://docs.aws.amazon.com/glue/latest/dg/iceberg-rest-apis.html. A request is signed for `glue`.
"""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from iceberg_table import NotCommitted
from lake_catalog import Access

PATIENCE = 60
"""Seconds for an answer of the catalog."""


@dataclass(frozen=True)
class CatalogTable:
    """A table, and its metadata as it was loaded (https://iceberg.apache.org/spec/#table-metadata-fields)."""

    access: Access
    path: str
    metadata: Mapping[str, Any]

    @classmethod
    def load(cls, access: Access, database: str, table: str) -> "CatalogTable":
        """The table as it is now. Raises NotCommitted where the catalog gives no answer."""
        config = ask(access, f"config?warehouse={access.account}")
        prefix = (config.get("defaults", {}) | config.get("overrides", {})).get("prefix", "")
        path = "/".join(filter(None, (prefix, "namespaces", quote(database), "tables", quote(table))))
        return cls(access, path, ask(access, path)["metadata"])

    def commit(self, requirements: Sequence[Mapping[str, Any]], updates: Sequence[Mapping[str, Any]]) -> None:
        """Commits the updates, if the requirements hold and it is the same table still. Raises NotCommitted, also where
        the answer is lost."""
        same = {"type": "assert-table-uuid", "uuid": self.metadata["table-uuid"]}
        ask(self.access, self.path, {"requirements": [same, *requirements], "updates": updates})


def ask(access: Access, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The catalog's answer, to a commit where there is a body. Raises NotCommitted."""
    content = None if body is None else json.dumps(body).encode()
    method, address = "GET" if content is None else "POST", f"{access.glue}/iceberg/v1/{path}"
    signed = AWSRequest(method, address, {"content-type": "application/json"}, content or b"")
    credentials = Credentials(access.key_id, access.secret_key, access.token)
    SigV4Auth(credentials, "glue", access.region).add_auth(signed)
    request = urllib.request.Request(address, content, dict(signed.headers), method=method)
    trusted = ssl.create_default_context(cafile=access.certificates)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE, context=trusted) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        reason = f"{error.code} {error.read()[:500].decode(errors='replace')}"
    except (urllib.error.URLError, TimeoutError, json.JSONDecodeError) as error:
        reason = f"no answer ({error})"
    raise NotCommitted(f"{path}: {reason}")
