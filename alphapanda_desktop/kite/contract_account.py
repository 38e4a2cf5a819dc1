"""Session, profile and funds. Source: CONTRACT 1.2, 2.1-2.2 (kite.trade/docs/connect/v3/user)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.ports import Funds
from alphapanda_desktop.domain.session import Profile, Token
from alphapanda_desktop.kite.contract_wire import Float, Meta, Text, Texts, When, Wire, parse, parse_map


class ProfileRow(Wire):
    """Who the token belongs to. Source: CONTRACT 2.1."""

    user_id: str
    user_type: Text = ""
    email: Text = ""
    user_name: Text = ""
    user_shortname: Text = ""
    broker: Text = "ZERODHA"
    exchanges: Texts = ()
    products: Texts = ()
    order_types: Texts = ()
    avatar_url: str | None = None
    meta: Meta = {}  # noqa: RUF012  # pydantic copies a model's default

    def profile(self) -> Profile:
        """The profile as the program knows it."""
        return Profile(self.user_id, self.user_name, self.email, self.broker, self.exchanges, self.products)


class BankAccount(Wire):
    """A masked bank account of the full profile."""

    name: Text = ""
    branch: Text = ""
    account: Text = ""


class FullProfile(ProfileRow):
    """The masked full profile, which Kite does not document. Source: CONTRACT 2.1 and the sample full_profile."""

    twofa_type: Text = ""
    phone: Text = ""
    bank_accounts: tuple[BankAccount, ...] = ()
    dp_ids: Texts = ()
    pan: Text = ""
    tags: Texts = ()
    password_timestamp: When = None
    twofa_timestamp: When = None


class SessionRow(ProfileRow):
    """Answer to POST /session/token; secrets are kept out of its repr. Source: CONTRACT 1.2."""

    api_key: Text = ""
    access_token: str = Field(repr=False, min_length=1)
    public_token: Text = Field(default="", repr=False)
    enctoken: Text = Field(default="", repr=False)
    refresh_token: Text = Field(default="", repr=False)
    silo: Text = ""
    login_time: When = None


class Available(Wire):
    """Where a segment's money comes from; `cash` is the raw opening cash."""

    adhoc_margin: Float = 0.0
    cash: Float = 0.0
    opening_balance: Float = 0.0
    live_balance: Float = 0.0
    collateral: Float = 0.0
    intraday_payin: Float = 0.0


class Utilised(Wire):
    """What a segment's money is bound by; `debits` is the whole of it."""

    debits: Float = 0.0
    exposure: Float = 0.0
    m2m_realised: Float = 0.0
    m2m_unrealised: Float = 0.0
    option_premium: Float = 0.0
    payout: Float = 0.0
    span: Float = 0.0
    holding_sales: Float = 0.0
    turnover: Float = 0.0
    liquid_collateral: Float = 0.0
    stock_collateral: Float = 0.0
    delivery: Float = 0.0


class SegmentMargins(Wire):
    """Funds of one segment. Source: CONTRACT 2.2."""

    net: float
    enabled: bool = True
    available: Available = Available()
    utilised: Utilised = Utilised()

    def funds(self, segment: str) -> Funds:
        """The segment's money as the desk knows it."""
        have = self.available
        return Funds(segment, self.net, have.live_balance, have.opening_balance, self.utilised.debits, self.enabled)


def profile_from_wire(data: Mapping[str, Any]) -> Profile:
    """The profile. Raises BadData."""
    return parse(ProfileRow, data, "profile").profile()


def token_from_wire(data: Mapping[str, Any], api_key: str, now: datetime) -> Token:
    """The token that a login gave; `now` stands in where Kite names no login time. Raises BadData."""
    row = parse(SessionRow, data, "session")
    if row.api_key and row.api_key != api_key:
        raise BadData(f"session: api_key is {row.api_key!r}, {api_key!r} was asked for")
    return Token(api_key, row.access_token, row.user_id, row.login_time or now)


def funds_from_wire(data: object) -> list[Funds]:
    """Funds of every segment in GET /user/margins. Raises BadData."""
    return [row.funds(segment) for segment, row in parse_map(SegmentMargins, data, "margins").items()]


def login_checksum(api_key: str, token: str, api_secret: str) -> str:
    """What proves the api_secret without sending it: lower-case hex SHA-256. Source: CONTRACT 1.1.

    `token` is the request token of a login, or the refresh token of a renewal.
    """
    return hashlib.sha256(f"{api_key}{token}{api_secret}".encode()).hexdigest()
