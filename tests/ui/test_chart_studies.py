"""Indicators, Heikin-Ashi and drawings without a screen: their values, and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRect

from alphapanda_desktop.domain.anyindicator import indicator
from alphapanda_desktop.domain.bars import BarSeries
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.market import Bar, Interval
from alphapanda_desktop.ui.chart.chartbook import ChartBook
from alphapanda_desktop.ui.chart.drawings import KINDS, Drawing, levels, points_of
from alphapanda_desktop.ui.chart.heikin import HeikinBars
from alphapanda_desktop.ui.chart.pane import Pane
from alphapanda_desktop.ui.chart.profile import ProfileItem, spread
from alphapanda_desktop.ui.chart.renko import RenkoBars
from alphapanda_desktop.ui.chart.series import CandleSource
from alphapanda_desktop.ui.chart.studies import Curve, Study, a_study, catalogue, made_of
from tests.ui.fakes_market import AT_ONCE
from tests.ui.test_chart_partial import START, a_series

NAMED = ("SMA", "RSI", "MACD", "BBANDS", "OBV", "SUPERTREND", "CDLENGULFING")


def told(study: Study, bars: list[Bar]) -> list[np.ndarray]:
    """What a stream says after each bar, of the lines that are drawn."""
    made, shown = indicator(study.name, None, **dict(study.parameters)), Curve(study, a_series(2, 1)).shown
    stream = made.stream()
    return [np.atleast_1d(np.array(stream.add(*made.row(bar))))[shown] for bar in bars]


@pytest.mark.parametrize("name", NAMED)
def test_a_line_on_the_chart_says_what_a_strategy_hears_bar_by_bar(name: str) -> None:
    series, study = a_series(700, 3), a_study(name)
    drawn = Curve(study, series).between(0, 700, 1)
    assert np.array_equal(drawn.y, np.array(told(study, series.closed())).T, equal_nan=True)


@pytest.mark.parametrize("name", NAMED)
def test_the_forming_bar_has_the_value_that_it_has_once_closed(name: str) -> None:
    series, study = a_series(300, 4), a_study(name)
    curve = Curve(study, series)
    series.add_price(START + 5.0, 101.0, 100)
    series.add_price(START + 40.0, 99.5, 400)
    forming = curve.at(300).copy()
    assert series.closed_count == 300
    series.advance(START + 61.0)
    assert series.closed_count == 301
    assert np.array_equal(curve.at(300), forming, equal_nan=True)
    assert np.array_equal(Curve(study, series).at(300), forming, equal_nan=True)


def test_bars_that_history_changes_are_worked_out_anew_and_no_others() -> None:
    series = a_series(400, 5)
    curve = Curve(a_study("EMA", timeperiod=10), series)
    before = curve.between(200, 400, 1).y.copy()
    series.add_price(START + 1.0, 100.0, 10)
    series.add_price(START + 62.0, 100.0, 20)
    assert curve._known[200:400].all()
    assert np.array_equal(curve.between(200, 400, 1).y, before)
    at = int(series.start_s[300])
    series.backfill([Bar(at, 300.0, 301.0, 299.0, 300.0, 5)])
    after = curve.between(200, 400, 1).y
    assert np.array_equal(after[:, :100], before[:, :100]) and (after[:, 100:110] != before[:, 100:110]).all()
    assert np.array_equal(after, Curve(a_study("EMA", timeperiod=10), series).between(200, 400, 1).y)


def test_joined_bars_show_the_value_at_the_end_of_each() -> None:
    series = a_series(1_000, 6)
    curve = Curve(a_study("SMA"), series)
    joined, each = curve.between(0, 1_000, 16), curve.between(0, 1_000, 1)
    ends = np.minimum(np.arange(0, 1_000, 16) + 15, 999)
    assert np.array_equal(joined.y, each.y[:, ends], equal_nan=True)


def test_every_indicator_there_is_can_be_worked_out_at_its_bounds() -> None:
    rng = np.random.default_rng(1)
    columns = {name: rng.random(1_200) * 10 + 100 for name in ("open", "high", "low", "close", "volume")}
    assert len(catalogue()) > 150
    for one in catalogue():
        for which in ("default", "low", "high"):
            made = made_of(a_study(one.name, **{each.name: getattr(each, which) for each in one.parameters}))
            lines = made(*(columns[name] for name in made.columns))
            assert len(lines if isinstance(lines, tuple) else (lines,)) == len(made.lines), one.name


def test_a_parameter_out_of_bounds_is_refused_with_its_bounds() -> None:
    with pytest.raises(ValueError, match="timeperiod is 1, 2 to 1000 can be"):
        a_study("RSI", timeperiod=1)
    with pytest.raises(ValueError, match="no indicator 'MAVP'"):
        a_study("MAVP")


def by_hand(series: BarSeries) -> np.ndarray:
    """Heikin-Ashi's four prices as they are defined, row after row."""
    rows: list[list[float]] = []
    for bar in zip(series.open, series.high, series.low, series.close, strict=True):
        close = sum(map(float, bar)) / 4
        opened = (rows[-1][0] + rows[-1][3]) / 2 if rows else float(bar[0] + bar[3]) / 2
        rows.append([opened, max(bar[1], opened, close), min(bar[2], opened, close), close])
    return np.array(rows)


def of(bars: HeikinBars) -> np.ndarray:
    columns, rows = bars.columns, bars.columns.rows
    return np.array([c[:rows] for c in (columns.open, columns.high, columns.low, columns.close)]).T


def test_heikin_ashi_candles_follow_ticks_and_history() -> None:
    series, rng = a_series(200, 7), np.random.default_rng(2)
    bars = HeikinBars(series)
    assert np.allclose(of(bars), by_hand(series), rtol=1e-12)
    for k in range(60):
        series.add_price(START + 7.0 * k, 100.0 + float(rng.normal(0, 1)), 10 * k)
        if k % 9 == 0:
            assert np.allclose(of(bars), by_hand(series), rtol=1e-12)
    series.backfill([Bar(int(series.start_s[150]), 90.0, 91.0, 89.0, 90.5, 7)])
    series.backfill([Bar(int(series.start_s[0]) - 60, 90.0, 91.0, 89.0, 90.5, 7)])
    assert np.allclose(of(bars), by_hand(series), rtol=1e-12)
    whole = HeikinBars(series)
    assert np.array_equal(of(bars), of(whole))


def test_what_is_on_a_chart_outlives_the_program(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "charts.json"
    book = ChartBook(path, lambda text, _level: told.append(text), AT_ONCE)
    studies = [a_study("RSI", "warn", timeperiod=9), Study("EMA", a_study("EMA").parameters, over=False)]
    drawings = [Drawing(kind, ((1.0, 2.5), (3.0, 4.0))[: points_of(kind)], "words") for kind in KINDS]
    book.keep_studies(studies)
    book.keep_template("Mine", studies[:1])
    book.keep_drawings("NSE:INFY", drawings)
    again = ChartBook(path, lambda text, _level: told.append(text), AT_ONCE)
    assert again.studies() == studies and again.templates() == ["Mine"] and again.template("Mine") == studies[:1]
    assert again.drawings("NSE:INFY") == drawings and again.drawings("NSE:TCS") == []
    again.keep_template("Mine", ())
    assert ChartBook(path, lambda text, _level: told.append(text), AT_ONCE).templates() == []
    assert told == []


def test_a_book_that_cannot_be_read_is_set_aside_and_said(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "charts.json"
    path.write_text('{"studies": [', encoding="utf-8")
    book = ChartBook(path, lambda text, _level: told.append(text), AT_ONCE)
    assert book.studies() == [] and len(told) == 1 and "charts.unreadable" in told[0]
    book.keep_studies([a_study("SMA")])
    assert (tmp_path / "charts.unreadable").read_text(encoding="utf-8") == '{"studies": ['
    assert path.exists()


def test_a_row_that_is_no_drawing_is_said_and_the_others_are_shown(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "charts.json"
    path.write_text(
        '{"drawings": {"NSE:INFY": [{"kind": "star", "points": []}, {"kind": "level", "points": [[1, 2]]}]},'
        ' "studies": [{"name": "NOSUCH", "parameters": {}, "over": true, "role": "accent"}]}',
        encoding="utf-8",
    )
    book = ChartBook(path, lambda text, _level: told.append(text), AT_ONCE)
    assert book.drawings("NSE:INFY") == [Drawing("level", ((1.0, 2.0),))]
    assert book.studies() == []
    assert len(told) == 2 and "'star'" in told[0] and "NOSUCH" in told[1]


def test_a_brick_comes_with_each_size_and_two_sizes_turn_it() -> None:
    series = BarSeries(Interval.MINUTE)
    closes = [100.0, 100.05, 100.12, 100.35, 100.25, 100.21, 100.1, 99.85]
    series.backfill([Bar(START + 60 * k, 100.0, close, close, close, 10) for k, close in enumerate(closes)])
    bars = RenkoBars(series, 0.05)
    columns = bars.columns
    assert bars.size == pytest.approx(0.1)
    found = list(zip(columns.open[: bars.closed_count].tolist(), columns.close.tolist(), strict=False))
    expected = [(100.0, 100.1), (100.1, 100.2), (100.2, 100.3), (100.2, 100.1), (100.1, 100.0), (100.0, 99.9)]
    assert [pytest.approx(pair) for pair in expected] == found
    assert columns.close[columns.rows - 1] == 99.85 and columns.open[columns.rows - 1] == pytest.approx(99.9)
    assert columns.volume[: columns.rows].sum() == 80


def test_bricks_that_follow_ticks_and_history_are_those_made_at_once() -> None:
    series, rng = a_series(300, 8), np.random.default_rng(3)
    bars, price = RenkoBars(series, 0.05), float(series.close[-1])
    for k in range(200):
        price += float(rng.normal(0, 0.2))
        series.add_price(START + 11.0 * k, price, 10 * k)
        rows = bars.columns.rows
        assert bars.columns.close[rows - 1] == price
    series.backfill([Bar(int(series.start_s[150]), 90.0, 91.0, 89.0, 90.5, 7)])
    whole = RenkoBars(series, 0.05)
    for name in ("start_s", "open", "high", "low", "close", "volume"):
        rows = whole.columns.rows
        assert np.array_equal(getattr(bars.columns, name)[:rows], getattr(whole.columns, name)[:rows]), name
    assert bars.columns.rows == whole.columns.rows > 100
    assert (np.abs(whole.columns.close - whole.columns.open)[: whole.closed_count] > whole.size * 0.999).all()


def test_the_profile_spreads_each_bar_between_its_low_and_high() -> None:
    low, high = np.array([100.0, 102.0, 104.0]), np.array([104.0, 103.0, 104.0])
    edges = np.array([99.0, 101.0, 102.0, 103.0, 105.0])
    sums = spread(low, high, np.array([400.0, 50.0, 7.0]), edges)
    assert sums == pytest.approx([100.0, 100.0, 150.0, 107.0])


def test_fibonacci_counts_from_the_second_point_to_the_first() -> None:
    found = dict(levels(Drawing("fibonacci", ((0.0, 100.0), (9.0, 200.0)))))
    assert found[0.0] == 200.0 and found[1.0] == 100.0 and found[0.382] == pytest.approx(161.8)


def test_the_profile_is_the_same_however_far_one_zooms_out() -> None:
    """Each bar is spread between its own low and high, also where the chart draws many as one."""
    series = a_series(4_000, 5)
    pane = Pane()
    pane.x0, pane.x1 = -0.5, 4_000.5
    pane.set_prices(float(series.low.min()) - 1, float(series.high.max()) + 1)
    closed = slice(0, series.closed_count)
    low, high, volume = (np.asarray(column[closed], np.float64) for column in (series.low, series.high, series.volume))
    for width in (300, 9_000):  # many bars as one, and each for itself
        pane.place = QRect(0, 0, width, 500)
        found = ProfileItem().sums(CandleSource(series), pane)
        edges = [pane.price_at(500 - 5 * step) for step in range(101)]
        below = [float(np.clip((edge - low) / np.maximum(high - low, 1e-9), 0.0, 1.0) @ volume) for edge in edges[::25]]
        assert np.add.reduceat(found, range(0, 100, 25)) == pytest.approx(np.diff(below), rel=1e-6), width
        assert found.sum() == pytest.approx(volume.sum())


def test_a_book_written_aside_keeps_the_youngest_and_tells_what_the_disk_refused(tmp_path: Path) -> None:
    told: list[str] = []
    waiting: list[Callable[[], None]] = []
    path = tmp_path / "charts.json"
    book = ChartBook(path, lambda text, _level: told.append(text), waiting.append)
    book.keep_style("heikin")
    book.keep_style("renko")
    assert not path.exists() and book.style == "renko"
    older, younger = waiting
    younger()
    older()  # a thread that came late
    assert ChartBook(path, lambda text, _level: told.append(text), AT_ONCE).style == "renko"
    book.forget()
    waiting.pop()()
    assert not path.exists() and book.style == ""
    path.mkdir()
    book.keep_style("candles")
    with pytest.raises(Fatal, match=r"could not be kept in .*charts\.json: "):
        waiting.pop()()
    assert told == []
