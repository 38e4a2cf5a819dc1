"""A person's own strategy in the real window: made, started, changed, saved anew, and known after a restart."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QSpinBox, QToolButton

from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.runner import StartOrder
from alphapanda_desktop.ui.question import Question
from alphapanda_desktop.ui.strategies import StrategiesPanel
from tests.e2e.test_window import Eventually, MemoryVault, Stage, click, play
from tests.hosting.files import HEAD

pytestmark = pytest.mark.timeout(150)


def _panel(stage: Stage) -> StrategiesPanel:
    assert stage.window.view is not None
    return stage.window.view.strategies


async def _made_and_started(stage: Stage) -> Run:
    """A file from the template, and a run of it that was started from the form."""
    panel, runner = _panel(stage), stage.program.runner
    assert panel.files is not None
    panel.files.toggle.setChecked(True)
    QTest.keyClicks(panel.files.name, "my idea")
    click(panel, "files_create")
    await stage.eventually(lambda: "my_idea" in runner.available)
    assert panel.form.choose("my_idea")
    await stage.eventually(panel.form.start.isEnabled)
    click(panel, "strategy_start")
    run: Run = await stage.eventually(lambda: runner.runs and runner.runs[0])
    await stage.eventually(lambda: run.state is RunState.RUNNING)
    return run


def test_a_file_is_made_started_changed_and_reloaded_in_processes_of_its_own(
    run: Any, eventually: Eventually, tmp_path: Path
) -> None:
    pids: list[int] = []

    async def person(stage: Stage) -> None:
        await stage.paste_login()
        await stage.ready()
        old = await _made_and_started(stage)
        panel, runner = _panel(stage), stage.program.runner
        card = panel.cards[old.run_id]
        path = tmp_path / "strategies" / "my_idea.py"
        text = path.read_text(encoding="utf-8")
        line = text[: text.index("bar.close >")].count("\n") + 1
        path.write_text(text.replace("bar.close >", "bar.ltp >"), encoding="utf-8")
        await eventually(lambda: f"my_idea.py:{line}: a bar has no 'ltp'" in card.file.words.text())
        assert old.state is RunState.RUNNING
        path.write_text(text.replace("number(1, ", "number(2, "), encoding="utf-8")
        await eventually(lambda: not card.file.reload.isHidden())
        await eventually(lambda: card.process.text().startswith(f"process {old.pulse.pid} · "))
        pids.append(old.pulse.pid or 0)
        click(card, f"run_reload_{old.run_id}")
        await eventually(lambda: old.state is RunState.STOPPED)
        new = runner.runs[0]
        await eventually(lambda: new.state is RunState.RUNNING)
        assert new.strategy is runner.available["my_idea"] and new.params.lots == 1
        pids.append(new.pulse.pid or 0)
        toggle = panel.findChild(QToolButton, f"run_edit_{new.run_id}")
        await eventually(lambda: not toggle.isHidden())
        toggle.click()
        panel.findChild(QSpinBox, f"run_param_{new.run_id}_lots").setValue(4)
        click(panel, f"run_apply_{new.run_id}")
        await eventually(lambda: new.waiting_params is not None and new.waiting_params.lots == 4)

    play(run, eventually, tmp_path, person, vault=MemoryVault())
    assert len(set(pids)) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids) or os.name != "posix"


def test_after_a_restart_it_is_known_by_its_name_and_ready(run: Any, eventually: Eventually, tmp_path: Path) -> None:
    vault = MemoryVault()

    async def first(stage: Stage) -> None:
        await stage.paste_login()
        await stage.ready()
        await _made_and_started(stage)

    async def second(stage: Stage) -> None:
        await eventually(lambda: stage.window.view is not None)
        panel, runner = _panel(stage), stage.program.runner
        assert [one.strategy.title for one in runner.runs] == ["My idea"]
        assert runner.runs[0].params.bars == 20
        card = panel.cards[runner.runs[0].run_id]
        assert (card.state.text(), card.inside.isHidden()) == ("stopped", True)
        QTest.mouseClick(card.again, Qt.MouseButton.LeftButton)
        assert panel.form.pick.currentData() == "my_idea"

    play(run, eventually, tmp_path, first, vault=vault)
    play(run, eventually, tmp_path, second, vault=vault)


BUYS_ONCE = """
    def on_tick(self, ctx, instrument, tick):
        if not getattr(self, "done", False) and not ctx.position(instrument).quantity:
            self.done = True
            ctx.buy(instrument, 1, reason="the test wants one")
            ctx.protect(instrument, tick.last_price * 0.8, reason="far below")
"""


def test_a_position_goes_with_a_reload_and_is_closed_from_the_card(
    run: Any, eventually: Eventually, tmp_path: Path
) -> None:
    async def person(stage: Stage) -> None:
        await stage.paste_login()
        token = await stage.ready()
        runner, desk, infy = stage.program.runner, stage.program.desk, stage.program.market.master.by_token(token)
        text = HEAD.format(name="buys") + BUYS_ONCE
        path = tmp_path / "strategies" / "buys.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        files = stage.program.files
        await eventually(files.files)
        look = await files.first_look(str(path))
        await files.enable(str(path), look.sha256, follow=True)
        await eventually(lambda: "buys" in runner.available)
        old = await runner.start(StartOrder("buys", (infy,)))
        await eventually(lambda: old.holding("NSE:INFY").quantity == 1)
        path.write_text(text.replace("wants one", "wanted one"), encoding="utf-8")
        panel = _panel(stage)
        await eventually(lambda: not panel.cards[old.run_id].file.reload.isHidden())
        click(panel, f"run_reload_{old.run_id}")
        await eventually(lambda: runner.runs[0] is not old and runner.runs[0].state is RunState.RUNNING)
        new = runner.runs[0]
        await eventually(lambda: (old.holding("NSE:INFY").quantity, new.holding("NSE:INFY").quantity) == (0, 1))
        await runner.stop(new.run_id)
        left = panel.cards[new.run_id].left
        await eventually(lambda: "1 INFY MIS" in left.words.text() and "SELL at" in left.words.text())
        click(panel, f"run_flatten_{new.run_id}")
        question = await eventually(lambda: stage.window.findChild(Question))
        question.yes.click()
        await eventually(lambda: new.holding("NSE:INFY").quantity == 0)
        await eventually(left.isHidden)
        await eventually(lambda: desk.ledger.of_run(new.run_id, lambda _key: None).unrealised == 0)
        assert desk.ledger.of_run(old.run_id, lambda _key: None).realised == 0

    play(run, eventually, tmp_path, person, vault=MemoryVault())
