"""The few calls of GitHub's API that delivery makes: comments, labels, issues. https://docs.github.com/en/rest

The token comes from the job, and needs `pull-requests: write` for comments and labels, `issues: write` for issues.
"""

import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from delivery.values import mapping

VERSION = "2022-11-28"


class GithubError(RuntimeError):
    """GitHub refused a call; the message has its answer."""


@dataclass(frozen=True)
class Repository:
    """One repository, `owner/name`, as its API is reached by a job."""

    name: str
    token: str
    api: str = "https://api.github.com"

    @classmethod
    def of_job(cls, environment: Mapping[str, str] = os.environ) -> "Repository":
        """The repository of the job that runs. Raises GithubError outside of one."""
        if missing := [key for key in ("GITHUB_REPOSITORY", "GITHUB_TOKEN") if not environment.get(key)]:
            raise GithubError(f"{' and '.join(missing)} not set: this runs in a job of GitHub Actions")
        api = environment.get("GITHUB_API_URL") or cls.api
        return cls(environment["GITHUB_REPOSITORY"], environment["GITHUB_TOKEN"], api)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to a request at a path of the repository. Raises GithubError."""
        return self._send(method, f"{self.api}/repos/{self.name}/{path}", body)[0]

    def download(self, path: str) -> bytes:
        """The archive at a path of the repository; GitHub leads to where it is stored, which takes no token
        (https://docs.github.com/en/rest/actions/artifacts#download-an-artifact)."""
        request = urllib.request.Request(f"{self.api}/repos/{self.name}/{path}")
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()
        except OSError as error:
            raise GithubError(f"GET {path}: {error}") from error

    def pages(self, path: str) -> Iterable[dict[str, Any]]:
        """All of a list, a hundred a page (https://docs.github.com/en/rest/using-the-rest-api/
        using-pagination-in-the-rest-api)."""
        url: str | None = f"{self.api}/repos/{self.name}/{path}{'&' if '?' in path else '?'}per_page=100"
        while url:
            content, link = self._send("GET", url)
            yield from content
            following = re.search(r'<([^>]+)>; rel="next"', link)
            url = following[1] if following else None

    def _send(self, method: str, url: str, body: Any = None) -> tuple[Any, str]:
        data = None if body is None else json.dumps(body).encode()
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": VERSION,
        }
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read().decode()
                return (json.loads(text) if text else None), answer.headers.get("Link") or ""
        except urllib.error.HTTPError as error:
            answered = error.read().decode(errors="replace")[:500]
            raise GithubError(
                f"{method} {urllib.parse.urlsplit(url).path}: {error.code} {answered}"
            ) from error
        except OSError as error:
            raise GithubError(f"{method} {urllib.parse.urlsplit(url).path}: {error}") from error


def put_comment(repository: Repository, number: int, marker: str, body: str) -> str:
    """Puts a comment on a pull request: patches the job's own one that begins with the marker, or writes it. Which."""
    for old in repository.pages(f"issues/{number}/comments"):
        # Somebody else may begin a comment with the marker: only a bot's is the job's own.
        if (old.get("body") or "").startswith(marker) and mapping(old.get("user")).get("type") == "Bot":
            if old["body"] == body:
                return "unchanged"
            repository.call("PATCH", f"issues/comments/{old['id']}", {"body": body})
            return "patched"
    repository.call("POST", f"issues/{number}/comments", {"body": body})
    return "written"


def put_labels(repository: Repository, number: int, wanted: Iterable[str], managed: Iterable[str]) -> None:
    """Sets, of the labels that are ours, those that are wanted, and takes the others away; no other is touched."""
    wanted, there = set(wanted), {label["name"] for label in repository.pages(f"issues/{number}/labels")}
    if new := sorted(wanted - there):
        repository.call("POST", f"issues/{number}/labels", {"labels": new})
    for old in sorted((there & set(managed)) - wanted):
        repository.call("DELETE", f"issues/{number}/labels/{urllib.parse.quote(old)}")


def put_issue(repository: Repository, marker: str, title: str, body: str | None) -> str:
    """Keeps one open issue with a marker: writes, patches, or, without a body, closes it. Which."""
    for old in repository.pages("issues?state=open"):
        if "pull_request" in old or not (old.get("body") or "").startswith(marker):
            continue
        if mapping(old.get("user")).get("type") != "Bot":
            continue
        if body is None:
            repository.call(
                "PATCH", f"issues/{old['number']}", {"state": "closed", "state_reason": "completed"}
            )
            return "closed"
        if (old["title"], old["body"]) == (title, body):
            return "unchanged"
        repository.call("PATCH", f"issues/{old['number']}", {"title": title, "body": body})
        return "patched"
    if body is None:
        return "none"
    repository.call("POST", "issues", {"title": title, "body": body})
    return "written"


def previews_of(repository: Repository, commit: str, workflow: str, artifact: str) -> bytes | None:
    """The archive that the pull request of a merged commit showed its stacks by; None where there is none."""
    for pull in repository.pages(f"commits/{commit}/pulls"):
        head = pull["head"]["sha"]
        runs = repository.call("GET", f"actions/workflows/{workflow}/runs?event=pull_request&head_sha={head}")
        for run in runs["workflow_runs"]:
            # A run of a fork has no previews, and its archive would be a stranger's.
            if mapping(run.get("head_repository")).get("full_name") != repository.name:
                continue
            for listed in repository.call("GET", f"actions/runs/{run['id']}/artifacts")["artifacts"]:
                if listed["name"] == artifact and not listed["expired"]:
                    return repository.download(f"actions/artifacts/{listed['id']}/zip")
    return None
