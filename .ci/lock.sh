#!/usr/bin/env bash
# `make lock`: writes requirements.lock, and .ci/extras.lock for the extras, anew from pyproject.toml, for every system and every Python we support.
# Versions already in the lock stay; `.ci/lock.sh --upgrade` takes the newest that pyproject.toml allows.
set -euo pipefail
cd "$(dirname "$0")/.."
tool=build/lock-tool
[ -x "$tool/bin/uv" ] || { .venv/bin/python -m venv "$tool"; "$tool/bin/python" -m pip install --quiet --require-hashes -r .ci/lock-tool.lock; }
"$tool/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-header --extra dev "$@" pyproject.toml --output-file requirements.lock
"$tool/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-header --extra ml --extra parquet --extra sweep --extra cluster "$@" pyproject.toml --output-file .ci/extras.lock
