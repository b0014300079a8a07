"""The policy pack under a real engine, which starts it by its analyzer plugin and calls it for each resource."""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import automation

from local import engine
from tests.policy_pack import PACK, environment

ROOT = Path(__file__).resolve().parents[2]


def _provider() -> pulumi.ResourceOptions:
    here = aws.Provider("here", region="eu-west-1", allowed_account_ids=["111111111111"])
    return pulumi.ResourceOptions(provider=here)


class _Identity(BaseHTTPRequestHandler):
    """All that a provider calls before a preview of new resources: STS, which says whose credentials they are."""

    def do_POST(self) -> None:
        account = b"<Account>111111111111</Account>"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<GetCallerIdentityResponse><GetCallerIdentityResult>" + account)
        self.wfile.write(b"</GetCallerIdentityResult></GetCallerIdentityResponse>")


@pytest.fixture
def sts() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Identity) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _open() -> None:
    opts = _provider()
    aws.sqs.Queue("orders", sqs_managed_sse_enabled=True, opts=opts)
    aws.cloudwatch.LogGroup("orders", opts=opts)


def _closed() -> None:
    opts = _provider()
    queue = aws.sqs.Queue("orders", sqs_managed_sse_enabled=True, opts=opts)
    statement = {
        "Sid": "DenyPlainHttp",
        "Effect": "Deny",
        "Action": "sqs:*",
        "Resource": queue.arn,
        "Principal": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.sqs.QueuePolicy("orders", queue_url=queue.url, policy=policy, opts=opts)


@pytest.fixture
def preview(
    sts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], None], str], str]:
    """Previews a program with the pack at a level, or with a config of its own; what the engine printed."""
    python = environment()
    # What ships with Pulumi takes the option -virtualenv away and starts that environment's Python:
    # https://github.com/pulumi/pulumi/blob/v3.250.0/sdk/python/dist/pulumi-analyzer-policy-python
    analyzer = tmp_path / "bin" / "pulumi-analyzer-policy-python"
    analyzer.parent.mkdir()
    analyzer.write_text(f'#!/bin/sh\nexec "{python}" -u -m pulumi.policy "$1" "$2"\n')
    analyzer.chmod(0o755)
    (tmp_path / "state").mkdir()
    variables = {
        "PATH": os.pathsep.join(
            [str(analyzer.parent), str(ROOT / "local/providers/bin"), os.environ["PATH"]]
        ),
        "TRIBUTARY_PYTHON": sys.executable,
        "TRIBUTARY_LOCAL_ENDPOINT": sts,
        "PULUMI_HOME": str(tmp_path / "pulumi"),
        "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def run(program: Callable[[], None], level: str) -> str:
        stack = automation.create_or_select_stack(
            "test",
            project_name="shop",
            program=program,
            opts=automation.LocalWorkspaceOptions(
                work_dir=str(tmp_path),
                env_vars=variables,
                pulumi_command=engine.Engine(engine.find()),
                project_settings=automation.ProjectSettings("shop", "python"),
            ),
        )
        levels = level if level.startswith("/") else str(PACK / "levels" / f"{level}.json")
        done = stack.preview(policy_packs=[str(PACK)], policy_pack_configs=[levels], color="never")
        return done.stdout

    return run


def test_a_mandatory_rule_fails_the_preview_and_names_the_resource(preview: Callable[..., str]) -> None:
    with pytest.raises(automation.CommandError) as refused:
        preview(_open, "prod")
    assert "[mandatory]  a-log-is-kept-for-a-time  (aws:cloudwatch:LogGroup: orders)" in str(refused.value)


def test_an_advisory_rule_is_reported_and_lets_the_preview_pass(preview: Callable[..., str]) -> None:
    reported = preview(_open, "dev")
    assert "[advisory]  a-log-is-kept-for-a-time  (aws:cloudwatch:LogGroup: orders)" in reported


def _searchable() -> None:
    aws.opensearch.ServerlessCollection("search", name="search", type="SEARCH", opts=_provider())


def test_a_program_above_its_ceiling_fails(preview: Callable[..., str], tmp_path: Path) -> None:
    """A collection with standby replicas: 2 units * 730 hours * 0.24 dollars, 350.40 a month. (Levels, and what passes:
    tests/contract/test_policy_pack.py.)"""
    config, rule = tmp_path / "ceiling.json", {"enforcementLevel": "mandatory", "ceiling": 350}
    config.write_text(json.dumps({"all": "advisory", "a-stack-costs-no-more-than-its-ceiling": rule}))
    with pytest.raises(automation.CommandError) as refused:
        preview(_searchable, str(config))
    assert "[mandatory]  a-stack-costs-no-more-than-its-ceiling" in str(refused.value)
    assert "at least 350.40 dollars a month, and the ceiling is 350.00; take something out" in str(
        refused.value
    )


def test_a_program_that_keeps_to_the_rules_has_nothing_reported(preview: Callable[..., str]) -> None:
    reported = preview(_closed, "prod")
    assert "tributary@v" in reported and "[mandatory]" not in reported and "+ 4 to create" in reported
