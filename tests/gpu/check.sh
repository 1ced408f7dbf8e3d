#!/usr/bin/env bash
# Proves and measures on one GPU all that needs one, in at most 8 minutes; check.py --help tells
# more. Needs no build and no package: a folder made by `./dev gpu-pack` (or a build folder), a
# driver, and a Python with torch of the version that nas was built with.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${NAS_PYTHON:-python3}
command -v "$python" >/dev/null || {
  echo "error: there is no $python; set NAS_PYTHON to a Python 3.9 or newer" >&2
  exit 2
}
exec "$python" -B "$here/check.py" "$@"
