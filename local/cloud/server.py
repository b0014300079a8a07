"""The embedded cloud: ministack in one process on loopback, with the extensions in the rooms beside this module.

`prepare(port, state)` must run before ministack is imported, since it reads its settings on import; `serve`
runs until the stop event is set, then ends the Lambda workers. State lives in memory and ends with the process;
`state` holds temporary files only.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from local import secret as run_secret
from local.front import Front
from local.garbage import collect_seldom

EXTENSIONS = (
    "iam.authorization",
    "iam.role_assumption",
    "iam.user_credentials",
    "deliveries",
    "function_code",
    "function_logs",
    "step_functions.athena_queries",
    "step_functions.state_machines",
    "s3.encryption",
    "dynamodb.export",
    "dynamodb.ttl",
    "s3.replication",
    "s3.batch",
    "rds_export",
    "catalog.athena",
    "catalog.glue",
    "catalog.iceberg",
    "catalog.optimizers",
    "aoss.control_plane",
    "osis.control_plane",
    "firehose.control_plane",
    "alarms",
    "kinesis.sequence_numbers",
    "kinesis.stream_tags",
    "expiry",
    "sqs_attributes",
    "kms_key_ids",
    "iam.named_actions",
    "iam.named_resources",
    "iam.several_resources",
    "iam.passed_roles",
    "iam.boundaries",
    "iam.signatures",
    "models",
)
# What the process, and so every Lambda worker, keeps of the host's environment: no credential among it.
PASSED_ON = (
    "PATH",
    "HOME",
    "XDG_CACHE_HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "JAVA_HOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "LOG_LEVEL",
    "PYTHONDONTWRITEBYTECODE",
)
SETTINGS = {
    "AUTH": "true",
    "BIND_HOST": "127.0.0.1",
    "MINISTACK_HOST": "127.0.0.1",
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "MINISTACK_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "LAMBDA_EXECUTOR": "local",
    # State machines wait for services that here take a second rather than minutes.
    "SFN_WAIT_SCALE": "0.02",
    # Nothing of the host's ~/.aws, nor its instance profile.
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
}


def prepare(port: int, state: Path, secret: str | None = None) -> None:
    """Replace the environment by the cloud's own, and its temporary directory by one below `state`, which nobody but
    the user can read. An account's administrator signs with the account's id and `secret`; without one, see
    `iam.signatures`."""
    collect_seldom()
    os.umask(0o077)
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)
    environment = {
        name: os.environ[name] for name in os.environ if name in PASSED_ON or name.startswith("TRIBUTARY_")
    }
    temporary = state.resolve() / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    os.environ.clear()
    worker = Path(__file__).parent / "worker"
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(worker), environment.get("PYTHONPATH")]))
    os.environ.update(
        environment,
        **SETTINGS,
        AWS_ENDPOINT_URL_S3_CONTROL=f"http://localhost:{port}",
        GATEWAY_PORT=str(port),
        TMPDIR=str(temporary),
        TRIBUTARY_CLOUD_STATE=str(state.resolve()),
        AWS_SECRET_ACCESS_KEY=secret or run_secret.fresh(),
        **({} if secret else {"TRIBUTARY_CLOUD_UNCHECKED": "1"}),
    )
    tempfile.tempdir = str(temporary)


def install() -> None:
    """Imports and installs the extensions in their order: what replaces the same part later stands in front."""
    for name in EXTENSIONS:
        importlib.import_module(f"{__package__}.{name}").install()


async def serve(port: int, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serves the cloud at a port of loopback until `stop` is set; calls `ready` as soon as the port answers."""
    from hypercorn.asyncio import serve as hypercorn_serve  # pyright: ignore[reportUnknownVariableType] - of ASGI and WSGI
    from hypercorn.config import Config

    from .refusals import Refusals
    from .retries import Answers
    from .seams import app as ministack_app
    from .seams import lambda_runtime

    install()
    from .iam import signatures

    config = Config()
    config.bind, config.accesslog, config.graceful_timeout = [f"127.0.0.1:{port}"], None, 1.0
    # h11 reads a request's body in pieces of this size; exports send parts of several megabytes.
    config.wsgi_max_body_size = config.h11_max_incomplete_size = 1 << 20
    # An idle connection stays open: hypercorn would close one in the moment that a request comes on it, after the
    # request has been carried out, and a client that then asks again is answered twice.
    config.keep_alive_timeout = 86400.0
    front = Front(Answers(Refusals(ministack_app.asgi)), port, signatures.refuse, signatures.signed_for_sts)
    server = asyncio.create_task(hypercorn_serve(front, config, shutdown_trigger=stop.wait))  # type: ignore[arg-type]  # hypercorn types ASGI scopes, ministack none
    while not server.done():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            ready()
            break
        except OSError:
            await asyncio.sleep(0.02)
    try:
        await server
    finally:
        lambda_runtime.reset()
