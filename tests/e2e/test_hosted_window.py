"""A person's own strategy that hangs, in the real window: it is named and ended, and all else goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.hosting import process
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.runner import StartOrder
from tests.e2e.test_window import Eventually, MemoryVault, Stage, play
from tests.hosting.files import HEAD

HANGS = """
    def on_tick(self, ctx, instrument, tick):
        ctx.buy(instrument, 1, reason="before it hangs", price=instrument.snap(tick.last_price * 0.97))
        while True: pass
"""
COUNTS = """
    def on_tick(self, ctx, instrument, tick):
        self.heard = getattr(self, "heard", 0) + 1
        ctx.show(heard=self.heard)
"""


async def own(stage: Stage, name: str, body: str) -> None:
    """A file that the person has put into the folder and enabled."""
    files = stage.program.files
    path = stage.folder / "strategies" / f"{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEAD.format(name=name) + body, encoding="utf-8")
    await stage.eventually(lambda: any(Path(one.path) == path for one in files.files()))
    look = await files.first_look(str(path))
    await files.enable(str(path), look.sha256)
    await stage.eventually(lambda: name in stage.program.runner.available)


def test_a_hung_strategy_is_ended_and_window_feed_and_kill_switch_go_on(
    run: Any, eventually: Eventually, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "DUMP_WAIT_S", 3.0)  # it tells later where it hangs on a machine that others load

    async def person(stage: Stage) -> None:
        await stage.paste_login()
        token = await stage.ready()
        runner, market = stage.program.runner, stage.program.market
        infy = market.master.by_token(token)
        await own(stage, "hangs", HANGS)
        await own(stage, "counts", COUNTS)
        counts = await runner.start(StartOrder("counts", (infy,)))
        hangs = await runner.start(StartOrder("hangs", (infy,)))
        assert counts.pulse.pid != hangs.pulse.pid
        await eventually(lambda: hangs.state is RunState.FAILED)
        assert "hung in on_tick for 2.0 s, hangs.py line 13, and was killed" in hangs.detail
        await eventually(lambda: "1 working orders cancelled" in hangs.detail)
        heard = counts.variables["heard"]
        await eventually(lambda: counts.variables["heard"] > heard + 3)
        assert counts.state is RunState.RUNNING
        await stage.program.desk.kill.press("the test has seen enough", flatten=False)
        await eventually(lambda: counts.state is RunState.STOPPED)

    play(run, eventually, tmp_path, person, vault=MemoryVault())
