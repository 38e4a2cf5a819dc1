"""How one chart is laid out, as one value: kept from moment to moment for the next start, and under names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, get_args

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.ui.chart.chartbook import ChartBook, row_of_study, study_of_row
from alphapanda_desktop.ui.chart.items import Dress
from alphapanda_desktop.ui.chart.lookmenu import COLOURS
from alphapanda_desktop.ui.chart.pane import ScaleKind
from alphapanda_desktop.ui.chart.studies import Study
from alphapanda_desktop.ui.chart.view import STYLES, TICKS, ChartView, Choice

INTERVALS: Final[dict[str, Choice]] = {TICKS: None, **{interval.label: interval for interval in Interval}}
SCALES: Final[tuple[ScaleKind, ...]] = get_args(ScaleKind)


@dataclass(frozen=True, slots=True)
class Layout:
    """Time frames by their labels, kind of candles, indicators, profile, scale, and how candles look."""

    interval: str = Interval.MINUTE.label
    longer: str = ""
    style: str = "candles"
    studies: tuple[Study, ...] = ()
    profile: bool = False
    scale: ScaleKind = "linear"
    dress: Dress = field(default_factory=Dress)

    def as_json(self) -> dict[str, object]:
        """Plain values that `layout_from` takes."""
        return {
            "interval": self.interval,
            "longer": self.longer,
            "style": self.style,
            "studies": [row_of_study(study) for study in self.studies],
            "profile": self.profile,
            "scale": self.scale,
            "dress": asdict(self.dress),
        }


def layout_from(row: Mapping[str, Any]) -> Layout:
    """What `as_json` wrote; what is missing or no longer there is as on a new chart. Raises ValueError, TypeError or
    KeyError for an indicator that is none."""
    usual = Layout()
    interval, longer, style, scale = (str(row.get(name, "")) for name in ("interval", "longer", "style", "scale"))
    return Layout(
        interval if interval in INTERVALS else usual.interval,
        longer if INTERVALS.get(longer) is not None else "",
        style if style in STYLES else usual.style,
        tuple(study_of_row(study) for study in row.get("studies", ())),
        row.get("profile") is True,
        next((kind for kind in SCALES if kind == scale), usual.scale),
        dress_from(row.get("dress")),
    )


def dress_from(row: object) -> Dress:
    """What `asdict` made of one; the usual one of anything else."""
    if not isinstance(row, Mapping):
        return Dress()
    pair = next((pair for pair in COLOURS.values() if pair == (row.get("up"), row.get("down"))), ("up", "down"))
    return Dress(row.get("hollow") is True, *pair)


class ChartLayout(QObject):
    """Reads and changes the layout of one chart, and keeps in its book what a person changes; owned by the chart.

    Signal: `laid_out()` after a whole layout was put on the chart.
    """

    laid_out = Signal()

    def __init__(self, chart: ChartView, book: ChartBook) -> None:
        super().__init__(chart)
        self._chart, self._book = chart, book
        chart.looks.wear(dress_from(book.dress))
        if book.scale in SCALES:
            chart.plot.set_scale(book.scale)
        chart.set_longer(INTERVALS.get(book.longer))
        chart.looks.worn.connect(lambda dress: book.keep_dress(asdict(dress)))
        chart.plot.scale_changed.connect(lambda: book.keep_scale(chart.plot.scale.kind))
        chart.longer_changed.connect(book.keep_longer)

    @property
    def layout(self) -> Layout:
        """As the chart is now."""
        chart = self._chart
        return Layout(
            chart.interval_label, chart.longer.label if chart.longer is not None else "", chart.candle_kind,
            chart.plot.studies.wanted, chart.plot.profile.shown, chart.plot.scale.kind, replace(chart.plot.dress),
        )  # fmt: skip

    def window(self) -> QWidget:
        """The window that the chart is in."""
        return self._chart.window()

    def put(self, layout: Layout) -> None:
        """Lay the chart out so, and keep it."""
        chart, book = self._chart, self._book
        if layout.interval != chart.interval_label:
            chart.set_interval(INTERVALS[layout.interval])
        chart.set_candle_kind(layout.style)
        chart.plot.set_studies(layout.studies)
        book.keep_studies(layout.studies)
        chart.plot.show_profile(layout.profile)
        book.keep_profile(layout.profile)
        chart.plot.set_scale(layout.scale)
        chart.looks.wear(layout.dress)
        book.keep_dress(asdict(layout.dress))
        chart.set_longer(INTERVALS.get(layout.longer))
        self.laid_out.emit()
