#!/bin/sh
# Makes .venv of requirements.lock, every file checked by its hash; does nothing when that is done already.
# `.venv/ready` is written last and names what it was made of: an interrupted set-up is made again from nothing.
set -eu
cd "$(dirname "$0")/.."

fail() { echo "set-up: $*" >&2; exit 1; }

fits() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11) or sys.version_info[:2] > (3, 14))' 2>/dev/null; }

made_of=$(cksum <requirements.lock)
[ "$(cat .venv/ready 2>/dev/null || true)" = "$made_of" ] && exit 0

began=$(date +%s)
python='' bare=''
for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3}; do
  fits "$candidate" || continue
  if "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then python=$candidate; break; fi
  bare=${bare:-$candidate}
done
[ -n "$python" ] || [ -z "$bare" ] ||
  fail "$("$bare" -V) has no venv or no pip module; on Debian and Ubuntu: apt-get install python3-venv"
[ -n "$python" ] || fail "no Python 3.11 to 3.14 found (looked for ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3}); install one, or name it: make PYTHON=/path/to/python3"

# pip's settings of this machine hold for uv as well, which does not read them itself.
[ -z "${PIP_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}"
export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-180}"

if [ -e .venv/ready ]; then
  echo "set-up: requirements.lock has changed, bringing .venv up to date" >&2
  rm .venv/ready
else
  echo "set-up: making .venv with $("$python" -V) and the packages of requirements.lock: about a minute, 1.7 GB" >&2
  "$python" -m venv --clear .venv
  one=$(mktemp)
  trap 'rm -f "$one"' EXIT
  awk '/^[^ #]/ { wanted = /^uv==/ } wanted' requirements.lock >"$one"
  .venv/bin/python -m pip install --quiet --require-hashes --no-deps -r "$one"
fi
# Copies where hard links across file systems do not work; no warning about it.
UV_LINK_MODE="${UV_LINK_MODE:-$([ "$(uname)" = Darwin ] && echo clone || echo hardlink)}"
export UV_LINK_MODE
.venv/bin/uv pip sync --quiet --require-hashes --python .venv/bin/python requirements.lock
echo "$made_of" >.venv/ready
echo "set-up: .venv is ready after $(($(date +%s) - began)) s" >&2
