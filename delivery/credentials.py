"""Short-lived credentials of a job: its OIDC token, exchanged for a role at AWS and handed to Google's federation.

No key is stored anywhere. Of GitHub the job needs `id-token: write`
(https://docs.github.com/en/actions/reference/security/oidc); the role's trust, or the provider's condition, names the
one repository and environment that may have it.

    AWS      sts:AssumeRoleWithWebIdentity, an hour, into the variables that every SDK reads
    Google   an external account's file, by which Google's libraries fetch tokens themselves
             (https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines)
"""

import json
import os
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

AUDIENCE = "sts.amazonaws.com"
SECONDS = 3600


class NoCredentials(RuntimeError):
    """The job's token was not given, or not taken; the message says by whom and what to look at."""


def aws(environment: Mapping[str, str], role: str, region: str, session: str) -> dict[str, str]:
    """The variables of a session of the role. Raises NoCredentials."""
    client = boto3.client("sts", region_name=region, config=Config(signature_version=UNSIGNED))
    try:
        session = "".join(char if char.isalnum() or char in "=,.@-" else "-" for char in session)[:64]
        assumed = client.assume_role_with_web_identity(
            RoleArn=role,
            RoleSessionName=session,
            WebIdentityToken=_token(environment),
            DurationSeconds=SECONDS,
        )["Credentials"]
    except (BotoCoreError, ClientError) as error:
        raise NoCredentials(
            f"AWS gave no session of {role}: {error}; its trust must name this repository and environment"
        ) from error
    return {
        "AWS_ACCESS_KEY_ID": assumed["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": assumed["SecretAccessKey"],
        "AWS_SESSION_TOKEN": assumed["SessionToken"],
        "AWS_REGION": region,
    }


def google(environment: Mapping[str, str], provider: str, account: str) -> dict[str, Any]:
    """The content of an external account's file. `provider` is `projects/<number>/locations/global/
    workloadIdentityPools/<pool>/providers/<provider>`, `account` the service account's address."""
    audience = f"//iam.googleapis.com/{provider}"
    impersonated = f"projects/-/serviceAccounts/{account}:generateAccessToken"
    return {
        "type": "external_account",
        "audience": audience,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "service_account_impersonation_url": f"https://iamcredentials.googleapis.com/v1/{impersonated}",
        "credential_source": {
            "url": _address(environment, f"https:{audience}"),
            "headers": {
                "Authorization": f"Bearer {_required(environment, 'ACTIONS_ID_TOKEN_REQUEST_TOKEN')}"
            },
            "format": {"type": "json", "subject_token_field_name": "value"},
        },
    }


def for_job(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Puts the credentials that the job's variables ask for into its environment; what a log may say of them.

    AWS_ROLE and AWS_REGION; GCP_PROVIDER and GCP_SERVICE_ACCOUNT, where the stack has a Google project.
    """
    notes, variables = list[str](), dict[str, str]()
    if role := environment.get("AWS_ROLE"):
        session = f"{environment.get('GITHUB_REPOSITORY', 'job')}-{environment.get('GITHUB_RUN_ID', '')}"
        variables |= aws(environment, role, _required(environment, "AWS_REGION"), session)
        for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            notes.append(f"::add-mask::{variables[name]}")
        notes.append("AWS: a session of an hour")
    if provider := environment.get("GCP_PROVIDER"):
        content = google(environment, provider, _required(environment, "GCP_SERVICE_ACCOUNT"))
        file = Path(_required(environment, "RUNNER_TEMP")) / "google-credentials.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(content))
        variables["GOOGLE_APPLICATION_CREDENTIALS"] = str(file)
        notes.append("Google: by workload identity federation")
    if not notes:
        raise NoCredentials("AWS_ROLE is not set: write it as a variable of this environment")
    with Path(_required(environment, "GITHUB_ENV")).open("a") as to:
        to.writelines(f"{name}={value}\n" for name, value in variables.items())
    return notes


def _token(environment: Mapping[str, str]) -> str:
    bearer = f"Bearer {_required(environment, 'ACTIONS_ID_TOKEN_REQUEST_TOKEN')}"
    request = urllib.request.Request(_address(environment, AUDIENCE), headers={"Authorization": bearer})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(json.load(answer)["value"])
    except (OSError, ValueError, KeyError) as error:
        raise NoCredentials(f"GitHub gave this job no token: {error}") from error


def _address(environment: Mapping[str, str], audience: str) -> str:
    url = _required(environment, "ACTIONS_ID_TOKEN_REQUEST_URL")
    return f"{url}{'&' if '?' in url else '?'}audience={urllib.parse.quote(audience, safe='')}"


def _required(environment: Mapping[str, str], name: str) -> str:
    if value := environment.get(name):
        return value
    job = ": the job needs 'id-token: write', which one of a fork does not get" if "ID_TOKEN" in name else ""
    raise NoCredentials(f"{name} is not set{job}")
