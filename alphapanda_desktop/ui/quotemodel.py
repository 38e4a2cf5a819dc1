"""The watchlist's table model: reads the market's columns, and makes words only of what can be seen.

Nothing here costs by the tick. Once a frame the rows that changed are compared, as whole columns, with what is shown;
cells that differ are announced, and their words are made when they are painted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QModelIndex, QObject, Qt

from alphapanda_desktop.domain import quotes
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.ui import formats, quotecells
from alphapanda_desktop.ui.tables import SORT_EVERY_S, Align, Cell, CellModel, Index, runs_of
from alphapanda_desktop.ui.theme import DARK, Role, Theme

FLASH_S: Final = 0.35
AWAY_S: Final = 1.0
"""After so long without a frame nothing lights up: it was hidden, and everything has changed."""

AGES_EVERY_S: Final = 1.0
BUSY_CELLS: Final = 100
BUSY_EVERY_S: Final = 0.06
"""Where more numbers change at once than an eye follows, they are shown every other frame."""

MOST_KEPT: Final = 512
"""Of how many rows the words are kept when other rows come into sight."""

Rows = NDArray[np.intp]
Shown = NDArray[np.int64]


class QuoteMarket(Protocol):
    """What the model asks of the market; trading.market.Market is one."""

    @property
    def table(self) -> quotes.LatestTable: ...

    def grades(self, rows: Rows) -> NDArray[np.intp]: ...

    def ages_s(self, rows: Rows) -> NDArray[np.float64]: ...


@dataclass(frozen=True, slots=True)
class QuoteColumn:
    """A heading of the watchlist."""

    title: str
    align: Align = "right"
    width_chars: int = 9
    header_tooltip: str = ""
    elide: Literal["end", "middle"] = "end"
    widest: str = ""
    """Words that the column has room for from the start."""
    rare: bool = False
    """Not shown unless somebody asks for it; until then it costs nothing."""


SYMBOL, PRICE, CHANGE, PERCENT, VOLUME, BID, ASK, AGE, OPEN, HIGH, LOW, PREVIOUS, OI = range(13)

COLUMNS: Final = (
    QuoteColumn("Symbol", "left", 11, elide="middle"),
    QuoteColumn("Last", widest="26,123.45"),
    QuoteColumn("Chg", widest="▲ 1,234.55", header_tooltip="Against the previous close, in rupees"),
    QuoteColumn("Chg %", widest="+12.35 %"),
    QuoteColumn("Volume", widest="34.57 L"),
    QuoteColumn("Bid", widest="26,123.45"),
    QuoteColumn("Ask", widest="26,123.45"),
    QuoteColumn(
        "Age",
        widest="stale 12 m",
        header_tooltip="How long ago the last tick came: late when that is unusual for this instrument, stale and "
        "framed when its price is too old to trade on",
    ),
    QuoteColumn("Open", widest="26,123.45", header_tooltip="The day's first price", rare=True),
    QuoteColumn("High", widest="26,123.45", header_tooltip="The day's highest price", rare=True),
    QuoteColumn("Low", widest="26,123.45", header_tooltip="The day's lowest price", rare=True),
    QuoteColumn("Prev", widest="26,123.45", header_tooltip="The previous day's close", rare=True),
    QuoteColumn("OI", widest="34.57 L", header_tooltip="Open interest, in units", rare=True),
)
RARE: Final = tuple(place for place, column in enumerate(COLUMNS) if column.rare)

# What is shown of a row, as whole numbers: prices as on the wire, 0 for none; -1 where there is no volume.
_LAST, _CLOSE, _VOLUME, _BID, _ASK, _OPEN, _HIGH, _LOW, _OI, _GRADE, _AGE = _KNOWN = range(11)
_NEEDS: Final = (
    (),
    (_LAST, _CLOSE, _GRADE),
    (_LAST, _CLOSE, _GRADE),
    (_LAST, _CLOSE, _GRADE),
    (_VOLUME, _GRADE),
    (_BID, _GRADE),
    (_ASK, _GRADE),
    (_AGE, _GRADE),
    (_OPEN, _GRADE),
    (_HIGH, _GRADE),
    (_LOW, _GRADE),
    (_CLOSE, _GRADE),
    (_OI, _GRADE),
)
"""What each column's words are made of."""

_DEPENDS: Final = np.zeros((len(_KNOWN), len(COLUMNS)), np.bool_)
for _column, _needs in enumerate(_NEEDS):
    _DEPENDS[list(_needs), _column] = True

_ONLY_PRICE: Final = [column == PRICE for column in range(len(COLUMNS))]

_WORDS: Final = (
    *(quotes.LAST, quotes.CLOSE, quotes.VOLUME, quotes.DEPTH + 1, quotes.ASK_WORDS_AT + 1),
    *(quotes.OPEN, quotes.HIGH, quotes.LOW, quotes.OI),
)
_PRICES: Final = {PRICE: _LAST, BID: _BID, ASK: _ASK, OPEN: _OPEN, HIGH: _HIGH, LOW: _LOW, PREVIOUS: _CLOSE}
_QUANTITIES: Final = (quotes.DEPTH, quotes.ASK_WORDS_AT)
_LONGEST_AGE: Final = 10**6


class Quote(NamedTuple):
    """A row that somebody chose."""

    instrument: Instrument


class QuoteModel(CellModel):
    """Watched instruments over the latest-value table.

    The owner calls `show` with all instruments and `refresh` once a frame; `visible` tells which places can be seen.
    """

    def __init__(
        self,
        market: QuoteMarket,
        reader: str,
        theme: Theme = DARK,
        parent: QObject | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(COLUMNS, theme, parent)
        self.columns = COLUMNS
        self.visible: Callable[[], tuple[int, int]] = lambda: (0, len(self._order) - 1)
        """First and last place that can be seen."""
        self._market = market
        self._reader = reader
        self._monotonic_s = monotonic_s
        self._listed: list[Instrument] = []
        self._item_of: dict[int, int] = {}
        self._sorted_by: tuple[int, bool] | None = None
        self._sorted_at_s = self._ages_at_s = self._frame_at_s = -np.inf
        self._sight: tuple[int, int] | None = None
        self._busy = False
        self._filter: list[str] = []
        self._names: list[str] = []
        self._flashing: dict[int, tuple[float, Role]] = {}
        self._cells: dict[int, list[Cell | None]] = {}
        self.leave_out(RARE)
        self._take([])

    def leave_out(self, places: Iterable[int]) -> None:
        """Which of the rare columns nobody sees: no words are made of them, and their changes are no news."""
        unseen = [place for place in places if place in RARE]
        self._blank: list[Cell | None] = [Cell("") if place in unseen else None for place in range(len(COLUMNS))]
        self._depends = _DEPENDS.copy()
        self._depends[:, unseen] = False
        self._matters = self._depends.any(axis=1)
        self._cells.clear()

    # --- which rows

    def show(self, instruments: Iterable[Instrument]) -> None:
        """List exactly these, in this order unless a column is sorted by or a filter is set."""
        listed = list(instruments)
        kept = [i.instrument_token for i in listed]
        before = [i.instrument_token for i in self._listed]
        if not self._plain or kept[: len(before)] != before:
            gone = set(before) - set(kept)
            if self._plain and [token for token in before if token not in gone] == kept:
                self._remove(gone, listed)
            else:
                self._rebuild(listed)
        elif len(kept) > len(before):
            self.beginInsertRows(QModelIndex(), len(before), len(kept) - 1)
            self._take(listed)
            self.endInsertRows()

    @property
    def _plain(self) -> bool:
        return not self._filter and self._sorted_by is None

    def _remove(self, gone: set[int], listed: list[Instrument]) -> None:
        places = [place for place, i in enumerate(self._listed) if i.instrument_token in gone]
        for first, last in reversed(runs_of(places)):
            self.beginRemoveRows(QModelIndex(), first, last)
            self._take(self._listed[:first] + self._listed[last + 1 :])
            self.endRemoveRows()
        self._take(listed)

    def _rebuild(self, listed: list[Instrument]) -> None:
        self.beginResetModel()
        self._take(listed)
        self.endResetModel()

    def _take(self, listed: list[Instrument]) -> None:
        self._listed = listed
        self._item_of = {i.instrument_token: item for item, i in enumerate(listed)}
        self._rows = self._market.table.make_rows(self._item_of)
        self._decimals = [i.decimals for i in listed]
        self._tradable = np.array([i.tradable for i in listed], np.bool_)
        self._divisors = self._market.table.divisors(self._rows)
        self._names = [f"{i.tradingsymbol} {i.name} {i.exchange}".lower() for i in listed]
        self._cells.clear()
        self._flashing.clear()
        self._sight = None
        self._known: Shown = self._now(np.arange(len(listed)))
        self._order = self._ordered()
        self._number()

    def _number(self) -> None:
        self._place_of = np.full(len(self._listed), -1, np.intp)
        self._place_of[self._order] = np.arange(len(self._order))

    def set_filter(self, text: str) -> None:
        """Show only rows whose symbol, name or exchange have all of these words."""
        words = text.lower().split()
        if words != self._filter:
            self.beginResetModel()
            self._filter = words
            self._order = self._ordered()
            self._number()
            self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column from now on; column -1 goes back to the order in which they are listed."""
        self._sorted_by = (column, order == Qt.SortOrder.DescendingOrder) if column >= 0 else None
        self._sorted_at_s = self._monotonic_s()
        self._known = self._now(np.arange(len(self._listed)))
        self._cells.clear()
        self._arrange()

    def _arrange(self) -> None:
        target = self._ordered()
        if np.array_equal(target, self._order):
            return
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        items = [int(self._order[index.row()]) for index in held]
        self._order = target
        self._sight = None
        self._number()
        moved = [self.index(int(self._place_of[i]), at.column()) for i, at in zip(items, held, strict=True)]
        self.changePersistentIndexList(held, moved)
        self.layoutChanged.emit()

    def _ordered(self) -> Rows:
        items = np.arange(len(self._listed))
        if self._filter:
            passed: Sequence[int] = range(len(self._names))
            names = self._names
            for word in self._filter:
                passed = [item for item in passed if word in names[item]]
            items = np.array(passed, np.intp)
        if self._sorted_by is None or not len(items):
            return items
        column, descending = self._sorted_by
        if column == SYMBOL:
            return np.array(sorted(items.tolist(), key=lambda i: self._names[i], reverse=descending), np.intp)
        values = self._values(column)[items]
        known = np.isfinite(values)
        by_value = np.argsort(-values[known] if descending else values[known], kind="stable")
        return np.concatenate((items[known][by_value], items[~known]))  # no value is last either way

    def _values(self, column: int) -> NDArray[np.float64]:
        """What a column is sorted by; infinite where there is none."""
        known, none = self._known.astype(np.float64), np.inf
        last, close = known[:, _LAST], known[:, _CLOSE]
        change = np.where((close != 0) & (last != 0), (last - close) / self._divisors, none)
        match column:
            case _ if column == CHANGE:
                return change
            case _ if column == PERCENT:
                return np.where(np.isfinite(change), change * self._divisors / np.where(close == 0, 1, close), none)
            case _ if column == VOLUME:
                return np.where(known[:, _VOLUME] < 0, none, known[:, _VOLUME])
            case _ if column == AGE:
                return np.where(known[:, _AGE] >= _LONGEST_AGE, none, known[:, _AGE])
            case _ if column == OI:
                return np.where(known[:, _OI] <= 0, none, known[:, _OI])
        price = known[:, _PRICES[column]]
        return np.where(price == 0, none, price / self._divisors)

    # --- once a frame

    def refresh(self) -> None:
        """Announce the cells that can be seen and have changed; once a second the ages too."""
        now_s = self._monotonic_s()
        away = now_s - self._frame_at_s > AWAY_S
        if self._busy and now_s - self._frame_at_s < BUSY_EVERY_S:
            return
        self._frame_at_s, self._busy = now_s, False
        changed = self._market.table.take_changed(self._reader, self._rows)
        if not len(self._order):
            return
        self._fade(now_s)
        sight = self.visible()
        seen = self._order[max(sight[0], 0) : sight[1] + 1]
        if away or sight != self._sight:
            self._forget_all_but(seen)
            self._sight = sight
            self._compare(seen, now_s, lit=False)
        elif now_s - self._ages_at_s >= AGES_EVERY_S:
            self._ages_at_s = now_s
            self._compare(seen, now_s, lit=True)
        elif len(changed):
            ticked = np.zeros(len(self._market.table), np.bool_)
            ticked[changed] = True
            self._compare(seen[ticked[self._rows[seen]]], now_s, lit=True)
        if self._sorted_by is not None and now_s - self._sorted_at_s >= SORT_EVERY_S:
            self._sorted_at_s = now_s
            self._known = self._now(np.arange(len(self._listed)))
            self._arrange()

    def _compare(self, items: Rows, now_s: float, *, lit: bool) -> None:
        if not len(items):
            return
        now, before = self._now(items), self._known[items]
        differs = (now != before) & self._matters
        touched = differs.any(axis=1)
        if not touched.any():
            return
        items, now, before, differs = items[touched], now[touched], before[touched], differs[touched]
        self._known[items] = now
        self._busy = bool(differs.sum() > BUSY_CELLS)
        if lit:
            self._light(items, now[:, _LAST] - before[:, _LAST], before[:, _LAST], now_s)
        self._announce(items.tolist(), (differs @ self._depends).tolist())

    def _announce(self, items: Sequence[int], stale: Sequence[Sequence[bool]]) -> None:
        """Forget the words of these cells and say that they changed; rows that changed alike, side by side, as one."""
        alike: dict[tuple[bool, ...], list[int]] = {}
        for item, columns in zip(items, map(tuple, stale), strict=True):
            cells = self._cells.get(item)
            if cells is not None:
                self._cells[item] = [None if is_old else cell for cell, is_old in zip(cells, columns, strict=True)]
            place = self._place_of.item(item)
            if place >= 0:
                alike.setdefault(columns, []).append(place)
        for columns, places in alike.items():
            spans = runs_of([column for column, is_old in enumerate(columns) if is_old])
            for top, bottom in runs_of(sorted(places)):
                for first, last in spans:
                    self.dataChanged.emit(self.index(top, first), self.index(bottom, last))

    def _light(self, items: Rows, moved: Shown, before: Shown, now_s: float) -> None:
        for item, move, old in zip(items.tolist(), moved.tolist(), before.tolist(), strict=True):
            if move and old:
                self._flashing[item] = now_s + FLASH_S, "up" if move > 0 else "down"

    def _fade(self, now_s: float) -> None:
        over = [item for item, (until_s, _) in self._flashing.items() if until_s <= now_s]
        for item in over:
            del self._flashing[item]
        self._announce(over, [_ONLY_PRICE] * len(over))

    def _now(self, items: Rows) -> Shown:
        """What the market says now of these, a line of whole numbers each."""
        table, rows = self._market.table, self._rows[items]
        shown = np.zeros((len(items), len(_KNOWN)), np.int64)
        if not len(items):
            return shown
        words = table.words(rows, (*_WORDS, *_QUANTITIES))
        level, trades = table.level[rows], self._tradable[items]
        shown[:, : len(_WORDS)] = words[:, : len(_WORDS)].view(np.int32)
        shown[:, _VOLUME] = words[:, _VOLUME]
        shown[~(trades & (level >= quotes.QUOTE)), _VOLUME] = -1
        shown[:, _OI] = words[:, _OI] * (trades & (level == quotes.FULL))
        shown[:, [_CLOSE, _OPEN, _HIGH, _LOW]] *= (level >= quotes.QUOTE)[:, None]
        shown[level == quotes.NOTHING, _LAST] = 0
        full = trades & (level == quotes.FULL)
        shown[:, [_BID, _ASK]] *= full[:, None] & (words[:, len(_WORDS) :] > 0)
        shown[:, _GRADE] = self._market.grades(rows)
        ages_s = np.minimum(self._market.ages_s(rows), _LONGEST_AGE)
        shown[:, _AGE] = ages_s - np.where(ages_s < 60, 0, ages_s % 60)  # what the words tell apart
        return shown

    # --- cells

    def cell(self, row: int, column: int) -> Cell:
        """What is painted there."""
        return self.cells_of(row)[column]

    def cells_of(self, row: int) -> Sequence[Cell]:
        """What is painted in a row; the words are made when somebody looks."""
        item = self._order.item(row)
        cells = self._cells.get(item)
        if cells is None:
            # It was out of sight: what is known of it may be old.
            self._known[item] = self._now(np.array((item,)))[0]
            cells = self._cells[item] = self._blank.copy()
        elif None not in cells:
            return cast("list[Cell]", cells)
        self._make(item, cells)
        return cast("list[Cell]", cells)

    def _forget_all_but(self, items: Rows) -> None:
        """Drop the words of rows that went out of sight; they are made anew when they come back."""
        if len(self._cells) > MOST_KEPT:
            seen = set(items.tolist())
            self._cells = {item: cells for item, cells in self._cells.items() if item in seen}

    def _make(self, item: int, cells: list[Cell | None]) -> None:
        """Make those cells of a row that are missing."""
        last, close, volume, bid, ask, opened, high, low, oi, grade, age = self._known[item].tolist()
        divisor, decimals = self._divisors.item(item), self._decimals[item]
        plain: Role | None = "muted" if grade in quotecells.OLD else None
        if cells[SYMBOL] is None:
            cells[SYMBOL] = Cell(self._listed[item].tradingsymbol)
        if cells[PRICE] is None:  # without it change and per cent are missing too, or are the same again
            cells[PRICE : PERCENT + 1] = quotecells.moved(last, close, divisor, decimals, grade)
        if cells[VOLUME] is None:
            cells[VOLUME] = Cell(formats.volume(volume if volume >= 0 else None), plain)
        if cells[BID] is None:
            cells[BID] = quotecells.price(bid, divisor, decimals, plain)
        if cells[ASK] is None:
            cells[ASK] = quotecells.price(ask, divisor, decimals, plain)
        if cells[AGE] is None:
            cells[AGE] = quotecells.age(age, grade)
        for place, raw in zip((OPEN, HIGH, LOW, PREVIOUS), (opened, high, low, close), strict=True):
            if cells[place] is None:
                cells[place] = quotecells.price(raw, divisor, decimals, plain)
        if cells[OI] is None:
            cells[OI] = Cell(formats.volume(oi or None), plain)

    def lit_of(self, row: int) -> Role | None:
        """The colour in which a row's price lights up at the moment."""
        lit = self._flashing.get(self._order.item(row)) if self._flashing else None
        return lit[1] if lit else None

    def flash(self, row: int, column: int) -> Role | None:
        """The colour of a price that has just changed."""
        return self.lit_of(row) if column == PRICE else None

    def tooltip(self, row: int, column: int) -> str:
        """Of a symbol what it is, of an age what it means."""
        item = self._order.item(row)
        if column == SYMBOL:
            return quotecells.about(self._listed[item])
        if column not in (AGE, PRICE):
            return ""
        row_ = self._rows[item : item + 1]
        return quotecells.age_tip(self._market.ages_s(row_).item(), self._market.grades(row_).item())

    # --- what owners ask

    def row(self, index: Index | int) -> Quote:
        """The row shown at this place."""
        return Quote(self._listed[self._order.item(index if isinstance(index, int) else index.row())])

    def rows(self) -> list[Quote]:
        """All rows as they stand on screen."""
        return [Quote(self._listed[item]) for item in self._order.tolist()]

    def place(self, instrument_token: int) -> int | None:
        """Where this instrument stands, or None."""
        item = self._item_of.get(instrument_token)
        place = -1 if item is None else int(self._place_of[item])
        return place if place >= 0 else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._order)
