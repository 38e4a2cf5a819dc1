"""Who may call: demo credentials, request tokens, and the one access token of a user and an app.

Source: CONTRACT 1.1 to 1.4.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final

from alphapanda_desktop.sim.answers import KiteError, bad_input, ist, missing, stamp
from alphapanda_desktop.sim.memory import Memory

REDIRECT_URL: Final = "http://127.0.0.1:5599/alphapanda/"
"""Redirect URL registered for the demo app unless `--redirect` names another."""

REQUEST_TOKEN_LIFE_S: Final = 300.0
DEATH_HOUR: Final = 6

EXCHANGES: Final = ("NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "MF")
PRODUCTS: Final = ("CNC", "NRML", "MIS", "MTF", "CO")
ORDER_TYPES: Final = ("MARKET", "LIMIT", "SL", "SL-M")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the demo user and the demo app log in with; the same for the same seed."""

    api_key: str
    api_secret: str
    user_id: str = "AP1234"
    password: str = "panda"
    code: str = "246810"

    @classmethod
    def of_seed(cls, seed: int) -> Credentials:
        digest = hashlib.sha256(f"alphapanda practice {seed}".encode()).hexdigest()
        return cls(api_key=f"panda{digest[:11]}", api_secret=digest[16:48])


@dataclass(slots=True)
class Login:
    """One live access token; times epoch seconds of the simulated clock."""

    access_token: str
    public_token: str
    refresh_token: str
    login_s: float
    expires_s: float


def checksum(api_key: str, token: str, api_secret: str) -> str:
    """Lower-case hex SHA-256 of the plain concatenation."""
    return hashlib.sha256(f"{api_key}{token}{api_secret}".encode()).hexdigest()


def next_death(now_s: float) -> float:
    """Epoch second of the next 06:00 IST."""
    now = ist(now_s)
    death = now.replace(hour=DEATH_HOUR, minute=0, second=0, microsecond=0)
    return (death if now < death else death + timedelta(days=1)).timestamp()


def dead_token() -> KiteError:
    """403 for a wrong, expired or logged-out token."""
    return KiteError(403, "TokenException", "Incorrect `api_key` or `access_token`.")


class Sessions:
    """Request and access tokens of the demo user; `on_end` is called whenever a live token dies."""

    def __init__(self, credentials: Credentials, now_s: Callable[[], float], memory: Memory) -> None:
        self.credentials = credentials
        self.on_end: list[Callable[[], None]] = []
        self._now_s = now_s
        self._memory = memory
        self._requests: dict[str, float] = {}
        self._login: Login | None = None
        for row in memory.rows("login"):
            self._login = Login(**row)  # type: ignore[arg-type]

    def open(self) -> Login:
        """The live login, or a new one when there is none: what the command line prints."""
        self.expire_if_due()
        return self._login or self._start()

    def request_token(self) -> str:
        """A fresh token for one exchange within a few minutes."""
        token = _token(32)
        self._requests[token] = self._now_s() + REQUEST_TOKEN_LIFE_S
        return token

    def exchange(self, form: dict[str, str]) -> dict[str, object]:
        """`POST /session/token`: request token and checksum against a new access token, which ends the older."""
        token = self._checked(form, "request_token")
        expires = self._requests.pop(token, 0.0)
        if self._now_s() >= expires:
            raise KiteError(403, "TokenException", "Token is invalid or has expired.")
        self.end()
        return self.describe(self._start())

    def refresh(self, form: dict[str, str]) -> dict[str, object]:
        """`POST /session/refresh_token`: a new access token for a refresh token of this session."""
        token = self._checked(form, "refresh_token")
        if self._login is None or not hmac.compare_digest(self._login.refresh_token or "-", token):
            raise KiteError(403, "TokenException", "Token is invalid or has expired.")
        self.end()
        login = self._start()
        return {"user_id": self.credentials.user_id, "access_token": login.access_token, "refresh_token": ""}

    def _checked(self, form: dict[str, str], name: str) -> str:
        for field in ("api_key", name, "checksum"):
            if not form.get(field):
                raise missing(field)
        if form["api_key"] != self.credentials.api_key:
            raise bad_input("Invalid `api_key`.")
        expected = checksum(form["api_key"], form[name], self.credentials.api_secret)
        if not hmac.compare_digest(expected, form["checksum"]):
            raise KiteError(403, "TokenException", "Invalid `checksum`.")
        return form[name]

    def authorised(self, api_key: str, access_token: str) -> bool:
        """Whether the pair is alive now."""
        self.expire_if_due()
        login = self._login
        return (
            login is not None
            and api_key == self.credentials.api_key
            and hmac.compare_digest(login.access_token.encode(), access_token.encode())
        )

    def check_header(self, header: str | None) -> str:
        """The api_key of an `Authorization: token key:secret` header; KiteError when it does not open the door."""
        word, _, pair = (header or "").partition(" ")
        api_key, colon, access_token = pair.strip().partition(":")
        if word != "token" or not (api_key and colon and access_token):
            raise bad_input("Invalid `api_key` or `access_token`.")
        if not self.authorised(api_key, access_token):
            raise dead_token()
        return api_key

    def logout(self, api_key: str, access_token: str) -> None:
        """End the session of that pair; KiteError when it is not alive."""
        if not self.authorised(api_key, access_token):
            raise dead_token()
        self.end()

    def end(self) -> None:
        """Kill the live token, whoever holds it."""
        if self._login is None:
            return
        self._login = None
        self._memory.drop("login")
        for listener in self.on_end:
            listener()

    def clock_set_back(self) -> None:
        """Count the token's life from now, where the clock was set to before its login."""
        now_s = self._now_s()
        if self._login is not None and now_s < self._login.login_s:
            self._login.login_s, self._login.expires_s = now_s, next_death(now_s)
            self._memory.put("login", "login", asdict(self._login))

    def expire_if_due(self) -> None:
        """Kill the token once its 06:00 has come."""
        if self._login is not None and self._now_s() >= self._login.expires_s:
            self.end()

    def _start(self) -> Login:
        now_s = self._now_s()
        self._login = Login(_token(32), _token(32), "", now_s, next_death(now_s))
        self._memory.put("login", "login", asdict(self._login))
        return self._login

    def profile(self) -> dict[str, object]:
        """`data` of /user/profile."""
        return {
            "user_id": self.credentials.user_id,
            "user_type": "individual",
            "email": "panda@example.invalid",
            "user_name": "Practice Panda",
            "user_shortname": "Panda",
            "broker": "ZERODHA",
            "exchanges": list(EXCHANGES),
            "products": list(PRODUCTS),
            "order_types": list(ORDER_TYPES),
            "avatar_url": None,
            "meta": {"demat_consent": "physical"},
        }

    def full_profile(self) -> dict[str, object]:
        """`data` of /user/profile/full, masked as Kite masks it."""
        at = stamp(self._login.login_s if self._login else self._now_s())
        return self.profile() | {
            "twofa_type": "totp",
            "phone": "*0000",
            "bank_accounts": [{"name": "Practice Bank", "branch": "", "account": "*0001"}],
            "dp_ids": ["1208160000000000"],
            "pan": "*xxxP",
            "tags": [],
            "password_timestamp": at,
            "twofa_timestamp": at,
            "meta": {"poa": "physical", "silo": "", "account_blocks": []},
        }

    def describe(self, login: Login) -> dict[str, object]:
        """`data` of a token exchange."""
        return self.profile() | {
            "api_key": self.credentials.api_key,
            "access_token": login.access_token,
            "public_token": login.public_token,
            "enctoken": "",
            "refresh_token": login.refresh_token,
            "silo": "",
            "login_time": stamp(login.login_s),
        }


def _token(length: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))
