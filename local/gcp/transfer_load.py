"""The load job of a run of `data_transfer`: what of the config's parameters BigQuery gets, and what its answer means.

"Job" (https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationLoad).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from local.gcp.refusals import CODES, Body

FORMATS = {"JSON": "NEWLINE_DELIMITED_JSON"}


class RunFailed(Exception):
    """A run ends in the state FAILED; `code` is one of google.rpc.Code, for its `errorStatus`."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code


def load(bigquery: Any, into: Body, files: list[Path], params: Body, append: bool, say: Any) -> None:
    """Loads a run's files by one job into the table `into`, and logs by `say` what the job counted; RunFailed with the
    job's error, and then nothing is loaded. `bigquery(method, path, body)` returns (status, body)."""
    kind = params["file_format"]
    ignore = kind == "JSON" and params.get("ignore_unknown_values", "").lower() == "true"
    job = {
        "destinationTable": into,
        "sourceUris": [f"file://{file}" for file in files],
        "sourceFormat": FORMATS.get(kind, kind),
        "createDisposition": "CREATE_NEVER",
        "writeDisposition": "WRITE_APPEND" if append else "WRITE_TRUNCATE",
        "maxBadRecords": int(params.get("max_bad_records", 0)),
        "ignoreUnknownValues": ignore,
        **(
            {"decimalTargetTypes": re.split(", ?", params["decimal_target_types"])}
            if "decimal_target_types" in params
            else {}
        ),
    }
    status, answer = bigquery(
        "POST", f"/bigquery/v2/projects/{into['projectId']}/jobs", {"configuration": {"load": job}}
    )
    problem = (
        answer.get("error", {}).get("message")
        if status >= 400
        else answer["status"].get("errorResult", {}).get("message")
    )
    if problem:
        raise RunFailed(CODES[400][0], problem)
    counts = answer["statistics"]["load"]
    say(
        f"Job {answer['jobReference']['jobId']} (table {into['tableId']}) completed successfully. "
        f"Number of records: {counts['outputRows']}, "
        f"with errors: {counts['badRecords']}."
    )
