"""A recorded day in the window: played, traded by a strategy in its own process, gone back in, and never sent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from alphapanda_desktop import settings
from alphapanda_desktop.__main__ import main
from alphapanda_desktop.app import Program
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.replay import Pace
from alphapanda_desktop.memory import Looks, WindowMemory
from alphapanda_desktop.options import Options
from alphapanda_desktop.replaying import control
from alphapanda_desktop.replaying.exact import ExactSetup, play
from alphapanda_desktop.replaying.source import Recording
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.trading.desk import DeskState
from alphapanda_desktop.trading.paper import PaperBroker
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.runner import StartOrder
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.question import Question
from alphapanda_desktop.ui.replayframe import StripedFrame
from alphapanda_desktop.ui.shell import MainWindow
from alphapanda_desktop.venues.venue import ReplayOptions
from tests.e2e.headless import MemoryVault
from tests.fakes import a_request
from tests.replaying.recorded import BEGAN_NS, INFY, SECOND, a_recording, price_of

ROOT = Path(__file__).resolve().parents[2]
CROSS = {"fast": 1, "slow": 3, "cool_down": 0, "stop_loss": 0.3, "target": 0.0}


@dataclass
class Replay:
    """A program that plays a recording, and what it has failed in."""

    program: Program
    window: MainWindow
    failures: list[tuple[str, BaseException]] = field(default_factory=list)

    @property
    def transport(self):
        return self.window._parts.transport

    def fills(self) -> list[tuple[object, ...]]:
        rows = self.program.desk.fills()
        return [(f.transaction_type, f.quantity, f.average_price, f.fill_timestamp) for f in rows]


@asynccontextmanager
async def replaying(folder: Path, options: ReplayOptions, eventually) -> AsyncIterator[Replay]:
    failures: list[tuple[str, BaseException]] = []
    async with Scope("window", lambda name, error: failures.append((name, error))) as scope:
        memory = WindowMemory(folder / "settings.json", Looks(), lambda: "replay")
        kept = settings.Settings()
        memory.settle(kept)
        window = MainWindow("default", Edge(scope, FrameClock(), lambda text, level: None), memory.remembered())
        given = Options("replay", "default", folder, vault=MemoryVault(), replay=options, own=folder)
        program = Program(given, window, window._edge, kept)
        window.show()
        running = scope.spawn("program", program.run())
        try:
            await eventually(lambda: window.replay is not None or running.done())
            await eventually(lambda: program.desk and program.desk.state is DeskState.READY)
            await eventually(lambda: window.view)
            yield Replay(program, window, failures)
        finally:
            program.close()
            await eventually(running.done)
            window.hide()
            window.deleteLater()
    assert failures == []


def _press(window: MainWindow, name: str) -> None:
    QTest.mouseClick(window.replay.findChild(QToolButton, name), Qt.MouseButton.LeftButton)


def test_going_back_asks_first_and_then_has_another_program_begin_there(run, eventually, tmp_path, day):
    async def story():
        half_ns = BEGAN_NS + 450 * SECOND
        async with replaying(tmp_path, replace(day, at_ns=half_ns), eventually) as replay:
            window, transport, program = replay.window, replay.transport, replay.program
            infy = program.market.master.by_key("NSE:INFY")
            # It begins in the middle: prices of that moment are there, and the bars before it, and none after it.
            assert transport.position_ns == half_ns
            assert program.market.latest(infy.instrument_token).last_price == price_of(INFY, 449)
            bars = await program.market.series(infy, window.view.chart.interval)
            await eventually(lambda: bars.closed_count == 7)
            await eventually(lambda: "begins anew at 09:22:30" in " ".join(e.text for e in window.view.log.entries()))
            await program.desk.submit(_order(program, infy))
            window.replay.go_to(BEGAN_NS + 100 * SECOND)
            question = await eventually(lambda: window.findChild(Question))
            assert "Go back to 09:16:40?" in question.windowTitle() and "1 order" in question.words.text()
            QTest.mouseClick(question.back, Qt.MouseButton.LeftButton)
            await eventually(lambda: window.findChild(Question) is None)
            assert program.rewound_to is None
            window.replay.go_to(BEGAN_NS + 100 * SECOND)
            question = await eventually(lambda: window.findChild(Question))
            QTest.mouseClick(question.yes, Qt.MouseButton.LeftButton)
            await eventually(lambda: program.rewound_to == BEGAN_NS + 100 * SECOND)
        async with replaying(tmp_path, replace(day, at_ns=program.rewound_to), eventually) as replay:
            assert replay.program.desk.orders() == [] and replay.fills() == []
            assert replay.transport.position_ns == BEGAN_NS + 100 * SECOND

    run(story())


def test_in_a_pause_orders_fill_at_the_prices_that_stand_and_the_kill_switch_works(run, eventually, tmp_path, day):
    async def story():
        async with replaying(tmp_path, replace(day, at_ns=BEGAN_NS + 450 * SECOND), eventually) as replay:
            program, transport = replay.program, replay.transport
            desk, market = program.desk, program.market
            infy = market.master.by_key("NSE:INFY")
            offer = market.latest(infy.instrument_token).depth.sell[0].price
            await desk.submit(_order(program, infy))
            (fill,) = await eventually(desk.fills)
            assert (fill.average_price, fill.quantity) == (offer, 10)
            resting = await desk.submit(_order(program, infy, price=infy.snap(offer - 40)))
            await desk.kill.press("pressed in a pause", flatten=False)
            await eventually(lambda: desk.books.book.get(resting.order_id).status == "CANCELLED")
            assert transport.position_ns == BEGAN_NS + 450 * SECOND

    run(story())


def test_going_back_puts_another_window_in_the_place_of_the_first(tmp_path, day):
    line = [sys.executable, "-m", "tests.e2e.replay_drive", "--data-dir", str(tmp_path), "--mode", "replay",
            "--recording", str(day.files[0])]  # fmt: skip
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=90, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    first, second = said["seen"]
    begin_ns = BEGAN_NS + SECOND // 5
    assert said["code"] == 0 and first["window"] != second["window"]
    assert (first["at"], second["at"]) == (begin_ns, begin_ns + 90 * SECOND)
    assert (first["speed"], second["speed"]) == (1, 60)
    assert second["geometry"][2:] == [1300, 760] and second["title"] == first["title"]
    (own,) = (tmp_path / "profiles" / "default" / "replays").iterdir()
    assert (own / "replay.sqlite").exists() and (own / "settings.json").exists()
    assert not (tmp_path / "profiles" / "default" / "settings.json").exists()


def _order(program: Program, instrument: Instrument, price: float | None = None) -> OrderRequest:
    return a_request(instrument=instrument, tag=program.desk.new_tag(), price=price)


def test_nothing_that_a_replay_loads_can_reach_kite():
    code = "import sys, alphapanda_desktop.venues.replay; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    reach = ("aiohttp", "kiteconnect", "requests", "twisted")
    ours = ("client", "reader", "ticker", "login", "broker", "portfolio", "official", "redirect")
    assert not {name.split(".")[0] for name in loaded} & set(reach)
    assert not {f"alphapanda_desktop.kite.{name}" for name in ours} & set(loaded)
    assert "alphapanda_desktop.kite.columns" in loaded


def test_a_replay_without_a_recording_and_a_recording_without_a_replay_are_refused(capsys):
    assert main(["--mode", "replay"]) == 2
    assert main(["--recording", "day.ticks"]) == 2
    assert capsys.readouterr().err.count("--mode replay and --recording FILE go together") == 2


def test_a_recording_that_is_not_there_is_named(capsys, tmp_path):
    assert main(["--data-dir", str(tmp_path), "--mode", "replay", "--recording", str(tmp_path / "no.ticks")]) == 1
    assert f"There is no recording {tmp_path / 'no.ticks'}." in capsys.readouterr().err


@pytest.fixture
def day(tmp_path) -> ReplayOptions:
    return ReplayOptions((a_recording(tmp_path / "recordings", 900),))


def test_a_recorded_day_is_played_in_a_window_that_says_so_and_asks_for_no_login(run, eventually, tmp_path, day):
    async def story():
        async with replaying(tmp_path, day, eventually) as replay:
            window, transport = replay.window, replay.transport
            assert window.windowTitle() == "↺ REPLAY 21 Sep 2026 — AlphaPanda"
            assert window.strip.mode.text() == "↺ REPLAY"
            await eventually(lambda: window.strip.session.text() == "21 Sep 2026")
            assert window.findChild(StripedFrame) is not None and not window.menus.log_out.isEnabled()
            assert isinstance(replay.program.desk._parts.broker, PaperBroker)
            assert replay.program.gate.session.is_recorded
            assert transport.pace is Pace.PAUSED and transport.position_ns == transport.begin_ns
            window.replay.slider.setValue(window.replay.slider.maximum())
            _press(window, "replay_play")
            await eventually(lambda: transport.pace is Pace.ENDED)
            infy = replay.program.market.master.by_key("NSE:INFY")
            assert replay.program.market.live_series(infy, window.view.chart.interval).closed_count == 14
            assert not replay.program.market.stale(infy.instrument_token)  # nothing grows old while the day stands
            assert not list(tmp_path.glob("recordings/replay/*")), "a replay is not recorded again"

    run(story())


def _traded(run, eventually, folder: Path, options: ReplayOptions, speed: float) -> list[tuple[object, ...]]:
    folder.mkdir()

    async def story():
        async with replaying(folder, options, eventually) as replay:
            program, transport = replay.program, replay.transport
            infy = program.market.master.by_key("NSE:INFY")
            order = StartOrder("ma_cross", (infy,), CROSS | {"allow_short": True})
            started = await program.runner.start(order)
            await eventually(lambda: started.state is RunState.RUNNING)
            transport.set_speed(speed)
            transport.play()
            await eventually(lambda: transport.pace is Pace.ENDED)
            assert transport.trouble == ""
            return replay.fills()

    return run(story())


def test_a_strategy_trades_the_same_at_any_speed_and_as_the_exact_tier_says(
    run, eventually, tmp_path, day, monkeypatch
):
    monkeypatch.setattr(control, "HELD_S", 60.0)  # its process may be slow on a machine that others load
    slow = _traded(run, eventually, tmp_path / "slow", day, 300)
    fast = _traded(run, eventually, tmp_path / "fast", day, 1000)
    assert len(slow) >= 3
    assert slow == fast
    assert sorted(slow, key=str) == sorted(_in_virtual_time(day.files[0]), key=str)


def _in_virtual_time(path: Path) -> list[tuple[object, ...]]:
    kind = SHIPPED["ma_cross"]
    params = kind.Params(**CROSS, allow_short=True)
    with Recording.open([path]) as recording:
        infy = recording.find("NSE:INFY")
        assert infy is not None
        setup = ExactSetup(strategy=kind, params=params, recording=recording, instruments=[infy])
        fills = play(setup).fills
    return [(f.transaction_type, f.quantity, f.average_price, f.fill_timestamp) for f in fills]
