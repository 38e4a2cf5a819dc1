"""How a process ended, as a person reads it."""

from __future__ import annotations

import signal


def exit_words(code: int) -> str:
    """An exit code in words: "exit code 3", "SIGSEGV"."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
