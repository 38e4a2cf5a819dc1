#!/usr/bin/env bash
# All tests in two halves side by side, for most wait for a clock or a socket and not for the processor.
# The second half is printed when the first has ended; either one's failure is the whole's.
set -uo pipefail
cd "$(dirname "$0")/.."
python=$1
mkdir -p build
"$python" -m pytest tests/trading tests/domain tests/ui > build/second-half.txt 2>&1 &
second=$!
"$python" -m pytest --ignore=tests/trading --ignore=tests/domain --ignore=tests/ui
first_said=$?
wait "$second"
second_said=$?
cat build/second-half.txt
exit $((first_said > second_said ? first_said : second_said))
