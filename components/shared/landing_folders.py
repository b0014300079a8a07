"""Where a run's data lies in the landing's bucket. Pure.

raw/<source>/                                      exports, as DynamoDB and RDS write them
windows/<table>/<export>/                          what is on its way into a published snapshot, deleted after days
lake/<table>/export_date=<yyyy-mm-dd>/run=<export>/     published snapshots
state/<table or source>/                           what a run must know of the last
results/                                           Athena's answers
code/                                              bundles that Lambda does not take directly
"""

RAW, WINDOWS, LAKE, STATE, RESULTS, CODE = "raw/", "windows/", "lake/", "state/", "results/", "code/"


def raw(source: str) -> str:
    """The folder of a source's exports, without a slash at the end, as both services want it."""
    return f"{RAW}{source}"


def lake(table: str) -> str:
    """The folder of a table's published snapshots."""
    return f"{LAKE}{table}/"


def window(table: str, export_id: str) -> str:
    """The folder of an export's files that are not published yet."""
    return f"{WINDOWS}{table}/{export_id}/"


def state(owner: str, name: str) -> str:
    """The key, or the folder, of what a run must know of the last; `owner`: a table or a source."""
    return f"{STATE}{owner}/{name}"


def published_record(table: str) -> str:
    """The key of the record of what is published of a table. Without it the next run begins the table anew."""
    return state(table, "current.json")


def data_files(table: str) -> str:
    """The pattern of a table's Parquet files."""
    return f"{lake(table)}*.parquet"
