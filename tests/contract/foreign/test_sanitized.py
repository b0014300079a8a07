"""The C decoder on mutated lines under AddressSanitizer and UndefinedBehaviorSanitizer, where a compiler has them."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.normaliser import HANDLER

HERE = Path(__file__).parent
SANITIZED = ["-g", "-O1", "-std=gnu11", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
ROUNDS = 4000


@pytest.fixture(scope="module")
def compile(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Compiles a C file with the sanitizers; skips where no compiler has them."""
    folder = tmp_path_factory.mktemp("sanitized")

    def compiled(source: str, *options: str) -> Path:
        (folder / "source.c").write_text(source)
        for compiler in filter(None, map(shutil.which, ("clang", "gcc", "cc"))):
            command = [
                compiler,
                *SANITIZED,
                *options,
                "-o",
                str(folder / "program"),
                str(folder / "source.c"),
                "-lm",
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return folder / "program"
        pytest.skip("no compiler here has ASan and UBSan (clang or gcc with libasan and libubsan)")

    compiled("int main(void) { return 0; }")  # else what does not compile would be skipped, too
    return compiled


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    options = {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    return subprocess.run(
        [str(program), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **options},
        timeout=300,
        check=False,
    )


def decoder_program(compile: Any, folder: Path, code: str) -> Path:
    (folder / "decode.c").write_text(code)
    return compile((HERE / "sanitized.c").read_text(), f"-I{folder}")


def test_no_mutated_line_reads_or_writes_out_of_bounds(compile: Callable[..., Path], tmp_path: Path):
    program = decoder_program(compile, tmp_path, (HANDLER / "decode.c").read_text())
    seeds = sorted(map(str, (HERE / "corpus").iterdir()))
    done = run(program, str(ROUNDS), *seeds)
    assert (done.returncode, done.stdout) == (0, "clean\n"), done.stderr[-3000:]


def test_the_sanitizers_see_a_copy_of_nothing_to_nowhere(compile: Callable[..., Path], tmp_path: Path):
    code = (HANDLER / "decode.c").read_text()
    assert "else if (length) memcpy(out" in code
    program = decoder_program(
        compile, tmp_path, code.replace("else if (length) memcpy(out", "else memcpy(out")
    )
    done = run(program, "0", str(HERE / "corpus" / "empty-text.jsonl"))
    assert done.returncode != 0 and "null pointer" in done.stderr
