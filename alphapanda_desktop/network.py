"""By which of its own addresses this machine reaches the world, and who sees that it is another one now."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Final, NamedTuple

ELSEWHERE: Final = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses that nobody has. A datagram socket that is connected to one asks the routing table and sends nothing.

Source: RFC 5737, RFC 3849.
"""
PREFIX_BITS: Final = 64
"""An IPv6 host changes what lies behind these as it likes, in the same network.  Source: RFC 8981."""

Routes = tuple[str, str]


def routes() -> Routes:
    """Where packets would leave: the IPv4 address and the IPv6 network, each empty where there is no way out."""
    four, six = (_own_address(family, far) for family, far in ELSEWHERE)
    return four, str(ipaddress.ip_network((six, PREFIX_BITS), strict=False)) if six else ""


def _own_address(family: socket.AddressFamily, far: str) -> str:
    try:
        with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
            probe.connect((far, 9))
            return str(probe.getsockname()[0]).partition("%")[0]
    except OSError:
        return ""


class Change(NamedTuple):
    """What became of the network, in words, and whether there is one now."""

    words: str
    online: bool


class RouteWatch:
    """Notices between two looks that the network went, came back, or is another one."""

    def __init__(self, read: Callable[[], Routes] = routes) -> None:
        self._read = read
        self._last = read()

    def look(self) -> Change | None:
        """What happened since the last look."""
        before, self._last = self._last, self._read()
        if before == self._last:
            return None
        if not any(self._last):
            return Change("this machine has no network", online=False)
        if not any(before):
            return Change(f"the network is back, by {_words(self._last)}", online=True)
        return Change(f"the network changed: {_words(before)} was the way out, {_words(self._last)} is", online=True)


def _words(way: Routes) -> str:
    return " and ".join(part for part in way if part)
