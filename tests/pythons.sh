#!/bin/sh
# The program's and the handlers' tests on other versions of Python: `tests/pythons.sh` on the lowest and the highest
# that this machine has of those that are promised, `tests/pythons.sh 3.12 ...` on these (a version, or a path).
# Each gets an environment of its own in .venv/, made of requirements.lock. Exit 1 where tests fail or one is missing.
set -eu
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
[ -z "${PIP_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}"
export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-180}" UV_LINK_MODE="${UV_LINK_MODE:-hardlink}" UV_PYTHON_DOWNLOADS=never

# The interpreter of a version, or nothing: on PATH (a shim of pyenv may be there and not run), by uv, or pyenv's own.
interpreter() {
  for candidate in "$1" "python$1" "$("$uv" python find "$1" 2>/dev/null || true)" \
    "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python3; do
    if [ -n "$candidate" ] && "$candidate" -c 'import venv' 2>/dev/null; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return
    fi
  done
}

if [ "$#" = 0 ]; then
  lowest='' highest=''
  for version in 3.11 3.12 3.13 3.14; do
    if [ -n "$(interpreter "$version")" ]; then
      lowest=${lowest:-$version} highest=$version
    else
      echo "pythons: no Python $version on this machine"
    fi
  done
  [ -n "$lowest" ] || { echo "pythons: no Python from 3.11 to 3.14" >&2; exit 1; }
  set -- "$lowest"
  [ "$lowest" = "$highest" ] || set -- "$lowest" "$highest"
fi

for version; do
  python=$(interpreter "$version")
  [ -n "$python" ] || { echo "pythons: no Python $version on this machine" >&2; exit 1; }
  name=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  echo "pythons: $("$python" -V), $python"
  [ -x ".venv/python-$name/bin/python" ] || "$uv" venv --quiet --python "$python" ".venv/python-$name"
  "$uv" pip sync --quiet --require-hashes --python ".venv/python-$name/bin/python" requirements.lock
  # shellcheck disable=SC2086 - PYTEST holds several words
  ".venv/python-$name/bin/python" -m pytest -q ${PYTEST:-tests/unit}
done
