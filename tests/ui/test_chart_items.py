"""One look at the pixels of every chart item."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QImage

from alphapanda_desktop.domain.bars import BarSeries, TickSeries
from alphapanda_desktop.domain.market import Bar, Interval
from alphapanda_desktop.ui.chart import strokes
from alphapanda_desktop.ui.chart.items import MARKER_PX, Dress, Marker, body_width, sunk
from alphapanda_desktop.ui.chart.pane import Pane
from alphapanda_desktop.ui.chart.plot import Plot
from alphapanda_desktop.ui.chart.series import CandleSource, TickSource
from alphapanda_desktop.ui.theme import DARK, LIGHT, Theme
from tests.ui.fakes_market import INFY, NIFTY

START = 1_795_405_500  # 23 Nov 2026 09:15 IST
UP, DOWN, PANEL = QColor(DARK.up), QColor(DARK.down), QColor(DARK.panel)


class Surface:
    """A plot on a widget of fixed size, with questions about its pixels."""

    def __init__(self) -> None:
        self.theme: Theme = DARK
        self.plot = Plot(lambda: self.theme)
        self.plot.resize(800, 500)
        self.plot.show()

    def image(self) -> QImage:
        self.plot.refresh()
        return self.plot.grab().toImage()

    def pixel(self, pane: Pane, x: float, y: float) -> QPoint:
        self.plot.refresh()
        return QPoint(math.floor(pane.px(x)), math.floor(pane.py(y)))

    def colour(self, pane: Pane, x: float, y: float, dx: int = 0, dy: int = 0) -> QColor:
        at = self.pixel(pane, x, y) + QPoint(dx, dy)
        return self.image().pixelColor(at)


@pytest.fixture
def surface(qapp: Any) -> Iterator[Surface]:
    surface = Surface()
    yield surface
    shiboken6.delete(surface.plot)


def bars_of(*rows: tuple[float, float, float, float, int]) -> BarSeries:
    """Rows open, high, low, close, volume, all closed."""
    series = BarSeries(Interval.MINUTE)
    series.backfill([Bar(START + 60 * k, *row) for k, row in enumerate(rows)])
    return series


RISE, FALL = (100.0, 120.0, 90.0, 110.0, 1_000), (110.0, 120.0, 90.0, 100.0, 500)


def test_a_rising_candle_is_green_and_a_falling_one_red(surface: Surface) -> None:
    surface.plot.show_source(CandleSource(bars_of(RISE, FALL)), INFY, "1m")
    prices = surface.plot.prices
    assert surface.colour(prices, 0, 105) == UP
    assert surface.colour(prices, 1, 105) == DOWN


def test_a_body_reaches_from_open_to_close_and_a_wick_from_low_to_high(surface: Surface) -> None:
    surface.plot.show_source(CandleSource(bars_of(RISE, RISE, RISE)), INFY, "1m")
    prices = surface.plot.prices
    half = body_width(prices.bar_px) // 2
    assert surface.colour(prices, 1, 106, dx=half) == UP
    assert surface.colour(prices, 1, 106, dx=-half) == UP
    assert surface.colour(prices, 1, 106, dx=half + 1) == PANEL
    assert surface.colour(prices, 1, 106, dx=-half - 1) == PANEL
    for price in (117, 93):
        assert surface.colour(prices, 1, price) == UP
        assert surface.colour(prices, 1, price, dx=1) == PANEL
        assert surface.colour(prices, 1, price, dx=-1) == PANEL
    assert surface.colour(prices, 1, 88.5) != UP


@pytest.mark.parametrize("bar_px", [1.0, 2.9, 3.0, 6.4, 8.0, 13.7, 55.0])
def test_a_wick_is_in_the_middle_of_its_body(bar_px: float) -> None:
    assert body_width(bar_px) % 2 == 1
    assert 1 <= body_width(bar_px) <= max(1, bar_px - 0.5)


def test_a_hollow_candle_is_an_outline_that_needs_no_colour(surface: Surface) -> None:
    surface.plot.show_source(CandleSource(bars_of(RISE, FALL)), INFY, "1m")
    surface.plot.set_dress(Dress(hollow=True, up="buy", down="sell"))
    prices = surface.plot.prices
    half = body_width(prices.bar_px) // 2
    assert surface.colour(prices, 0, 105) == PANEL
    assert surface.colour(prices, 0, 106, dx=half) == QColor(DARK.buy)
    assert surface.colour(prices, 0, 117) == QColor(DARK.buy)
    assert surface.colour(prices, 1, 105) == QColor(DARK.sell)


def test_a_bar_that_never_moved_can_still_be_seen(surface: Surface) -> None:
    surface.plot.show_source(CandleSource(bars_of(RISE, (100.0, 100.0, 100.0, 100.0, 1))), INFY, "1m")
    image = surface.image()
    at = surface.pixel(surface.plot.prices, 1, 100)
    assert UP in [image.pixelColor(at + QPoint(2, dy)) for dy in (-1, 0, 1)]


def test_volume_columns_stand_on_the_floor_as_high_as_their_volume(surface: Surface) -> None:
    surface.plot.show_source(CandleSource(bars_of(RISE, FALL)), INFY, "1m")
    volumes = surface.plot.volumes
    assert surface.colour(volumes, 0, 900) == sunk(DARK, "up")
    assert surface.colour(volumes, 1, 300) == sunk(DARK, "down")
    assert surface.colour(volumes, 1, 900) == PANEL


def test_an_index_has_no_volume_pane(surface: Surface) -> None:
    surface.plot.show_source(CandleSource(bars_of(RISE, FALL)), NIFTY, "1m")
    surface.image()
    assert not surface.plot.volumes.isVisible()
    with_index = surface.plot.prices.height()
    surface.plot.show_source(CandleSource(bars_of(RISE, FALL)), INFY, "1m")
    surface.image()
    assert surface.plot.prices.height() < with_index


def test_the_tick_line_holds_a_price_until_the_next(surface: Surface) -> None:
    ring = TickSeries()
    for k, price in enumerate((100.0, 104.0, 104.0, 98.0)):
        ring.add(START + k, price, None)
    surface.plot.show_source(TickSource(ring), INFY, "Tick")
    accent = QColor(DARK.accent)
    prices, image = surface.plot.prices, surface.image()
    for x, y in ((0.5, 100.0), (1.5, 104.0), (2.5, 104.0), (3.0, 101.0)):
        at = surface.pixel(prices, x, y)
        near = [image.pixelColor(at + QPoint(dx, dy)) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        assert accent in near, (x, y)


def test_a_buy_points_up_from_below_and_a_sell_down_from_above(surface: Surface) -> None:
    surface.plot.show_source(CandleSource(bars_of(RISE, (100.0, 100.1, 99.9, 100.0, 1), FALL)), INFY, "1m")
    buy, sell = Marker(START + 70, 96.0, "BUY", "Bought 10"), Marker(START + 70, 114.0, "SELL", "Sold 10")
    surface.plot.set_markers([buy, sell])
    prices = surface.plot.prices
    assert surface.colour(prices, 1, 96.0, dy=6) == QColor(DARK.buy)
    assert surface.colour(prices, 1, 114.0, dy=-6) == QColor(DARK.sell)
    here = surface.pixel(prices, 1, 96.0)
    assert surface.plot.markers.at(prices, here.x(), here.y() + MARKER_PX / 2) == buy
    assert surface.plot.markers.at(prices, here.x() + 40, here.y()) is None


def test_the_last_price_has_a_line_and_a_label(surface: Surface) -> None:
    surface.plot.show_source(CandleSource(bars_of(RISE, FALL)), INFY, "1m")
    y = surface.pixel(surface.plot.prices, 0, 100.0).y()
    image = surface.image()
    row = [image.pixelColor(x, y) for x in range(5, 300)]
    assert row.count(DOWN) > 80
    assert image.pixelColor(surface.plot.width() - 3, y) == DOWN
    tag = surface.plot.price_axis.tag("last")
    assert tag is not None
    assert tag.text == "100.00"


def test_bars_that_may_lack_trades_stand_on_a_band(surface: Surface) -> None:
    series = bars_of(RISE, RISE)
    series.add_price(START + 125, 110.0, 0)  # ticks begin amid the third minute
    surface.plot.show_source(CandleSource(series), INFY, "1m")
    assert series.gap_rows() == [(2, 3)]
    prices = surface.plot.prices
    assert surface.colour(prices, 2, 89.0) == sunk(DARK, "warn", 0.12)
    assert surface.colour(prices, 1, 89.0) == PANEL
    surface.plot.point_at(surface.pixel(prices, 2, 95.0))
    assert "trades may be missing" in surface.plot.legend.text
    series.backfill([Bar(START + 120, *RISE)])
    assert surface.colour(prices, 2, 89.0) == PANEL


def test_both_themes_draw_in_their_own_colours(surface: Surface) -> None:
    surface.plot.show_source(CandleSource(bars_of(RISE, FALL)), INFY, "1m")
    surface.image()
    surface.theme = LIGHT
    surface.plot.spoil()
    assert surface.colour(surface.plot.prices, 0, 105) == QColor(LIGHT.up)


def test_narrow_bars_are_joined_and_keep_their_extremes(surface: Surface) -> None:
    rows = [(100.0, 101.0, 99.0, 100.5, 10)] * 5_000
    rows[2_345] = (100.0, 150.0, 60.0, 100.5, 10)
    surface.plot.show_source(CandleSource(bars_of(*rows)), INFY, "1m")
    surface.plot.fit()
    surface.image()
    low, high = surface.plot.prices.viewRange()[1]
    assert low < 60
    assert high > 150
    image, at = surface.image(), surface.pixel(surface.plot.prices, 2_345, 140.0)
    assert UP in [image.pixelColor(at + QPoint(dx, 0)) for dx in range(-6, 7)]


# --- scales


def test_equal_steps_of_a_log_scale_are_equal_per_cents(surface: Surface) -> None:
    surface.plot.show_source(CandleSource(bars_of((10.0, 1_000.0, 10.0, 900.0, 5))), INFY, "1m")
    surface.plot.set_scale("log")
    y = [float(surface.plot.prices.py(price)) for price in (10.0, 100.0, 1_000.0)]
    assert y[0] - y[1] == pytest.approx(y[1] - y[2])
    assert 0 < y[2] < y[0] < surface.plot.prices.height()
    assert surface.plot.prices.price_at(y[1]) == pytest.approx(100.0)
    assert 100.0 in surface.plot.price_axis.marks().tolist()


def test_a_spread_below_zero_stays_on_an_even_scale(surface: Surface) -> None:
    surface.plot.show_source(CandleSource(bars_of((1.0, 2.0, -3.0, -1.0, 5))), INFY, "1m")
    surface.plot.set_scale("log")
    assert not surface.plot.prices.log
    assert surface.colour(surface.plot.prices, 0, 0.0) == DOWN


def test_per_cents_are_counted_from_the_first_bar_in_sight(surface: Surface) -> None:
    rows = [(p, p + 1, p - 1, p, 5) for p in (100.0, *[110.0] * 200)]
    surface.plot.show_source(CandleSource(bars_of(*rows)), INFY, "1m")
    surface.plot.fit()
    surface.plot.set_scale("percent")
    assert surface.plot.price_axis.words_of(110.0) == "+10.00 %"
    tag = surface.plot.price_axis.tag("last")
    assert tag is not None and tag.text == "+10.00 %"
    surface.plot.zoom(0.3, 150)
    assert surface.plot.price_axis.words_of(110.0) == "0.00 %"


# --- what is gone through, and when


def a_long_series(count: int) -> BarSeries:
    return bars_of(*[(100.0 + k % 7, 103.0 + k % 7, 98.0, 101.0 + k % 5, 10) for k in range(count)])


def test_the_crosshair_moves_without_painting_data(surface: Surface) -> None:
    surface.plot.show_source(CandleSource(a_long_series(300)), INFY, "1m")
    surface.image()
    surface.image()  # the first went straight to the screen, this one fills the sheet
    before = surface.plot.sheet.made, surface.plot.sheet.patched
    for x in range(100, 500, 25):
        surface.plot.point_at(QPoint(x, 200))
        surface.image()
    assert surface.plot.crosshair.shown
    assert (surface.plot.sheet.made, surface.plot.sheet.patched) == before


def test_a_tick_paints_no_more_than_its_bar(surface: Surface) -> None:
    series = a_long_series(60)
    series.add_price(START + 60 * 60, 100.0, 0)
    series.add_price(START + 60 * 60 + 1, 101.0, 2)
    surface.plot.show_source(CandleSource(series), INFY, "1m")
    surface.image()
    surface.image()  # the first went straight to the screen, this one fills the sheet
    places: list[Any] = []
    real = surface.plot.sheet.spoil_part
    surface.plot.sheet.spoil_part = lambda place: (places.append(place), real(place))[0]  # type: ignore[method-assign]
    made = surface.plot.sheet.made
    series.add_price(START + 60 * 60 + 5, 100.5, 3)
    surface.image()
    assert surface.plot.sheet.made == made
    assert 1 <= len(places) <= 2
    width = body_width(surface.plot.prices.bar_px)
    assert all(place.width() == width for place in places)
    prices = surface.plot.prices
    assert places[0].height() <= prices.py(100.0) - prices.py(101.0) + 4


def test_a_moving_bar_is_drawn_where_it_is_now(surface: Surface) -> None:
    series = a_long_series(60)
    surface.plot.show_source(CandleSource(series), INFY, "1m")
    series.add_price(START + 60 * 60, 100.0, 0)
    surface.image()
    series.add_price(START + 60 * 60 + 5, 104.0, 50)
    assert surface.colour(surface.plot.prices, 60, 102.0) == UP
    series.add_price(START + 60 * 60 + 9, 98.5, 60)
    assert surface.colour(surface.plot.prices, 60, 99.2) == DOWN


def test_lines_come_out_the_same_by_pointer_and_by_list(qapp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    images = []
    for works in (True, False):
        monkeypatch.setattr(strokes, "pointers_work", lambda works=works: works)
        surface = Surface()
        surface.plot.show_source(CandleSource(a_long_series(100)), INFY, "1m")
        images.append(surface.image())
        shiboken6.delete(surface.plot)
    assert images[0] == images[1]


def test_this_qt_draws_from_pointers() -> None:
    assert strokes.pointers_work()
