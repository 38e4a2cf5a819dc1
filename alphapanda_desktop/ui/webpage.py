"""The web view of the login: off the record, one set of hosts, no windows, no downloads, no scripts of ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtWebEngineCore import QWebEngineLoadingInfo, QWebEnginePage, QWebEngineProfile, QWebEngineSettings
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.ui.login import is_redirect
from alphapanda_desktop.ui.uncovered import Uncovered
from alphapanda_desktop.ui.words import say

log = logging.getLogger(__name__)

GONE_LIMIT_S = 5.0
MOST_SAID = 300
"""Letters of what a page says: it could say any number of them."""
ABORTED = -3
"""Chromium's net error for a load that was given up, not one that failed."""


def allowed(url: QUrl, hosts: frozenset[str]) -> bool:
    """Whether the login may go there: https on a listed host or below it, or exactly a listed host:port."""
    if f"{url.host()}:{url.port()}" in hosts:
        return url.scheme() in ("http", "https")
    if url.scheme() == "about":
        return True
    named = any(url.host() == host or url.host().endswith(f".{host}") for host in hosts)
    return named and url.scheme() == "https"


class LoginPage(QWebEnginePage):
    """A page that stops at the redirect. The override fails closed: an error in it refuses the navigation."""

    arrived = Signal(str)
    refused = Signal(str)

    def __init__(self, profile: QWebEngineProfile, hosts: frozenset[str], redirect_url: str, parent: QObject) -> None:
        super().__init__(profile, parent)
        self._hosts = hosts
        self._redirect_url = redirect_url

    def acceptNavigationRequest(self, url: QUrl | str, _kind: QWebEnginePage.NavigationType, is_main: bool) -> bool:
        target = QUrl(url)
        if is_main and is_redirect(target, self._redirect_url):
            self.arrived.emit(target.toString(QUrl.ComponentFormattingOption.FullyEncoded))
            return False
        if allowed(target, self._hosts):
            return True
        if is_main:
            self.refused.emit(f"The login page tried to leave Kite for {target.host()}; that was refused.")
        return False

    def createWindow(self, _kind: QWebEnginePage.WebWindowType) -> QWebEnginePage:
        return None  # type: ignore[return-value]  # Qt: no page means no window

    def javaScriptAlert(self, _origin: QUrl | str, text: str) -> None:
        self.refused.emit(f"The login page says: {text[:MOST_SAID]}")

    # Qt's own answers to the next three are dialogs that run a loop of their own, which kills tasks of ours.

    def javaScriptConfirm(self, _origin: QUrl | str, _text: str) -> bool:
        return False

    def javaScriptPrompt(self, _origin: QUrl | str, _text: str, _offered: str) -> tuple[bool, str]:
        return False, ""

    def chooseFiles(
        self, _mode: QWebEnginePage.FileSelectionMode, _old: Sequence[str], _types: Sequence[str]
    ) -> list[str]:
        return []

    def javaScriptConsoleMessage(
        self, _level: QWebEnginePage.JavaScriptConsoleMessageLevel, message: str, line: int, _source: str
    ) -> None:
        log.debug("login page console, line %d: %s", line, message[:200])


class LoginWeb(QObject):
    """Owner of view, page and profile, which must go in that order.

    Qt signals: `arrived(address)`, `refused(words)`.
    """

    arrived = Signal(str)
    refused = Signal(str)

    def __init__(self, hosts: frozenset[str], redirect_url: str, parent: QWidget) -> None:
        super().__init__(parent)
        # A window of its own within the window. Else the whole program's window is drawn through OpenGL from now on,
        # also after the login: without a graphics card each changed digit then costs 20 to 40 ms instead of half a one.
        parent.setAttribute(Qt.WidgetAttribute.WA_DontCreateNativeAncestors)
        parent.setAttribute(Qt.WidgetAttribute.WA_NativeWindow)
        window = parent.window()
        if window.findChild(Uncovered) is None:
            Uncovered(window)
        self._profile = QWebEngineProfile(self)  # without a name it keeps nothing
        self._profile.downloadRequested.connect(lambda download: download.cancel())
        self.view = QWebEngineView(parent)
        self.view.setObjectName("web_view")
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.page = LoginPage(self._profile, hosts, redirect_url, self.view)
        self._restrict()
        self.view.setPage(self.page)
        self.page.arrived.connect(self.arrived)
        self.page.refused.connect(self.refused)
        self.page.loadingChanged.connect(self._loading)
        self.page.renderProcessTerminated.connect(self._fell)

    def _restrict(self) -> None:
        settings, attribute = self.page.settings(), QWebEngineSettings.WebAttribute
        for off in (
            attribute.PluginsEnabled,
            attribute.LocalContentCanAccessRemoteUrls,
            attribute.JavascriptCanOpenWindows,
            attribute.JavascriptCanAccessClipboard,
            attribute.PdfViewerEnabled,
            attribute.FullScreenSupportEnabled,
        ):
            settings.setAttribute(off, False)

    def load(self, address: str) -> None:
        self.page.load(QUrl(address))

    def _loading(self, info: QWebEngineLoadingInfo) -> None:
        # A navigation that this page refuses comes as a failure too, but one without an error code.
        if info.status() is QWebEngineLoadingInfo.LoadStatus.LoadFailedStatus and info.errorCode() not in (0, ABORTED):
            if info.errorDomain() is QWebEngineLoadingInfo.ErrorDomain.HttpStatusCodeDomain:
                self.refused.emit(say(f"Kite answered with status {info.errorCode()}; its page says why."))
                return
            why = info.errorString() or f"error {info.errorCode()}"
            self.refused.emit(
                say(f"Kite's login page could not be loaded ({why}). Check the connection, then press “Load it again”.")
            )

    def _fell(self, _how: QWebEnginePage.RenderProcessTerminationStatus, code: int) -> None:
        self.refused.emit(f"The login page's process ended (code {code}). Press “Load it again”, or use your browser.")

    async def aclose(self) -> None:
        """Delete page, view, profile, each after the other, and wait until the profile is gone."""
        gone = asyncio.get_running_loop().create_future()

        def vanished(_what: QObject | None = None) -> None:
            if not gone.done():
                gone.set_result(None)

        self._profile.destroyed.connect(vanished)
        self.page.deleteLater()
        self.view.deleteLater()
        await asyncio.sleep(0)
        self._profile.deleteLater()
        try:
            async with asyncio.timeout(GONE_LIMIT_S):
                await gone
        except TimeoutError:
            log.warning("the login page's profile was not destroyed within %g s", GONE_LIMIT_S)
        self.deleteLater()
