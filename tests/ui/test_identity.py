from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import shiboken6
from PySide6.QtWidgets import QLabel, QWidget

from alphapanda_desktop.domain.identity import Finding, facts_of, findings, freeze_report
from alphapanda_desktop.domain.masterchanges import Change, MasterChanges
from alphapanda_desktop.domain.slicing import FREEZE
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.formats import grouped
from alphapanda_desktop.ui.identity import IdentitySheet, report_of
from tests.fakes import an_instrument
from tests.ui.fakes_market import FUTURE, INFY, NIFTY

TODAY = date(2026, 11, 23)
CHANGED = MasterChanges(
    new=("NSE:NEWCO",), changed=(Change(FUTURE.key, "lot_size", 75, 65), Change("NSE:OTHER", "tick_size", 0.05, 0.1))
)
NIFTY_FUTURE = an_instrument(
    "NIFTY26DECFUT", token=52_000 * 256 + 2, exchange="NFO", kind="FUT", lot_size=65, tick_size=0.1,
    expiry=date(2026, 12, 29), name="NIFTY",
)  # fmt: skip


def test_a_contract_tells_its_lot_tick_expiry_and_freeze_quantity() -> None:
    facts = dict(facts_of(NIFTY_FUTURE, TODAY, grouped))
    assert facts["Lot"] == "65 units"
    assert facts["Tick"] == "₹ 0.1"
    assert facts["Expiry"] == "Tue 29 Dec 2026, 36 days from today"
    assert facts["Freeze quantity"].startswith("1,755 (27 lots) since 1 Feb 2026")
    assert str(NIFTY_FUTURE.instrument_token) in facts["Token"]


def test_an_index_has_neither_lot_nor_tick() -> None:
    facts = dict(facts_of(NIFTY, TODAY, grouped))
    assert facts["Kind"] == "index, cannot be traded"
    assert not facts.keys() & {"Lot", "Tick", "Freeze quantity", "Expiry", "Strike"}


def test_what_changed_today_is_told_with_both_values() -> None:
    found = findings(FUTURE, TODAY, CHANGED)
    assert Finding("warn", "Its lot size changed today: 75 before, 65 now.") in found


def test_what_did_not_change_is_told_as_checked() -> None:
    assert [f.verdict for f in findings(INFY, TODAY, CHANGED)] == ["good"]


def test_without_an_earlier_list_the_check_is_unknown_and_not_good() -> None:
    assert [f.verdict for f in findings(INFY, TODAY, None)] == ["unknown"]


def test_a_token_of_another_segment_is_wrong() -> None:
    odd = an_instrument("ODD", token=408066)
    assert any(f.verdict == "danger" and "segment 2" in f.text for f in findings(odd, TODAY, CHANGED))


def test_the_last_day_of_a_contract_is_told() -> None:
    assert NIFTY_FUTURE.expiry is not None
    assert Finding("warn", "It expires today.") in findings(NIFTY_FUTURE, NIFTY_FUTURE.expiry, CHANGED)
    assert Finding("danger", "It has expired.") in findings(NIFTY_FUTURE, date(2026, 12, 30), CHANGED)


def test_the_report_names_the_watched_and_counts_the_rest() -> None:
    said = report_of(CHANGED, [FUTURE.key])
    assert "1 new, 0 expired, 0 gone, 2 changed" in said
    assert said.splitlines()[1].startswith("Of the watched ones: 0 new, 0 expired, 0 gone, 1 changed")
    assert "no earlier one is kept" in report_of(None, [])


def test_the_report_says_what_became_of_the_freeze_quantities_of_watched_contracts() -> None:
    since = FREEZE[-1].since
    odd = replace(NIFTY_FUTURE, name="NOSUCHNAME", tradingsymbol="NOSUCHFUT")
    assert freeze_report([INFY], since) == ""
    assert (
        freeze_report([NIFTY_FUTURE, NIFTY_FUTURE, odd], since + timedelta(days=8))
        == "none changed; not known: NOSUCHNAME"
    )
    moved = [name for name, units in FREEZE[-1].by_underlying.items() if FREEZE[-2].by_underlying.get(name) != units]
    exchange, name = moved[0]
    contract = replace(NIFTY_FUTURE, exchange=exchange, name=name, lot_size=1)
    before, now = FREEZE[-2].by_underlying.get(moved[0]), FREEZE[-1].by_underlying[moved[0]]
    assert f"{name} {before} → {now}" in freeze_report([contract], since + timedelta(days=7))
    assert freeze_report([contract], since + timedelta(days=8)) == "none changed"
    assert "freeze quantities: none changed." in report_of(CHANGED, [], "none changed")


def test_the_sheet_looks_up_the_changes_of_the_one_that_is_shown(run: Any, eventually: Any) -> None:
    async def changes() -> MasterChanges:
        return CHANGED

    async def story() -> None:
        async with Scope("ui", lambda *_: None) as scope:
            over = QWidget()
            edge = Edge(scope, FrameClock(), lambda *_: None)
            sheet = IdentitySheet(changes, lambda: [FUTURE.key], lambda: TODAY, edge, over)
            sheet.show_instrument(INFY)
            sheet.show_instrument(FUTURE)
            await eventually(lambda: "2 changed" in sheet.report.text())
            said = [label.text() for label in sheet.findChildren(QLabel)]
            assert "Its lot size changed today: 75 before, 65 now." in said
            assert sheet.title.text() == FUTURE.key
            shiboken6.delete(over)

    run(story())
