"""The local Kite as a child process that dies with the program: started, watched, started again if it falls.

A child rather than a part of the loop: its market and matching never take a moment from the window.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alphapanda_desktop.domain.errors import Fatal

START_LIMIT_S: Final = 30.0
RESTART_S: Final = 0.5
RETRY_S: Final = 5.0
log = logging.getLogger("alphapanda.practice")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the practice exchange listens, and the app it knows; nothing here is a secret."""

    rest: str
    ws: str
    login: str
    api_key: str
    api_secret: str
    user_id: str


def command(*arguments: str) -> list[str]:
    """This program's own command line with other arguments, from source and when frozen."""
    if getattr(sys, "frozen", False):
        return [sys.executable, *arguments]
    return [sys.executable, "-m", "alphapanda_desktop", *arguments]


class PracticeExchange:
    """Owner of the child. `told(text)` hears when it fell and was started again."""

    def __init__(self, arguments: Sequence[str], log_file: Path, told: Callable[[str], None]) -> None:
        self._arguments = list(arguments)
        self._log_file = log_file
        self._told = told
        self._child: Process | None = None
        self._stopped = False
        self._port = 0
        self.addresses: Addresses | None = None

    async def start(self) -> Addresses:
        """Start it and wait until it listens. Raises Fatal with its last words where it does not."""
        stderr = self._log_file.open("ab")
        with contextlib.closing(stderr):
            child = await asyncio.create_subprocess_exec(
                *command("sim", "--port", str(self._port), "--parent", *self._arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
            )
        if self._stopped:  # while it was being made
            await _end(child)
            raise Fatal("The practice exchange was stopped while it started.")
        self._child = child
        try:
            async with asyncio.timeout(START_LIMIT_S):
                line = await child.stdout.readline() if child.stdout else b""
        except TimeoutError:
            line = b""
        if not line.strip():
            await _end(child)
            raise Fatal(f"The practice exchange did not start; its last words are in {self._log_file}.")
        self.addresses = _addresses(line)
        self._port = int(self.addresses.rest.rsplit(":", 1)[1].strip("/"))
        return self.addresses

    async def watch(self) -> None:
        """Start it again, on the same port, whenever it ends by itself; runs until it is stopped or cancelled."""
        while (child := self._child) is not None:
            code = await child.wait()
            if self._child is not child:
                return  # ended on purpose
            self._told(f"The practice exchange ended unexpectedly (code {code}) and is started again.")
            await asyncio.sleep(RESTART_S)
            await self._start_again()

    async def _start_again(self) -> None:
        while self._child is not None:
            try:
                await self.start()
            except Fatal as error:  # its port may be taken for the moment
                self._told(f"{error} It is tried again in {RETRY_S:g} s.")
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def stop(self) -> None:
        """End it for good by closing its input; after two seconds by force."""
        self._stopped = True
        child, self._child = self._child, None
        if child is not None:
            await _end(child)


async def _end(child: Process) -> None:
    if child.returncode is not None:
        return
    if child.stdin is not None:
        child.stdin.close()
    try:
        # Not asyncio.timeout: this runs while a closing program is being cancelled, and there CPython 3.11.0 to
        # 3.11.2 (gh-102780) would leave the child alive.
        await asyncio.wait_for(child.wait(), 2.0)
    except TimeoutError:
        log.warning("the practice exchange did not end by itself")
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


def _addresses(line: bytes) -> Addresses:
    said = json.loads(line)
    return Addresses(
        rest=said["rest"],
        ws=said["ws"],
        login=said["login"],
        api_key=said["api_key"],
        api_secret=said["api_secret"],
        user_id=said["user_id"],
    )
