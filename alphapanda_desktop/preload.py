"""The heavy imports, on a thread behind the painted window, so that neither the paint nor the loop waits for them."""

from __future__ import annotations

import asyncio
import importlib
import logging
import threading
from typing import Final

log = logging.getLogger("alphapanda.preload")
_turn: Final = threading.Lock()
"""One import after another, as they are asked for: side by side the first is ready no sooner than the last."""

SETTINGS: Final = ("alphapanda_desktop.settings",)
"""What tells how the program is to be run."""

MODULES: Final = (
    "numpy",
    "sqlalchemy",
    "alphapanda_desktop.store.journal",
    "alphapanda_desktop.app",
)
"""What the program needs to open its journal, in the order of need."""

CHART: Final = ("pyqtgraph", "alphapanda_desktop.ui.chart.view")
"""The chart, which is drawn before anybody has logged in only in so far as it is ready to."""

DESK: Final = (
    "alphapanda_desktop.daymaster",
    "alphapanda_desktop.hosting.seat",
    "alphapanda_desktop.strategies",
    "alphapanda_desktop.strategyfiles",
    "alphapanda_desktop.store.recorder",
    "alphapanda_desktop.trading.alerts",
    "alphapanda_desktop.trading.chargecheck",
    "alphapanda_desktop.trading.runner",
    "alphapanda_desktop.trading.metering",
    "alphapanda_desktop.trading.why",
    "alphapanda_desktop.ui.desk",
    "alphapanda_desktop.ui.desksheets",
    "alphapanda_desktop.ui.gauges",
    "alphapanda_desktop.ui.meter",
    "alphapanda_desktop.ui.workspacedesk",
)
"""What is needed behind the login."""

BENCH: Final = (
    "alphapanda_desktop.testbench",
    "alphapanda_desktop.sweeps.past",
    "alphapanda_desktop.sweeps.pool",
    "alphapanda_desktop.sweeps.search",
    "alphapanda_desktop.sweeps.swept",
    "alphapanda_desktop.backtest.report",
    "alphapanda_desktop.ui.backtestwindow",
)
"""What backtests are played and shown with."""

REVIEW: Final = (
    "alphapanda_desktop.review",
    "alphapanda_desktop.ui.reports",
)
"""What the journal is looked back on with."""

LATER: Final = (*DESK, "kiteconnect", "numpy.ma")
"""What a thread may import while the person logs in; numpy.ma is what numpy asks for when bars are first merged."""

WEB: Final = ("alphapanda_desktop.ui.webpage",)
"""The browser, where a login needs one."""

VENUES: Final = {
    "practice": ("alphapanda_desktop.venues.kite",),
    "paper": ("alphapanda_desktop.venues.paper",),
    "live": ("alphapanda_desktop.venues.kite",),
    "replay": ("alphapanda_desktop.venues.replay",),
}
"""What each mode runs on: paper never loads what can send an order."""


async def preload(modules: tuple[str, ...]) -> None:
    """Import modules on a thread; a missing one raises ImportError when this is awaited."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: ImportError | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def work() -> None:
        failure: ImportError | None = None
        try:
            for name in modules:
                with _turn:
                    importlib.import_module(name)
        except ImportError as error:
            failure = error
        try:
            loop.call_soon_threadsafe(finish, failure)
        except RuntimeError:
            log.info("the program ended before its imports did")

    threading.Thread(target=work, name="imports", daemon=True).start()
    await done
