"""The package's TypeScript SDK, as Pulumi's own generator writes it from the checked-in schema, and the compiler."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e import languages
from tests.e2e.conftest import ROOT
from tests.waiting import PATIENCE

OPTIONS = {
    "compilerOptions": {
        "strict": True,
        "target": "ES2022",
        "module": "nodenext",
        "moduleResolution": "nodenext",
        "skipLibCheck": True,
        "types": ["node"],
        "noEmit": True,
        "paths": {"@pulumi/tributary": ["./sdk/index.ts"]},
    },
    "files": ["shop.ts"],
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with the program, the SDK and the compiler."""
    if not (tools := languages.typescript()):
        pytest.skip(f"no TypeScript tools here; {languages.PREPARE} installs them")
    subprocess.run(
        [tools / "sdk", ROOT / "components" / "plugin" / "schema.json", tmp_path / "sdk"],
        check=True,
        timeout=PATIENCE,
    )
    shutil.copyfile(languages.HERE / "shop.ts", tmp_path / "shop.ts")
    (tmp_path / "tsconfig.json").write_text(json.dumps(OPTIONS))
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "node_modules").symlink_to(tools / "node_modules")
    return tmp_path


def errors(shop: Path) -> list[str]:
    done = subprocess.run(
        ["node", "node_modules/typescript/bin/tsc", "--project", "."],
        cwd=shop, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert (done.returncode == 0) is (not lines), done.stdout + done.stderr
    return lines


def test_a_typescript_program_with_each_component_type_checks(shop: Path) -> None:
    program = (shop / "shop.ts").read_text()
    schema = json.loads((ROOT / "components" / "plugin" / "schema.json").read_text())
    assert [
        name for name in schema["resources"] if f"new tributary.{name.split(':')[-1]}(" not in program
    ] == []
    assert errors(shop) == []


def test_a_wrong_property_is_an_error_of_the_type_checker(shop: Path) -> None:
    program = (shop / "shop.ts").read_text()
    (shop / "shop.ts").write_text(program.replace("shards: 1", 'shards: "one"'))
    (error,) = [line for line in errors(shop) if line.startswith("shop.ts")]
    assert "is not assignable to type" in error
