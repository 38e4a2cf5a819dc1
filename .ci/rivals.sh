#!/usr/bin/env bash
# What `make bench` measures against, in .venv-rivals: an environment of its own, hash-checked, never the program's.
#
#   .ci/rivals.sh         installs it; where that cannot be, .venv-rivals/why-not says why and the rows do too
#   .ci/rivals.sh lock    writes .ci/rivals.lock anew from .ci/rivals.in
set -euo pipefail
cd "$(dirname "$0")/.."
home=.venv-rivals
case $(uname -s) in MINGW* | MSYS* | CYGWIN*) bin=$home/Scripts ;; *) bin=$home/bin ;; esac

lock() {
    local tool=build/lock-tool
    [ -x "$tool/bin/uv" ] || { .venv/bin/python -m venv "$tool"; "$tool/bin/python" -m pip install --quiet --require-hashes -r .ci/lock-tool.lock; }
    "$tool/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-header --override .ci/rivals-override.in "$@" .ci/rivals.in --output-file .ci/rivals.lock
}

install() {
    local wanted
    wanted=$(cksum < .ci/rivals.lock)
    [ "$(cat $home/installed-from 2>/dev/null)" != "$wanted" ] || return 0
    echo "installing the rivals into $home"
    rm -f $home/installed-from
    [ -x "$bin/python" ] || .venv/bin/python -m venv --clear $home
    # --no-deps: the lock is complete, and what vnpy asks of Qt is left out of it on purpose.
    if "$bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        -r .ci/rivals.lock 2> $home/pip-said; then
        rm -f $home/why-not
        echo "$wanted" > $home/installed-from
    else
        grep -m1 ERROR $home/pip-said > $home/why-not || tail -n1 $home/pip-said > $home/why-not
        echo "the rivals are not installed: $(cat $home/why-not)"
    fi
}

if [ "${1:-}" = lock ]; then shift; lock "$@"; else install; fi
