"""Zerodha's login inside the window: its own page, the redirect caught before a byte of it leaves.

Object names for tests and the tour: login_view, web_view, again_button, browser_button, paste_field, paste_button,
change_keys_button, login_words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.trading.session import GateState, SessionGate
from alphapanda_desktop.ui.browser import open_in_browser
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.theme import ui_font
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:
    from alphapanda_desktop.ui.webpage import LoginWeb


def is_redirect(url: QUrl, redirect_url: str) -> bool:
    """Whether an address is Kite's way back to us: the registered URL, or any other that carries a request_token."""
    address = urlsplit(url.toString(QUrl.ComponentFormattingOption.FullyEncoded))
    registered = urlsplit(QUrl(redirect_url).toString(QUrl.ComponentFormattingOption.FullyEncoded))
    if "request_token" in parse_qs(address.query) and "/connect/" not in address.path:
        return True
    return (address.scheme, address.netloc, address.path or "/") == (
        registered.scheme,
        registered.netloc,
        registered.path or "/",
    )


Listen = Callable[[], Coroutine[Any, Any, str]]
"""Waits for the browser to come back; the address it was sent to."""


@dataclass(frozen=True)
class LoginPlan:
    """How to log in here: hosts the page may show, whether the web view works, words for the person.

    `listen` hears the redirect of a login in another browser; None where that lands on another machine. `change` asks
    for another key and secret; None where there are none.
    """

    hosts: frozenset[str]
    web: bool
    why_not_web: str = ""
    hint: str = ""
    listen: Listen | None = None
    change: Callable[[], None] | None = None


class LoginView(QWidget):
    """The page of a login. `arrived(address)` tells where Kite sent the browser."""

    arrived = Signal(str)

    def __init__(self, gate: SessionGate, plan: LoginPlan, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._gate = gate
        self._hosts = plan.hosts
        self._listen = plan.listen
        self._edge = edge
        self._web: LoginWeb | None = None
        self._listening: asyncio.Task[None] | None = None
        self.setObjectName("login_view")
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(16, 12, 16, 12)
        self._add_head(plan.hint)
        if plan.why_not_web:
            self._add_words("why_not_web").setText(plan.why_not_web)
        self.words = self._add_words("login_words")
        self._place = QFrame(self)
        self._place_layout = QVBoxLayout(self._place)
        self._place_layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(self._place, 1)
        self._add_foot(plan.change)
        self.arrived.connect(self._complete)
        connect(gate.changed, self, self._gate_changed)
        self._gate_changed()

    def _add_head(self, hint: str) -> None:
        title = Words(say("Log in to Kite"), self)
        title.setFont(ui_font(16, bold=True))
        self._layout.addWidget(title)
        text = "This is Zerodha's own page. AlphaPanda never sees your password; Kite ends every session at 06:00 IST."
        about = Words(say(hint or text), self)
        about.setWordWrap(True)
        self._layout.addWidget(about)

    def _add_words(self, name: str) -> QLabel:
        words = Words(self)
        words.setObjectName(name)
        words.setAccessibleName(say("What happened with the login"))
        words.setWordWrap(True)
        words.setStyleSheet(f"color:{self._edge.theme.warn};")
        self._layout.addWidget(words)
        return words

    def _add_foot(self, change: Callable[[], None] | None) -> None:
        row = QHBoxLayout()
        self.again = QPushButton(say("Load it &again"), self)
        self.again.setObjectName("again_button")
        self.again.setToolTip(say("Begin this login anew, from Kite's first page"))
        self.again.clicked.connect(self._load)
        self.again.hide()
        row.addWidget(self.again)
        self.browser = QPushButton(say("Use my &browser instead"), self)
        self.browser.setObjectName("browser_button")
        self.browser.clicked.connect(self._use_browser)
        self.paste = QLineEdit(self)
        self.paste.setObjectName("paste_field")
        self.paste.setAccessibleName(say("Address you landed on after logging in"))
        self.paste.setPlaceholderText(say("…or paste the address you landed on after logging in"))
        self.paste.returnPressed.connect(self._pasted)
        button = QPushButton(say("&Log in with it"), self)
        button.setObjectName("paste_button")
        button.clicked.connect(self._pasted)
        row.addWidget(self.browser)
        row.addWidget(self.paste, 1)
        row.addWidget(button)
        self.change = QPushButton(say("Change &key or secret…"), self)
        self.change.setObjectName("change_keys_button")
        self.change.setToolTip(say("Back to the page with the API key, the API secret and the redirect URL"))
        self.change.setVisible(change is not None)
        if change is not None:
            self.change.clicked.connect(lambda _checked=False: change())
        row.addWidget(self.change)
        self._layout.addLayout(row)

    # -- the web page ----------------------------------------------------------------------------------------

    def open_web(self) -> None:
        """Show Kite's login page here. Call only where the probe said that it can be shown."""
        from alphapanda_desktop.ui.webpage import LoginWeb

        self._web = LoginWeb(self._hosts, self._gate.redirect_url, self._place)
        self._web.arrived.connect(self.arrived)
        self._web.refused.connect(self._say)
        self._place_layout.addWidget(self._web.view)
        self.again.show()
        # Before its first page the view has nobody to give the keys to.
        self._web.page.loadFinished.connect(self._focus_page)
        self._load()

    def _focus_page(self, _ok: bool) -> None:
        if self._web is not None and not self.paste.text():
            self._web.view.setFocus()

    def _load(self) -> None:
        if self._web is not None:
            self._web.load(self._gate.login_url)

    @property
    def web(self) -> LoginWeb | None:
        return self._web

    async def aclose(self) -> None:
        """Take the page down in the order that WebEngine survives, and stop listening."""
        if self._listening is not None:
            self._listening.cancel()
        web, self._web = self._web, None
        if web is not None:
            await web.aclose()

    # -- other ways ------------------------------------------------------------------------------------------

    def _pasted(self) -> None:
        text = self.paste.text().strip()
        if text:
            self.arrived.emit(text)

    def _use_browser(self) -> None:
        if not open_in_browser(self._gate.login_url):
            self._say(f"No browser was found. Open this address yourself: {self._gate.login_url}")
        elif self._listen is None:
            self._say("Log in there, then copy the address of the page you land on and paste it below.")
        else:
            self._say("Log in there; this window notices when you are back.")
        if self._listen is not None and self._listening is None:
            self._listening = self._edge.spawn("wait for browser", self._hear(self._listen))

    async def _hear(self, listen: Listen) -> None:
        try:
            self.arrived.emit(await listen())
        except AlphaPandaError as error:
            self._say(str(error))
        finally:
            self._listening = None

    # -- what came of it -------------------------------------------------------------------------------------

    def _complete(self, address: str) -> None:
        self._edge.spawn("complete login", self._try(address))

    async def _try(self, address: str) -> None:
        try:
            await self._gate.complete(address)
        except AlphaPandaError as error:
            self._say(str(error))
            self._load()

    def _gate_changed(self) -> None:
        if self._gate.state is GateState.EXCHANGING:
            self._say("Completing the login…")
        elif self._gate.detail:
            self._say(self._gate.detail)

    def _say(self, text: str) -> None:
        self.words.setText(say(text))
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
