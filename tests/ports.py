"""Ports that are still free when they are bound: none that the system gives away by itself to another process."""

from __future__ import annotations

import itertools
import os
import socket

FIRST, LAST = 20_000, 32_000
"""Below what Linux, Windows and macOS take ports from for whoever asks for any."""

_places = itertools.count(os.getpid() * 37)


def free_port() -> int:
    """A port of this machine on which nobody listens; another at each call."""
    for place in _places:
        port = FIRST + place % (LAST - FIRST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("there is always a next place")
