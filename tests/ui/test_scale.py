from __future__ import annotations

import asyncio
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, QSize

from alphapanda_desktop.ui.scale import too_small
from tests.ui.window_stage import a_window


@pytest.mark.parametrize(
    ("wide", "high", "ratio"), [(1600, 900, 1.0), (1280, 720, 1.25), (1920, 1080, 2.0), (800, 600, 1.0)]
)
def test_a_screen_with_room_is_not_spoken_of(wide: int, high: int, ratio: float) -> None:
    assert too_small(QSize(wide, high), ratio) == ""


def test_a_screen_without_room_is_told_with_what_fits() -> None:
    told = too_small(QSize(800, 450), 2.0)
    assert "At 200% this screen of 1600 × 900" in told and "135 % fits" in told
    assert "100 % fits" in too_small(QSize(640, 360), 1.5)


def test_a_ticket_that_reaches_the_top_leaves_the_kill_switch_free(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            window, view = stage.window, stage.window.view
            assert view is not None
            view.order_here("BUY")
            for high in (900, 560):
                window.resize(1100, high)
                await asyncio.sleep(0)
                ticket, kill = view.ticket, window.strip.kill
                where = QRect(kill.mapTo(window, QPoint(0, 0)), kill.size())
                assert ticket.isVisible() and not ticket.geometry().intersects(where), high

    run(story())
