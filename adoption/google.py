"""The types of Google Cloud that the program registers.

The form of an id is that of the section "Import" on the provider's page of the type,
https://www.pulumi.com/registry/packages/gcp/api-docs/<module>/<type>/#import. What is called is the API's `get`, or
`getIamPolicy` for who has a role; the pages of the calls: https://docs.cloud.google.com/apis/docs/overview.
"""

import importlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from adoption.kinds import Kind, Search, Values, filled
from adoption.parts import listed

GLOBAL = "projects/{project}/locations/global/workloadIdentityPools/{workloadIdentityPoolId}"


class Google:
    """Calls of Google's APIs as who is signed in (https://docs.cloud.google.com/docs/authentication/application-default-credentials);
    with `endpoint` all of them at one address, without a token."""

    def __init__(self, endpoint: str | None = None, impersonate: str = ""):
        self.endpoint, self.impersonate = endpoint, impersonate
        self._token: Any = ""

    def call(self, host: str, path: str, method: str = "GET", body: Any = None) -> Mapping[str, Any] | None:
        """The JSON that an API answers; None for a 404. `host` is the first label of its name, such as `bigquery`;
        `body` is sent as JSON. Raises urllib.error.HTTPError for every other error."""
        address = f"{self.endpoint or f'https://{host}.googleapis.com'}/{path}"
        headers = {"Content-Type": "application/json"}
        if self.endpoint is None:
            headers["Authorization"] = f"Bearer {self._signed_in()}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(address, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def _signed_in(self) -> Any:
        if not self._token:
            # Without types, and not needed where nothing is at Google.
            auth: Any = importlib.import_module("google.auth")
            requests: Any = importlib.import_module("google.auth.transport.requests")
            impersonated: Any = importlib.import_module("google.auth.impersonated_credentials")
            scopes = ["https://www.googleapis.com/auth/cloud-platform"]
            credentials: Any = auth.default(scopes=scopes)[0]
            if self.impersonate:
                credentials = impersonated.Credentials(credentials, self.impersonate, scopes)
            credentials.refresh(requests.Request())
            self._token = credentials.token
        return self._token


def _get(host: str, path: str, live: Callable[[Mapping[str, Any]], bool] = bool) -> Search:
    """By the API's `get`; `live` is false of what is deleted and kept for a while."""

    def run(client: Google, values: Values) -> str | None:
        answer = client.call(host, filled(path, values))
        return "there" if answer is not None and live(answer) else None

    return Search(("get",), run)


def _member(host: str, path: str, method: str = "POST") -> Search:
    """By the policy of what the role is on: whether the member has it, without a condition."""

    def run(client: Google, values: Values) -> str | None:
        if "/" not in values.get("topic", "/"):  # named alone; the id of its import is a path
            values = {**values, "topic": filled("projects/{project}/topics/{topic}", values)}
        body = {"options": {"requestedPolicyVersion": 3}} if method == "POST" else None
        policy = client.call(host, filled(path, values), method, body)
        for binding in listed(policy or {}, "bindings"):
            if binding["role"] == filled("{role}", values) and not binding.get("condition"):
                return "there" if filled("{member}", values) in binding["members"] else None
        return None

    return Search(("getIamPolicy",), run)


def _transfer(client: Google, values: Values) -> str | None:
    """A transfer config's name has an id that the service makes up: by its display name."""
    path = filled("v1/projects/{project}/locations/{location}/transferConfigs", values)
    token = ""
    while True:
        answer = client.call("bigquerydatatransfer", path + (f"?pageToken={token}" if token else ""))
        answer = answer or dict[str, Any]()
        for config in listed(answer, "transferConfigs"):
            if config.get("displayName") == filled("{displayName}", values):
                return config["name"]
        token = answer.get("nextPageToken")
        if not token:
            return None


def member(account: str) -> str:
    """A service account as policies have it, by the id of its import; what is the id of something else stays."""
    _, is_account, email = account.partition("/serviceAccounts/")
    return f"serviceAccount:{email}" if is_account else account


def _not_deleted(answer: Mapping[str, Any]) -> bool:
    return answer.get("state") != "DELETED" and not answer.get("deleted")


KINDS: Mapping[str, Kind] = {
    "gcp:bigquery/dataset:Dataset": Kind(
        "projects/{project}/datasets/{datasetId}",
        "bigquery",
        _get("bigquery", "bigquery/v2/projects/{project}/datasets/{datasetId}"),
    ),
    "gcp:bigquery/table:Table": Kind(
        "projects/{project}/datasets/{datasetId}/tables/{tableId}",
        "bigquery",
        _get("bigquery", "bigquery/v2/projects/{project}/datasets/{datasetId}/tables/{tableId}"),
    ),
    "gcp:bigquery/dataTransferConfig:DataTransferConfig": Kind(
        "{found}", "bigquerydatatransfer", Search(("list",), _transfer)
    ),
    "gcp:storage/bucket:Bucket": Kind("{project}/{name}", "storage", _get("storage", "storage/v1/b/{name}")),
    "gcp:storage/bucketIAMMember:BucketIAMMember": Kind(
        "b/{bucket} {role} {member}", "storage", _member("storage", "storage/v1/b/{bucket}/iam", "GET")
    ),
    "gcp:storage/transferJob:TransferJob": Kind(
        made_anew="its name ends in the unique id of the role that it takes on, which another stack's life has not"
    ),
    "gcp:pubsub/topic:Topic": Kind(
        "projects/{project}/topics/{name}", "pubsub", _get("pubsub", "v1/projects/{project}/topics/{name}")
    ),
    "gcp:pubsub/topicIAMMember:TopicIAMMember": Kind(
        "{topic} {role} {member}", "pubsub", _member("pubsub", "v1/{topic}:getIamPolicy", "GET")
    ),
    "gcp:projects/iAMMember:IAMMember": Kind(
        "{project} {role} {member}",
        "cloudresourcemanager",
        _member("cloudresourcemanager", "v1/projects/{project}:getIamPolicy"),
    ),
    "gcp:projects/iAMCustomRole:IAMCustomRole": Kind(
        "projects/{project}/roles/{roleId}",
        "iam",
        _get("iam", "v1/projects/{project}/roles/{roleId}", _not_deleted),
    ),
    "gcp:serviceaccount/account:Account": Kind(
        "projects/{project}/serviceAccounts/{accountId}@{project}.iam.gserviceaccount.com",
        "iam",
        _get("iam", "v1/projects/{project}/serviceAccounts/{accountId}@{project}.iam.gserviceaccount.com"),
    ),
    "gcp:serviceaccount/iAMMember:IAMMember": Kind(
        "{serviceAccountId} {role} {member}", "iam", _member("iam", "v1/{serviceAccountId}:getIamPolicy")
    ),
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": Kind(
        GLOBAL, "iam", _get("iam", f"v1/{GLOBAL}", _not_deleted)
    ),
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": Kind(
        GLOBAL + "/providers/{workloadIdentityPoolProviderId}",
        "iam",
        _get("iam", f"v1/{GLOBAL}/providers/{{workloadIdentityPoolProviderId}}", _not_deleted),
    ),
}
