"""How long `make up` takes in a fresh clone: `python -m benchmarks.up [--cold]`.

Three times, in a clone of this repository's last commit in a temporary folder:
- with `--cold` first with empty caches: packages are downloaded, and the engine is built where no `pulumi` is on PATH;
- then from nothing but the cache folder: .venv made anew, the engine and the bundles there;
- then again, onto the running cloud.

Wall clock, in seconds, by what is on this machine otherwise. Raises CalledProcessError where `make up` fails.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def up(clone: Path, environment: dict[str, str]) -> float:
    """The seconds that `make up` takes in a clone."""
    began = time.monotonic()
    subprocess.run(
        ["make", "--silent", "up"], cwd=clone, env=environment, check=True, stdout=subprocess.DEVNULL
    )
    return time.monotonic() - began


def main() -> None:
    """Prints the seconds of `make up` in a fresh clone, and of the next one."""
    parser = argparse.ArgumentParser(description="How long `make up` takes in a fresh clone.")
    parser.add_argument(
        "--cold", action="store_true", help="also with empty caches, which takes many minutes"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "clone")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        environment, cache = dict(os.environ), Path(folder, "cache")
        try:
            if arguments.cold:
                environment |= {"TRIBUTARY_CACHE": str(cache), "UV_CACHE_DIR": str(cache / "uv")}
                environment["PIP_NO_CACHE_DIR"] = "1"
                print(f"empty caches                 {up(clone, environment):6.1f} s", flush=True)
                subprocess.run(["make", "--silent", "down"], cwd=clone, env=environment, check=True)
                shutil.rmtree(clone / ".venv")
            print(f"cache folder there, no .venv {up(clone, environment):6.1f} s", flush=True)
            print(f"again                        {up(clone, environment):6.1f} s", flush=True)
        finally:
            subprocess.run(["make", "--silent", "down"], cwd=clone, env=environment, check=False)


if __name__ == "__main__":
    main()
