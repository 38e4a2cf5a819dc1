"""Draws docs/pictures/hot-path.svg: from the socket to the strategy, and from a tick to the picture, where time goes.

    python -m tests.benchmarks.flame_hot_path [SVG]

Each side runs in a process of its own under `flame.Sampler`; the shares are printed as well. Unix only.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.benchmarks.flame import Sampler, Stack, own, svg, within
from tests.benchmarks.race import HERE, ROOT

SECONDS = 15.0
RATE, SIZE = 50_000, 100
"""Of the first picture: at 10,000 too little time is spent there to be sampled."""


def path(said: str) -> Counter[Stack]:
    """Frames off a socket to a strategy that hears every tick, beside a chart that is panned."""
    from PySide6.QtWidgets import QApplication

    from tests.benchmarks.path_drive import play

    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    with Sampler() as sampler:
        play(app, int(said), int(RATE * SECONDS / SIZE), SIZE, SIZE, 1)
    return within(sampler.stacks, "_Link._read")


def window(_: str) -> Counter[Stack]:
    """The window of 500 rows and four charts; what makes the frames is left out."""
    from PySide6.QtWidgets import QApplication

    from alphapanda_desktop.loop import AppLoop
    from tests.benchmarks.window_drive import measure

    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    loop = AppLoop(app, reentrant=True)
    asyncio.set_event_loop(loop)
    with Sampler() as sampler:
        loop.run_until_complete(measure(SECONDS))
    drawn: Counter[Stack] = Counter()
    for stack, count in within(sampler.stacks, "_LocalExec.exec").items():
        if not any(name.startswith(("window_drive.Frames", "fakes_market")) for name in stack):
            drawn[_since_delivered(stack[1:]) or QT] += count
    return drawn


def _since_delivered(stack: Stack) -> Stack:
    """Without the steps from the loop to the hand-over of a frame, which are the benchmark's own."""
    return stack[stack.index(DELIVER) :] if DELIVER in stack else stack


DELIVER = "window_drive.Stage.deliver"
QT: Stack = ("Qt.itself",)
SIDES = {"path": path, "window": window}


def sampled(side: str) -> Counter[Stack]:
    """What a process of its own counted."""
    words = (str(RATE), str(SIZE), str(SECONDS), str(SIZE))
    settings = {"QT_QPA_PLATFORM": "offscreen"} | os.environ
    command = [sys.executable, str(HERE / "path_server.py"), *words]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=quiet, text=True, env=settings)
    try:
        assert server.stdout is not None
        port = str(json.loads(server.stdout.readline())["port"])
        command = [sys.executable, "-m", "tests.benchmarks.flame_hot_path", side, port]
        told = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=True).stdout
    finally:
        server.kill()
        server.communicate()
    return Counter({tuple(stack): count for stack, count in json.loads(told.splitlines()[-1])})


def main(out: Path) -> None:
    pictures = [
        ("From the socket to the strategy: 50,000 ticks/s, every tick heard", sampled("path")),
        ("From the tick to the picture: 500 rows, four charts, 10,000 ticks/s", sampled("window")),
    ]
    for title, stacks in pictures:
        print(title)
        for name, share in own(stacks)[:12]:
            print(f"  {share:6.1%}  {name}")
    out.write_text(svg(pictures), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(list(SIDES[sys.argv[1]](sys.argv[2]).items())))
    else:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures" / "hot-path.svg")
