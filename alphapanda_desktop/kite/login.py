"""Kite's login outside the browser: where to log in, what the redirect says, and the token it is worth.

Source: CONTRACT 1.1-1.3 (kite.trade/docs/connect/v3/user).  The api_secret never leaves this object: what is sent is
its checksum.
"""

from __future__ import annotations

import re
import secrets
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlencode, urljoin, urlsplit

from alphapanda_desktop.domain.errors import BadData, LoginFailed, Rejected, SessionEnded
from alphapanda_desktop.domain.session import Profile, Token
from alphapanda_desktop.kite.contract import login_checksum
from alphapanda_desktop.kite.failures import CONSOLE
from alphapanda_desktop.kite.reader import KiteReader

LOGIN_ROOT: Final = "https://kite.zerodha.com"
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})
"""Hosts that Kite lets a redirect reach without TLS. Source: CONTRACT 1.1."""

MARK: Final = "alphapanda"
"""What Kite is asked to send back with the redirect.  Source: CONTRACT 1.1, `redirect_params`."""

_BARE_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{6,64}")
_KEY: Final = re.compile(r"[A-Za-z0-9]{6,64}")


class KiteLogin:
    """The steps of one app's login. Satisfies domain.ports.Login."""

    def __init__(
        self, api_key: str, api_secret: str, redirect_url: str, client: KiteReader, login_root: str = LOGIN_ROOT
    ) -> None:
        self._api_key = api_key
        self._api_secret = api_secret
        self._redirect_url = redirect_url
        self._client = client
        self._login_root = login_root
        self._mark = secrets.token_urlsafe(16)

    def __repr__(self) -> str:
        return f"KiteLogin({self._api_key!r}, {self._redirect_url!r})"

    @property
    def redirect_url(self) -> str:
        """Where Kite sends the browser after a login, as it should be registered in the developer console."""
        return self._redirect_url

    def login_url(self) -> str:
        """Where the person logs in. Kite sends the mark in it back, by which a login that was begun here is known."""
        asked = {"v": 3, "api_key": self._api_key, "redirect_params": urlencode({MARK: self._mark})}
        return urljoin(self._login_root, f"/connect/login?{urlencode(asked)}")

    def request_token_of(self, address: str) -> str:
        """The request_token in an address that Kite sent the browser to, in its query alone, or pasted bare.

        Raises LoginFailed, with what to do, where there is none, where Kite says that the login did not succeed, and
        for an address with the mark of another program's login.
        """
        text = address.strip()
        if _BARE_TOKEN.fullmatch(text):
            return text
        parts = _split(text)
        said = parse_qs(parts.query or (text if "request_token=" in text else ""))
        status = said.get("status", ["success"])[-1]
        if status != "success":
            raise LoginFailed(f"Kite says the login was not successful (status {status!r}). Log in once more.")
        if said.get(MARK, [self._mark]) != [self._mark]:
            raise LoginFailed("That is the address of a login that was not begun here. Log in once more.")
        token = said.get("request_token", [""])[-1]
        if not token:
            raise LoginFailed(self._why_no_token(parts))
        return token

    async def exchange(self, request_token: str) -> Token:
        """Trade the single-use request_token for an access token. Raises LoginFailed, Retry."""
        checksum = login_checksum(self._api_key, request_token, self._api_secret)
        try:
            return await self._client.exchange(request_token, checksum)
        except (SessionEnded, Rejected, BadData) as error:
            raise LoginFailed(_why_refused(str(error))) from None

    async def profile(self, token: Token) -> Profile:
        """Who the token belongs to. Raises SessionEnded for a dead one, Offline where Kite cannot be asked."""
        return await self._client.profile(token)

    async def log_out(self, token: Token) -> None:
        """End the API session at Kite; that it had ended already is as good."""
        try:
            await self._client.end(token)
        except SessionEnded:
            return

    def _why_no_token(self, parts: SplitResult) -> str:
        expected = urlsplit(self._redirect_url)
        if not parts.netloc:
            return "That is no address. Paste the whole address of the page Kite sent you to, or its request_token."
        if parts.netloc == urlsplit(self._login_root).netloc:
            return "That is Kite's own login page: finish the login there first."
        if parts.netloc != expected.netloc:
            return (
                f"The browser was sent to {parts.netloc}, but {expected.netloc} is expected. Set the field"
                f" “Redirect URL” of this app at {CONSOLE} to {self._redirect_url}, and log in once more."
            )
        return "The address carries no request_token. Log in once more."


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:
        raise LoginFailed("That is no address. Paste the whole address of the page Kite sent you to.") from None


def _why_refused(text: str) -> str:
    """Kite's reason, with the field of the developer console that it is about.  Source: CONTRACT 1.1."""
    lower = text.lower()
    if "checksum" in lower:
        return (
            "The api_secret does not belong to this api_key: copy the fields “API key” and “API secret” of the same"
            f" app at {CONSOLE} again. ({text})"
        )
    if "api_key" in lower:
        return f"Kite does not accept this api_key: copy it again from the field “API key” at {CONSOLE}. ({text})"
    if "not enabled" in lower:
        return (
            f"This app is for another Zerodha account: the field “Zerodha Client ID” of the app at {CONSOLE} names who"
            f" may log in with it. ({text})"
        )
    if "expired" in lower or "invalid" in lower:
        return "This login was used already or took too long (its token lives a few minutes). Log in once more."
    return f"Kite did not complete the login: {text}"


def check_shape(api_key: str, api_secret: str, redirect_url: str) -> list[tuple[str, str]]:
    """What is wrong with the three at first sight, as (field, words); empty when they may be right."""
    problems: list[tuple[str, str]] = []
    for field, value in (("api_key", api_key), ("api_secret", api_secret)):
        if not value.strip():
            problems.append((field, f"Copy the {field} from the app's page at {CONSOLE}."))
        elif not _KEY.fullmatch(value.strip()):
            problems.append((field, f"The {field} has letters and digits only, without spaces; 6 to 64 of them."))
    wrong = _wrong_redirect(redirect_url.strip())
    return [*problems, ("redirect_url", wrong)] if wrong else problems


def _wrong_redirect(redirect_url: str) -> str:
    try:
        parts = urlsplit(redirect_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "That is no address."
    if not host or " " in redirect_url:
        return "Enter the whole address as registered, such as http://127.0.0.1:5599/."
    if parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK):
        return ""
    return "Kite takes https addresses, and http only for 127.0.0.1 and localhost."
