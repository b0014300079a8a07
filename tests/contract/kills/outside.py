"""What the handlers reach without boto3: a collection of OpenSearch Serverless, and Google."""

import json
from typing import Any

from opensearchpy import Connection
from opensearchpy.exceptions import ConnectionTimeout

from tests.contract.kills.services import Killed

FAR = "2099-01-01T00:00:00Z"


class Index:
    """The collection's indexes; takes the place of opensearch-py's connection."""

    def __init__(self, calls: Any, app: Any):
        self.indexes: dict[Any, Any] = {}
        home = self

        class Answering(Connection):
            def perform_request(  # pyright: ignore[reportIncompatibleMethodOverride] - its stub has fewer
                self,
                method: Any,
                url: Any,
                params: Any = None,
                body: Any = None,
                timeout: Any = None,
                ignore: tuple[Any, ...] = (),
                headers: Any = None,
            ) -> tuple[int, dict[str, str], str]:
                kind = calls.next(f"{method} index")
                if kind in ("error", "throttle"):
                    self._raise_error(
                        400 if kind == "error" else 429,
                        json.dumps({"error": {"type": kind}}),
                        "application/json",
                    )
                status, answer = home.answer(method, url.strip("/").partition("/"), body)
                if kind == "time-out":
                    raise ConnectionTimeout("TIMEOUT", "no answer", None)
                if kind == "killed":
                    raise Killed(method)
                if status >= 400:
                    self._raise_error(status, json.dumps(answer), "application/json")
                return status, {}, json.dumps(answer)

        app.Urllib3HttpConnection = Answering

    def answer(self, method: Any, path: Any, body: Any):
        """Status and body that the collection answers to a request."""
        name, _, part = path
        if method == "PUT" and not part:
            if name in self.indexes:
                return 400, {"error": {"type": "resource_already_exists_exception"}, "status": 400}
            self.indexes[name] = body
        elif name not in self.indexes:
            return 404, {"error": {"type": "index_not_found_exception"}, "status": 404}
        elif method == "DELETE":
            del self.indexes[name]
        return 200, {"acknowledged": True}


def google(calls: Any, app: Any):
    """Google's answers, with a load of all rows."""
    answers = {
        "runs": {"transferRuns": [{"scheduleTime": "2026-01-02T04:30:00Z", "state": "SUCCEEDED"}]},
        "queries": {"jobComplete": True, "rows": [{"f": [{"v": "8"}]}]},
        "token": {"access_token": "t"},
        "generateAccessToken": {"accessToken": "t", "expireTime": FAR},
    }

    def ask(host: Any, path: Any, body: Any, token: str = ""):
        kind = calls.next(f"{host} {_last(path)}")
        if kind == "killed":
            raise Killed(path)
        if kind:
            raise app.GoogleRefused(f"{host}{path}: {kind}")
        return answers[_last(path)]

    app.google.ask = ask


def _last(path: Any):
    return path.partition("?")[0].replace(":", "/").rpartition("/")[2]
