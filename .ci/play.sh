#!/usr/bin/env bash
# `make run`: opens the window in practice mode; where there is no display, plays the tour and names its pictures.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(uname -s)" != Linux ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec .venv/bin/alphapanda --mode practice --guide "$@"
fi
echo "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set): playing the tour without one."
mkdir -p build/tour
QT_QPA_PLATFORM=offscreen .venv/bin/alphapanda tour --out build/tour
echo "The tour's pictures and tour.json are in $PWD/build/tour"
