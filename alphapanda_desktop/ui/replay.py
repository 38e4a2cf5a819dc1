"""The controls of a recorded day: play, pause, steps, speed, where it is, and going anywhere in it.

Object names: replay_play, replay_tick, replay_bar_step, replay_begin, replay_clock, replay_left, replay_speed,
replay_reached, replay_trouble, and replay_1x … replay_1000x.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSlider, QToolBar, QToolButton, QVBoxLayout, QWidget

from alphapanda_desktop.domain.replay import FASTEST, PRESETS, Pace, Transport
from alphapanda_desktop.ui.chips import Notice
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.formats import countdown, grouped, ist_time
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.question import Asker, Question
from alphapanda_desktop.ui.replayscrub import Scrubber
from alphapanda_desktop.ui.theme import ui_font
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:
    from alphapanda_desktop.domain.instruments import Instrument
    from alphapanda_desktop.domain.market import Interval
    from alphapanda_desktop.trading.desk import Desk
    from alphapanda_desktop.trading.runner import Runner

SECOND: Final = 1_000_000_000
NOTCHES: Final = 60
"""Places of the slider between the slowest speed and the fastest."""

SLOW: Final = 0.8
"""Part of the speed that was asked for, below which the speed that is reached is told."""


class Charted(Protocol):
    """What the chart shows: whose ticks and which bars a step is of."""

    instrument: Instrument | None
    interval: Interval | None


class ReplayBar(QToolBar):
    """Shows a transport once a frame, and tells it what a person wants."""

    def __init__(
        self, transport: Transport, chart: Charted, desk: Desk, runner: Runner, edge: Edge, parent: QWidget
    ) -> None:
        super().__init__("Replay", parent)
        self._transport = transport
        self._chart = chart
        self._desk = desk
        self._runner = runner
        self._edge = edge
        self._asker = Asker()
        self._outlined: int | None = -1
        self._shown: tuple[object, ...] = ()
        self.setObjectName("replay_bar")
        self.setMovable(False)
        self.setFloatable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._inside = QWidget(self)
        self._build()
        self.addWidget(self._inside)
        self.refresh()
        edge.frames.add(self, self.refresh)

    # -- building ----------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        row = QHBoxLayout(self._inside)
        row.setContentsMargins(6, 4, 6, 4)
        row.setSpacing(6)
        self.begin = self._button("replay_begin", "⏮", "Go back to the beginning of the day", self.go_to_begin)
        self.play = self._button("replay_play", "▶ Play", "Play or pause (Ctrl+Space)", self.play_or_pause)
        self.play.setFont(ui_font(11, bold=True))
        self.play.setMinimumWidth(self.play.fontMetrics().horizontalAdvance("⏸ Pause") + 30)
        self.tick = self._button("replay_tick", "▸ Tick", "On to the chart's next tick (Ctrl+.)", self.step_tick)
        self.bar = self._button(
            "replay_bar_step", "▸▏ Bar", "On to the end of the chart's bar (Ctrl+Shift+.)", self.step_bar
        )
        for button in (self.begin, self.play, self.tick, self.bar):
            row.addWidget(button)
        row.addLayout(self._clock())
        self.scrubber = Scrubber(self._edge, self._inside)
        self.scrubber.wanted.connect(self.go_to)
        row.addWidget(self.scrubber, 1)
        row.addLayout(self._speed())
        self.trouble = Notice("replay_trouble", self._edge, self._inside)
        row.addWidget(self.trouble)

    def _button(self, name: str, text: str, tip: str, work: Callable[[], object]) -> QToolButton:
        button = QToolButton(self._inside)
        button.setObjectName(name)
        button.setText(say(text))
        button.setToolTip(as_tip(say(tip)))
        button.setAccessibleName(say(tip))
        button.clicked.connect(lambda _checked=False: work())
        return button

    def _clock(self) -> QVBoxLayout:
        box = QVBoxLayout()
        box.setSpacing(0)
        self.clock, self.left = (Words("", self._inside) for _ in range(2))
        self.clock.setObjectName("replay_clock")
        self.clock.setFont(ui_font(15, bold=True))
        self.clock.setStyleSheet(f"color: {self._edge.theme.replay};")
        self.clock.setMinimumWidth(self.clock.fontMetrics().horizontalAdvance("00:00:00") + 8)
        self.left.setObjectName("replay_left")
        self.left.setStyleSheet(f"color: {self._edge.theme.muted};")
        for label in (self.clock, self.left):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            box.addWidget(label)
        self.left.setMinimumWidth(self.left.fontMetrics().horizontalAdvance("running ahead") + 8)
        return box

    def _speed(self) -> QVBoxLayout:
        box, presets = QVBoxLayout(), QHBoxLayout()
        box.setSpacing(1)
        presets.setSpacing(2)
        self._presets = QButtonGroup(self)
        for speed in PRESETS:
            button = self._button(
                f"replay_{speed}x", f"{grouped(speed)}×", f"{grouped(speed)} seconds of the day in one of ours",
                partial(self._transport.set_speed, speed),
            )  # fmt: skip
            button.setCheckable(True)
            self._presets.addButton(button, speed)
            presets.addWidget(button)
        self._presets.setExclusive(False)
        self.slider = QSlider(Qt.Orientation.Horizontal, self._inside)
        self.slider.setObjectName("replay_speed")
        self.slider.setRange(0, NOTCHES)
        self.slider.setAccessibleName(say("Speed of the replay"))
        self.slider.valueChanged.connect(lambda notch: self._transport.set_speed(_speed_at(notch)))
        self.reached = Words("", self._inside)
        self.reached.setObjectName("replay_reached")
        self.reached.setMinimumWidth(self.reached.fontMetrics().horizontalAdvance("1,000× of 1,000×") + 4)
        under = QHBoxLayout()
        under.addWidget(self.slider, 1)
        under.addWidget(self.reached)
        box.addLayout(presets)
        box.addLayout(under)
        return box

    # -- what a person wants -----------------------------------------------------------------------------------------

    def play_or_pause(self) -> None:
        """Play what stands, stop what moves."""
        moves = self._transport.pace in (Pace.PLAYING, Pace.RUNNING)
        self._transport.pause() if moves else self._transport.play()

    def step_tick(self) -> None:
        """One tick on, of what the chart shows."""
        self._transport.step_tick(self._token())

    def step_bar(self) -> None:
        """One bar on, of what the chart shows; a chart of ticks counts as one of minutes."""
        from alphapanda_desktop.trading.liveseries import open_s

        interval, instrument = self._chart.interval, self._chart.instrument
        seconds = interval.seconds if interval is not None and interval.seconds else 60
        if instrument is not None:
            self._transport.step_bar(seconds, open_s(instrument), instrument.instrument_token)

    def faster(self, notches: int) -> None:
        """So many places of the slider faster, or slower."""
        self.slider.setValue(self.slider.value() + notches)

    def go_to_begin(self) -> None:
        """Begin the day anew, after a question."""
        self.go_to(self._transport.begin_ns)

    def go_to(self, at_ns: int) -> None:
        """Run ahead to a later time; to an earlier one the day begins anew, after a question."""
        transport = self._transport
        at_ns = min(max(at_ns, transport.begin_ns), transport.end_ns)
        if at_ns >= transport.position_ns:
            transport.run_to(at_ns)
        else:
            self._edge.spawn("rewind", self._rewind(at_ns))

    async def _rewind(self, at_ns: int) -> None:
        lost = self._lost()
        if lost:
            when = ist_time(at_ns / SECOND)
            lines = [f"The day begins anew at {when}, on empty books. What ends with this pass:", *lost]
            question = Question(f"Go back to {when}?", lines, "Begin anew there", "replay", self._edge, self.window())
            if not await self._asker.confirmed(question):
                return
        self._transport.rewind(at_ns)

    def _lost(self) -> list[str]:
        runs = sum(1 for run in self._runner.runs if not run.state.over)
        orders, held = len(self._desk.orders()), sum(1 for row in self._desk.positions() if row.quantity)
        counts = ((runs, "strategy that runs", "strategies that run"), (orders, "order", "orders"),
                  (held, "position", "positions"))  # fmt: skip
        return [f"• {count} {one if count == 1 else many}" for count, one, many in counts if count]

    def _token(self) -> int | None:
        return self._chart.instrument.instrument_token if self._chart.instrument is not None else None

    # -- showing -----------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what has changed since the last frame."""
        transport, at_ns = self._transport, self._transport.position_ns
        self._show_outline()
        self.scrubber.show_position(at_ns)
        shown = (at_ns // SECOND, transport.pace, transport.speed, round(transport.reached), transport.trouble)
        if shown == self._shown:
            return
        self._shown = shown
        self.clock.setText(ist_time(at_ns // SECOND))
        self._show_pace(transport.pace, (transport.end_ns - at_ns) / SECOND)
        self._show_speed(transport)
        self.trouble.say("⚠ left out" if transport.trouble else "", "warn", transport.trouble)

    def _show_outline(self) -> None:
        token = self._token()
        if token != self._outlined:
            self._outlined = token
            self.scrubber.show_day(self._transport.outline(token), self._transport.begin_ns, self._transport.end_ns)

    def _show_pace(self, pace: Pace, left_s: float) -> None:
        moves = pace in (Pace.PLAYING, Pace.RUNNING)
        self.play.setText(say("⏸ Pause" if moves else "▶ Play"))
        over = pace is Pace.ENDED
        for button in (self.play, self.tick, self.bar):
            button.setEnabled(not over)
        self.left.setText(say(pace.value if pace in (Pace.RUNNING, Pace.ENDED) else f"{countdown(left_s)} left"))

    def _show_speed(self, transport: Transport) -> None:
        speed, reached = transport.speed, transport.reached
        for button in self._presets.buttons():
            button.setChecked(self._presets.id(button) == speed)
        self.slider.blockSignals(True)
        self.slider.setValue(_notch_of(speed))
        self.slider.blockSignals(False)
        words = f"{grouped(speed)}×"
        slow = transport.pace is Pace.PLAYING and 0 < reached < SLOW * speed and grouped(reached) != grouped(speed)
        self.reached.setText(say(f"{grouped(reached)}× of {words}" if slow else words))
        self.reached.setStyleSheet(f"color: {self._edge.theme.warn if slow else self._edge.theme.muted};")


def _speed_at(notch: int) -> float:
    """The speed at a place of the slider: equal steps are equal factors."""
    speed = FASTEST ** (notch / NOTCHES)
    digits = max(0, math.floor(math.log10(speed)) - 1)
    return float(round(speed / 10**digits) * 10**digits)


def _notch_of(speed: float) -> int:
    return round(NOTCHES * math.log(max(speed, 1.0)) / math.log(FASTEST))
