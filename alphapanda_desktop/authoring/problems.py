"""What is wrong with a strategy file, and where."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """One fault in one line; `right` is the name that was meant, where one is known. `severe` keeps the file out."""

    line: int
    text: str
    right: str = ""
    severe: bool = True

    def at(self, name: str) -> str:
        """As it is printed: "breakout.py:12: a tick has no 'volume': it carries 'volume_traded'"."""
        word = "" if self.severe else "warning: "
        return f"{name}:{self.line}: {word}{self.text}" if self.line else f"{name}: {word}{self.text}"
