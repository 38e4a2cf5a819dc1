"""The watchlist as it is painted: digits in their places, signs of age, and partial paints that leave nothing wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QImage, QPixmap

from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.quotemodel import AGE, COLUMNS, PERCENT, PRICE, RARE, SYMBOL
from alphapanda_desktop.ui.stamps import Ink, Stamps
from alphapanda_desktop.ui.theme import DARK, LIGHT, ui_font
from alphapanda_desktop.ui.watchlist import Watchlist
from tests.ui.fakes_market import ALL, FUTURE, INFY, NIFTY, OPTION, MarketStage


class Pane:
    def __init__(self) -> None:
        self.stage = MarketStage()
        self.edge = Edge(Scope("ui", lambda *_: None), FrameClock(), lambda *_: None)
        self.list = Watchlist(self.edge, self.stage.market, lambda _: None, [i.key for i in ALL])
        self.list.setFont(ui_font())
        self.list.resize(620, 300)
        self.list.show()
        self.table, self.model = self.list.table, self.list.model

    def frame(self) -> None:
        self.edge.frames.beat()

    def image(self) -> QImage:
        return self.table.viewport().grab().toImage()

    def cell_of(self, place: int, column: int) -> QImage:
        left, top = self.table.columnViewportPosition(column), self.table.rowViewportPosition(place)
        return self.image().copy(QRect(left, top, self.table.columnWidth(column), self.table.rowHeight(place)))


@pytest.fixture
def pane(qtbot: Any) -> Iterator[Pane]:
    made = Pane()
    yield made
    shiboken6.delete(made.list)


def inked(image: QImage) -> list[int]:
    """Columns of pixels that hold anything but the ground."""
    ground = image.pixel(image.width() // 2, 0)
    return [x for x in range(image.width()) if any(image.pixel(x, y) != ground for y in range(image.height()))]


def has(image: QImage, colour: str, tolerance: int = 0) -> bool:
    wanted = QColor(colour)
    return any(
        max(abs(a - b) for a, b in zip(image.pixelColor(x, y).getRgb(), wanted.getRgb(), strict=True)) <= tolerance
        for x in range(image.width())
        for y in range(image.height())
    )


def test_a_rising_and_a_falling_price_have_their_colours(pane: Pane) -> None:
    pane.stage.tick(INFY, 110.0, close=100.0)
    pane.stage.tick(OPTION, 90.0, close=100.0)
    pane.frame()
    up, down = pane.model.place(INFY.instrument_token), pane.model.place(OPTION.instrument_token)
    assert up is not None and down is not None
    assert has(pane.cell_of(up, PRICE), DARK.up, 40) and not has(pane.cell_of(up, PRICE), DARK.down, 40)
    assert has(pane.cell_of(down, PERCENT), DARK.down, 40)


def test_digits_stay_in_their_places_while_a_price_moves(pane: Pane) -> None:
    ends = set()
    for price in (1502.35, 1111.15, 1888.85, 1504.75):
        pane.stage.tick(INFY, price)
        pane.model._flashing.clear()
        pane.frame()
        pane.model._flashing.clear()
        ends.add((pane.table._stamps.width(f"{price:,.2f}"), max(inked(pane.cell_of(0, PRICE))) // 2))
    assert len({width for width, _ in ends}) == 1
    assert len({end for _, end in ends}) <= 2  # a 5 and a 1 do not end on the same pixel


def test_age_is_told_by_a_shape_at_the_price(pane: Pane) -> None:
    pane.stage.tick(INFY, 100.0)
    pane.frame()
    fresh = pane.cell_of(0, PRICE)
    seen = []
    for seconds in (12, 30):
        pane.stage.clock.advance(seconds)
        pane.model._ages_at_s = 0.0
        pane.frame()
        seen.append(pane.cell_of(0, PRICE))
    signs = [image.copy(0, 0, 10, image.height()) for image in (fresh, *seen)]
    assert not has(signs[0], DARK.warn, 60) and has(signs[1], DARK.warn, 60) and has(signs[2], DARK.warn, 60)
    assert signs[1] != signs[2]
    assert pane.model.cell(0, AGE).text == "stale 42 s"


def test_a_selected_row_is_filled_and_every_column_keeps_its_words(pane: Pane) -> None:
    pane.stage.tick(INFY, 100.0, close=90.0)
    pane.frame()
    pane.table.selectRow(0)
    for column in (column for column in range(len(COLUMNS)) if column not in RARE):
        cell = pane.cell_of(0, column)
        assert has(cell, DARK.selection)
        assert len(inked(cell)) > 3


def test_another_theme_is_painted_in_its_own_colours(pane: Pane) -> None:
    pane.stage.tick(INFY, 110.0, close=100.0)
    pane.frame()
    assert has(pane.cell_of(0, PRICE), DARK.up, 40)
    pane.model.set_theme(LIGHT)
    assert has(pane.cell_of(0, SYMBOL), LIGHT.text, 40)


@pytest.mark.parametrize("seed", range(2))
def test_a_partial_paint_leaves_what_a_whole_one_would(pane: Pane, seed: int) -> None:
    rng, viewport = random.Random(seed), pane.table.viewport()
    now = [1_000.0]
    pane.model._monotonic_s = lambda: now[0]
    pane.frame()
    kept = QPixmap(viewport.size())
    kept.fill(QColor(DARK.panel))
    viewport.render(kept, sourceRegion=viewport.rect())
    dirty: list[QRect] = []

    def note(first: Any, last: Any, *_: Any) -> None:
        dirty.append(pane.table.visualRect(first).united(pane.table.visualRect(last)))

    pane.model.dataChanged.connect(note)
    for _ in range(25):
        dirty.clear()
        for instrument in rng.sample((INFY, NIFTY, FUTURE, OPTION), rng.randint(0, 3)):
            pane.stage.tick(instrument, round(rng.uniform(90, 110), 2), rng.randint(1, 10**6), close=100.0)
        step_s = rng.choice((0.03, 0.2, 1.1))
        now[0] += step_s
        pane.stage.clock.advance(rng.choice((step_s, 15.0)))
        pane.frame()
        for rect in dirty:
            viewport.render(kept, rect.topLeft(), rect)
        whole = QPixmap(viewport.size())
        whole.fill(QColor(DARK.panel))
        viewport.render(whole, sourceRegion=viewport.rect())
        assert kept.toImage() == whole.toImage()


def test_pictures_of_words_are_kept_and_do_not_grow_without_end(qapp: Any) -> None:
    stamps, ink = Stamps(ui_font()), Ink(QColor("#ffffff"), QColor("#ffffff").rgba())
    assert stamps.of("1,502", ink) is stamps.of("1,502", ink)
    assert stamps.of("1,502", ink) is not stamps.of("1,502", Ink(QColor("#ff0000"), 1))
    for number in range(9_000):
        stamps.of(str(number % 5_000), ink)
    assert len(stamps._made) <= 4_096


def test_every_column_is_in_sight_at_the_width_that_a_window_of_1600_pixels_gives(pane: Pane) -> None:
    pane.list.resize(529, 300)
    pane.image()
    assert pane.table.horizontalScrollBar().maximum() == 0
    assert pane.table.columnViewportPosition(AGE) + pane.table.columnWidth(AGE) <= pane.table.viewport().width()
    assert pane.table.columnWidth(SYMBOL) >= 52


def test_only_the_table_itself_is_painted_where_there_is_no_row(pane: Pane) -> None:
    pane.list.filter.setText("nothing has this name")
    assert has(pane.image(), DARK.muted, 40)
    assert pane.model.rowCount() == 0
    pane.table.horizontalHeader().setSortIndicator(1, Qt.SortOrder.AscendingOrder)
