"""Orders that may only close: how much of a position is left to be closed, and the refusal of what is more.

Judged with everything that works on the same side already, so that two ways out of one position never add up to more
than the position. What has left counts until the broker says that it ended.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.positions import to_close
from alphapanda_desktop.domain.risk import Exposure, RuleResult, reduces

ONLY_CLOSES: Final = "only closes"


def left_to_close(request: OrderRequest, exposure: Exposure) -> int:
    """Units of what is held that no order on the request's side is closing yet; 0 where it would not close at all."""
    held = to_close(request.product, exposure.position)
    return max(0, abs(held) - _working(request, exposure)) if held * request.sign < 0 else 0


def only_closes(request: OrderRequest, exposure: Exposure) -> tuple[RuleResult, ...]:
    """The rule for a request that says it only closes; none for any other."""
    if not request.closes:
        return ()
    left = left_to_close(request, exposure)
    # Of the position alone: a second exit of it must not go on with the shares of earlier days.
    passed, asked = reduces(request, replace(exposure, in_holdings=0)), f"{request.transaction_type} {request.quantity}"
    words = f"{exposure.position} held, {_working(request, exposure)} of it being closed by other orders"
    text = "" if passed else f"Only closes: {asked} {request.key} {request.product} asked, {left} left ({words})."
    return (RuleResult(ONLY_CLOSES, passed, asked, f"{left} left to close", text),)


def _working(request: OrderRequest, exposure: Exposure) -> int:
    return exposure.buying if request.sign > 0 else exposure.selling
