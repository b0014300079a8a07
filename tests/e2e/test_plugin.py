"""The package in a YAML program, by Pulumi's command line and its own language host, on the embedded cloud."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local import background, engine, opensearch
from local.configured import architecture
from local.stack import scrub
from tests.e2e import languages
from tests.e2e.conftest import ROOT, clone_into

PROGRAM = languages.HERE / "shop.yaml"
SEARCH = {  # what needs the real OpenSearch node
    "changes": (
        "ZeroEtlPipeline",
        {"tables": [{"name": "yaml-items", "create": {"hashKey": {"name": "id"}}}]},
    ),
    "records": ("FirehosePipeline", {"index": "ticks", "stream": {"shards": 1}}),
}
Pulumi = Callable[..., str]


def program() -> dict[str, Any]:
    document = yaml.safe_load(PROGRAM.read_text())
    functions = {
        "architecture": architecture(),
        "runtime": f"python3.{sys.version_info.minor}",
    }
    if not opensearch.unavailable():
        for name, (kind, properties) in SEARCH.items():
            given = {"account": "${first}", "retainData": False, "collection": {"standbyReplicas": False}}
            document["resources"][name] = {
                "type": f"tributary:{kind}",
                "properties": given | properties,
                "options": {"providers": ["${here}"]},
            }
    for resource in document["resources"].values():
        if resource["type"].startswith("tributary:"):
            resource["properties"]["functions"] = functions
    return document


@pytest.fixture
def pulumi(tmp_path: Path) -> Iterator[Pulumi]:
    """Runs a command in the folder of the program; what it printed."""
    if not (host := languages.yaml_host()):
        pytest.skip(f"no {languages.YAML_HOST} here; {languages.PREPARE} builds it")
    work, plugins = tmp_path / "program", tmp_path / "bin"
    for folder in (tmp_path / "clone", work, plugins, tmp_path / "state"):
        folder.mkdir()
    clone = background.Clone(clone_into(tmp_path / "clone").root)
    plugin = plugins / "pulumi-resource-tributary"
    plugin.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P "{ROOT}/components/plugin" "$@"\n')
    plugin.chmod(0o755)
    (work / "Pulumi.yaml").write_text(json.dumps(program(), indent=2))
    environment = dict(os.environ)
    try:
        ready = clone.start()
        scrub(environment, tmp_path)
        places = [plugins, ROOT / "local" / "providers" / "bin", host.parent, Path(sys.executable).parent]
        environment |= {
            "PATH": os.pathsep.join([*map(str, places), environment["PATH"]]),
            "TRIBUTARY_PYTHON": sys.executable,
            "PULUMI_HOME": str(tmp_path / "home"),
            "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            **{f"TRIBUTARY_LOCAL_{key.upper()}": str(value) for key, value in ready.items()},
        }

        def run(*command: str) -> str:
            done = subprocess.run(
                [engine.find(), "--non-interactive", *command],
                cwd=work,
                env=environment,
                capture_output=True,
                text=True,
                timeout=900,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        run("stack", "init", "test")
        yield run
    finally:
        clone.stop()
        shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.timeout(1800)
def test_a_yaml_program_with_each_component_is_previewed_deployed_the_same_and_gone(pulumi: Pulumi) -> None:
    pulumi("preview")
    pulumi("up", "--yes", "--skip-preview")
    outputs = json.loads(pulumi("stack", "output", "--json"))
    assert outputs["bucket"] == "shop-test-lake-landing-111111111111"
    assert outputs["replica"] == "shop-test-replica-222222222222"
    made = json.loads(pulumi("stack", "export"))["deployment"]["resources"]
    components = {
        resource["type"] for resource in made if resource["type"].startswith("tributary:pipelines:")
    }
    wanted = {
        resource["type"].split(":")[-1]
        for resource in program()["resources"].values()
        if "tributary:" in resource["type"]
    }
    assert {f"tributary:pipelines:{name}" for name in wanted} <= components
    pulumi("preview", "--expect-no-changes")
    pulumi("destroy", "--yes", "--skip-preview")
    assert "resources" not in json.loads(pulumi("stack", "export"))["deployment"]
