"""A bracket belongs to the program: its stop closes the position though the process of its strategy is dead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alphapanda_desktop.authoring.describe import described, spec_of
from alphapanda_desktop.authoring.load import execute
from alphapanda_desktop.authoring.sources import read
from alphapanda_desktop.domain.matching import Quote
from alphapanda_desktop.hosting.seat import process_seats
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.runner import StartOrder
from tests.hosting.files import PATIENT
from tests.trading.desk_fakes import INFY, a_desk, yields

SCRIPT = """
import os
from alphapanda_desktop.domain.strategy import Parameters, Strategy

class Mortal(Strategy):
    name = "mortal"
    bars = 0

    def on_bar(self, ctx, instrument, bar):
        self.bars += 1
        if self.bars == 1:
            ctx.bracket(instrument, 10, stop=95.0, target=130.0, reason="in")
        if self.bars == 3:
            os._exit(3)
"""


def test_the_stop_of_a_bracket_closes_what_a_dead_process_left(arun: Any, eventually: Any, tmp_path: Path) -> None:
    path = tmp_path / "mortal.py"
    path.write_text(SCRIPT, encoding="utf-8")
    kind = described(spec_of(execute(str(path), path.read_bytes())), read(path)[0])

    async def story() -> None:
        async with a_desk(strategies={"mortal": kind}, seats=process_seats(PATIENT)) as s:
            run = await s.runner.start(StartOrder("mortal", (INFY,)))

            async def minute(price: float) -> None:
                s.broker.quote = Quote(price)
                s.tick(price, after_s=60)
                host = s.runner.host_of(run.run_id)
                await yields()
                if host is not None and not run.state.over:
                    await eventually(lambda: host.idle)
                await yields()

            await minute(100.0)
            await minute(100.0)
            await eventually(lambda: len(s.broker.placed) == 2)
            assert [(r.transaction_type, r.quantity, r.price) for r in s.broker.placed] == [
                ("BUY", 10, None), ("SELL", 10, 130.0)]  # fmt: skip
            await minute(100.0)
            await minute(100.0)
            await eventually(lambda: run.state is RunState.FAILED)
            await eventually(lambda: not any(order.live for order in run.orders.values()))
            assert run.holding(INFY.key).quantity == 10
            s.broker.quote = Quote(94.0)
            s.tick(94.0, after_s=1)
            await eventually(lambda: run.holding(INFY.key).quantity == 0)
            assert [(r.transaction_type, r.order_type) for r in s.broker.placed][2:] == [("SELL", "MARKET")]
            assert "crossed the stop at 95.00: stop of: in" in s.broker.placed[-1].reason

    arun(story())
