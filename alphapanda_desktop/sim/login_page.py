"""The practice exchange's login page: user id and password, then a code, then the registered redirect."""

from __future__ import annotations

import html
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from aiohttp import web

from alphapanda_desktop.sim.answers import form_of
from alphapanda_desktop.sim.session import Sessions

_STYLE: Final = """
:root { color-scheme: light dark; --ink:#1d2330; --soft:#667085; --line:#d7dce4; --paper:#ffffff; --ground:#f2f4f8;
        --brand:#2563eb; --bad:#b42318; }
@media (prefers-color-scheme: dark) { :root { --ink:#e8ebf2; --soft:#98a2b3; --line:#343b4a; --paper:#1b2030;
        --ground:#11141d; --brand:#5b8cff; --bad:#ff8a7a; } }
* { box-sizing: border-box; }
body { margin:0; min-height:100vh; display:grid; place-items:center; background:var(--ground); color:var(--ink);
       font:15px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { width:min(380px, 92vw); background:var(--paper); border:1px solid var(--line); border-radius:14px;
       padding:28px 30px 24px; box-shadow:0 12px 32px rgb(15 23 42 / .08); }
.flag { display:inline-block; font-size:12px; font-weight:600; letter-spacing:.04em; text-transform:uppercase;
        color:var(--brand); border:1px solid currentColor; border-radius:999px; padding:2px 10px; }
h1 { font-size:21px; margin:14px 0 2px; font-weight:650; }
p { margin:0 0 16px; color:var(--soft); }
label { display:block; font-weight:600; font-size:13px; margin:12px 0 5px; }
input { width:100%; padding:10px 12px; font:inherit; color:inherit; background:transparent;
        border:1px solid var(--line); border-radius:8px; }
input:focus { outline:2px solid var(--brand); outline-offset:0; border-color:transparent; }
button { width:100%; margin-top:18px; padding:11px; font:inherit; font-weight:650; color:#fff; background:#2563eb;
         border:0; border-radius:8px; cursor:pointer; }
.bad { color:var(--bad); font-weight:600; margin:12px 0 0; }
.demo { margin:20px 0 0; padding:12px 14px; border:1px dashed var(--line); border-radius:8px; font-size:13px;
        color:var(--soft); }
.demo b { color:var(--ink); font-family:ui-monospace, "DejaVu Sans Mono", monospace; font-weight:600; }
"""

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


def at_the_door(api_key: str, query: Mapping[str, str]) -> web.Response:
    """Sends a browser that came to the bare address, which is also the websocket's, on to the login page."""
    target = "/connect/login?" + urlencode({"v": "3", "api_key": api_key} | dict(query))
    return web.Response(status=302, headers={**_HEADERS, "Location": target})


class LoginPage:
    """Routes under /connect that lead a person from the api_key to the redirect with its request token."""

    def __init__(self, sessions: Sessions, redirect: str) -> None:
        self._sessions = sessions
        self._redirect = redirect
        self._passed: dict[str, str] = {}

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/connect/login", self.ask),
            web.post("/connect/login", self.password),
            web.post("/connect/totp", self.code),
        ]

    async def ask(self, request: web.Request) -> web.Response:
        """The first page; an error page for an app that is not registered."""
        if request.query.get("api_key") != self._sessions.credentials.api_key:
            return _page(400, "Unknown app", "<p class=bad>Invalid <code>api_key</code>: no app has it.</p>")
        if request.query.get("v") != "3":
            return _page(400, "Old link", "<p class=bad>This exchange speaks version 3: the address needs v=3.</p>")
        return self._ask_password(request.query.get("redirect_params", ""))

    async def password(self, request: web.Request) -> web.Response:
        """The second page, or the first again with what was wrong."""
        form, who = await form_of(request), self._sessions.credentials
        extra = form.get("redirect_params", "")
        given = (form.get("userid", "").strip().upper(), form.get("password", ""))
        if given != (who.user_id, who.password):
            return self._ask_password(extra, "Invalid user ID or password.", given[0])
        ticket = secrets.token_hex(16)
        self._passed = {**dict(list(self._passed.items())[-20:]), ticket: extra}
        return self._ask_code(ticket)

    async def code(self, request: web.Request) -> web.Response:
        """The redirect with a request token, or the second page again with what was wrong."""
        form = await form_of(request)
        ticket = form.get("ticket", "")
        if ticket not in self._passed:
            return self._ask_password("", "That page had expired. Please start again.")
        if form.get("totp", "").replace(" ", "") != self._sessions.credentials.code:
            return self._ask_code(ticket, "Invalid code. Please try again.")
        target = redirect_to(self._redirect, self._sessions.request_token(), self._passed.pop(ticket))
        return web.Response(status=302, headers={**_HEADERS, "Location": target})

    def _ask_password(self, extra: str, wrong: str = "", user_id: str = "") -> web.Response:
        who = self._sessions.credentials
        return _page(
            403 if wrong else 200,
            "Log in to Practice Kite",
            f"""<p>Your AlphaPanda Desktop asks to trade on the practice exchange.</p>
<form method="post" action="/connect/login">
<input type="hidden" name="redirect_params" value="{html.escape(extra)}">
<label for="userid">User ID</label>
<input id="userid" name="userid" value="{html.escape(user_id)}" autocomplete="username" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
{_wrong(wrong)}<button id="submit" type="submit">Continue</button>
</form>
<div class="demo">Practice account: user ID <b id="demo-userid">{who.user_id}</b>,
password <b id="demo-password">{who.password}</b></div>""",
        )

    def _ask_code(self, ticket: str, wrong: str = "") -> web.Response:
        return _page(
            403 if wrong else 200,
            "Enter your code",
            f"""<p>The six digits that your authenticator app would show.</p>
<form method="post" action="/connect/totp">
<input type="hidden" name="ticket" value="{html.escape(ticket)}">
<label for="totp">External TOTP</label>
<input id="totp" name="totp" inputmode="numeric" maxlength="7" autocomplete="one-time-code" required autofocus>
{_wrong(wrong)}<button id="submit" type="submit">Log in</button>
</form>
<div class="demo">Practice code: <b id="demo-totp">{self._sessions.credentials.code}</b></div>""",
        )


def redirect_to(registered: str, request_token: str, redirect_params: str = "") -> str:
    """The registered URL with the login's answer, and with what the app asked to get back."""
    parts = urlsplit(registered)
    query = parse_qsl(parts.query, keep_blank_values=True) + [
        ("request_token", request_token),
        ("status", "success"),
        ("action", "login"),
        ("type", "login"),
    ]
    query += parse_qsl(redirect_params, keep_blank_values=True)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", urlencode(query), ""))


def _wrong(text: str) -> str:
    return f'<p class="bad" id="error">{html.escape(text)}</p>\n' if text else ""


def _page(status: int, title: str, body: str) -> web.Response:
    text = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)} · practice exchange</title><style>{_STYLE}</style></head>
<body><main><span class="flag">Practice · no real money</span><h1>{html.escape(title)}</h1>
{body}
</main></body></html>"""
    return web.Response(status=status, text=text, content_type="text/html", headers=_HEADERS)
