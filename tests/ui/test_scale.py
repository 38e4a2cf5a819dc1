from __future__ import annotations

import asyncio
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QMainWindow

from alphapanda_desktop.ui.scale import fitting, settle
from tests.ui.window_stage import a_window


@pytest.mark.parametrize(
    ("asked", "screen", "fits"),
    [(200, "3840x2160", 200), (175, "1600x900", 135), (125, "1600x900", 125), (150, "800x600", 100), (150, "", 150),
     (150, "wide", 150)],
)  # fmt: skip
def test_a_size_is_what_the_screen_has_room_for(asked: int, screen: str, fits: int) -> None:
    assert fitting(asked, screen) == fits


def test_the_screen_is_remembered_and_a_size_that_is_too_large_for_it_told(qapp: Any) -> None:
    window, kept = QMainWindow(), dict[str, object]()
    assert settle(window, 100, kept.__setitem__) == ""
    room = window.screen().availableGeometry()
    assert kept == {"screen": f"{room.width()}x{room.height()}"}
    assert f"{room.width()} × {room.height()} has room" in settle(window, 400, kept.__setitem__)


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
