"""Alerts on any indicator of the chart's list: the chart's number, of closed bars alone, over bars of real data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphapanda_desktop.domain.alerts import Kind, Rule, problem, rule_of, words_of
from alphapanda_desktop.domain.anyindicator import indicator
from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.indicatorlist import catalogue
from alphapanda_desktop.domain.market import Bar, Interval
from alphapanda_desktop.trading.alertvalues import bars_needed, indicator_of
from tests.domain.parquet_columns import read_parquet
from tests.fakes import bars_of
from tests.trading.desk_fakes import INFY
from tests.trading.test_alert_book import Facts, Watch, a_book

Arun = Callable[..., Any]
Eventually = Callable[..., Any]
BEFORE, PLAYED = 640, 40
MINUTE = "minute"


@pytest.fixture(scope="module")
def infy(real_data: Path) -> list[tuple[float, float, float, float, int]]:
    """Minutes of INFY as they were traded: open, high, low, close, volume."""
    columns = read_parquet(real_data / "candles" / "stock_INFY_1min_2024-04_2025-04.parquet")
    parts = (columns[name][: BEFORE + PLAYED].tolist() for name in ("open", "high", "low", "close", "volume"))
    return list(zip(*parts, strict=True))


def a_rule(name: str, line: str = "", level: float = 0.0, **more: Any) -> Rule:
    found = next(one for one in catalogue() if one.name == name)
    own = tuple((one.name, one.default) for one in found.parameters)
    values: dict[str, Any] = {"parameters": own, "interval": MINUTE, **more}
    return Rule(kind=Kind.INDICATOR, key=INFY.key, indicator=name, line=line, level=level, **values)


def on_stage(watch: Watch, rows: list[tuple[float, float, float, float, int]]) -> None:
    """These minutes are history, the last of them just closed."""
    stage = watch.stage
    first = stage.at_s // 60 * 60 - 60 * len(rows)
    bars = [Bar(first + 60 * number, *row) for number, row in enumerate(rows)]
    stage.history.rows[INFY.instrument_token, Interval.MINUTE] = bars


def play(watch: Watch, row: tuple[float, float, float, float, int]) -> None:
    """One minute of ticks; its bar closes with the next minute's first."""
    for number, price in enumerate(row[:4]):
        watch.stage.tick(price, after_s=15 if number else 0)


def line_of(rule: Rule, rows: list[tuple[float, float, float, float, int]]) -> float:
    """The indicator at the last of these bars, worked out by its stream bar for bar."""
    made = indicator(rule.indicator, None, **dict(rule.parameters))
    stream, value = made.stream(), None
    for number, row in enumerate(rows[-made.window :]):
        value = stream.add(*made.row(Bar(number * 60, *row)))
    lines = value if isinstance(value, tuple) else (value,)
    return float(lines[made.lines.index(rule.line) if rule.line else 0])


@pytest.mark.parametrize(("name", "line"), [("MACD", "macdhist"), ("STOCH", "slowd"), ("ADX", ""), ("BBANDS", "")])
def test_an_indicator_of_the_list_fires_at_the_bar_at_which_the_chart_has_it_cross(
    arun: Arun, eventually: Eventually, infy: list[Any], name: str, line: str
) -> None:
    rule = a_rule(name, line)
    values = [line_of(rule, infy[: BEFORE + number]) for number in range(PLAYED)]
    level = float(np.median(values))
    side = np.sign(np.array(values) - level)
    crosses = int(np.flatnonzero(side != side[0])[0])

    async def story() -> None:
        async with a_book() as watch:
            on_stage(watch, infy[:BEFORE])
            await watch.book.add(a_rule(name, line, level))
            assert watch.book.values.now(a_rule(name, line)) == pytest.approx(values[0], rel=1e-12)
            for number in range(crosses):
                play(watch, infy[BEFORE + number])
                assert watch.told == [], f"bar {number} has not closed"
                watch.stage.clock.advance(15)
                watch.stage.at_s += 15
            watch.stage.tick(infy[BEFORE + crosses][0])
            assert [firing.key for firing in watch.told] == [INFY.key]
            assert name in watch.texts[0] and line in watch.texts[0]

    arun(story())


def test_every_indicator_of_the_list_has_the_number_of_its_stream_over_real_bars(infy: list[Any]) -> None:
    class Series:
        closed_count = len(infy)
        open, high, low, close, volume = (np.array(column, np.float64) for column in zip(*infy, strict=True))

    unknown = []
    for one in catalogue():
        rule = a_rule(one.name)
        assert problem(rule) == ""
        value: float = indicator_of(rule, Series)  # type: ignore[arg-type]  # all that it reads of a series
        assert value == line_of(rule, infy) or np.isnan(value), one.name
        if np.isnan(value) and bars_needed(rule) <= len(infy):
            unknown.append(one.name)
    assert set(unknown) <= {"ACOS", "ASIN"}, "only what prices have no such value of"


def test_an_alert_on_an_indicator_outlives_the_program_with_its_numbers_and_its_line(arun: Arun) -> None:
    rule = a_rule("BBANDS", "lowerband", 99.0, direction="below")

    async def story() -> None:
        journal = Facts()
        async with a_book(journal) as watch:
            watch.stage.history.rows[INFY.instrument_token, Interval.MINUTE] = bars_of([100.0, 101.0] * 40)
            await watch.book.add(rule)
        async with a_book(journal) as later:
            assert [alert.rule for alert in later.book.alerts] == [rule] and later.book.alerts[0].armed

    arun(story())
    assert rule_of(json.loads(json.dumps(rule.as_json()))) == rule
    assert words_of(rule) == "NSE:INFY BBANDS(20, 2, 2, 1m) lowerband falls to 99.00"


def test_what_is_so_already_by_history_is_refused_and_too_few_bars_are_told(arun: Arun) -> None:
    async def story() -> None:
        async with a_book() as watch:
            minute = watch.stage.at_s // 60 * 60
            rows = watch.stage.history.rows
            rows[INFY.instrument_token, Interval.MINUTE] = bars_of(range(100, 130), minute - 1800)
            with pytest.raises(Refused, match=r"It is so already: NSE:INFY RSI\(14, 1m\) is 100.00"):
                await watch.book.add(a_rule("RSI", level=70.0, direction="above"))
            slow = a_rule("MACD", "macd", 1.0, direction="above")
            await watch.book.add(slow)
            told = "INFY has 30 of the 34 closed bars of 1m that MACD(12, 26, 9, 1m) macd needs."
            assert watch.book.values.waits(slow) == told
            assert watch.book.values.waits(a_rule("RSI")) == ""

    arun(story())


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (a_rule("RSI", parameters=(("timeperiod", 1),)), "RSI: timeperiod is 1, 2 to 1000 can be."),
        (a_rule("RSI", parameters=(("fast", 3),)), "RSI has no parameter 'fast'."),
        (a_rule("RSI", "signal"), "RSI has no line 'signal'; there is real."),
        (Rule(kind=Kind.INDICATOR, key="NSE:INFY", indicator="MAVP"), "There is no indicator 'MAVP'"),
        (a_rule("RSI", interval="week"), "There are no bars of 'week'"),
    ],
)
def test_what_is_no_indicator_of_the_list_is_refused_in_words(rule: Rule, said: str) -> None:
    assert problem(rule).startswith(said)
