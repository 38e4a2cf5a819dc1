"""Every key that does something, by where it is heard, and the page that lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KEYS: Final[dict[str, dict[str, str]]] = {
    "Everywhere": {
        "Ctrl+Shift+K": "kill switch, over every sheet and in every window",
        "Ctrl+Shift+C": "cancel all working orders",
        "Ctrl+Shift+P": "pause the entries of all strategies, or let them enter again; in every window",
        "B / S": "buy / sell what is selected, or what is on the chart",
        "Ctrl+Shift+A": "new alert",
        "Ctrl+K": "find any action or instrument by typing",
        "/": "search an instrument",
        "F3": "review: results by day, the journal, tax lots",
        "F4": "backtest: a strategy over the past",
        "F5 / F6": "reconcile now / show the differences",
        "F7 / F8 / F9": "stop coverage / limits / why this order",
        "F10": "preflight: is everything ready for the day",
        "Ctrl+Shift+M": "diagnostics: times, queues, memory",
        "Ctrl+,": "settings",
        "Ctrl+Shift+O": "profiles: one for each account",
        "Ctrl+O": "open a recorded day in a window of its own",
        "Ctrl+0": "to the chart",
        "Ctrl+1 … Ctrl+9": "to the watchlist, strategies, positions and the other panels",
        "Esc": "take the ticket or the sheet away",
        "F1 / ?": "this page",
        "Ctrl+Q": "close AlphaPanda (the Kite session lives on)",
    },
    "Replay": {
        "Ctrl+Space": "play or pause",
        "Ctrl+. / Ctrl+Shift+.": "on to the chart's next tick / to the end of its bar",
        "Ctrl+] / Ctrl+[": "faster / slower",
    },
    "Workspace": {
        "Ctrl+Alt+1 … Ctrl+Alt+9": "Trade, Build, Review and your own workspaces",
        "Ctrl+Shift+N / Ctrl+Tab": "one more chart / to the next chart",
        "Ctrl+Shift+D": "tear the panel with the keyboard off, or put it back",
        "Ctrl+W": "put that panel away; a chart is closed",
    },
    "Order ticket": {
        "B / S": "turn the side",
        "Alt+1 … Alt+6": "regular, AMO, cover, iceberg, GTT, OCO",
        "Up / Down": "one lot or one tick more or less",
        "Enter": "show the order once more; then send it",
        "Esc": "back to the fields; then away",
    },
    "Any table": {
        "Enter": "show the instrument on the chart",
        "Ctrl+C": "copy the selected rows",
    },
    "Backtest": {"Ctrl+Enter / Ctrl+.": "run / cancel"},
    "Review": {"F5 / Ctrl+S / Ctrl+W": "read the journal again / save the note / close it"},
    "Watchlist": {
        "Del / I": "take the instrument off the list / what is it?",
        "Alt+Up / Alt+Down": "move the row",
        "Ctrl+PgDown / Ctrl+PgUp": "next / previous list",
        "F": "show only rows with some words",
    },
    "Depth ladder": {"B / S": "buy / sell at the selected level once one click is armed; else the ticket"},
    "Options": {"B / S / Enter": "buy / sell / chart of the call (left) or put (right) of the selected cell"},
    "Orders": {
        "T": "timeline of the selected order",
        "W": "why this order",
        "F2": "change the selected order",
        "Del / Shift+Del": "cancel the selected / all of its instrument",
    },
    "Trades": {"W": "why this trade"},
    "Positions": {
        "Del / Shift+Del": "exit the selected position / all positions",
        "C": "convert to another product",
    },
    "GTT": {"N / F2 / Del": "new / change / delete", "R": "read again"},
    "Alerts": {
        "N / R / Del": "new / arm again / remove",
        "A / Shift+A": "acknowledge the selected / all news",
    },
    "Holdings": {"R": "read again"},
    "Chart": {
        "+ / − and Left / Right": "zoom and pan",
        "End / Home": "follow the newest bar / show everything",
        "G / P / A": "log scale / per cent / heights by themselves",
        "I": "indicators, templates",
        "L": "take the next order line",
        "D": "take the next drawing: arrows move it, Del deletes it",
        "Up / Down": "move that line by a tick; ten with Shift",
        "Enter / Del / Esc": "ask for the change / cancel its order / let it go",
    },
}
LEFT: Final = ("Everywhere", "Workspace", "Replay", "Order ticket", "Any table")
"""Sections of the first column of the page."""


def keys_page(own: Mapping[str, str]) -> str:
    """The list as rich text, in two columns; `own` are the keys that the person has given, with what they do."""
    left = "".join(_section(name, KEYS[name]) for name in KEYS if name in LEFT)
    left += _section("Changed by you", own) if own else ""
    right = "".join(_section(name, KEYS[name]) for name in KEYS if name not in LEFT)
    return f"<table><tr><td>{left}</td><td width=36></td><td>{right}</td></tr></table>"


def _section(name: str, keys: Mapping[str, str]) -> str:
    rows = "".join(f"<tr><td><b>{key}</b></td><td>{what}</td></tr>" for key, what in keys.items())
    return f"<p><b>{name}</b></p><table cellpadding=3>{rows}</table>"
