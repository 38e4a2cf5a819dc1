"""The official kiteconnect client as we use it: its connection, its headers and its order calls."""

from __future__ import annotations

import logging
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from alphapanda_desktop.kite.failures import judge


def official_client(api_key: str, root: str, timeout_s: float) -> Any:
    """A KiteConnect whose answers are judged before it sees them. Call it in the thread that will use it.

    The import is late and here because it takes 0.3 s: the package brings Twisted along.
    """
    from kiteconnect import KiteConnect

    # At DEBUG urllib3 writes whole addresses, and logging out has the access token in its address.
    logging.getLogger("urllib3").setLevel(logging.INFO)
    official = KiteConnect(api_key, root=root, timeout=timeout_s)
    official.reqsession.hooks["response"].append(judge)
    if urlsplit(root).hostname in ("127.0.0.1", "localhost", "::1"):
        official.reqsession.trust_env = False  # a company's proxy cannot reach the local Kite
    return official


IDLE_S: Final = 45.0
"""Servers close a connection that rests for about a minute, and one that slept with the machine is dead."""


def freshen(official: Any, now_s: float) -> None:
    """Drop connections that have rested too long: an order sent into one would end without an answer, as Unknown."""
    if abs(now_s - getattr(official, "used_at_s", now_s)) > IDLE_S:
        official.reqsession.close()
    official.used_at_s = now_s


def fetch(official: Any, method: str, path: str, **more: Any) -> Any:
    """The response of any route over the official client's own connection.

    For what the official client parses slowly (dates by guessing, 117 000 rows by dict) or loses (times of trades).
    """
    headers = {"X-Kite-Version": official.kite_header_version}
    if official.access_token:
        headers["Authorization"] = f"token {official.api_key}:{official.access_token}"
    url = urljoin(official.root, path)
    return official.reqsession.request(method, url, headers=headers, timeout=official.timeout, **more)
