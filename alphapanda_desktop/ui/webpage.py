"""The web view of the login: off the record, one set of hosts, no windows, no downloads, no scripts of ours."""

from __future__ import annotations

import asyncio
import logging

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtWebEngineCore import QWebEnginePage, QWebEngineProfile, QWebEngineSettings
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.ui.login import is_redirect

log = logging.getLogger(__name__)

GONE_LIMIT_S = 5.0


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
        self.refused.emit(f"The login page says: {text}")

    def javaScriptConfirm(self, _origin: QUrl | str, _text: str) -> bool:
        return False

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
        self.page.loadFinished.connect(self._loaded)

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

    def _loaded(self, ok: bool) -> None:
        # Stopping at the redirect counts as a failed load; only a page that has no address left is news.
        if not ok and self.page.url().isEmpty():
            self.refused.emit(
                "Kite's login page could not be loaded. Check the connection, then use a browser or try again."
            )

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
