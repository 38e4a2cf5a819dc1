"""Opens a recorded day as the program does, goes back in it, and prints what each of the two windows saw."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

from alphapanda_desktop.__main__ import parser
from alphapanda_desktop.start import open_window
from tests.e2e.headless import MemoryVault

seen: list[dict[str, Any]] = []


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


async def drive(program: Any) -> None:
    window = program._window
    await until(lambda: window.replay is not None and window.isVisible())
    transport = window._parts.transport
    seen.append({"at": transport.position_ns, "speed": transport.speed, "title": window.windowTitle(),
                 "geometry": window.geometry().getRect(), "window": id(window)})  # fmt: skip
    if len(seen) == 1:
        window.resize(1300, 760)
        transport.set_speed(60)
        transport.run_to(transport.begin_ns + 200_000_000_000)
        await until(lambda: transport.pace.value == "paused")
        transport.rewind(transport.begin_ns + 90_000_000_000)
    else:
        window.close()


if __name__ == "__main__":
    code = open_window(parser().parse_args(sys.argv[1:]), drive, MemoryVault())
    print(json.dumps({"code": code, "seen": seen}))
