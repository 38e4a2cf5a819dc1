"""The first page: practice, paper or live; for the latter two the person's own Kite Connect app. Or a recorded day.

Object names: choose_practice, choose_paper, choose_live, choose_replay, api_key, api_secret, redirect_url,
found_<field>, test_account, save_account.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import Marked, Words
from alphapanda_desktop.ui.theme import Role, ui_font
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:  # the first paint does not wait for it
    from alphapanda_desktop.domain.preflight import Check as Finding

Check = Callable[[str, str, str], list[tuple[str, str]]]
"""Problems of (api_key, api_secret, redirect_url) as (field, words)."""
Try = Callable[[str, str, str], Awaitable[Sequence["Finding"]]]
"""What can be known of the three before a login; each finding is named for its field."""

DEFAULT_REDIRECT: Final = "http://127.0.0.1:5599/"

_MODES: Final[tuple[tuple[str, Role, str, str], ...]] = (
    (
        "practice",
        "practice",
        "◇ Practice",
        "A whole exchange on this machine: log in, watch ticks, run strategies. No account, no money, no internet.",
    ),
    (
        "paper",
        "paper",
        "▢ Paper",
        "Real prices from Zerodha. Orders are filled by this program and never leave it. Needs a Kite Connect key.",
    ),
    (
        "live",
        "live",
        "⬤ Live",
        "Real orders with real money. Each day has to be armed by typing. Needs a Kite Connect key and a static IP.",
    ),
    (
        "replay",
        "replay",
        "↺ Replay",
        "A recorded day once more, at any speed. Orders are filled by this program. Opens in a window of its own.",
    ),
)

_BUTTONS: Final = {"practice": "Start practising", "replay": "Open a recorded day…"}
"""What the other cards say is that they are set up."""

_HELP: Final = (
    "<p>Where these come from: sign in at <b>developers.kite.trade</b>, create an app of type <b>Connect</b> with your "
    "own Zerodha Client ID, and copy its API key and API secret.</p><p>As <b>Redirect URL</b> register exactly "
    "<b>{redirect}</b>; Kite sends you there after the login and this window catches it. For orders, add your static "
    "IP address in the same console.</p>"
    "<p>The secret goes into this computer's keyring, or, where there is none, into memory until you close; never into "
    "a file.</p>"
)


class WelcomePage(QWidget):
    """Asks once. `chosen(mode, credentials)`: credentials is None for practice, else a dict of the three fields.

    With a `mode`, which is then settled, it asks for that mode's account alone.
    """

    chosen = Signal(str, object)
    recording_wanted = Signal()
    """A recorded day is to be opened: no mode is chosen by that."""

    def __init__(self, check: Check, edge: Edge, parent: QWidget, mode: str = "") -> None:
        super().__init__(parent)
        self._check = check
        self._edge = edge
        self._mode = ""
        self._try: Try | None = None
        self.fields: dict[str, QLineEdit] = {}
        self._problems: dict[str, QLabel] = {}
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._modes_page())
        self._pages.addWidget(self._account_page())
        if mode:
            self.back.hide()
            self._choose(mode)

    def _modes_page(self) -> QWidget:
        page = QWidget(self)
        box = QVBoxLayout(page)
        box.addStretch(2)
        title = Words(say("Welcome to AlphaPanda"), page)
        title.setFont(ui_font(22, bold=True))
        box.addWidget(title, alignment=Qt.AlignmentFlag.AlignHCenter)
        box.addWidget(Words(say("How do you want to begin?"), page), alignment=Qt.AlignmentFlag.AlignHCenter)
        box.addSpacing(20)
        row = QHBoxLayout()
        row.addStretch(1)
        for mode, role, name, text in _MODES:
            row.addWidget(self._card(mode, role, name, text, page))
        row.addStretch(1)
        box.addLayout(row)
        box.addStretch(3)
        return page

    def _card(self, mode: str, role: Role, name: str, text: str, page: QWidget) -> QFrame:
        card = QFrame(page)
        card.setFixedSize(280, 230)
        card.setObjectName(f"card_{mode}")
        card.setStyleSheet(
            f"QFrame#card_{mode}{{background:{self._edge.theme.panel}; border:1px solid {self._edge.theme.border};"
            f"border-top:4px solid {self._edge.theme.colour(role).name()}; border-radius:6px;}}"
        )
        box = QVBoxLayout(card)
        title = Words(say(name), card)
        title.setFont(ui_font(15, bold=True))
        about = Words(say(text), card)
        about.setWordWrap(True)
        about.setAlignment(Qt.AlignmentFlag.AlignTop)
        button = QPushButton(say(_BUTTONS.get(mode, f"Set up {mode}…")), card)
        button.setObjectName(f"choose_{mode}")
        button.setAccessibleName(f"{say(name)}: {say(text)}")
        button.clicked.connect(lambda: self._choose(mode))
        box.addWidget(title)
        box.addSpacing(6)
        box.addWidget(about, 1)
        box.addWidget(button)
        return card

    def _choose(self, mode: str) -> None:
        if mode == "replay":
            self.recording_wanted.emit()
            return
        self._mode = mode
        if mode == "practice":
            self.chosen.emit(mode, None)
        else:
            self._heading.setText(say(f"{mode.capitalize()}: your Kite Connect app"))
            self._pages.setCurrentIndex(1)
            self.fields["api_key"].setFocus()

    def _account_page(self) -> QWidget:
        page = QWidget(self)
        outer = QHBoxLayout(page)
        outer.addStretch(1)
        column = QFrame(page)
        column.setMaximumWidth(640)
        box = QVBoxLayout(column)
        box.addStretch(1)
        self._heading = Words("", column)
        self._heading.setFont(ui_font(16, bold=True))
        box.addWidget(self._heading)
        about = Marked(say(_HELP.format(redirect=DEFAULT_REDIRECT)), column)
        about.setWordWrap(True)
        box.addWidget(about)
        box.addLayout(self._form(column))
        box.addLayout(self._buttons(column))
        box.addStretch(2)
        outer.addWidget(column, 4)
        outer.addStretch(1)
        return page

    def _form(self, column: QWidget) -> QFormLayout:
        form = QFormLayout()
        for name, label in (("api_key", "API key"), ("api_secret", "API secret"), ("redirect_url", "Redirect URL")):
            field = QLineEdit(column)
            field.setObjectName(name)
            field.setAccessibleName(say(label))
            problem = Words("", column)
            problem.setObjectName(f"found_{name}")
            problem.setWordWrap(True)
            problem.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            problem.hide()
            field.returnPressed.connect(self._save)
            field.textEdited.connect(problem.hide)
            self.fields[name], self._problems[name] = field, problem
            form.addRow(say(label), field)
            form.addRow("", problem)
        self.fields["api_secret"].setEchoMode(QLineEdit.EchoMode.Password)
        self.fields["redirect_url"].setText(DEFAULT_REDIRECT)
        return form

    def _buttons(self, column: QWidget) -> QHBoxLayout:
        row = QHBoxLayout()
        self.back = QPushButton(say("Back"), column)
        self.back.setObjectName("back")
        self.back.clicked.connect(lambda: self._pages.setCurrentIndex(0))
        self.test = QPushButton(say("&Test"), column)
        self.test.setObjectName("test_account")
        self.test.setToolTip(say("Ask Kite's login page for this key, and see whether the redirect can be heard here"))
        self.test.clicked.connect(lambda _checked=False: self._begin_test())
        self.test.hide()
        save = QPushButton(say("Save and log in"), column)
        save.setObjectName("save_account")
        save.setDefault(True)
        save.clicked.connect(self._save)
        row.addWidget(self.back)
        row.addStretch(1)
        row.addWidget(self.test)
        row.addWidget(save)
        return row

    # -- what is known already -------------------------------------------------------------------------------

    def fill(self, api_key: str, redirect_url: str) -> None:
        """What was entered before; the secret is never shown again."""
        self.fields["api_key"].setText(api_key)
        self.fields["redirect_url"].setText(redirect_url)

    def offer_way_back(self) -> None:
        """Let the person keep the key that there is: `chosen` then comes without credentials."""
        self.back.setText(say("Keep the old ones"))
        self.back.clicked.disconnect()
        self.back.clicked.connect(lambda _checked=False: self.chosen.emit(self._mode, None))
        self.back.show()

    def offer_test(self, attempt: Try) -> None:
        """Let the three be tried before they are saved."""
        self._try = attempt
        self.test.show()

    # -- trying ----------------------------------------------------------------------------------------------

    def _values(self) -> dict[str, str]:
        return {name: field.text().strip() for name, field in self.fields.items()}

    def _begin_test(self) -> None:
        if self._try is not None and self.test.isEnabled():
            self._edge.spawn("test the Kite app", self._run_test(self._try))

    async def _run_test(self, attempt: Try) -> None:
        from alphapanda_desktop.domain.preflight import Standing

        looks: dict[Standing, tuple[str, Role]] = {
            Standing.GOOD: ("✓", "good"),
            Standing.WARN: ("!", "warn"),
            Standing.BAD: ("✗", "danger"),
            Standing.UNKNOWN: ("?", "muted"),
        }
        self.test.setEnabled(False)
        self.test.setText(say("Testing…"))
        try:
            values = self._values()
            for found in await attempt(values["api_key"], values["api_secret"], values["redirect_url"]):
                mark, role = looks[found.standing]
                words = " ".join(say(text) for text in (found.found, found.remedy) if text)
                self._tell(found.name, f"{mark} {words}", role)
        finally:
            self.test.setText(say("&Test"))
            self.test.setEnabled(True)

    def _tell(self, name: str, words: str, role: Role) -> None:
        label = self._problems[name]
        label.setText(say(words))
        label.setStyleSheet(f"color:{getattr(self._edge.theme, role)};")
        label.setVisible(bool(words))

    def _save(self) -> None:
        values = self._values()
        problems = dict(self._check(values["api_key"], values["api_secret"], values["redirect_url"]))
        for name in self._problems:
            self._tell(name, say(problems.get(name, "")), "danger")
        if not problems:
            self.fields["api_secret"].clear()
            self.chosen.emit(self._mode, values)
