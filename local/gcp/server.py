"""Google Cloud for the local stack, one endpoint on loopback: every API below its own path.

    /bigquery/v2, /upload/bigquery/v2                          bqemulator in this process
    /v1/…/transferConfigs                                      data_transfer
    /storage/v1/b                                              storage
    /v1/transferJobs, /v1/transferOperations, /v1/googleServiceAccounts  storage_transfer
    /v1/projects, …/serviceAccounts, …/topics, …/subscriptions resources
    …/workloadIdentityPools                                    identity_pools
    /v1/projects/…/roles                                       roles
    /v1/projects/…/services                                    services
    /v1/token, …:generateAccessToken                           federation

State lives in memory; `state` holds files on their way into a table. `tokens` says who may call.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import bqemulator.server
import httpx
import uvicorn
from bqemulator.api.app import create_app
from bqemulator.config import LogLevel, Settings
from bqemulator.domain.errors import DomainError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local import front as page
from local.gcp import bigquery, clock, messages
from local.gcp.data_transfer import DataTransfer
from local.gcp.federation import Federation
from local.gcp.identity_pools import IdentityPools
from local.gcp.refusals import Body, Refused
from local.gcp.resources import Resources
from local.gcp.services import Services
from local.gcp.storage import Storage
from local.gcp.storage_transfer import StorageTransfer
from local.gcp.tokens import Tokens
from local.gcp.wire import Route

TABLE = re.compile(r"/bigquery/v2/projects/([^/]+)/datasets/([^/]+)/tables(?:/([^/]+))?")
STORED = re.compile(r"/bigquery/v2/projects/[^/]+/datasets(?:/[^/]+(?:/tables(?:/[^/]+)?)?)?")
HOP = {"content-length", "content-encoding", "transfer-encoding", "connection", "host", "accept-encoding"}


def labelled(request: Request) -> str:
    """The path with a slash inside a label, as in an object's name, as a NUL: that is one part of the path."""
    raw = request.scope["raw_path"].split(b"?")[0].decode()
    return unquote(re.sub("%2f", "\0", raw, flags=re.IGNORECASE))


def as_json(request: Request, raw: bytes) -> Any:
    """The body's value, or None where it is something else: bytes to load, parts of an upload."""
    if not raw or request.headers.get("content-type", "application/json").split(";")[0] != "application/json":
        return None
    try:
        return json.loads(raw)
    except ValueError as error:
        raise Refused(400, f"Invalid JSON payload received: {error}") from None


class Front:
    """The ASGI app: what is ours answers, the rest goes to bqemulator."""

    def __init__(
        self, context: Any, endpoint: str, aws_endpoint: str, state: Path, secret: str | None = None
    ):
        self.context, self.inner = context, create_app(context)
        self.to_bigquery = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.inner), base_url="http://bigquery"
        )
        bearer = {"authorization": f"Bearer {secret}"} if secret else {}
        # Idle connections are given up before uvicorn closes them, which it does after five seconds.
        self.client = httpx.Client(timeout=600, headers=bearer, limits=httpx.Limits(keepalive_expiry=2))
        self.endpoint = endpoint
        self.resources = Resources()
        self.stored: dict[str, Any] = {}  # by id, what bqemulator does not keep of a dataset or table
        storage = Storage(state / "buckets")
        self.data_transfer = DataTransfer(
            self.resources, storage, self.call, aws_endpoint, state / "transfers"
        )
        self.storage_transfer = StorageTransfer(self.resources, storage, aws_endpoint)
        pools = IdentityPools()
        federation = Federation(self.resources, pools, aws_endpoint)
        self.tokens = Tokens(secret, federation.service_tokens)
        routes: list[Route] = [
            *self.data_transfer.routes(),
            *self.storage_transfer.routes(),
            *storage.routes(),
            *pools.routes(),
            *federation.routes(),
            *Services().routes(),
            *self.resources.routes(),
        ]
        self.routes = [(methods.split("|"), re.compile(path), handler) for methods, path, handler in routes]
        for keep in (self.data_transfer.keep_schedule, self.storage_transfer.keep_going):
            threading.Thread(target=keep, daemon=True).start()

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON that this very endpoint answers, with the run's secret as bearer and 600 seconds at most."""
        answer = self.client.request(method, self.endpoint + path, json=body)
        return answer.status_code, answer.json()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers ASGI's HTTP requests, a refusal as the API's error in JSON; what else ASGI has is for bqemulator."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self.answer(request)
        except (Refused, DomainError) as error:
            status = error.code if isinstance(error, Refused) else 400
            body = (
                error.body()
                if isinstance(error, Refused)
                else {
                    "error": {
                        "code": status,
                        "message": str(error),
                        "status": "INVALID_ARGUMENT",
                        "errors": [{"reason": error.bq_reason, "message": str(error), "domain": "global"}],
                    }
                }
            )
            response = JSONResponse(body, status)
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """Checks a request and answers it by the first route of its path, else by bqemulator; 404 where neither is."""
        path, raw = request.url.path, await request.body()
        if path != "/healthz":
            query = {name: request.query_params.getlist(name) for name in request.query_params}
            messages.check(request.method, labelled(request), query, as_json(request, raw))
        for methods, pattern, handler in self.routes:
            if request.method in methods and (match := pattern.fullmatch(path)):
                try:
                    body = json.loads(raw or b"{}")
                except json.JSONDecodeError as error:
                    raise Refused(400, f"Invalid JSON payload received: {error}") from None
                query = {**request.query_params, "authorization": request.headers.get("authorization", "")}
                answer = functools.partial(cast("Callable[..., Body]", handler), body, query, *match.groups())
                return JSONResponse(await run_in_threadpool(answer))
        if path.startswith(("/bigquery/", "/upload/bigquery/", "/healthz")):
            return await self.bigquery(request, path, raw)
        raise Refused(404, f"{request.method} {path} is no API of the local Google Cloud")

    async def forward(self, client: httpx.AsyncClient, request: Request, raw: bytes) -> Response:
        """The client's answer to the same request, whose body is `raw`; headers of `HOP` stay behind, both ways."""
        target = request.scope["raw_path"].split(b"?")[0].decode() + (
            f"?{request.url.query}" if request.url.query else ""
        )
        headers = {k: v for k, v in request.headers.items() if k not in HOP}
        answer = await client.request(request.method, target, content=raw, headers=headers, timeout=600)
        return Response(
            answer.content, answer.status_code, {k: v for k, v in answer.headers.items() if k not in HOP}
        )

    async def bigquery(self, request: Request, path: str, raw: bytes) -> Response:
        """What bqemulator answers, with what it does not keep of a dataset or table; before it a table is checked and
        gets new columns, and after it the hidden one."""
        writes = STORED.fullmatch(path) and request.method in ("POST", "PUT", "PATCH")
        body: Body = json.loads(raw) if writes else {}
        table = TABLE.fullmatch(path)
        if writes and table:
            body.setdefault("tableReference", {}).update(
                {"projectId": table[1], "datasetId": table[2], **({"tableId": table[3]} if table[3] else {})}
            )
            bigquery.check_table(body)
            async with self.context.engine.write_lock():
                if table[3]:
                    bigquery.alter(self.context, table[1], table[2], table[3], body)
        response = await self.forward(self.to_bigquery, request, raw)
        if not STORED.fullmatch(path) or response.status_code >= 300 or request.method == "DELETE":
            return response
        if writes and table and request.method == "POST":
            bigquery.after_insert(self.context, body)
        answer = json.loads(bytes(response.body))
        if answer.get("kind") in ("bigquery#table", "bigquery#dataset"):
            if writes and request.method == "POST":
                self.stored[answer["id"]] = {}
            self.stored.setdefault(answer["id"], {}).update(body)
            answer = {
                **{
                    k: v
                    for k, v in self.stored[answer["id"]].items()
                    if k not in ("schema", "view") or "schema" not in answer
                },
                **answer,
            }
        return JSONResponse(answer, response.status_code)


class _Closed:
    """In place of BigQuery's Storage API by gRPC, which would listen on a port of its own that no secret guards.
    Nothing here calls it."""

    async def start(self) -> None:
        """Opens no port."""

    async def stop(self, grace: float) -> None:
        """There is nothing to end."""


async def serve(
    port: int,
    state: Path,
    aws_endpoint: str,
    ready: Callable[[str], None],
    stop: asyncio.Event,
    secret: str | None = None,
    listener: int | None = None,
) -> None:
    """Serves on loopback until `stop` is set, then ends the schedules; `ready` gets the endpoint once it answers.
    `listener` is the descriptor of a socket that listens at the port already."""
    endpoint = f"http://127.0.0.1:{port}"
    clock.keep_in(state.resolve())
    fronts: list[Front] = []

    def front(context: Any) -> page.Front:
        fronts.append(Front(context, endpoint, aws_endpoint, state.resolve(), secret))
        return page.Front(fronts[0], port, fronts[0].tokens.refuse, status=401)

    bigquery.install()
    bqemulator.server.build_grpc_server = lambda _: (_Closed(), 0)  # type: ignore[assignment]  # only started and stopped
    if listener is not None:
        uvicorn.Config = functools.partial(uvicorn.Config, fd=listener)  # type: ignore[misc]  # bqemulator gives no descriptor
    bqemulator.server.create_app = front  # type: ignore[assignment]  # it is typed to return FastAPI and used as any ASGI app
    emulator = bqemulator.server.EmulatorServer(
        Settings(
            rest_host="127.0.0.1",
            rest_port=port,
            grpc_host="127.0.0.1",
            grpc_port=0,
            default_project_id="tributary-local",
            upload_staging_dir=state.resolve() / "uploads",
            enable_format_extensions=False,
            log_level=LogLevel.ERROR,
        )
    )
    try:
        await emulator.start()
        ready(endpoint)
        await stop.wait()
    finally:
        for started in fronts:
            started.data_transfer.stopped.set()
            started.storage_transfer.stopped.set()
        await emulator.stop()
