"""The package schema of the local providers, as Pulumi's own engine starts them, reads it and binds it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local import engine
from local.providers.aws_types import INVOKES, ROWS
from local.providers.gcp_types import ROWS as GCP_ROWS
from tests.waiting import PATIENCE

PROVIDERS = Path(__file__).resolve().parents[2] / "local" / "providers" / "bin"


@pytest.mark.parametrize(("package", "rows"), [("aws", ROWS), ("gcp", GCP_ROWS)])
def test_the_engine_binds_the_schema_that_a_local_provider_serves(
    package: Any, rows: Any, tmp_path: Path
) -> None:
    """A reference that leads nowhere, a type that is none and a required property that is not there are errors of it:
    https://www.pulumi.com/docs/iac/cli/commands/pulumi_schema_check/."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    own = {**kept, "PULUMI_HOME": str(tmp_path), "PULUMI_SKIP_UPDATE_CHECK": "true"}

    def pulumi(*words: str | Path) -> Any:
        ran = subprocess.run(
            [engine.find(), *words],
            env=own,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    served = pulumi("package", "get-schema", PROVIDERS / f"pulumi-resource-{package}")
    (tmp_path / "schema.json").write_text(served)
    pulumi("schema", "check", "schema.json")
    schema = json.loads(served)
    assert set(schema["resources"]) == set(rows)
    assert "region" in schema["provider"]["inputProperties"]
    if package == "aws":
        assert schema["functions"].keys() >= INVOKES.keys()
        key = schema["resources"]["aws:dynamodb/table:Table"]["inputProperties"]["attributes"]["items"][
            "$ref"
        ]
        assert set(schema["types"][key.removeprefix("#/types/")]["required"]) == {"name", "type"}
