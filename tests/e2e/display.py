"""A screen of the test's own: Xvfb at 24 bits, with a window manager where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def a_screen(size: str = "1600x900x24") -> Iterator[str]:
    """The DISPLAY of a new X server; skips the test where there is none to start."""
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("no Xvfb on this machine")
    ready, tell = os.pipe()
    # Without repeating keys by itself: one that a busy machine lets go late would be pressed twice.
    command = [server, "-displayfd", str(tell), "-screen", "0", size, "-nolisten", "tcp", "-r"]
    screen = subprocess.Popen(command, pass_fds=[tell], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(tell)
    with os.fdopen(ready) as said:
        display = f":{said.readline().strip()}"
    manager = None
    try:
        if shutil.which("openbox"):
            environment = dict(os.environ, DISPLAY=display)
            manager = subprocess.Popen(
                ["openbox"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        yield display
    finally:
        for process in (manager, screen):
            if process is not None:
                process.terminate()
                process.wait(60)
