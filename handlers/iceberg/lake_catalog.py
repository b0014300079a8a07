"""A DuckDB that reads and writes the Iceberg tables of an account's Glue catalog.

Glue speaks the Iceberg REST protocol at `<endpoint>/iceberg`, signed for `glue`, with the account's id as the
warehouse: https://docs.aws.amazon.com/glue/latest/dg/connect-glu-iceberg-rest.html. What DuckDB does otherwise and
Glue does not take, or this program does not want (https://duckdb.org/docs/current/core_extensions/iceberg/iceberg_options):

- STAGE_CREATE_TABLES: Glue knows no staged table (https://docs.aws.amazon.com/glue/latest/dg/iceberg-rest-apis.html).
- DISABLE_MULTI_TABLE_COMMIT: one table a commit, by UpdateTable; Glue lists no `transactions/commit`.
- REMOVE_FILES_ON_DELETE: the files of a transaction whose commit failed stay, as the commit may have been carried out
  and its answer lost.
- ACCESS_DELEGATION_MODE: objects are read and written with the function's own rights; Glue gives out credentials only
  under Lake Formation.

The extensions come from the bundle, at the version of DuckDB, which takes only those that its makers have signed
(https://duckdb.org/docs/current/operations_manual/securing_duckdb/securing_extensions); nothing is downloaded.
"""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
from duckdb_rows import quoted, text

EXTENSIONS = ("avro", "httpfs", "iceberg")
CATALOG = "lake"


@dataclass(frozen=True)
class Access:
    """Where the catalog and the objects are, and as whom they are read and written."""

    account: str
    region: str
    glue: str
    """Glue's endpoint, as an SDK has it: `https://glue.eu-west-1.amazonaws.com`."""
    s3: str
    key_id: str
    secret_key: str
    token: str | None
    certificates: str | None = None
    """A file of the authorities that are trusted."""


def qualified(database: str, table: str) -> str:
    """A table as SQL names it."""
    return ".".join(map(quoted, (CATALOG, database, table)))


class Engine:
    """A DuckDB with the extensions loaded, which a warm function has from one call to the next. Of the catalog and the
    credentials it keeps nothing: each use attaches the catalog anew, as the account has it then. After a use that
    failed it is thrown away."""

    def __init__(self) -> None:
        self._warm: tuple[duckdb.DuckDBPyConnection, tempfile.TemporaryDirectory[str]] | None = None

    @contextmanager
    def lake(self, access: Access, *, memory_limit: str) -> Generator[duckdb.DuckDBPyConnection]:
        """A connection with the account's catalog. Memory beyond the limit (such as `2GB`) goes to a folder of
        the engine's own."""
        if not self._warm:
            spill = tempfile.TemporaryDirectory(prefix="iceberg-")
            self._warm = engine(memory_limit=memory_limit, spill=Path(spill.name)), spill
        connection, _ = self._warm
        try:
            attach(connection, access)
            yield connection
            detach(connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Throws the DuckDB away; the next use makes another."""
        if self._warm:
            connection, spill = self._warm
            self._warm = None
            connection.close()
            spill.cleanup()


def engine(*, memory_limit: str, spill: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB with the extensions loaded, which knows no catalog."""
    connection = duckdb.connect(
        config={
            "memory_limit": memory_limit,
            "temp_directory": str(spill),
            "home_directory": str(spill),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    for name in EXTENSIONS:
        folder = files(f"duckdb_extension_{name}") / "extensions" / f"v{duckdb.__version__}"
        connection.execute(f"LOAD {text(str(folder / f'{name}.duckdb_extension'))}")
    # Uploads in parts of 5 MB, the least that S3 takes. By default they have 80, each of which is memory of the limit:
    # the largest file by 10,000 parts (https://duckdb.org/docs/current/core_extensions/httpfs/s3api).
    connection.execute("SET s3_uploader_max_filesize = '50GB'")
    return connection


def attach(connection: duckdb.DuckDBPyConnection, access: Access) -> None:
    """Gives the engine the account's catalog as `lake`, read anew, and the credentials."""
    if access.certificates:
        connection.execute(f"SET ca_cert_file = {text(access.certificates)}")
        connection.execute("SET enable_server_cert_verification = true")
    s3 = urlsplit(access.s3)
    # Path style works for every name of a bucket:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html#path-style-access
    connection.execute(
        f"CREATE SECRET lake (TYPE s3, KEY_ID {text(access.key_id)}, SECRET {text(access.secret_key)}, "
        f"{f'SESSION_TOKEN {text(access.token)}, ' if access.token else ''}"
        f"REGION {text(access.region)}, ENDPOINT {text(s3.netloc)}, URL_STYLE 'path', "
        f"USE_SSL {s3.scheme == 'https'})"
    )
    connection.execute(
        f"ATTACH {text(access.account)} AS {CATALOG} (TYPE iceberg, ENDPOINT {text(access.glue + '/iceberg')}, "
        f"AUTHORIZATION_TYPE 'sigv4', SIGV4_SERVICE 'glue', SIGV4_REGION {text(access.region)}, SECRET lake, "
        "ACCESS_DELEGATION_MODE 'none', STAGE_CREATE_TABLES false, DISABLE_MULTI_TABLE_COMMIT true, "
        "REMOVE_FILES_ON_DELETE false)"
    )


def detach(connection: duckdb.DuckDBPyConnection) -> None:
    """Takes the catalog and the credentials away again."""
    connection.execute(f"DETACH {CATALOG}")
    connection.execute("DROP SECRET lake")
