"""A small GitHub in this process: comments, labels and issues of one repository."""

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from delivery.github import Repository

BOT, SOMEBODY = {"type": "Bot"}, {"type": "User"}


class Api(ThreadingHTTPServer):
    """Comments, labels and issues of one repository (https://docs.github.com/en/rest/issues), two a page."""

    comments: list[dict[str, Any]]
    issues: list[dict[str, Any]]
    labels: list[str]
    calls: list[str]


class Handler(BaseHTTPRequestHandler):
    """Answers as GitHub's REST API does, for what `delivery` calls of it."""

    server: Api  # pyright: ignore[reportIncompatibleVariableOverride]  # it serves no other

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps the requests out of the tests' output."""
        pass

    def answer(self, code: int, content: Any, link: str = "") -> None:
        """Sends an answer, with a link to the next page."""
        self.send_response(code)
        if link:
            self.send_header("Link", link)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def do(self) -> None:
        """Answers any request: notes it, checks its token, and finds what it is about."""
        url, api = urlsplit(self.path), self.server
        path = url.path.removeprefix("/repos/shop/data/")
        size = int(self.headers.get("Content-Length") or 0)
        body: dict[str, Any] = json.loads(self.rfile.read(size)) if size else {}
        api.calls.append(f"{self.command} {path}")
        if self.headers["Authorization"] != "Bearer t":
            return self.answer(401, {"message": "Bad credentials"})
        lists = {"issues/7/comments": api.comments, "issues": api.issues}
        if self.command == "GET" and path in lists:
            page = int(parse_qs(url.query).get("page", ["1"])[0])
            every = [issue for issue in lists[path] if issue.get("state", "open") == "open"]
            more = len(every) > page * 2
            link = (
                f'<http://{self.headers["Host"]}{url.path}?state=open&page={page + 1}>; rel="next"'
                if more
                else ""
            )
            return self.answer(200, every[page * 2 - 2 : page * 2], link)
        if self.command == "POST" and path in lists:
            made: dict[str, Any] = body | {
                "id": len(lists[path]) + 1,
                "number": len(lists[path]) + 1,
                "user": BOT,
            }
            lists[path].append(made)
            return self.answer(201, made)
        if patched := re.fullmatch(r"issues/(comments/)?(\d+)", path):
            its = api.comments if patched[1] else api.issues
            its[int(patched[2]) - 1] |= body
            return self.answer(200, {})
        if path == "issues/7/labels":
            api.labels += body.get("labels", [])
            return self.answer(200, [{"name": name} for name in api.labels])
        if self.command == "DELETE":
            api.labels.remove(path.rpartition("/")[2])
            return self.answer(200, [])
        return self.answer(404, {"message": "Not Found"})

    do_GET = do_POST = do_PATCH = do_DELETE = do


def repository(api: Api, token: str = "t") -> Repository:
    """The repository as `delivery` calls it, with a token."""
    return Repository("shop/data", token, f"http://127.0.0.1:{api.server_address[1]}")
