#!/usr/bin/env bash
# The pictures of README and docs, from the tour, on a screen of 1600×900: `make pictures`.
#
# Below, name in docs/pictures ← names of the tour's pictures (several are put side by side). Those that the tour cannot
# reach, because they need live trading or a recorded day, are named in docs/contributing.md.
set -euo pipefail
cd "$(dirname "$0")/.."
tour=build/tour

table="
login              login-page
first-run          guided
strategy-running   its-fill
strategy-cards     card-form card-running card-stopped
closing            closing-sheet
why-this-order     why
order-ticket       ticket-asks
order-book         books
reconciliation     differences
stop-coverage      coverage-sheet
limits             limits-sheet
kill-report        kill-sheet
backtest           backtest-window
backtest-sweep     sweep-window
after-restart      trades-remembered
"

exec 3< <(exec Xvfb -displayfd 1 -screen 0 1600x900x24 -nolisten tcp 2>/dev/null)
screen=$!
trap 'kill ${manager:-} $screen 2>/dev/null || true' EXIT
read -r number <&3
DISPLAY=:$number openbox > /dev/null 2>&1 &
manager=$!

DISPLAY=:$number QT_QPA_PLATFORM=xcb .venv/bin/alphapanda tour --out "$tour"

while read -r name steps; do
    [ -n "$name" ] || continue
    taken=()
    for step in $steps; do taken+=("$tour"/*-[0-9][0-9]-"$step".png); done
    convert "${taken[@]}" +append +dither -colors 200 -strip "PNG8:docs/pictures/$name.png"
    printf '%7d bytes  %s\n' "$(stat -c %s "docs/pictures/$name.png")" "docs/pictures/$name.png"
done <<< "$table"
