"""Where a run's data lies in the landing's bucket. Pure.

raw/<source>/                                      exports, as DynamoDB and RDS write them, and what a run hands over
windows/<table>/<export>/                          what is on its way into a published snapshot, deleted after days
windows/<table>/<export>-fold/                     the parts of that snapshot
lake/<table>/export_date=<yyyy-mm-dd>/run=<export>/     published snapshots
copies/<table>/rows.parquet                        the rows of an Iceberg table, for what reads plain Parquet only
state/<table or source>/                           what a run must know of the last
results/                                           Athena's answers
code/                                              bundles that Lambda does not take directly
"""

RAW, WINDOWS, LAKE, STATE, RESULTS, CODE = "raw/", "windows/", "lake/", "state/", "results/", "code/"
COPIES = "copies/"


def raw(source: str) -> str:
    """The folder of a source's exports, without a slash at the end, as both services want it."""
    return f"{RAW}{source}"


HANDED_OVER = ".published.json"
"""The end of the keys of what a run hands to replicas."""


def handed_over(source: str, export_id: str) -> str:
    """The key of what a run hands to the replicas of its landing with an export that it has published
    (run_records.py): beside the export, so that whatever carries that carries this."""
    return f"{raw(source)}/{export_id}{HANDED_OVER}"


def lake(table: str) -> str:
    """The folder of a table's published snapshots."""
    return f"{LAKE}{table}/"


def copy_key(table: str) -> str:
    """The key of the plain copy of an Iceberg table: one object, which S3 replaces as a whole."""
    return f"{COPIES}{table}/rows.parquet"


def window(table: str, export_id: str) -> str:
    """The folder of an export's files that are not published yet."""
    return f"{WINDOWS}{table}/{export_id}/"


def folding(table: str, export_id: str) -> str:
    """The folder of the parts in which an export is folded into the published snapshot."""
    return f"{WINDOWS}{table}/{export_id}-fold/"


def state(owner: str, name: str) -> str:
    """The key, or the folder, of what a run must know of the last; `owner`: a table or a source."""
    return f"{STATE}{owner}/{name}"


def published_record(table: str) -> str:
    """The key of the record of what is published of a table. Without it the next run begins the table anew."""
    return state(table, "current.json")


def schema_key(table: str, export_id: str) -> str:
    """The key of the schema that an export of a DynamoDB table is normalised by."""
    return state(table, f"{export_id}/schema.json")


def seen_key(table: str) -> str:
    """The key of what all exports had in attributes that no column holds."""
    return state(table, "seen.json")


def file_reports_prefix(table: str, export_id: str) -> str:
    """The folder of what became of each data file of an export."""
    return state(table, f"{export_id}/files/")


def tables_key(source: str, export_id: str) -> str:
    """The key of a database's tables as an export has them (run_records.py)."""
    return state(source, f"{export_id}/tables.json")


def names_key(source: str) -> str:
    """The key of the names of a database's tables in the catalog: once given, they stay."""
    return state(source, "names.json")


def result_key(source: str, export_id: str) -> str:
    """The key of what became of an export (run_records.py)."""
    return state(source, f"{export_id}/published.json")


def data_files(table: str) -> str:
    """The pattern of a table's Parquet files."""
    return f"{lake(table)}*.parquet"
