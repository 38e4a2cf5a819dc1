"""Runs the program on its own display with hands at it, chapter by chapter; prints what became of each as JSON.

Arguments: the walk ("keyboard" or "mouse"), a folder for the profile, a folder for pictures or "-", and the only
chapters to walk through, behind the first, or none for all.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from alphapanda_desktop.__main__ import parser
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.start import open_window
from tests.e2e import walk_keyboard, walk_mouse
from tests.e2e.hands import Hands
from tests.e2e.headless import MemoryVault

Chapter = Callable[[Hands, Any], Awaitable[None]]
WALKS: dict[str, dict[str, Chapter]] = {"keyboard": walk_keyboard.CHAPTERS, "mouse": walk_mouse.CHAPTERS}
ENDS = {"closes_the_program", "closes_by_the_frame_and_is_asked_first"}
"""Chapters that end the program, and themselves with it: whether they came true is known when its window is gone."""

CHAPTER_S = 240
WALK_S = 540
"""What a walk may take on a machine that is busy otherwise; alone it takes a sixth of that."""


def clock() -> str:
    """A time of today at which the practice exchange's day begins: far from 06:00 in India, when sessions end."""
    return f"{datetime.now(IST):%Y-%m-%d}T10:30:00+05:30"


async def walk(hands: Hands, program: Any, chapters: dict[str, Chapter], told: dict[str, str]) -> None:
    """Every chapter in turn; one that fails is told, and a person goes on with the next."""
    for name, chapter in chapters.items():
        try:
            began = time.monotonic()
            async with asyncio.timeout(CHAPTER_S):
                await chapter(hands, program)
            told[name] = ""
            print(f"{time.monotonic() - began:5.1f} s {name}", file=sys.stderr)
        except Exception:  # noqa: BLE001  # whatever it was is what the test prints
            told[name] = traceback.format_exc()[-1500:]
            await hands.picture(f"failed-{name}")
            await hands.tidy()
            if name == next(iter(chapters)):
                return  # nobody is logged in


def main(which: str, folder: str, shots: str, *only: str) -> None:
    told: dict[str, str] = {}
    ends = False
    chapters = WALKS[which]
    if only:
        chapters = {name: chapter for name, chapter in chapters.items() if name in (next(iter(chapters)), *only)}
    hands = Hands(None if shots == "-" else Path(shots))

    async def drive(program: Any) -> None:
        nonlocal ends
        try:
            async with asyncio.timeout(WALK_S):
                await walk(hands, program, chapters, told)
        except TimeoutError:
            print(f"the walk took more than {WALK_S} s", file=sys.stderr)
        finally:
            ends = program._closing.is_set()
            program._window.close()

    arguments = parser().parse_args(["--mode", "practice", "--data-dir", folder, "--clock", clock()])
    code = open_window(arguments, drive, MemoryVault())
    if ends:
        told |= {name: "" for name in ENDS.intersection(chapters) if name not in told}
    print(json.dumps({"code": code, "told": told}))


if __name__ == "__main__":
    main(*sys.argv[1:])
