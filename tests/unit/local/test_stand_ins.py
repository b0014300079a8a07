"""What a stack's config takes as it is, and how its accounts are entered on the embedded cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pytest

from local import configured, stand_ins
from tests.typed import as_yaml, fake

ROOT = Path(__file__).resolve().parents[3]
HUB, END = "arn:aws:iam::999999999999:role/hub", "arn:aws:iam::333333333333:role/ship"
CONFIG: dict[str, Any] = {
    "tributary:accounts": {
        "core": {"id": "333333333333", "region": "eu-west-1", "roles": [{"arn": HUB}, {"arn": END}]}
    },
    "tributary:pipelines": {
        "clicks": {"kind": "firehose", "index": "clicks", "stream": {"adopt": "clicks-in"}},
        "find": {
            "kind": "zero-etl", "tables": [{"name": "parts"}, {"name": "made", "create": {"hash_key": {"name": "a"}}}],
        },
    },
}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with the stack `acme`, whose secrets have a key of their own."""
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    content = {
        "encryptionsalt": "v1:x",
        "secretsprovider": "awskms://k",
        "encryptedkey": "k",
        "config": CONFIG,
    }
    (tmp_path / "Pulumi.acme.yaml").write_text(as_yaml(content))
    return tmp_path


def test_each_source_that_is_not_created_is_made_before_the_stack() -> None:
    prod = {
        (account.region, kind, name)
        for account, kind, name in stand_ins.adopted(configured.read(ROOT, "prod"))
    }
    assert prod == {
        ("ap-northeast-1", "dynamodb", name) for name in ("customers", "orders", "products", "reviews")
    } | {("ap-northeast-1", "rds_instance", "shop")}  # fmt: skip
    assert list(stand_ins.adopted(configured.read(ROOT, "dev"))) == []


def test_a_stream_is_made_and_a_table_that_the_stack_creates_is_not(root: Path) -> None:
    made = [(kind, name) for _, kind, name in stand_ins.adopted(configured.read(root, "acme"))]
    assert sorted(made) == [("dynamodb", "parts"), ("kinesis", "clicks-in")]


def test_a_tables_key_is_what_a_transfer_tells_rows_apart_by_else_the_shops_else_id(root: Path) -> None:
    prod = configured.read(ROOT, "prod")
    assert stand_ins.keys_of(prod, "orders") == {"customer_id": "S", "order_id": "S"}
    assert stand_ins.keys_of(prod, "reviews") == {"sku": "S", "at": "N"}
    assert stand_ins.keys_of(configured.read(root, "acme"), "parts") == {"id": "S"}


def test_the_copy_is_the_file_without_how_its_secrets_are_encrypted(root: Path) -> None:
    content = configured.copied(root, "acme")
    assert content.keys() == {"config"}
    assert content["config"]["tributary:pipelines"] == CONFIG["tributary:pipelines"]
    assert content["config"]["tributary:accounts"] == CONFIG["tributary:accounts"]


def test_another_role_stands_at_the_end_of_the_way_into_each_account(root: Path) -> None:
    [account] = configured.copied(root, "acme", "deploy")["config"]["tributary:accounts"].values()
    assert [step["arn"] for step in account["roles"]] == [HUB, "arn:aws:iam::333333333333:role/deploy"]
    dev = configured.copied(ROOT, "dev", "deploy")["config"]["tributary:accounts"]["workload"]
    assert dev["role"] == "arn:aws:iam::111111111111:role/deploy"


def test_a_stack_that_is_not_there_and_a_sealed_value_are_refused_in_a_sentence(root: Path) -> None:
    with pytest.raises(pulumi.RunError, match=r"'acm' is not a stack of this folder.*'acme'"):
        configured.copied(root, "acm")
    file = root / "Pulumi.acme.yaml"
    file.write_text(as_yaml({"config": {**CONFIG, "tributary:tags": {"secure": "v1:x"}}}))
    with pytest.raises(pulumi.RunError, match="tributary:tags: is encrypted with the stack's own key"):
        configured.copied(root, "acme")


class Iam:
    """Keeps what is made of roles, by account."""

    def __init__(self) -> None:
        self.trusts: dict[str, str] = {}
        self.attached: list[tuple[str, str]] = []

    class exceptions:
        class EntityAlreadyExistsException(Exception):
            """Never raised here."""

    def create_role(self, RoleName: str, AssumeRolePolicyDocument: str) -> None:
        self.trusts[RoleName] = AssumeRolePolicyDocument

    def create_policy(self, PolicyName: str, PolicyDocument: str) -> None: ...

    def attach_role_policy(self, RoleName: str, PolicyArn: str) -> None:
        self.attached.append((RoleName, PolicyArn))


def test_each_role_of_a_chain_is_made_lets_in_the_one_before_it_and_the_last_has_what_is_printed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clouds: dict[str, Iam] = {}

    def client(place: stand_ins.Adopted, service: str, account: str = "") -> Iam:
        return clouds.setdefault(account or place.account.id, Iam())

    monkeypatch.setattr(stand_ins.Adopted, "client", client)
    policies = {"acme-core-deploy-1": "{}", "acme-core-deploy-2": "{}", "acme-core-preview": "{}"}
    monkeypatch.setattr(stand_ins, "printed", fake(lambda stack, root: policies))
    stand_ins.make_roles("", "acme", configured.read(root, "acme"), root, ["deploy"])
    hub, end = clouds["999999999999"], clouds["333333333333"]
    assert '"arn:aws:iam::333333333333:root"' in hub.trusts["hub"]
    assert f'"{HUB}"' in end.trusts["ship"] and "333333333333:root" not in end.trusts["ship"]
    assert hub.attached == [("hub", "arn:aws:iam::999999999999:policy/acme-core-chain")]
    assert end.attached == [
        ("ship", f"arn:aws:iam::333333333333:policy/acme-core-deploy-{number}") for number in (1, 2)
    ]
