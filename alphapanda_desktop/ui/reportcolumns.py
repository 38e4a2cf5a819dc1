"""The columns of the review's tables, and its figures in words. What is not known says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from html import escape
from typing import Final

from alphapanda_desktop.domain.dayresults import OpenLots, Results, total_of
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.domain.taxlots import HeadTotal, TaxLot
from alphapanda_desktop.trading.reports import Kind, Row, rows_by
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.tables import Column
from alphapanda_desktop.ui.theme import Role, Theme

TITLES: Final[dict[Kind, str]] = {"day": "Day", "instrument": "Instrument", "strategy": "Strategy", "tag": "Tag"}


def _role(money: int | None) -> Role | None:
    return "unknown" if money is None else "up" if money > 0 else "down" if money < 0 else None


def _rupees(money: int | None) -> float | None:
    return None if money is None else money / RUPEE


def _marked(money: int | None) -> str:
    """A result with its sign and a shape, so that colour is not all that tells it."""
    mark = "" if not money else "▲ " if money > 0 else "▼ "
    return f"{mark}{formats.known_signed(_rupees(money))}"


def _plain(money: int | None) -> str:
    return formats.UNKNOWN_WORD if money is None else formats.grouped(money / RUPEE, 2)


def _day(day: date | None) -> str:
    return f"{day:%a} {day.day:2} {day:%b %Y}" if day is not None else formats.UNKNOWN_WORD


def _short(day: date | None) -> str:
    return f"{day.day} {day:%b %Y}" if day is not None else formats.UNKNOWN_WORD


def _why(row: Row) -> str:
    total = row.total
    if not total.why_unknown:
        return ""
    known = formats.signed_rupees(total.known_net / RUPEE)
    return f"Unknown, for {total.why_unknown}. The known part: {known} after charges."


def columns_of(kind: Kind) -> tuple[Column[Row], ...]:
    """The columns of one view."""
    name: Callable[[Row], str] = (lambda r: _day(r.day)) if kind == "day" else (lambda r: r.of)
    columns: tuple[Column[Row], ...] = (
        Column(TITLES[kind], lambda r: r.of, name, width_chars=16 if kind == "day" else 26),
        Column("Orders", lambda r: r.total.orders, lambda r: formats.grouped(r.total.orders), "right", 7),
        Column("Fills", lambda r: r.total.fills, lambda r: formats.grouped(r.total.fills), "right", 7),
        Column("Turnover", lambda r: r.total.bought + r.total.sold,
               lambda r: formats.grouped((r.total.bought + r.total.sold) / RUPEE, 2), "right", 16,
               header_tooltip="Bought and sold together; of an option its premium"),
        Column("Realised", lambda r: r.total.realised, lambda r: formats.known_signed(_rupees(r.total.realised)),
               "right", 15, colour=lambda r: _role(r.total.realised), tooltip=_why,
               header_tooltip="What was closed, each run's lots at average cost, before charges"),
        Column("Charges", lambda r: r.total.charges, lambda r: _plain(r.total.charges), "right", 13,
               colour=lambda r: "unknown" if r.total.charges is None else None, tooltip=_why,
               header_tooltip="Brokerage and taxes: Kite's own figure where it told another than ours"),
        Column("Net", lambda r: r.total.net, lambda r: _marked(r.total.net), "right", 17,
               colour=lambda r: _role(r.total.net), tooltip=_why, header_tooltip="Realised less charges"),
    )  # fmt: skip
    if kind == "day":
        columns += (Column("Tags", lambda r: ", ".join(r.tags), width_chars=24, colour=lambda _: "accent"),)
    return columns


OPEN: Final[tuple[Column[OpenLots], ...]] = (
    Column("Instrument", lambda o: f"{o.exchange}:{o.tradingsymbol}", width_chars=26, elide="middle"),
    Column("Product", lambda o: o.product, width_chars=8, colour=lambda _: "muted"),
    Column("Strategy", lambda o: o.strategy, width_chars=20),
    Column("Qty", lambda o: o.quantity, lambda o: formats.grouped(o.quantity), "right", 9),
    Column("Cost", lambda o: o.cost, lambda o: _plain(o.cost), "right", 16),
    Column("Since", lambda o: o.since, lambda o: _day(o.since), width_chars=16),
)

HEADS: Final[tuple[Column[HeadTotal], ...]] = (
    Column("Head", lambda t: t.head.value, width_chars=42),
    Column("Lots", lambda t: t.lots, lambda t: formats.grouped(t.lots), "right", 7),
    Column("Sold less bought", lambda t: t.gross, lambda t: formats.known_signed(_rupees(t.gross)), "right", 17,
           colour=lambda t: _role(t.gross)),
    Column("Charges", lambda t: t.charges, lambda t: _plain(t.charges), "right", 13),
    Column("Trans. tax", lambda t: t.tax, lambda t: _plain(t.tax), "right", 13,
           header_tooltip="STT or CTT: an expense of a business, none of a capital gain"),
    Column("Gain", lambda t: t.gain, lambda t: _marked(t.gain), "right", 17, colour=lambda t: _role(t.gain)),
    Column("Turnover", lambda t: t.turnover, lambda t: _plain(t.turnover), "right", 16,
           header_tooltip="Profits and losses summed up without their signs, as an audit counts it"),
)  # fmt: skip

LOTS: Final[tuple[Column[TaxLot], ...]] = (
    Column("Head", lambda t: t.head.value, width_chars=26, tooltip=lambda t: t.head.value),
    Column("Instrument", lambda t: f"{t.exchange}:{t.tradingsymbol}", width_chars=26, elide="middle"),
    Column("Qty", lambda t: t.quantity, lambda t: formats.grouped(t.quantity), "right", 8),
    Column("Bought on", lambda t: t.bought_on, lambda t: _short(t.bought_on), width_chars=11),
    Column("Sold on", lambda t: t.sold_on, lambda t: _short(t.sold_on), width_chars=11),
    Column("Bought", lambda t: t.bought, lambda t: _plain(t.bought), "right", 12),
    Column("Sold", lambda t: t.sold, lambda t: _plain(t.sold), "right", 12),
    Column("Charges", lambda t: t.charges, lambda t: _plain(t.charges), "right", 9),
    Column("Trans. tax", lambda t: t.tax, lambda t: _plain(t.tax), "right", 10),
    Column("Gain", lambda t: t.gain, lambda t: _marked(t.gain), "right", 13, colour=lambda t: _role(t.gain)),
)


def figures_words(results: Results, theme: Theme) -> str:
    """The period in one line: what was made, what it cost, and how many days did it."""
    total, days = total_of(results.cells), [row.total.net for row in rows_by(results, "day") if row.cells]
    known = [net for net in days if net is not None]
    won, lost = sum(net > 0 for net in known), sum(net < 0 for net in known)
    parts = [
        ("Net", formats.known_result(_rupees(total.net)), _role(total.net)),
        ("Realised", formats.known_result(_rupees(total.realised)), _role(total.realised)),
        ("Charges", formats.known_rupees(_rupees(total.charges)), None if total.charges is not None else "unknown"),
        ("Days won / lost", f"{won} / {lost}", None),
        ("Best day", formats.signed_rupees(_rupees(max(known, default=None))), None),
        ("Worst day", formats.signed_rupees(_rupees(min(known, default=None))), None),
        ("Orders", formats.grouped(total.orders), None),
    ]
    words = [
        f"<span style='color:{theme.muted}'>{name}</span> "
        f"<span style='color:{getattr(theme, role or 'text')}; font-weight:600'>{value}</span>"
        for name, value, role in parts
    ]
    why = ""
    if total.why_unknown:
        part = formats.signed_rupees(total.known_net / RUPEE)
        told = f"Unknown, for {total.why_unknown}. The known part: {part} after charges."
        why = f"<br><span style='color:{theme.unknown}'>{escape(told, quote=False)}</span>"
    return "&nbsp;&nbsp;&nbsp;&nbsp; ".join(words) + why
