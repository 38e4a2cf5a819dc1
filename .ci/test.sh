#!/usr/bin/env bash
# All tests on three workers, for most wait for a clock or a socket and not for the processor; a file stays with one.
# Files are handed out as tests/conftest.py puts them, the long ones first; xdist by itself leaves files of few tests to
# the end, and those are the long ones.
# Workers must see sets in one order, so they share a hash seed: another one each time, told so that it can be given.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1
unset PYTHONDONTWRITEBYTECODE  # hundreds of processes are started: each would compile all that it imports anew
export PYTHONHASHSEED=${PYTHONHASHSEED:-$RANDOM}
echo "PYTHONHASHSEED=$PYTHONHASHSEED"
exec "$python" -m pytest -n 3 --dist loadfile --no-loadscope-reorder
