"""Sample data through every pipeline of a stack, and what arrived where.

A kind of pipeline has a module here with three functions (`Samples`). A table that a pipeline adopts holds data first:
`before` writes it, before the stack is up. `prepare(cloud, name, pipeline)` writes sample
data where the pipeline takes it from, and sets up what is needed to see it arrive. When all are prepared,
`start(cloud, name, pipeline, due)` sets going what does not go by itself; only what shows the data as of
`due` or later counts then. `rows(cloud, name, pipeline, due)` reads the running cloud and returns one
`Row` a table; nothing is remembered in between, so `rows` without a time makes `status`. `pipeline` is its
entry in the stack's output `pipelines`. What is sent has the keys of the tables and the types that the stack's config
declares, which is in `Cloud.declared`. A pipeline that can't be set going is a row that says why; the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local import secret

if TYPE_CHECKING:
    from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs
    from components.pipelines.export.sources import ExportSourceArgs

ARRIVED_WITHIN = 180.0  # seconds from the last item sent; an export and its replica take about 15


class Row(NamedTuple):
    """What one pipeline carried of one table. `seconds` is None as long as it has not all arrived."""

    pipeline: str
    kind: str
    table: str
    sent: int
    arrived: int
    seconds: float | None
    counts: Mapping[str, int | str] = {}  # what was counted on the way, in the order of the way
    failure: str = ""  # why nothing more will arrive

    COLUMNS = ("pipeline", "kind", "table", "sent", "arrived", "seconds")

    @property
    def complete(self) -> bool:
        """Whether all that was sent has arrived."""
        return self.seconds is not None and self.arrived == self.sent and not self.failure

    def as_json(self) -> dict[str, Any]:
        """The row's columns by name."""
        return {column: getattr(self, column) for column in self.COLUMNS}


class SampleError(RuntimeError):
    """A pipeline could not be set going."""


UNREADABLE = (SampleError, ClientError, BotoCoreError)
"""What a service that refuses, or can't be reached, raises."""


@dataclass(frozen=True)
class Cloud:
    """The embedded cloud as an account's administrator sees it."""

    endpoint: str
    outputs: Mapping[str, Any]
    gcp: str = ""  # the local Google Cloud's endpoint
    counted: dict[tuple[str, ...], Any] = field(default_factory=dict[tuple[str, ...], Any])
    prefix: str = ""  # of the names of what the samples make for themselves
    patience: float = ARRIVED_WITHIN
    pause: float = 0.5  # seconds between two looks
    stack: str = "local"
    declared: Mapping[str, Any] = field(
        default_factory=dict[str, Any]
    )  # the arguments of its pipelines, by name
    stopped: dict[str, str] = field(
        default_factory=dict[str, str]
    )  # why a pipeline could not be set going, by name

    @cached_property
    def _clients(self) -> dict[tuple[str, str, str], Any]:
        return {}

    @cached_property
    def _http(self) -> Any:
        """One client for all calls: to make one is to read all of the machine's certificates. Each call has its own
        connection: the server closes those that wait, at any moment."""
        import httpx  # not with the embedded cloud, which starts with this package

        return httpx.Client(timeout=300, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

    @property
    def pipelines(self) -> Mapping[str, Any]:
        """The stack's pipelines, by name, as its outputs have them."""
        return self.outputs.get("pipelines", {})

    @property
    def dashboards(self) -> Mapping[str, Any]:
        """The stack's dashboards, by account."""
        return self.outputs.get("dashboards", {})

    def client(self, service: str, place: Mapping[str, Any]) -> Any:
        """A client in the place's `account` and `region`; the account's id is its access key there."""
        if (key := (service, place["account"], place["region"])) not in self._clients:
            self._clients[key] = boto3.client(
                service, endpoint_url=self.endpoint, region_name=place["region"],
                aws_access_key_id=place["account"], aws_secret_access_key=secret.of(self.endpoint), config=Config(
                    retries={"mode": "standard", "total_max_attempts": 5}, max_pool_connections=16,
                    proxies={}, read_timeout=120,
                    s3={"addressing_style": "path"}),
            )  # fmt: skip
        return self._clients[key]

    def google(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer of Google's API at the path; a SampleError where it refuses."""
        bearer = {"authorization": f"Bearer {secret.of(self.gcp)}"}
        answer = self._http.request(method, self.gcp + path, json=body, headers=bearer)
        if answer.status_code != 200:
            raise SampleError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def search(self, pipeline: Mapping[str, Any], role_arn: str) -> Any:
        """A pipeline's collection as a role sees it: an OpenSearch client, which waits for one that sleeps (10 to 30
        seconds: docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-scale-to-zero.html)."""
        from opensearchpy import AWSV4SignerAuth, OpenSearch, RequestsHttpConnection

        sts = self.client("sts", pipeline)
        credentials = sts.assume_role(RoleArn=role_arn, RoleSessionName="sample")["Credentials"]
        session = boto3.Session(
            credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]
        )
        signer = AWSV4SignerAuth(session.get_credentials(), pipeline["region"], "aoss")
        return OpenSearch(
            pipeline["endpoint"], http_auth=signer, connection_class=RequestsHttpConnection, timeout=60,
            max_retries=3, retry_on_status=(503,),
        )  # fmt: skip


class Samples(Protocol):
    """What the module of a kind of pipeline has."""

    def prepare(self, cloud: Cloud, name: str, pipeline: Mapping[str, Any]) -> None:
        """Writes sample data where the pipeline takes it from, and sets up what is needed to see it arrive."""

    def start(self, cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime) -> None:
        """Sets going what does not go by itself."""

    def rows(self, cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime | None) -> list[Row]:
        """A row a table: what arrived, as of `due` or later."""
        ...


def kinds() -> Mapping[str, Samples]:
    """The modules by the kind of pipeline that they know, sources before those that take from them."""
    from local.samples import bigquery_transfer, export, firehose, replication, zero_etl

    return {
        "export": export,
        "replication": replication,
        "zero-etl": zero_etl,
        "firehose": firehose,
        "bigquery-transfer": bigquery_transfer,
    }


def declared(settings: Any) -> dict[str, Any]:
    """The arguments of the pipelines of a stack's settings (components/stack/settings.py), by their names."""
    return {name: pipeline.args for name, pipeline in settings.pipelines.items()}


def columns(cloud: Cloud, table: str) -> dict[str, Any]:
    """Name -> type of the columns that the stack's exports and transfers declare of a DynamoDB table."""
    known: dict[str, Any] = {}
    for source in sources(cloud):
        known |= source.columns if source.dynamodb == table else {}
    for args in transfers(cloud):
        if table in args.tables and args.exported(table):
            known = dict(args.tables[table].columns) | known
    return known


def sources(cloud: Cloud) -> list[ExportSourceArgs]:
    """What the stack's exports declare."""
    if not cloud.declared:
        return []
    from components.pipelines.export.args import (
        ExportArgs,
    )  # takes seconds, and is there with what is declared

    exports = (args for args in cloud.declared.values() if isinstance(args, ExportArgs))
    return [source for args in exports for source in args.sources]


def transfers(cloud: Cloud) -> list[BigQueryTransferArgs]:
    """The arguments of the stack's transfers to BigQuery."""
    if not cloud.declared:
        return []
    from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs

    return [args for args in cloud.declared.values() if isinstance(args, BigQueryTransferArgs)]


def before(cloud: Cloud, settings: Any) -> None:
    """Writes what the tables hold that the stack takes as they are."""
    from components.pipelines.zero_etl.args import ZeroEtlArgs
    from local.samples import zero_etl

    for pipeline in settings.pipelines.values():
        if isinstance(pipeline.args, ZeroEtlArgs):
            zero_etl.before(cloud, pipeline.args)


def run(cloud: Cloud, say: Callable[[str], None]) -> list[Row]:
    """Sends the samples and waits until all has arrived, or something says that it never will."""
    for name, kind, pipeline in _known(cloud):
        began = time.monotonic()
        if _done(
            cloud,
            name,
            lambda kind=kind, name=name, pipeline=pipeline: kinds()[kind].prepare(cloud, name, pipeline),
        ):
            say(f"samples: {name} ({kind}) prepared in {time.monotonic() - began:.1f} s")
    # The first whole second (what a schedule can name) at which all that was written is there.
    due = datetime.fromtimestamp(int(time.time()) + 1, UTC)
    time.sleep(max(0.0, due.timestamp() - time.time()))
    for name, kind, pipeline in _known(cloud):
        if name not in cloud.stopped:
            _done(
                cloud,
                name,
                lambda kind=kind, name=name, pipeline=pipeline: kinds()[kind].start(
                    cloud, name, pipeline, due
                ),
            )
    for name, why in cloud.stopped.items():
        say(f"samples: {name} can't be set going: {why}")
    say("samples: all others are under way" if cloud.stopped else "samples: all are under way")
    deadline, waiting = time.monotonic() + cloud.patience, _known(cloud)
    while waiting and time.monotonic() <= deadline:
        # What has arrived is read again only when the rest has too: reading all takes longer than the pause.
        waiting = [entry for entry in waiting if not _is_settled(cloud, entry, due)]
        if waiting:
            time.sleep(cloud.pause)
        elif all(map(settled, every := rows(cloud, due))):
            return every
        else:
            waiting = _known(cloud)
    return rows(cloud, due)


def _done(cloud: Cloud, name: str, step: Callable[[], object]) -> bool:
    """Whether a pipeline's step was carried out; why not is kept."""
    try:
        step()
    except UNREADABLE as error:
        cloud.stopped[name] = str(error)
    return name not in cloud.stopped


def settled(row: Row) -> bool:
    """Whether nothing more is awaited: all has arrived, or something says that it never will."""
    return row.complete or bool(row.failure)


def rows(cloud: Cloud, due: datetime | None = None) -> list[Row]:
    """One row a pipeline and table, as the running cloud shows it; those that were left out come last."""
    deployed = [row for entry in _known(cloud) for row in _rows(cloud, entry, due)]
    return deployed + [Row(*fields) for fields in cloud.outputs.get("not_run", [])]


def _is_settled(cloud: Cloud, entry: tuple[str, str, Any], due: datetime) -> bool:
    """Whether nothing more is awaited of a pipeline; what can't be read now may be read later."""
    name, kind, pipeline = entry
    if name in cloud.stopped:
        return True
    try:
        return all(map(settled, kinds()[kind].rows(cloud, name, pipeline, due)))
    except UNREADABLE:
        return False


def _rows(cloud: Cloud, entry: tuple[str, str, Any], due: datetime | None) -> list[Row]:
    name, kind, pipeline = entry
    why = cloud.stopped.get(name, "")
    try:
        listed: list[Row] = kinds()[kind].rows(cloud, name, pipeline, due)
    except UNREADABLE as error:
        return [Row(name, kind, "-", 0, 0, None, failure=why or f"what arrived can't be read: {error}")]
    return [row._replace(failure=row.failure or why) for row in listed]


def left_out(pipelines: Mapping[str, tuple[Mapping[str, Any], str]]) -> list[Row]:
    """The rows of pipelines that were not deployed: config and reason by name."""
    return [
        Row(name, config["kind"], table["name"], 0, 0, None, {}, f"not run: {why}")
        for name, (config, why) in pipelines.items()
        for table in config.get("tables", [{"name": "-"}])
    ]


def _known(cloud: Cloud) -> list[tuple[str, str, Any]]:
    order = list(kinds())
    known = [(name, pipeline["kind"], pipeline) for name, pipeline in cloud.pipelines.items()]
    if unknown := sorted({kind for _, kind, _ in known} - set(order)):
        raise NotImplementedError(
            f"no sample data for pipelines of kind {', '.join(unknown)}: add local/samples/"
        )
    return sorted(known, key=lambda entry: order.index(entry[1]))


def table(lines: Iterable[Mapping[str, Any]]) -> str:
    """The lines as columns of text: numbers to the right, a dash for nothing."""
    lines = list(lines)
    columns = list(dict.fromkeys(column for line in lines for column in line))
    texts = [[_text(line.get(column)) for column in columns] for line in lines]
    widths = [max(map(len, cells)) for cells in zip(columns, *texts, strict=True)]
    right = [all(not isinstance(line.get(column), str) for line in lines) for column in columns]
    return "\n".join(
        "  ".join(
            cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(cells, widths, right, strict=True)
        ).rstrip()
        for cells in [columns, ["-" * width for width in widths], *texts]
    )


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return (
        f"{value:,}" if isinstance(value, int) else f"{value:.1f}" if isinstance(value, float) else str(value)
    )


def report(rows: list[Row]) -> str:
    """What was counted along each table's way, a table a kind; the six columns; then why something falls short."""
    parts: list[str] = []
    for kind in dict.fromkeys(row.kind for row in rows if row.counts):
        lines = [{"pipeline": r.pipeline, "table": r.table, **r.counts} for r in rows if r.kind == kind]
        parts.append(f"{kind}\n{table(lines)}")
    parts.append(table(row.as_json() for row in rows) if rows else "no pipelines")
    short = [row for row in rows if not row.complete]
    parts += [
        "\n".join(
            f"{row.pipeline} {row.table}: {row.failure or 'has not all arrived'} "
            f"({row.arrived:,} of {row.sent:,})"
            for row in short
        )
    ] * bool(short)
    return "\n\n".join(parts)
