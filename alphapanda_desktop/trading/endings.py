"""Waiting for the end of orders whose cancellation was asked for: done is what the book says, not the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.trading.books import Books
from alphapanda_desktop.trading.voice import Voice


async def ended(voice: Voice, books: Books, order_ids: Sequence[str], wait_s: float) -> bool:
    """Wait until none of these orders lives, or until the time is up; whether none does."""
    moved = asyncio.Event()

    def hear(_order: Order) -> None:
        moved.set()

    voice.order_changed.connect(hear)
    try:
        async with asyncio.timeout(wait_s):
            while alive(books, order_ids):
                moved.clear()
                await moved.wait()
    except TimeoutError:
        return False  # who still lives is named by the caller
    finally:
        voice.order_changed.disconnect(hear)
    return True


def stands(books: Books, order_ids: Sequence[str]) -> bool:
    """Whether each of these stops guards still, or has closed its whole."""
    rows = map(books.book.get, order_ids)
    return all(order is not None and (order.live or order.status == "COMPLETE") for order in rows)


def alive(books: Books, order_ids: Sequence[str]) -> bool:
    """Whether any of these orders may still fill."""
    rows = map(books.book.get, order_ids)
    return any(order is not None and order.live for order in rows)
