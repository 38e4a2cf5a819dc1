"""Limits that the sheets set, kept in the settings."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Literal, Protocol, Self

from alphapanda_desktop.domain.errors import AlphaPandaError

if TYPE_CHECKING:
    from alphapanda_desktop.domain.compliance import OrderLimits
    from alphapanda_desktop.domain.risk import RiskLimits
    from alphapanda_desktop.trading.desk import Desk


class RiskSection(Protocol):
    """The section of the settings that holds them."""

    limits: RiskLimits
    order_limits: OrderLimits | None
    foreign_orders: Literal["ignore", "pause strategies", "adopt"]

    def model_copy(self) -> Self: ...


class KeptLimits:
    """Puts what the limits sheet and the reconciliation sheet say on the disk; `tell` hears where that fails.

    `risk` gives the section as it is now: the settings' own sheet may have put another one in its place.
    """

    def __init__(self, risk: Callable[[], RiskSection], save: Callable[[], None], tell: Callable[[str], None]) -> None:
        self._risk = risk
        self._save = save
        self._tell = tell

    def follow(self, stack: AsyncExitStack, desk: Desk) -> None:
        """Give the desk what was kept, and keep what it is changed to, now and at the end."""
        from alphapanda_desktop.trading.differences import ForeignPolicy

        desk.foreign_policy = ForeignPolicy(self._risk().foreign_orders)
        stack.callback(self._keep, desk)
        for changed in (desk.risk.changed, desk.governor.changed, desk.policy_changed):
            changed.connect(lambda: self._keep(desk))

    def _keep(self, desk: Desk) -> None:
        """Save what is not saved already."""
        risk = self._risk()
        before = risk.model_copy()
        risk.limits = desk.risk.wanted
        risk.order_limits = desk.governor.own_limits
        risk.foreign_orders = desk.foreign_policy.value
        if risk == before:
            return
        try:
            self._save()
        except AlphaPandaError as error:
            self._tell(f"The limits hold until the program ends, for they could not be kept: {error}")
