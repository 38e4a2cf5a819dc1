"""A process that starts the program and ends once it can be used, and prints one JSON line about that.

Usable is: the loop runs, the journal is open, and a chart widget is built. What only a person can do, the login, is
not in it. Arguments: the epoch second of the spawning, and a folder.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from alphapanda_desktop.__main__ import parser
from alphapanda_desktop.start import open_window


def main(spawned_at: float, folder: Path) -> int:
    async def drive(program: Any) -> None:
        try:
            while program.journal is None or "alphapanda_desktop.ui.chart.view" not in sys.modules:
                await asyncio.sleep(0.002)
            while getattr(sys.modules["alphapanda_desktop.ui.chart.view"], "ChartView", None) is None:
                await asyncio.sleep(0.002)
            from alphapanda_desktop.ui.theme import DARK

            plot = _a_chart(DARK)
            usable_ms = (time.time() - spawned_at) * 1000
            meter = program._edge.meter
            found = {
                "usable_ms": usable_ms,
                "stalls": sum(stall.count for stall in meter.stalls()),
                "longest_stall_ms": max([stall.worst_s * 1000 for stall in meter.stalls()], default=0.0),
                "cpu_ms": time.process_time() * 1000,
            }
            print(json.dumps(found), flush=True)
            plot.deleteLater()
        finally:
            program.close()

    return open_window(parser().parse_args(["--mode", "practice", "--data-dir", str(folder)]), drive)


def _a_chart(theme: Any) -> Any:
    from alphapanda_desktop.ui.chart.plot import Plot

    plot = Plot(lambda: theme)
    plot.resize(800, 600)
    plot.show()
    plot.hide()
    return plot


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.exit(main(float(sys.argv[1]), Path(sys.argv[2])))
