"""A simulator in a process of its own, for tests."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

WAIT_S = 60


class Child:
    """A simulator in a process of its own, and a bare client of it."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "alphapanda_desktop.sim", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read().decode() if self.process.stderr else ""
        self.said: dict[str, str] = json.loads(line)

    def __call__(self, method: str, path: str, **form: object) -> Any:
        headers = {"X-Kite-Version": "3", "Authorization": f"token {self.said['api_key']}:{self.said['access_token']}"}
        body = urllib.parse.urlencode(form).encode() if form else None
        request = urllib.request.Request(self.said["rest"] + path, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=WAIT_S) as reply:
            return json.load(reply)["data"]

    def end(self) -> int:
        """Close what is ours of it; its exit code."""
        code = self.process.wait(WAIT_S)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        return code


@contextmanager
def child(*arguments: str) -> Iterator[Child]:
    running = Child(*arguments)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.end()
