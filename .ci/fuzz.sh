#!/usr/bin/env bash
# Walks through each door that bytes from outside come in by (tests/fuzz/doors.py), FUZZ_S seconds each, 60 unless told.
#
# atheris, where it can be had, lies in build/fuzz: it is for Linux on x86-64 alone, and so no part of any lock.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1
home=build/fuzz
mkdir -p "$home"
if [ ! -d "$home/atheris" ]; then
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        --target "$home/atheris" -r .ci/fuzz.lock 2> "$home/why-not" || echo "without atheris: $(tail -n1 "$home/why-not")"
fi
fell=0
while read -r door; do
    PYTHONPATH=$home/atheris "$python" -m tests.fuzz.walk "$door" "${FUZZ_S:-60}" > "$home/said" 2>&1 || {
        fell=1
        echo "FELL: $door"
        tail -n 30 "$home/said"
        continue
    }
    echo "ok: $door: $(grep -oE '^Done [0-9]+ runs|[0-9,]+ visits' "$home/said" | tail -n1)"
done < <("$python" -m tests.fuzz.walk)
exit $fell
