"""Playing one replay of `alphapanda backtest --exact`, here or in a worker's process."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from alphapanda_desktop.backtest.engine import Progress
from alphapanda_desktop.backtest.report import page_of
from alphapanda_desktop.backtest.statistics import equity_of, statistics_of
from alphapanda_desktop.backtest.trades import trades_of
from alphapanda_desktop.commands.exact import LOT, TICK, Replay
from alphapanda_desktop.domain.errors import BadData, StrategyError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.replaying.day import in_hours
from alphapanda_desktop.replaying.exact import ExactSetup, Played
from alphapanda_desktop.replaying.exact import play as play_exactly
from alphapanda_desktop.replaying.listing import instrument_named
from alphapanda_desktop.replaying.outcome import assumptions_of_replay, result_of
from alphapanda_desktop.replaying.source import Known, Recording
from alphapanda_desktop.store.instruments import unpacked
from alphapanda_desktop.sweeps.job import TELLER, Outcome, params_of, strategy_of
from alphapanda_desktop.trading.run import RunState


def play_replay(replay: Replay, told: Progress | None = None) -> Outcome:
    """Play it in this process.

    Raises BadData for what cannot be played, OSError for what cannot be read, StrategyError for a strategy that fails.
    """
    strategy = strategy_of(replay.strategy)
    params = params_of(strategy, replay.params)
    paths = tuple(dict.fromkeys(Path(name) for _, name in replay.files))
    with Recording.open(paths, keys=_keys(replay), known=_known(replay, paths)) as recording:
        first_ns, last_ns = _span(replay)
        setup = ExactSetup(
            strategy=strategy,
            params=params,
            recording=recording,
            instruments=_traded(replay, recording),
            interval=_interval(replay, strategy.interval),
            product=replay.product,
            cash=replay.cash,
            models=replay.models,
            first_ns=first_ns,
            last_ns=last_ns,
            hours=in_hours(recording),
        )
        played = play_exactly(setup, told or TELLER.get())
        if played.run.state is RunState.FAILED:
            raise StrategyError(f"{strategy.name}: {played.run.detail}")
        return _outcome(played, page=replay.page)


# --- what is played --------------------------------------------------------------------------------------------------


def _keys(replay: Replay) -> dict[Path, str]:
    """What a CSV without names is of; of a file that is named more than once its own names tell."""
    paths = [name for _, name in replay.files]
    return {Path(name): key for key, name in replay.files if key and paths.count(name) == 1}


def _traded(replay: Replay, recording: Recording) -> tuple[Instrument, ...]:
    keys = [key for key, _ in replay.files if key]
    there = [each for each in recording.instruments if each.tradable]
    if not keys and len(there) == 1:
        return tuple(there)
    if not keys:
        names = ", ".join(each.key for each in there[:8]) + (" …" if len(there) > 8 else "")
        raise BadData(f"say with KEY=FILE what is traded; recorded is {names or 'nothing that can be'}")
    found = [recording.find(key) for key in dict.fromkeys(keys)]
    missing = [key for key, each in zip(dict.fromkeys(keys), found, strict=True) if each is None]
    if missing:
        raise BadData(f"{', '.join(missing)}: not in the recording")
    return tuple(each for each in found if each is not None)


def _known(replay: Replay, paths: tuple[Path, ...]) -> Known:
    """The masters that were kept beside the recordings; for what is traded `--tick` and `--lot` go before them."""
    rows = {row.key: row for path in paths for row in _master_of(path)}
    if (replay.tick, replay.lot) != (TICK, LOT):
        chosen = [key for key, _ in replay.files if key]
        told = {key: rows.get(key) or instrument_named(key) for key in chosen}
        rows |= {key: replace(row, tick_size=replay.tick, lot_size=replay.lot) for key, row in told.items()}
    return rows.get


def _master_of(path: Path) -> list[Instrument]:
    """The day's instruments, where the program still has them; of an older day it has not."""
    if len(path.parents) < 3:
        return []
    file = path.parents[2] / "instruments" / f"instruments-{path.stem}.master"
    try:
        return unpacked(file.read_bytes())
    except (OSError, BadData):
        return []


def _span(replay: Replay) -> tuple[int, int]:
    """Epoch nanoseconds of the first and last moment of the chosen Indian days."""
    begin = _midnight_ns(replay.first) if replay.first else 0
    return begin, _midnight_ns(replay.last + timedelta(days=1)) - 1 if replay.last else 2**63 - 1


def _midnight_ns(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=IST).timestamp()) * 1_000_000_000


def _interval(replay: Replay, own: Interval) -> Interval:
    if replay.bar_s is None:
        return own
    found = next((each for each in Interval if each.seconds == replay.bar_s), None)
    if found is None:
        raise BadData(f"--exact: bars of {replay.bar_s} s are none of {', '.join(each.label for each in Interval)}")
    return found


# --- what came of it -------------------------------------------------------------------------------------------------


def _outcome(played: Played, *, page: bool) -> Outcome:
    result = result_of(played)
    equity = equity_of(result)
    trades = trades_of(result.executions, {one.instrument.key: one.instrument.multiplier for one in result.series})
    setup = played.setup
    outcome = Outcome(
        strategy=setup.strategy.name,
        title=setup.strategy.title or setup.strategy.name,
        params=setup.params.model_dump(mode="json"),
        keys=tuple(one.instrument.key for one in result.series),
        bar_s=result.series[0].seconds,
        first_s=int(min(one.start_s[0] for one in result.series)),
        last_s=int(max(one.start_s[-1] for one in result.series)),
        product=setup.product,
        slippage=str(setup.models.slippage),
        statistics=statistics_of(result, equity, trades),
        equity=equity,
        trades=tuple(trades),
        executions=result.executions,
        refused=result.refused,
        lines=result.lines,
        assumptions=(*assumptions_of_replay(played), *played.problems),
        complete=result.complete,
    )
    return replace(outcome, page=page_of(outcome)) if page else outcome
