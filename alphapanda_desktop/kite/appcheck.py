"""Whether a Kite Connect app can be logged in to with: what can be known of its key, secret and redirect beforehand.

Kite's login page is asked for once, as a browser would ask; nothing is sent that a login would not send, and the
secret not at all. Whether secret and key belong together, Kite tells with the first login (kite/login.py).
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from alphapanda_desktop.domain.preflight import Check, Standing
from alphapanda_desktop.kite.failures import CONSOLE
from alphapanda_desktop.kite.login import LOGIN_ROOT, check_shape
from alphapanda_desktop.kite.redirect import can_listen

LIMIT_S: Final = 8.0
READ_BYTES: Final = 20_000
"""As much of an answer as is looked through for the reason in it."""
OTHER_PORT: Final = "http://127.0.0.1:5600/"


async def try_app(api_key: str, api_secret: str, redirect_url: str, login_root: str = LOGIN_ROOT) -> list[Check]:
    """What is well and what is not, in three checks named "api_key", "api_secret" and "redirect_url"."""
    wrong = dict(check_shape(api_key, api_secret, redirect_url))
    bad = {name: Check(name, Standing.BAD, words) for name, words in wrong.items()}
    return [
        bad.get("api_key") or await _of_key(api_key.strip(), login_root),
        bad.get("api_secret") or Check("api_secret", Standing.UNKNOWN,
            "It has the right shape. Whether it belongs to the key, Kite tells with the first login."),
        bad.get("redirect_url") or _of_redirect(redirect_url.strip()),
    ]  # fmt: skip


async def _of_key(api_key: str, login_root: str) -> Check:
    url = urljoin(login_root, f"/connect/login?{urlencode({'v': 3, 'api_key': api_key})}")
    host = urlsplit(login_root).hostname or ""
    try:
        status, text = await _answer(url)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return Check("api_key", Standing.UNKNOWN, f"{host} cannot be reached: {_reason(error)}.",
            "See that this computer is online, and that no proxy or firewall stands between.")  # fmt: skip
    if "api_key" in text and (status >= 400 or '"error"' in text):
        return Check("api_key", Standing.BAD, "Kite knows no app with this key.",
            f"Copy the field “API key” of the app's page at {CONSOLE} again.")  # fmt: skip
    if status >= 400:
        return Check("api_key", Standing.UNKNOWN, f"{host} answered {status} instead of a login page.",
            f"Try again in a minute; see at {CONSOLE} that the app is active and paid for.")  # fmt: skip
    return Check("api_key", Standing.GOOD, "Kite shows its login page for this key.")


async def _answer(url: str) -> tuple[int, str]:
    limit, to = aiohttp.ClientTimeout(total=LIMIT_S), urlsplit(url)
    # Read here: with trust_env aiohttp would take a password out of ~/.netrc as well, and send it along.
    proxy = None if proxy_bypass(to.hostname or "") else getproxies().get(to.scheme)
    async with (
        aiohttp.ClientSession(timeout=limit, proxy=proxy) as http,
        http.get(url, max_redirects=5, headers={"Accept": "text/html,application/json"}) as reply,
    ):
        return reply.status, (await reply.content.read(READ_BYTES)).decode("utf-8", "replace")


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {LIMIT_S:g} seconds"
    inner = getattr(error, "os_error", None)
    return getattr(inner, "strerror", None) or getattr(error, "strerror", None) or type(error).__name__


def _of_redirect(redirect_url: str) -> Check:
    same = f"The field “Redirect URL” of the app's page at {CONSOLE} must be exactly {redirect_url}"
    parts = urlsplit(redirect_url)
    if not can_listen(redirect_url):
        where = "no port of this computer" if parts.scheme == "https" else "an address without a port"
        return Check("redirect_url", Standing.WARN,
            f"It names {where}: the login in this window works, one in your browser needs its address pasted.",
            same)  # fmt: skip
    port = parts.port or 80
    why = _why_not_free(port)
    if why:
        return Check("redirect_url", Standing.BAD, f"Port {port} cannot be used here: {why}.",
            f"Close what uses it, or enter another port, such as {OTHER_PORT}, here and in the field “Redirect URL”"
            f" of the app's page at {CONSOLE}.")  # fmt: skip
    return Check("redirect_url", Standing.GOOD, f"Port {port} is free: a login in your browser is heard, too.", same)


def _why_not_free(port: int) -> str:
    """Why no listener could be bound there, or empty."""
    with socket.socket() as line:
        if os.name == "posix":  # as the listener does; on Windows it would share a taken port
            line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            line.bind(("127.0.0.1", port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            return "another program listens on it" if taken else (error.strerror or str(error))
    return ""
