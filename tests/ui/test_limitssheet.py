"""The limits editor: profiles, each scope's limits, the order rate, and what holds until tomorrow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QPushButton

from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.risk import InstrumentLimits
from alphapanda_desktop.domain.risk_profiles import PROFILES
from alphapanda_desktop.trading.governor import Governor
from alphapanda_desktop.trading.riskkeeper import RiskKeeper
from alphapanda_desktop.ui.limitssheet import RATES, ROWS, LimitsSheet
from tests.fakes import FakeClock, FakeJournal
from tests.ui.fakes_market import ALL, INFY
from tests.ui.fakes_sheets import SheetStage, a_stage

Eventually = Callable[..., Awaitable[Any]]
TODAY = date(2026, 11, 23)


class Keepers:
    """The real keeper of limits and the real governor."""

    def __init__(self, profile: str = "default") -> None:
        self.journal = FakeJournal()
        self.keeper = RiskKeeper(self.journal, FakeClock(), PROFILES[profile])
        self.governor = Governor(FakeClock())

    def lay(self, stage: SheetStage) -> LimitsSheet:
        sheet = LimitsSheet(self.keeper, self.governor, InstrumentMaster(ALL), TODAY, stage.edge, stage.window)
        stage.deck.lay(sheet)
        return sheet


def field(sheet: LimitsSheet, name: str) -> Any:
    found = sheet.findChild(QAbstractSpinBox, name)
    assert found is not None, name
    return found


def press(sheet: LimitsSheet, name: str) -> None:
    button = sheet.findChild(QPushButton, name)
    assert button is not None and button.isEnabled(), name
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_what_is_in_force_is_shown_for_every_scope(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            keepers = Keepers()
            sheet = keepers.lay(stage)
            default = PROFILES["default"]
            for scope, limits in (("desk", default.desk), ("strategy", default.strategy)):
                for row in ROWS:
                    if hasattr(limits, row.field):
                        assert field(sheet, f"limit_{scope}_{row.field}").value() == getattr(limits, row.field)
            assert field(sheet, "limit_desk_max_order_value").text() == "₹ 25,00,000"
            assert field(sheet, "limit_strategy_max_order_quantity").text() == "off"
            for row in RATES:
                assert field(sheet, f"rate_{row.field}").value() == getattr(keepers.governor.limits, row.field)
            assert "In force: default limits" in sheet.profile.text()
            assert not sheet.apply.isEnabled()

    run(story())


def test_a_tighter_limit_is_put_in_force_and_journaled(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            keepers = Keepers()
            sheet = keepers.lay(stage)
            field(sheet, "limit_desk_max_loss_per_day").setValue(10_000)
            assert "not in force yet" in sheet.profile.text()
            press(sheet, "limits_apply")
            await eventually(lambda: keepers.keeper.limits.desk.max_loss_per_day == 10_000)
            assert keepers.keeper.limits.profile == "own"
            assert keepers.journal.event_rows[-1].kind == "limits"
            await eventually(lambda: not sheet.apply.isEnabled())

    run(story())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("limit_desk_max_loss_per_day", 60_000, "loss per day, after charges ₹ 25,000 in force, ₹ 60,000 asked"),
        ("limit_desk_max_drawdown", 0, "fall from the day's peak ₹ 25,000 in force, off asked"),
        ("limit_strategy_max_orders_per_day", 900, "strategy orders per day 250 in force, 900 asked"),
    ],
)
def test_a_limit_of_the_day_cannot_be_loosened_before_tomorrow(name: str, value: int, words: str, run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = Keepers().lay(stage)
            field(sheet, name).setValue(value)
            assert "Not before tomorrow" in sheet.words.text() and words in sheet.words.text()
            assert not sheet.apply.isEnabled()
            assert sheet.tomorrow.isVisible()
            press(sheet, "limits_undo")
            assert not sheet.tomorrow.isVisible()
            assert "can be tightened at once" in sheet.words.text()

    run(story())


def test_a_looser_limit_of_the_day_can_be_had_from_tomorrow_on(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            keepers = Keepers()
            sheet = keepers.lay(stage)
            field(sheet, "limit_desk_max_loss_per_day").setValue(60_000)
            press(sheet, "limits_tomorrow")
            assert keepers.keeper.limits.desk.max_loss_per_day == 25_000
            assert keepers.keeper.wanted.desk.max_loss_per_day == 60_000
            figure = "loss per day, after charges ₹ 60,000"
            assert f"From tomorrow on: own limits: {figure}." in sheet.profile.text()
            assert sheet.answer.text() == f"From tomorrow on: {figure}. Until then the limits of today hold."
            assert sheet.answer.isVisible() and stage.notices[-1][0] == sheet.answer.text()
            assert field(sheet, "limit_desk_max_loss_per_day").value() == 25_000

    run(story())


def test_what_is_refused_because_it_loosens_the_day_is_kept_for_tomorrow(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            keepers = Keepers()
            sheet = keepers.lay(stage)
            field(sheet, "limit_desk_max_loss_per_day").setValue(60_000)
            stage.edge.spawn("limits", sheet._put_in_force())  # as when the day's limit was tightened meanwhile
            await eventually(lambda: "Kept: from tomorrow on: loss per day" in sheet.answer.text())
            assert "can be tightened, not loosened" in sheet.answer.text()
            assert keepers.keeper.wanted.desk.max_loss_per_day == 60_000
            assert keepers.keeper.limits.desk.max_loss_per_day == 25_000

    run(story())


def test_a_limit_that_is_none_of_the_day_can_be_loosened_at_once(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            keepers = Keepers()
            sheet = keepers.lay(stage)
            field(sheet, "limit_desk_max_order_quantity").setValue(9_000)
            press(sheet, "limits_apply")
            await eventually(lambda: keepers.keeper.limits.desk.max_order_quantity == 9_000)

    run(story())


def test_a_profile_fills_the_fields_and_keeps_its_name(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            keepers = Keepers()
            sheet = keepers.lay(stage)
            press(sheet, "profile_conservative")
            assert field(sheet, "limit_desk_max_loss_per_day").value() == 5_000
            press(sheet, "limits_apply")
            await eventually(lambda: keepers.keeper.limits.profile == "conservative")
            assert keepers.keeper.limits.desk == PROFILES["conservative"].desk
            press(sheet, "profile_aggressive")
            assert "Not before tomorrow" in sheet.words.text()

    run(story())


def test_an_instrument_gets_limits_of_its_own(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            keepers = Keepers()
            sheet = keepers.lay(stage)
            assert not field(sheet, "limit_instrument_max_order_quantity").isEnabled()
            sheet.search.picked.emit(INFY)
            assert sheet.keys.currentText() == INFY.key
            field(sheet, "limit_instrument_max_order_quantity").setValue(100)
            press(sheet, "limits_apply")
            await eventually(lambda: INFY.key in keepers.keeper.limits.instruments)
            assert keepers.keeper.limits.instruments[INFY.key] == InstrumentLimits(max_order_quantity=100)
            assert field(sheet, "limit_instrument_max_order_quantity").value() == 100

    run(story())


def test_the_order_rate_never_goes_above_the_regulators(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            keepers = Keepers()
            sheet = keepers.lay(stage)
            field(sheet, "rate_per_second").setValue(11)
            press(sheet, "limits_apply")
            await eventually(lambda: "1 to 10 allowed" in sheet.answer.text())
            assert keepers.governor.limits.per_second == 10
            field(sheet, "rate_per_second").setValue(5)
            press(sheet, "limits_apply")
            await eventually(lambda: keepers.governor.limits.per_second == 5)

    run(story())


def test_limits_that_change_elsewhere_are_shown(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            keepers = Keepers()
            sheet = keepers.lay(stage)
            tighter = replace(keepers.keeper.limits.desk, max_loss_per_day=9_000.0)
            await keepers.keeper.change(replace(keepers.keeper.limits, desk=tighter, profile="own"))
            assert field(sheet, "limit_desk_max_loss_per_day").value() == 9_000

    run(story())
