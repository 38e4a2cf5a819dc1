"""An MCX contract: quantities are lots, and what a lot is worth is Kite's own multiplier, in every result shown."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.trading.runner import StartOrder
from tests.fakes import an_instrument
from tests.trading.desk_fakes import INFY, TCS, HeldBroker, a_desk, yields

LEAD = an_instrument(
    "LEADMINI26DECFUT", token=58_000_391, exchange="MCX", kind="FUT", lot_size=1, expiry=date(2026, 12, 31),
    name="LEADMINI",
)  # fmt: skip
NEW = an_instrument(
    "NEWMETAL26DECFUT", token=58_000_647, exchange="MCX", kind="FUT", lot_size=5, expiry=date(2026, 12, 31),
    name="NEWMETAL",
)  # fmt: skip


class Mcx(HeldBroker):
    """A broker whose rows carry a multiplier of their own."""

    multiplier = 1_000.0

    async def positions(self) -> list[Position]:
        from dataclasses import replace

        m = self.multiplier
        return [
            replace(p, multiplier=m, buy_value=p.buy_value * m, day_buy_value=p.day_buy_value * m)
            for p in await super().positions()
        ]


@pytest.mark.parametrize(("instrument", "multiplier"), [(LEAD, 1_000.0), (NEW, 250.0)])
def test_every_result_of_an_mcx_contract_counts_kites_multiplier(arun: Any, instrument: Any, multiplier: float) -> None:
    async def story() -> None:
        broker = Mcx()
        broker.multiplier = multiplier
        async with a_desk(broker=broker, instruments=(instrument,)) as s:
            run = await s.runner.start(StartOrder("probe", (instrument,), product="NRML"))
            s.tick(100.0, instrument)
            s.probe.ctx.buy(instrument, 2, reason="two lots")
            await yields()
            await s.desk.reconcile("test")
            (position,) = s.desk.positions()
            paid = position.buy_price
            s.tick(paid + 1.5, instrument)
            expected = 2 * 1.5 * multiplier
            assert s.desk.ledger.units(instrument.key) == multiplier
            assert run.pnl() == run.holding(instrument.key).pnl == pytest.approx(expected)
            of_run = s.desk.ledger.of_run(run.run_id, lambda _key: paid + 1.5)
            assert of_run.unrealised == pytest.approx(expected)
            net = s.desk.net()
            assert net is not None and net.gross == pytest.approx(expected) == s.desk.pnl()

    arun(story())


def test_before_a_position_is_told_the_table_counts_and_not_the_masters_lot_size() -> None:
    assert (LEAD.lot_size, LEAD.multiplier, NEW.multiplier, INFY.multiplier) == (1, 1_000, 5, 1)


def test_whether_a_share_has_derivatives_is_one_look_up(arun: Any, monkeypatch: Any) -> None:
    future = an_instrument("INFY26DECFUT", token=10_000_130, exchange="NFO", kind="FUT", name="INFY")
    master = InstrumentMaster([INFY, TCS, future])
    assert (master.has_derivatives(INFY), master.has_derivatives(TCS)) == (True, False)

    async def story() -> None:
        async with a_desk(instruments=(future,)) as s:

            def walked(_self: object) -> Any:
                raise AssertionError("the whole master was walked on the loop, for an order")

            monkeypatch.setattr(InstrumentMaster, "__iter__", walked)
            await s.desk.submit(s.request())

    arun(story())
