"""Where every thread is at one moment, as the interpreter's own crash handler writes it: in one step.

Frames cannot be walked from another thread: between two of Python's steps their thread may go on, and what a frame
that it has left then calls its caller is, in CPython 3.11, no longer a frame. The program died of that.
"""

from __future__ import annotations

import faulthandler
import re
from collections.abc import Sequence
from typing import IO, Final, NamedTuple

_HEAD: Final = re.compile(r"(?:Current thread|Thread) 0x([0-9a-f]+) ")
_FRAME: Final = re.compile(r'  File "(.*)", line (\d+) in (.*)')


class Frame(NamedTuple):
    """A line that runs: letters of its path that are not ASCII are escaped, as `plain` does."""

    path: str
    line: int
    function: str


class Stacks:
    """Looks at all threads; owns the file that the interpreter writes to. One thread at a time may look."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None

    def look(self) -> dict[int, list[Frame]]:
        """The frames of each thread by its ident, innermost first, at most a hundred."""
        if self._file is None:
            import tempfile  # not while the first paint waits

            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # it is written anew at each look
        self._file.seek(0)
        self._file.truncate()
        faulthandler.dump_traceback(self._file, all_threads=True)
        self._file.seek(0)
        return read(self._file.read().decode("ascii", "replace").splitlines())

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()
            self._file = None


def read(lines: Sequence[str]) -> dict[int, list[Frame]]:
    """The stacks that these lines tell."""
    stacks: dict[int, list[Frame]] = {}
    stack: list[Frame] = []
    for line in lines:
        if (head := _HEAD.match(line)) is not None:
            stack = stacks.setdefault(int(head[1], 16), [])
        elif (frame := _FRAME.fullmatch(line)) is not None:
            stack.append(Frame(frame[1], int(frame[2]), frame[3]))
    return stacks


def plain(path: str) -> str:
    """A path as it stands in a stack."""
    return path.encode("ascii", "backslashreplace").decode("ascii")
