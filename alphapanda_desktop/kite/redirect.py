"""Kite's redirect heard on this machine, for a login in the person's own browser."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

from aiohttp import web

from alphapanda_desktop.domain.errors import LoginFailed
from alphapanda_desktop.kite.failures import CONSOLE

_LOCAL: Final = ("127.0.0.1", "localhost")
_PAGE: Final = (
    "<!doctype html><meta charset=utf-8><title>AlphaPanda</title>"
    "<body style='font-family:sans-serif;background:#0f1216;color:#e8ebf0;padding:3em'>"
    "<h2>{title}</h2><p>{text}</p>"
)
_STRANGE: Final = "If you have just logged in yourself, copy the address of this page and paste it into AlphaPanda."


def can_listen(redirect_url: str) -> bool:
    """Whether the registered redirect URL is one that this program can hear."""
    parts = urlsplit(redirect_url)
    return parts.scheme == "http" and parts.hostname in _LOCAL and parts.port is not None


def sent_back(login_url: str) -> dict[str, str]:
    """What Kite was asked on its login page to send back with the redirect."""
    return dict(parse_qsl(parse_qs(urlsplit(login_url).query).get("redirect_params", [""])[-1]))


async def wait_for_redirect(redirect_url: str, login_url: str = "", limit_s: float = 300.0) -> str:
    """The address, with its request_token, that the browser was sent to after that login page.

    Listens on 127.0.0.1 only, answers one path, checks the Host header and that the login is the one that was begun
    here, for any page in the browser could send a login of its own; closes after the one redirect.
    Raises LoginFailed when the port cannot be had or nobody came in time.
    """
    marks = sent_back(login_url)
    parts = urlsplit(redirect_url)
    path, port = parts.path or "/", parts.port or 80
    came: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def handle(request: web.Request) -> web.Response:
        if request.host not in {f"{name}:{port}" for name in _LOCAL} or request.path != path:
            return _answer(404, "Nothing here", "This address belongs to AlphaPanda's login.")
        if "request_token" not in request.query and "status" not in request.query:
            return _answer(400, "Not a login", "The address carries no request_token.")
        if any(request.query.getall(name, []) != [value] for name, value in marks.items()):
            return _answer(400, "Not the login that AlphaPanda began", _STRANGE)
        if not came.done():
            came.set_result(str(request.url))
        return _answer(200, "Login received", "You can close this tab and go back to AlphaPanda.")

    app = web.Application()
    app.router.add_get("/{tail:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        async with asyncio.timeout(limit_s):
            address = await came
            await asyncio.sleep(0.2)  # let the page's answer leave before the socket closes
            return address
    except TimeoutError as error:  # first, for it is an OSError
        why = f"Nobody came back from the browser to {redirect_url} in time. Was it sent elsewhere? Then the field"
        help_ = f"“Redirect URL” of the app at {CONSOLE} differs. Try again, or paste the address you landed on."
        raise LoginFailed(f"{why} {help_}") from error
    except OSError as error:
        why = f"Port {port} of the redirect URL cannot be used here: {error.strerror}."
        raise LoginFailed(f"{why} Log in all the same, and paste the address of the page you land on.") from error
    finally:
        await runner.cleanup()


def _answer(status: int, title: str, text: str) -> web.Response:
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    body = _PAGE.format(title=title, text=text)
    return web.Response(status=status, text=body, content_type="text/html", headers=headers)
