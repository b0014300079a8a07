"""A deployed stack's accounts and Google project, as a person or a job enters them.

The outputs come from `pulumi stack output --json`, whose secrets stay hidden. An account is entered as the deployment
does, by the role or the chain of roles of `accounts` in the stack's config; `role` puts another name at its end.
Google: GOOGLE_APPLICATION_CREDENTIALS, or what `gcloud auth application-default login` left, and with `google_account`
as that service account, which `make bootstrap` makes for each role.
"""

import json
import subprocess
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3  # pyright: ignore[reportMissingTypeStubs] - has none
import httpx
import yaml
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs] - has none

from operate.outputs import Refused, partition

SESSION, SCOPE = "tributary-operate", "https://www.googleapis.com/auth/cloud-platform"
new_session: Any = boto3.Session
HOSTS = (
    ("/bigquery/v2/", "https://bigquery.googleapis.com"),
    ("/v1/transferJobs/", "https://storagetransfer.googleapis.com"),
    ("/v1/projects/", "https://bigquerydatatransfer.googleapis.com"),
)
"""Which product a path belongs to: https://docs.cloud.google.com/apis/docs/overview."""


class GoogleError(RuntimeError):
    """Google's API refused a request, or there are no credentials for it."""


class Deployed:
    """The accounts and the project of a stack that is deployed."""

    def __init__(
        self,
        stack: str,
        accounts: Mapping[str, Mapping[str, Any]],
        outputs: Mapping[str, Any],
        role: str = "",
        google_account: str = "",
    ):
        """`accounts` as the config has them; `outputs` of the stack; `google_account`: the e-mail of the service
        account that Google's APIs are called as."""
        self.google_account = google_account
        self.stack = stack
        self.accounts = {(str(each["id"]), str(each["region"])): each for each in accounts.values()}
        self.outputs, self.role = outputs, role
        self._sessions: dict[tuple[str, str], Any] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}

    @property
    def pipelines(self) -> Mapping[str, Any]:
        """The stack's output `pipelines`."""
        return self.outputs.get("pipelines") or {}

    @property
    def dashboards(self) -> Mapping[str, Any]:
        """The stack's output `dashboards`, which one of an older version has not."""
        return self.outputs.get("dashboards") or {}

    def client(self, service: str, place: Mapping[str, Any]) -> Any:
        """A client in the place's account and region."""
        key = (str(place["account"]), str(place["region"]))
        if (service, *key) not in self._clients:
            self._clients[service, *key] = self._session(*key).client(
                service,
                region_name=key[1],
                config=Config(retries={"mode": "standard", "total_max_attempts": 8}),
            )
        return self._clients[service, *key]

    def _session(self, account: str, region: str) -> Any:
        if (account, region) not in self._sessions:
            session = new_session(region_name=region)
            for step in self.chain(account, region):
                session = _assumed(session, step, region)
            here = session.client("sts").get_caller_identity()["Account"]
            if here != account:
                raise Refused(
                    f"the credentials are of account {here}, the stack's is {account}; sign in there, or write a "
                    "role of that account: ROLE=<its name>"
                )
            self._sessions[account, region] = session
        return self._sessions[account, region]

    def chain(self, account: str, region: str) -> list[dict[str, Any]]:
        """The roles that lead into an account, each with what its trust asks for (docs/accounts.md)."""
        config = self.accounts.get((account, region), {})
        roles: list[dict[str, Any]] = config.get("roles") or []
        steps = [dict(step) for step in roles]
        if config.get("role"):
            steps = [{"arn": config["role"]}]
        if self.role:
            arn = f"arn:{partition(region)}:iam::{account}:role/{self.role}"
            steps = [*steps[:-1], (steps[-1] if steps else {}) | {"arn": arn}]
        return steps

    def google(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer of Google's API at the path. Raises GoogleError."""
        host = next((host for start, host in HOSTS if path.startswith(start)), None)
        if host is None:
            raise GoogleError(f"{path} belongs to no product that is known here")
        bearer = {"authorization": f"Bearer {self._token}"}
        try:
            answer = httpx.request(method, host + path, json=body, headers=bearer, timeout=60)
        except httpx.HTTPError as error:
            raise GoogleError(f"{method} {host}{path}: {error!r}") from error
        if answer.status_code != 200:
            raise GoogleError(f"{method} {host}{path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    @cached_property
    def _token(self) -> str:
        # The standard library of Google's own command line does the exchange, whichever kind of credentials it is.
        command = ["gcloud", "auth", "application-default", "print-access-token"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.SubprocessError) as error:
            raise GoogleError(f"Google gave no access token: {' '.join(command)}: {error}") from error
        if done.returncode:
            raise GoogleError(
                f"Google gave no access token: {done.stderr.strip()[-300:]}; sign in: gcloud auth "
                "application-default login"
            )
        token = done.stdout.strip()
        return _impersonated(self.google_account, token) if self.google_account else token


def _impersonated(email: str, token: str) -> str:
    """A token of a service account, as whoever has `token` may make
    (https://docs.cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken).
    Raises GoogleError."""
    url = f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{email}:generateAccessToken"
    body = {"scope": [SCOPE], "lifetime": "3600s"}
    try:
        answer = httpx.post(url, json=body, headers={"authorization": f"Bearer {token}"}, timeout=60)
    except httpx.HTTPError as error:
        raise GoogleError(f"Google gave no access token of {email}: {error!r}") from error
    if answer.status_code != 200:
        raise GoogleError(
            f"Google gave no access token of {email}: {answer.status_code} {answer.text[:300]}; the caller needs "
            "roles/iam.serviceAccountTokenCreator on it"
        )
    return str(answer.json()["accessToken"])


def deployed(root: Path, stack: str, role: str = "", google_account: str = "") -> Deployed:
    """The stack as it is deployed. Raises Refused where it is not, or its outputs can't be read."""
    file = root / f"Pulumi.{stack}.yaml"
    if not file.is_file():
        raise Refused(f"there is no {file.name}")
    content: dict[str, Any] = yaml.safe_load(file.read_text()) or {}
    accounts: dict[str, Any] = content.get("config", {}).get("tributary:accounts", {})
    command = ["pulumi", "stack", "output", "--json", "--stack", stack, "--non-interactive"]
    try:
        done = subprocess.run(
            command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise Refused(f"the outputs of {stack} can't be read: {error}; install the Pulumi CLI") from error
    if done.returncode:
        raise Refused(f"the outputs of {stack} can't be read: {done.stderr.strip()[-500:]}")
    outputs = json.loads(done.stdout or "{}")
    if "pipelines" not in outputs:
        raise Refused(
            f"{stack} has no output 'pipelines': it is not deployed; pulumi up --stack {stack} deploys it"
        )
    return Deployed(stack, accounts, outputs, role, google_account)


def _assumed(session: Any, step: Mapping[str, Any], region: str) -> Any:
    more: dict[str, Any] = {"ExternalId": step["external_id"]} if step.get("external_id") else {}
    if step.get("session_tags"):
        more["Tags"] = [{"Key": key, "Value": value} for key, value in step["session_tags"].items()]
    if step.get("transitive_tags"):
        more["TransitiveTagKeys"] = list(step["transitive_tags"])
    sts = session.client("sts", region_name=region)
    assumed = sts.assume_role(RoleArn=step["arn"], RoleSessionName=SESSION, **more)["Credentials"]
    return new_session(
        assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"], region_name=region
    )
