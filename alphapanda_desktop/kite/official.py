"""The official kiteconnect client as we use it: its connection, its headers and its order calls."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.kite.failures import Unwelcome, judge

_READS: Final = re.compile(r"GET .*|POST /(session/token|margins/(orders|basket)|charges/orders)|DELETE /session/token")
"""Requests that leave every order, trigger and position as it is."""

PIECE: Final = 1 << 16
LARGEST: Final = 256 << 20
"""Bytes of an answer; the master, the largest one, has some twelve million."""
SLOWEST: Final = 10_000
"""Bytes a second, after two waits' time, of an answer that is worth waiting for."""


def official_client(api_key: str, root: str, timeout_s: float, reads_only: bool = False) -> Any:
    """A KiteConnect whose answers are judged before it sees them. Call it in the thread that will use it.

    With `reads_only` its connection lets nothing else out: anything that could change something raises Refused.
    The import is late and here because it takes 0.3 s: the package brings Twisted along.
    """
    from kiteconnect import KiteConnect

    # At DEBUG urllib3 writes whole addresses, and logging out has the access token in its address.
    logging.getLogger("urllib3").setLevel(logging.INFO)
    official = KiteConnect(api_key, root=root, timeout=timeout_s)
    official.reqsession.stream = True  # else the body is read before anybody looks at how it comes
    official.reqsession.hooks["response"] += [read_whole, judge]
    official.reqsession.auth = _as_it_is
    if reads_only:
        official.reqsession.request = _reading(official.reqsession.request)
    if urlsplit(root).hostname in ("127.0.0.1", "localhost", "::1"):
        official.reqsession.trust_env = False  # a company's proxy cannot reach the local Kite
    return official


def read_whole(response: Any, timeout: float, **_: object) -> None:
    """Hook of a requests session: reads the body, which must come, and come to an end.

    Its own limit is for each wait: an answer that drips would keep a lane, and all that waits for it, for hours.
    """
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    found, began, whole = bytearray(), time.monotonic(), False
    try:
        while piece := response.raw.read1(PIECE, decode_content=True):
            found += piece
            if len(found) > LARGEST:
                raise Unwelcome(response.status_code, "DataException", f"more than {LARGEST:,} bytes", garbled=True)
            if time.monotonic() - began > 2 * timeout + len(found) / SLOWEST:
                raise TimeoutError("it comes too slowly")
        whole = True
    except ReadTimeoutError as error:
        raise TimeoutError(str(error)) from error
    except HTTPError as error:
        raise ConnectionResetError(str(error)) from error
    finally:
        if not whole:
            response.close()  # what is left of it must not be taken for the next answer
    response._content, response._content_consumed = bytes(found), True
    response.raw.release_conn()


def _as_it_is(request: Any) -> Any:
    """Stands where requests would else put a password out of ~/.netrc, in the place of the token."""
    return request


def _reading(request: Callable[..., Any]) -> Callable[..., Any]:
    def only_if_it_reads(method: str, url: str, *more: Any, **named: Any) -> Any:
        asked = f"{method.upper()} {urlsplit(url).path}"
        if not _READS.fullmatch(asked):
            raise Refused(f"{asked}: this connection only reads from Kite.", "mode")
        return request(method, url, *more, **named)

    return only_if_it_reads


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
