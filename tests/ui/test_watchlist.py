from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.tables import Cell
from alphapanda_desktop.ui.watchlist import COLUMNS, Watchlist
from tests.ui.fakes_market import FUTURE, INFY, NIFTY, OPTION, RUPEE, MarketStage


class Pane:
    """A watchlist on a stage, with what it said."""

    def __init__(self, *keys: str) -> None:
        self.stage = MarketStage()
        self.saved: list[list[str]] = []
        self.notices: list[str] = []
        self.chosen: list[Instrument] = []
        self.wanted: list[tuple[Instrument, str]] = []
        self.edge = Edge(Scope("ui", lambda *_: None), FrameClock(), lambda text, _: self.notices.append(text))
        self.list = Watchlist(self.edge, self.stage.market, self.saved.append, keys)
        self.list.chosen.connect(self.chosen.append)
        self.list.order_wanted.connect(lambda instrument, side: self.wanted.append((instrument, side)))
        self.list.resize(700, 300)
        self.list.show()

    def frame(self) -> None:
        self.edge.frames.beat()

    def cell(self, instrument: Instrument, title: str) -> Cell:
        place = self.list.model.place(instrument.instrument_token)
        assert place is not None
        return self.list.model.cell(place, [column.title for column in COLUMNS].index(title))


@pytest.fixture
def pane(qtbot: Any) -> Iterator[Callable[..., Pane]]:
    made: list[Pane] = []

    def make(*keys: str) -> Pane:
        made.append(Pane(*keys))
        return made[-1]

    yield make
    for each in made:
        if shiboken6.isValid(each.list):
            shiboken6.delete(each.list)


def test_what_is_listed_is_subscribed_in_full_mode(pane: Any) -> None:
    p = pane(INFY.key, NIFTY.key)
    assert p.stage.feed.wanted == {INFY.instrument_token: Mode.FULL, NIFTY.instrument_token: Mode.FULL}
    p.list.remove(INFY)
    assert p.stage.feed.wanted == {NIFTY.instrument_token: Mode.FULL}


def test_a_row_shows_price_change_book_and_volume(pane: Any) -> None:
    p = pane(INFY.key)
    p.stage.tick(INFY, 1502.35, volume=3_456_789, close=1490.0)
    p.frame()
    said = {column.title: p.cell(INFY, column.title).text for column in COLUMNS if not column.rare}
    assert said == {
        "Symbol": "INFY",
        "Last": "1,502.35",
        "Chg": "▲ 12.35",
        "Chg %": "+0.83 %",
        "Bid": "1,502.30",
        "Ask": "1,502.40",
        "Volume": "34.57 L",
        "Age": "now",
    }


def test_prices_have_the_digits_of_their_instrument(pane: Any) -> None:
    p = pane(RUPEE.key)
    p.stage.tick(RUPEE, 88.5)
    p.frame()
    assert p.cell(RUPEE, "Last").text == "88.5000"


@pytest.mark.parametrize(("close", "role", "text"), [(90.0, "up", "▲ 10.00"), (110.0, "down", "▼ 10.00")])
def test_a_move_is_told_by_colour_and_by_shape(pane: Any, close: float, role: str, text: str) -> None:
    p = pane(INFY.key)
    p.stage.tick(INFY, 100.0, close=close)
    p.frame()
    assert p.cell(INFY, "Last").colour == role
    assert p.cell(INFY, "Chg") == Cell(text, role)


def test_an_instrument_that_never_ticked_shows_no_number(pane: Any) -> None:
    p = pane(INFY.key)
    assert p.cell(INFY, "Last") == Cell("–", "muted")
    assert p.cell(INFY, "Age") == Cell("never", "warn", "warn")


def test_an_old_price_loses_its_colour_and_says_its_age(pane: Any) -> None:
    p = pane(INFY.key)
    p.stage.tick(INFY, 100.0, close=90.0)
    p.frame()
    p.stage.clock.advance(42)
    p.list.model._ages_at_s = 0.0  # a second has passed on the wall
    p.frame()
    assert p.cell(INFY, "Last") == Cell("100.00", "muted", mark="stale")
    assert p.cell(INFY, "Age") == Cell("stale 42 s", "warn", "warn")


def test_a_price_that_is_late_for_its_instrument_says_so_and_keeps_its_colour(pane: Any) -> None:
    p = pane(INFY.key)
    p.stage.tick(INFY, 100.0, close=90.0)
    p.stage.clock.advance(12)
    p.frame()
    assert p.cell(INFY, "Last") == Cell("100.00", "up", mark="late")
    assert p.cell(INFY, "Age") == Cell("late 12 s", "warn")


def test_a_lost_link_makes_every_price_old_without_a_tick(pane: Any) -> None:
    p = pane(INFY.key)
    p.stage.tick(INFY, 100.0)
    p.frame()
    p.stage.market.take_link(LinkReport(LinkState.WAITING))
    p.list.model._ages_at_s = 0.0
    p.frame()
    assert p.cell(INFY, "Last").colour == "muted"


def test_a_frame_goes_through_the_instruments_that_ticked_only(pane: Any) -> None:
    p = pane(INFY.key, FUTURE.key)
    p.frame()
    p.stage.tick(INFY, 100.0)
    p.stage.tick(OPTION, 5.0)
    changed: list[int] = []
    p.list.model.dataChanged.connect(lambda a, *_: changed.append(a.row()))
    p.frame()
    assert set(changed) == {0}
    changed.clear()
    p.frame()
    assert changed == []


def test_nothing_is_repainted_while_the_list_is_hidden(pane: Any) -> None:
    p = pane(INFY.key)
    p.frame()
    changed = announced(p)
    p.list.hide()
    p.stage.tick(INFY, 100.0)
    p.frame()
    assert changed == []
    p.list.show()
    p.frame()
    assert changed == [INFY.instrument_token]
    assert p.cell(INFY, "Last").text == "100.00"


def announced(p: Pane) -> list[int]:
    """Tokens of the rows whose cells are announced from now on, each once in a frame's order."""
    seen: list[int] = []

    def note(first: Any, *_: Any) -> None:
        token = p.list.model.row(first.row()).instrument.instrument_token
        if token not in seen[-1:]:
            seen.append(token)

    p.list.model.dataChanged.connect(note)
    return seen


def test_a_changed_price_lights_up_for_a_moment_and_one_that_came_out_of_sight_does_not(pane: Any) -> None:
    p = pane(INFY.key)
    model, now = p.list.model, [100.0]
    model._monotonic_s = lambda: now[0]
    p.stage.tick(INFY, 100.0)
    p.frame()
    assert model.flash(0, 1) is None
    for price, role in ((101.0, "up"), (100.0, "down")):
        now[0] += 0.1
        p.stage.tick(INFY, price)
        p.frame()
        assert (model.flash(0, 1), model.flash(0, 5)) == (role, None)
    now[0] += 0.4
    changed = announced(p)
    p.frame()
    assert model.flash(0, 1) is None and changed == [INFY.instrument_token]
    now[0] += 60.0
    p.stage.tick(INFY, 105.0)
    p.frame()
    assert model.flash(0, 1) is None


def test_numbers_that_change_faster_than_an_eye_follows_are_shown_every_other_frame(
    pane: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = pane(INFY.key)
    monkeypatch.setattr("alphapanda_desktop.ui.quotemodel.BUSY_CELLS", 1)
    now = [100.0]
    p.list.model._monotonic_s = lambda: now[0]
    p.frame()
    changed: list[int] = []
    p.list.model.dataChanged.connect(lambda first, *_: changed.append(first.row()))
    shown = []
    for frame in range(6):
        now[0] += 0.033
        p.stage.tick(INFY, 100.0 + frame, volume=frame)
        changed.clear()
        p.frame()
        shown.append(bool(changed))
    assert shown == [True, False, True, False, True, False]
    now[0] += 0.033
    p.frame()
    assert p.cell(INFY, "Last").text == "105.00"


def test_only_rows_in_sight_are_worked_on_and_one_that_is_scrolled_to_is_true(pane: Any) -> None:
    p = pane(INFY.key, *(i.key for i in (NIFTY, FUTURE, RUPEE, OPTION)))
    model = p.list.model
    model.visible = lambda: (0, 1)
    p.stage.tick(OPTION, 10.0)
    p.frame()
    assert p.cell(OPTION, "Last").text == "10.00"
    changed = announced(p)
    p.stage.tick(OPTION, 11.0)
    p.frame()
    assert changed == []
    model.visible = lambda: (3, 4)
    p.frame()
    assert changed == [OPTION.instrument_token]
    assert p.cell(OPTION, "Last").text == "11.00"


@pytest.mark.parametrize(
    ("title", "rising", "without"),
    [
        ("Symbol", ["INFY", "NIFTY 50", "NIFTY26DEC26000CE", "NIFTY26DECFUT", "USDINR26DECFUT"], []),
        ("Last", ["NIFTY26DEC26000CE", "USDINR26DECFUT", "INFY"], ["NIFTY 50", "NIFTY26DECFUT"]),
        ("Chg", ["INFY", "NIFTY26DEC26000CE"], ["NIFTY 50", "NIFTY26DECFUT", "USDINR26DECFUT"]),
        ("Chg %", ["NIFTY26DEC26000CE", "INFY"], ["NIFTY 50", "NIFTY26DECFUT", "USDINR26DECFUT"]),
        ("Volume", ["NIFTY26DEC26000CE", "INFY", "USDINR26DECFUT"], ["NIFTY 50", "NIFTY26DECFUT"]),
        ("Bid", ["NIFTY26DEC26000CE", "INFY"], ["NIFTY 50", "NIFTY26DECFUT"]),
    ],
)
def test_rows_are_sorted_by_what_a_column_means_and_those_without_a_value_are_last(
    pane: Any, title: str, rising: list[str], without: list[str]
) -> None:
    p = pane(*(i.key for i in (INFY, NIFTY, FUTURE, RUPEE, OPTION)))
    p.stage.tick(INFY, 1500.0, volume=900, close=1600.0)
    p.stage.tick(RUPEE, 88.5, volume=500_000)
    p.stage.tick(OPTION, 5.0, volume=20, close=10.0)
    column = [c.title for c in COLUMNS].index(title)
    p.list.table.selectRow(0)
    for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
        p.list.model.sort(column, order)
        shown = [q.instrument.tradingsymbol for q in p.list.model.rows()]
        assert [name for name in shown if name in rising] == rising
        assert without == [] or set(without) == set(shown[-len(without) :])
        rising = rising[::-1]
    assert p.list.current() == INFY
    p.list.model.sort(-1)
    assert p.list.model.rows()[0].instrument == INFY


def test_a_filter_shows_rows_with_all_its_words_and_keeps_the_row_that_was_chosen(pane: Any) -> None:
    p = pane(INFY.key, NIFTY.key, FUTURE.key, OPTION.key)
    p.list.table.selectRow(2)
    p.list.filter.setText("nifty nfo")
    assert [q.instrument for q in p.list.model.rows()] == [FUTURE, OPTION]
    assert p.list.current() == FUTURE and p.chosen == [FUTURE]
    p.list.remove(OPTION)
    assert [q.instrument for q in p.list.model.rows()] == [FUTURE]
    p.list.filter.clear()
    assert p.list.keys() == [q.instrument.key for q in p.list.model.rows()] == [INFY.key, NIFTY.key, FUTURE.key]


def test_f_opens_the_filter_and_escape_ends_it(pane: Any) -> None:
    p = pane(INFY.key, NIFTY.key)
    QTest.keyClicks(p.list.table, "f")
    assert p.list.filter.isVisible()
    QTest.keyClicks(p.list.filter, "nif")
    assert p.list.model.rowCount() == 1
    QTest.keyClick(p.list.filter, Qt.Key.Key_Escape)
    assert not p.list.filter.isVisible() and p.list.model.rowCount() == 2


def test_all_columns_are_in_sight_at_the_width_that_the_window_gives(pane: Any) -> None:
    p = pane(INFY.key)
    p.list.resize(560, 300)
    QTest.qWait(0)
    assert p.list.table.horizontalScrollBar().maximum() == 0


def test_the_model_keeps_qts_rules(pane: Any, qtmodeltester: Any) -> None:
    p = pane(INFY.key, NIFTY.key, FUTURE.key)
    p.stage.tick(INFY, 100.0, close=99.0)
    qtmodeltester.check(p.list.model)
    p.list.model.sort(1)
    p.list.add(OPTION)
    p.list.remove(NIFTY)
    qtmodeltester.check(p.list.model)


def test_typing_a_name_and_enter_adds_the_instrument(pane: Any) -> None:
    p = pane()
    QTest.keyClicks(p.list.search, "nifty fut")
    QTest.keyClick(p.list.search, Qt.Key.Key_Return)
    assert p.list.keys() == [FUTURE.key]
    assert p.saved == [[FUTURE.key]]
    assert p.list.search.text() == ""
    assert not p.list.search.results.isVisible()
    assert p.chosen == [FUTURE]


def test_the_results_follow_the_typing_after_a_pause(pane: Any, qtbot: Any) -> None:
    p = pane()
    QTest.keyClicks(p.list.search, "nifty")
    qtbot.waitUntil(lambda: p.list.search.model.rowCount() == 3, timeout=60_000)
    assert p.list.search.results.isVisible()
    QTest.keyClick(p.list.search, Qt.Key.Key_Escape)
    assert not p.list.search.results.isVisible()


def test_arrows_walk_through_the_results(pane: Any) -> None:
    p = pane()
    QTest.keyClicks(p.list.search, "nifty")
    p.list.search.search_now()
    first, second = p.list.search.model.rows()[:2]
    assert p.list.search.results.current_row() == first
    QTest.keyClick(p.list.search, Qt.Key.Key_Down)
    assert p.list.search.results.current_row() == second
    QTest.keyClick(p.list.search, Qt.Key.Key_Up)
    assert p.list.search.results.current_row() == first


def test_an_instrument_is_listed_once(pane: Any) -> None:
    p = pane(INFY.key, NIFTY.key)
    p.list.add(INFY)
    assert p.list.keys() == [INFY.key, NIFTY.key]
    assert p.saved == []
    assert p.list.current() == INFY


def test_choosing_a_row_gives_its_instrument(pane: Any) -> None:
    p = pane(INFY.key, NIFTY.key)
    p.list.table.selectRow(1)
    assert p.chosen == [NIFTY]


def test_b_and_s_ask_for_an_order_in_the_current_row(pane: Any) -> None:
    p = pane(INFY.key)
    p.list.table.selectRow(0)
    QTest.keyClick(p.list.table, Qt.Key.Key_B)
    QTest.keyClick(p.list.table, Qt.Key.Key_S)
    assert p.wanted == [(INFY, "BUY"), (INFY, "SELL")]


def test_an_index_cannot_be_ordered(pane: Any) -> None:
    p = pane(NIFTY.key)
    p.list.table.selectRow(0)
    QTest.keyClick(p.list.table, Qt.Key.Key_B)
    assert p.wanted == []
    quote = p.list.model.row(0)
    assert [action.text() for action in p.list.table.menu_for(quote)] == ["Show chart", "Remove\tDel"]


def test_delete_takes_the_current_row_off_the_list(pane: Any) -> None:
    p = pane(INFY.key, NIFTY.key)
    p.list.table.selectRow(0)
    QTest.keyClick(p.list.table, Qt.Key.Key_Delete)
    assert p.list.keys() == [NIFTY.key]
    assert p.saved == [[NIFTY.key]]


def test_taking_a_row_off_chooses_no_other(pane: Any) -> None:
    p = pane(INFY.key, NIFTY.key)
    p.list.table.selectRow(0)
    p.list.remove(INFY)
    assert p.chosen == [INFY]


def test_a_slash_goes_to_the_search(pane: Any, qtbot: Any) -> None:
    p = pane(INFY.key)
    qtbot.waitExposed(p.list)
    p.list.activateWindow()
    p.list.table.setFocus()
    QTest.keyClicks(p.list.table, "/")
    qtbot.waitUntil(p.list.search.hasFocus, timeout=60_000)


def test_what_is_no_longer_in_the_master_is_said_and_dropped(pane: Any) -> None:
    p = pane(INFY.key, "NFO:NIFTY26NOVFUT")
    assert p.list.keys() == [INFY.key]
    assert "NFO:NIFTY26NOVFUT" in p.notices[0]
    assert p.saved == [[INFY.key]]


def test_a_destroyed_list_wants_no_ticks(pane: Any) -> None:
    p = pane(INFY.key)
    shiboken6.delete(p.list)
    assert p.stage.feed.wanted == {}
    assert p.edge.frames.count == 0


def test_chips_narrow_the_search_and_go_with_its_words(pane: Any) -> None:
    p = pane()
    search = p.list.search
    search.setText("nifty")
    search.search_now()
    everything = [i.key for i in search.model.rows()]
    assert {FUTURE.key, OPTION.key, NIFTY.key} <= set(everything)
    QTest.mouseClick(search.chips.chip("CE"), Qt.MouseButton.LeftButton)
    assert [i.key for i in search.model.rows()] == [OPTION.key]
    QTest.mouseClick(search.chips.chip("29 Dec 26"), Qt.MouseButton.LeftButton)
    assert [i.key for i in search.model.rows()] == [OPTION.key]
    QTest.mouseClick(search.chips.chip("CE"), Qt.MouseButton.LeftButton)
    assert {i.key for i in search.model.rows()} == {FUTURE.key, OPTION.key}
    search.clear()
    assert search.chips.isHidden()
    search.setText("nifty")
    search.search_now()
    assert [i.key for i in search.model.rows()] == everything
