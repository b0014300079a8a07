"""Bundles: the same bytes everywhere, nothing missing, nothing from this machine.

The wheels come from uv's cache, or once from the registry.
"""

import ast
import gc
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest
from packaging.requirements import Requirement

from components.bundling import bundles
from components.bundling.bundles import BundleError, bundle
from tests.typed import ignoring
from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[3]
HOST_RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
HOST_ARCHITECTURE = "arm64" if os.uname().machine in {"aarch64", "arm64"} else "x86_64"
NAMES = bundles.known_handlers()
APP = "def handler(event, context):\n    return event\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRIBUTARY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "bundles"


@pytest.fixture
def handlers(tmp_path: Path) -> Path:
    """A folder of handlers with one, `plain`, that requires nothing."""
    folder = tmp_path / "handlers"
    (folder / "plain").mkdir(parents=True)
    (folder / "plain" / "app.py").write_text(APP)
    return folder


def in_process(cache: Any, handlers: Any, name: Any, **environment: Any):
    """Starts another Python that builds the bundle and prints its sha256."""
    code = (
        "from pathlib import Path; from components.bundling.bundles import bundle; "
        f"print(bundle({name!r}, handlers=Path({str(handlers)!r})).sha256)"
    )
    env = {**os.environ, "TRIBUTARY_CACHE": str(cache), **environment}
    umask = int(environment.get("UMASK", "022"), 8)
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, umask=umask
    )


def result(process: Any):
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    return out.strip()


def names(made: Any):
    with zipfile.ZipFile(made.path) as archive:
        return archive.namelist()


def test_a_bundle_is_the_same_bytes_from_other_folders_times_umasks_and_hash_seeds(tmp_path: Path):
    expected = bundle("arrival").sha256
    for number, (umask, seed) in enumerate([("077", "1"), ("000", "2")]):
        copy = tmp_path / f"elsewhere{number}"
        shutil.copytree(bundles.HANDLERS, copy)
        for path in copy.rglob("*"):
            os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))
            path.chmod(0o700 if path.is_dir() or number else 0o644)
        process = in_process(
            tmp_path / f"cache{number}", copy, "arrival", UMASK=umask, PYTHONHASHSEED=seed, TZ="Asia/Tokyo"
        )
        assert result(process) == expected


def test_no_entry_of_a_bundle_tells_when_or_by_whom_it_was_made(handlers: Path):
    made = bundle("arrival")
    with zipfile.ZipFile(made.path) as archive:
        entries = archive.infolist()
    assert {(e.date_time, e.external_attr >> 16, e.create_system, e.compress_type) for e in entries} == {
        (bundles.EPOCH, bundles.MODE, 3, zipfile.ZIP_STORED)
    }
    assert [e.filename for e in entries] == sorted(e.filename for e in entries)
    assert not [
        e.filename
        for e in entries
        if re.search(r"__pycache__|\.pyc|/RECORD$|/INSTALLER$|^bin/|\.lock$", e.filename)
    ]


def test_a_bundle_holds_the_handler_and_what_it_requires():
    members = names(bundle("arrival"))
    assert {"app.py", "arrival.py", "replica.py", "jmespath/__init__.py"} <= set(members)
    assert not [path for path in members if path.startswith(("boto3/", "requirements."))]


def test_byte_code_hidden_and_backup_files_change_nothing(handlers: Path):
    before = bundle("plain", handlers=handlers)
    folder = handlers / "plain"
    (folder / "__pycache__").mkdir()
    for litter in (
        "__pycache__/app.cpython-311.pyc",
        "__pycache__/app.txt",
        "app.pyc",
        ".app.py.swp",
        "app.py~",
    ):
        (folder / litter).write_bytes(b"x")
    assert bundle("plain", handlers=handlers) == before
    assert names(before) == ["app.py"]


@pytest.mark.parametrize("change", ["app.py", "another.py", "templates/page.txt"])
def test_a_changed_source_is_another_bundle(handlers: Path, change: str):
    before = bundle("plain", handlers=handlers).sha256
    (handlers / "plain" / change).parent.mkdir(exist_ok=True)
    (handlers / "plain" / change).write_text(APP + "# more\n")
    assert bundle("plain", handlers=handlers).sha256 != before


def test_changed_requirements_are_another_bundle(handlers: Path):
    before = bundle("plain", handlers=handlers)
    shutil.copy(bundles.HANDLERS / "arrival" / "requirements.txt", handlers / "plain")
    after = bundle("plain", handlers=handlers)
    assert "jmespath/__init__.py" in set(names(after)) - set(names(before))


def test_a_bundle_is_built_once_and_then_found(handlers: Path, monkeypatch: pytest.MonkeyPatch):
    made = bundle("plain", handlers=handlers)
    monkeypatch.setattr(bundles, "_zip", ignoring(lambda: pytest.fail("built again")))
    assert bundle("plain", handlers=handlers) == made


def test_another_process_finds_the_bundle_whatever_its_hash_seed(handlers: Path, cache: Path):
    shared = "import run_records\nimport run_sources\nimport step_keys\nimport variables\n"
    (handlers / "plain" / "app.py").write_text(shared + APP)
    for seed in ("1", "2", "3"):
        result(in_process(cache.parent, handlers, "plain", PYTHONHASHSEED=seed))
    assert len(list(cache.glob("plain-*.zip"))) == 1


def test_of_a_handler_the_bundles_that_were_used_last_stay(
    handlers: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bundles, "ENTRIES", 2)

    def built(number: int) -> Path:
        (handlers / "plain" / "app.py").write_text(f"{APP}# {number}\n")
        return bundle("plain", handlers=handlers).path

    first, second = built(1), built(2)
    for path in (first, second):
        os.utime(path, (1, 1))
    assert built(1) == first  # it is used again
    third = built(3)
    assert set(cache.iterdir()) == {
        each for path in (first, third) for each in (path, path.with_suffix(".sha256"))
    }
    assert not second.exists()


@pytest.mark.parametrize("damage", ["truncate", "overwrite", "no sha256", "no zip"])
def test_a_damaged_cache_entry_is_built_again(handlers: Path, damage: str):
    made = bundle("plain", handlers=handlers)
    sound = made.path.read_bytes()
    if damage == "truncate":
        made.path.write_bytes(sound[:-10])
    elif damage == "overwrite":
        made.path.write_bytes(sound.replace(b"return event", b"return other"))
    elif damage == "no sha256":
        made.path.with_suffix(".sha256").unlink()
    else:
        made.path.unlink()
    assert bundle("plain", handlers=handlers) == made
    assert made.path.read_bytes() == sound


def test_builders_at_the_same_time_make_one_sound_entry(tmp_path: Path, cache: Path):
    processes = [in_process(cache.parent, bundles.HANDLERS, "backfill") for _ in range(3)]
    digests = {result(process) for process in processes}
    assert digests == {bundle("backfill").sha256}
    assert sorted(path.suffix for path in cache.iterdir()) == [".sha256", ".zip"]


def test_the_sha256_is_written_as_lambda_writes_it(handlers: Path):
    made = bundle("plain", handlers=handlers)
    openssl = subprocess.run(["sha256sum", made.path], capture_output=True, text=True, check=True).stdout
    assert openssl.split()[0] == made.sha256
    assert len(made.code_sha256) == 44
    assert made.size == made.path.stat().st_size


def test_platform_and_python_have_entries_of_their_own(handlers: Path):
    paths = {
        bundle("plain", handlers=handlers, runtime=runtime, architecture=architecture).path
        for runtime in ("python3.13", "python3.12")
        for architecture in ("arm64", "x86_64")
    }
    assert len(paths) == 4


def test_the_error_of_an_unknown_handler_names_the_known_ones():
    with pytest.raises(
        BundleError,
        match=r"arrival, backfill, catalog, export_source, export_start.*did you mean 'export_start'",
    ):
        bundle("export_starts")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"runtime": "nodejs20.x"}, "write one such as 'python3.13'"),
        ({"architecture": "riscv"}, "write 'arm64'"),
    ],
)
def test_a_runtime_that_is_none_is_refused(handlers: Path, given: dict[str, Any], says: str):
    with pytest.raises(BundleError, match=says):
        bundle("plain", handlers=handlers, **given)


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("app.py", "def main(event, context): ...\n", "has no function 'handler'"),
        ("app.py", "async def handler(event, context): ...\n", "has no function 'handler'"),
        ("app.py", "class handler: ...\n", "has no function 'handler'"),
        ("app.py", "def handler(event, context)\n", "line 1 is not Python"),
        ("requirements.in", "jmespath\n", "no requirements.txt; run there: uv pip compile"),
        ("requirements.txt", "jmespath==1.1.0\n", "exact version, its hashes"),
        ("requirements.txt", f"jmespath==1.1.0 --hash=sha256:{'0' * 64}\n", "[Hh]ash mismatch"),
        ("requirements.txt", "jmespath\n", "exact version, its hashes"),
    ],
)
def test_a_handler_that_cannot_be_built_says_what_to_write(
    handlers: Path, cache: Path, file: str, text: str, says: str
):
    (handlers / "plain" / file).write_text(text)
    with pytest.raises(BundleError, match=says):
        bundle("plain", handlers=handlers)
    assert not cache.exists()


def test_a_bundle_is_made_while_what_is_collected_writes_a_traceback(handlers: Path):
    class Collected:
        itself: object = None

        def __del__(self):
            ast.parse("a + b")  # as the traceback module does for each line of one

    (handlers / "plain" / "app.py").write_text(APP + "x = [1, 2]\n" * 5000)
    gc.collect()  # so that it is collected soon
    garbage = Collected()
    garbage.itself = garbage
    del garbage
    assert bundle("plain", handlers=handlers).path.exists()


def test_a_module_named_as_a_required_package_is_refused(handlers: Path):
    shutil.copy(bundles.HANDLERS / "arrival" / "requirements.txt", handlers / "plain")
    (handlers / "plain" / "jmespath.py").write_text("")
    with pytest.raises(BundleError, match=r"has its own 'jmespath'.*rename it"):
        bundle("plain", handlers=handlers)


def test_a_bundle_over_lambdas_limit_names_what_is_heavy(handlers: Path, cache: Path):
    (handlers / "plain" / "model.bin").write_bytes(bytes(bundles.ZIP_LIMIT))
    with pytest.raises(
        BundleError, match=r"Lambda takes 262,144,000\. Heaviest: model\.bin \(262,144,000\), app\.py"
    ):
        bundle("plain", handlers=handlers)
    assert not cache.exists()


def test_a_bundle_over_the_limit_of_an_upload_does_not_upload_directly(handlers: Path, cache: Path):
    assert bundle("plain", handlers=handlers).uploads_directly
    (handlers / "plain" / "model.bin").write_bytes(bytes(bundles.UPLOAD_LIMIT))
    assert not bundle("plain", handlers=handlers).uploads_directly


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_pins_what_its_handler_asks_for_and_names_no_registry(name: Any):
    folder = bundles.HANDLERS / name
    lock = (folder / "requirements.txt").read_text()
    assert "://" not in lock
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    for line in (folder / "requirements.in").read_text().splitlines():
        requirement = Requirement(line)
        assert pinned[requirement.name] in requirement.specifier


# Imports are searched in the bundle, the standard library and what Lambda's runtime has.
PROBE = """
import ast, importlib, pathlib, sys
bundle, runtime = sys.argv[1:]
sys.path[:0] = [bundle]
sys.path.append(runtime)
for source in pathlib.Path(bundle).glob("*.py"):
    if "typing_extensions" not in source.name:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                [importlib.import_module(alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                importlib.import_module(node.module)
import app
assert app.__file__.startswith(bundle) and callable(app.handler)
print(sys.modules["boto3"].__file__ if "boto3" in sys.modules else "")
"""


def run_isolated(made: Any, tmp_path: Path):
    """Imports the bundle's modules with nothing of this environment but what Lambda's runtime has: boto3."""
    unpacked, runtime = tmp_path / "unpacked", tmp_path / "runtime"
    zipfile.ZipFile(made.path).extractall(unpacked)
    runtime.mkdir()
    site = Path(boto3.__file__).parents[1]
    for module in ("boto3", "botocore", "s3transfer", "dateutil", "urllib3", "jmespath", "six.py"):
        (runtime / module).symlink_to(site / module)
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "TABLES": "[]",
        "DATABASE": "x",
        "CATALOG": "registered",
        **dict.fromkeys(("BUCKET", "BUCKET_OWNER", "PREFIX", "EVENT_BUS", "IDEMPOTENCY_TABLE"), "x"),
        **dict.fromkeys(
            ("ACCOUNT_ID", "ROLE_ARN", "REPORT_BUCKET", "REPORT_PREFIX", "STREAM", "TIMESTAMP"), "x"
        ),
        "PATIENCE_SECONDS": "1",
        "PART_BYTES": "1",
        "MEMORY": "1GB",
        "DROP": "{}",
        "JOB_TAG": "tributary-backfill=x",
        **dict.fromkeys(("LOAD_TIME", "PIPELINE", "PROJECT", "DATASET", "LOCATION"), "x"),
        **dict.fromkeys(("AUDIENCE", "SERVICE_ACCOUNT"), "x"),
        **dict.fromkeys(("CHECKED_MINUTES_AFTER", "RUN_WITHIN_MINUTES"), "1"),
    }
    return subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", PROBE, str(unpacked), str(runtime)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_runs_with_nothing_but_itself_and_lambdas_runtime(name: Any, tmp_path: Path):
    done = run_isolated(bundle(name, runtime=HOST_RUNTIME, architecture=HOST_ARCHITECTURE), tmp_path)
    assert done.returncode == 0, done.stderr
    # The handler's boto3 is the runtime's; one that needs none shows nothing.
    assert not done.stdout.strip() or done.stdout.startswith(str(tmp_path / "runtime"))


@pytest.mark.parametrize(
    "line", ["import pydantic", "def late():\n    import pydantic", "from pydantic import v1"]
)
def test_an_undeclared_import_is_caught_though_this_environment_has_it(
    handlers: Path, tmp_path: Path, line: str
):
    import pydantic  # noqa: F401 # pyright: ignore[reportUnusedImport] - it is here, so only the isolation can catch it

    (handlers / "plain" / "app.py").write_text(f"{APP}\n{line}\n")
    made = bundle("plain", handlers=handlers, runtime=HOST_RUNTIME, architecture=HOST_ARCHITECTURE)
    done = run_isolated(made, tmp_path)
    assert "No module named 'pydantic'" in done.stderr


def test_a_bundle_has_the_shared_modules_that_its_handler_imports_and_no_others() -> None:
    def modules(name: str) -> set[str]:
        with zipfile.ZipFile(bundle(name).path) as archive:
            return {path for path in archive.namelist() if (bundles.SHARED / path).is_file()}

    assert modules("catalog") == {
        "catalog_names.py", "column_types.py", "hive_types.py", "landing_folders.py", "metric_names.py",
        "run_records.py", "run_sources.py", "run_steps.py", "step_keys.py", "variables.py",
    }  # fmt: skip
    assert modules("normalise") == {
        "catalog_names.py", "column_types.py", "dynamodb_exports.py", "landing_folders.py", "rds_folders.py",
        "run_records.py", "run_sources.py", "run_steps.py", "variables.py",
    }  # fmt: skip
    assert modules("iceberg") == {
        "catalog_names.py", "column_types.py", "duckdb_rows.py", "landing_folders.py", "run_records.py", "run_steps.py",
        "variables.py",
    }  # fmt: skip
    assert modules("transform") == {"variables.py"}
