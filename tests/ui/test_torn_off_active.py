"""A panel that is torn off has the keyboard's window at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.ui.window_stage import a_window


def test_a_panel_that_a_double_click_tears_off_is_the_active_window(
    run: Any, eventually: Callable[..., Awaitable[Any]]
) -> None:
    async def story() -> None:
        async with a_window() as stage:
            window = stage.window
            window.activateWindow()
            await eventually(window.isActiveWindow)
            dock = window.dockyard().find("orders")
            dock.inner.setFloating()  # what the library does with a double-click on its tab
            await eventually(lambda: dock.widget().window().isActiveWindow())
            assert dock.widget().window() is not window

    run(story())
