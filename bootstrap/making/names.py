"""What is called how. A role's name begins with what it does and not with the project: what a stack's deployer may is
granted by names that begin with `<project>-<stack>-`, so that it reaches none of these.

    enter-deploy-tributary-prod     a job's own role, in the account of the state; enter-preview-… previews, compares
    deploy-tributary-prod           in each account: deploys; preview-… and refresh-… read for a preview, for drift
    status-tributary-prod           sees how the stack does; operate-… runs, pauses and resumes its pipelines
"""

from bootstrap.roles import PROJECT

DOING = ("deploy", "preview", "refresh", "status", "operate")
"""What the roles in an account do."""
ENTERED = {
    "deploy": "deploy", "preview": "preview", "refresh": "preview", "status": "deploy", "operate": "deploy",
}  # fmt: skip
"""By which of the two entering roles each is taken on."""


def role(doing: str, stack: str) -> str:
    """The role in each account that does so for a stack."""
    return f"{doing}-{PROJECT}-{stack}"


def entering(doing: str, stack: str) -> str:
    """The role that a job enters by, to deploy or to preview."""
    return f"enter-{role(doing, stack)}"


def policy(doing: str, stack: str, place: str, number: int) -> str:
    """One of the managed policies of a role in an account, `place` is the account's name in the stack's config."""
    return f"{role(doing, stack)}-{place}-{number}"


def bucket(account: str) -> str:
    """The bucket of the state: names are shared by all of AWS, so it has its account's id."""
    return f"state-{PROJECT}-{account}"


STATE_KEY = f"alias/state-{PROJECT}"


def secrets_key(stack: str) -> str:
    """The alias of the key of a stack's secrets."""
    return f"alias/secrets-{PROJECT}-{stack}"


def service_account(doing: str, stack: str) -> str:
    """The id of a service account at Google, which has at most 30 characters."""
    return f"{PROJECT}-{stack}-{doing}".lower().replace("_", "-").replace(".", "-")


def custom_role(doing: str, stack: str) -> str:
    """The id of a custom role at Google: letters, digits, '_' and '.'."""
    return f"{PROJECT}_{stack}_{doing}".replace("-", "_")
