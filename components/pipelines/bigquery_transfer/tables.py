"""What a config says of a table in BigQuery, and where datasets stand."""

from typing import Annotated

from pydantic import AfterValidator, Field

from components.arguments import arguments, matching, nearest
from components.languages import bigquery_schedules, bigquery_types
from components.shared.catalog_names import LATEST

# https://docs.cloud.google.com/bigquery/docs/locations
_PLACES = """
    EU US africa-south1 asia-east1 asia-east2 asia-northeast1 asia-northeast2 asia-northeast3 asia-south1 asia-south2
    asia-southeast1 asia-southeast2 australia-southeast1 australia-southeast2 europe-central2 europe-north1
    europe-north2 europe-southwest1 europe-west1 europe-west2 europe-west3 europe-west4 europe-west6 europe-west8
    europe-west9 europe-west10 europe-west12 me-central1 me-central2 me-west1 northamerica-northeast1
    northamerica-northeast2 northamerica-south1 southamerica-east1 southamerica-west1 us-central1 us-east1 us-east4
    us-east5 us-south1 us-west1 us-west2 us-west3 us-west4
"""
LOCATIONS = frozenset(_PLACES.split())
NAME_BYTES = bigquery_types.TABLE_NAME_BYTES - len(LATEST)

# https://docs.cloud.google.com/bigquery/docs/datasets#dataset-naming
DatasetName = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_]{1,1024}",
        "'{value}' is not a dataset's name (1-1,024 of letters, digits and '_'); write one like 'shop_landing'",
    ),
]

# https://docs.cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings/create
KmsKeyName = Annotated[
    str,
    matching(
        r"projects/[a-z0-9.:-]{1,64}/locations/[a-z0-9-]{1,63}/keyRings/[\w-]{1,63}/cryptoKeys/[\w-]{1,63}",
        "'{value}' is not a Cloud KMS key; write "
        "'projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>'",
    ),
]


def dataset_location(value: str) -> str:
    """The location as Google writes it. Raises ValueError for one where no dataset can stand."""
    location = next((known for known in LOCATIONS if known.lower() == value.lower()), None)
    if not location:
        raise ValueError(f"no dataset can stand in '{value}'; {nearest(value, LOCATIONS)[:120]}")
    return location


def load_schedule(value: str) -> str:
    """The schedule as it is. Raises ValueError for what the Data Transfer Service does not take."""
    bigquery_schedules.parse(value)
    return value


def same_type(column: str, written: str, declared: str, exported: bool) -> bool:
    """Whether two types are one in BigQuery; `exported`: as DynamoDB writes an attribute's type."""
    if exported or written == declared:
        return written == declared
    try:
        fields = [bigquery_types.fields([(column, kind)], "PARQUET") for kind in (written, declared)]
    except ValueError:  # one of them is no type
        return False
    return fields[0] == fields[1]


def _table_name(value: str) -> str:
    if value != (fitting := bigquery_types.table_name(value, NAME_BYTES)):
        raise ValueError(
            f"'{value}' is not a BigQuery table's name (letters, digits, '_', '-' and spaces, at most {NAME_BYTES:,} "
            f"bytes, as its view's ends in '{LATEST}'); write '{fitting}'"
        )
    return value


@arguments
class TransferTableArgs:
    """One table of a landing, as BigQuery shall hold it."""

    columns: dict[str, str] = Field(default_factory=dict)
    """Name -> type of each column that the pipeline which yields the landing does not declare. Of a DynamoDB export the
    attributes: S, N, B, BOOL, M, L, SS, NS or BS, and `S|N` where items differ; of other files Glue's types, such as
    decimal(12,2) (docs/types.md)."""
    keys: Annotated[list[str], Field(min_length=1)]
    """The columns that identify a row: the view shows each such row once, however often it was loaded."""
    cluster: Annotated[list[str], Field(max_length=4)] = Field(default_factory=list)
    """Up to four columns to cluster the table by. Not of a DynamoDB export, whose rows have one column, `Item`."""
    name: Annotated[str, AfterValidator(_table_name)] | None = None
    """The BigQuery table's name; without it that of the landing's table, '_' for what BigQuery refuses."""
    lake: bool = False
    """Of a DynamoDB table: loads the typed Parquet that an export pipeline makes below `lake/`, not the export's own
    JSON. Needed of incremental exports. A table of a database is Parquet anyway."""
