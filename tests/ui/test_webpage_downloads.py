"""The login page gives no file, and gets neither the camera nor the place of this computer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWebEngineCore import QWebEngineDownloadRequest, QWebEngineSettings

from tests.ui.login_site import a_site
from tests.ui.test_webpage import HERE, a_page

FILE = "<a id='take' download='taken.bin' href='/file'>take</a>"
CANCELLED = QWebEngineDownloadRequest.DownloadState.DownloadCancelled


def test_a_download_is_cancelled_before_it_begins(run: Any, eventually: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_site(login=FILE, file="much") as site, a_page(frozenset({site.host}), HERE) as page:
            page.web._profile.setDownloadPath(str(tmp_path))
            asked: list[QWebEngineDownloadRequest.DownloadState] = []
            page.web._profile.downloadRequested.connect(lambda download: asked.append(download.state()))
            page.web.load(site.url("/login"))
            await eventually(lambda: page.loads)
            await page.script("document.getElementById('take').click()")
            await eventually(lambda: asked)
            assert asked == [CANCELLED]

    run(story())
    assert list(tmp_path.iterdir()) == []


def test_a_page_reads_no_clipboard_and_opens_no_window_of_its_own(run: Any) -> None:
    async def story() -> None:
        attribute = QWebEngineSettings.WebAttribute
        async with a_page(frozenset({"127.0.0.1:1"}), HERE) as page:
            allowed = page.web.page.settings().testAttribute
            for off in (
                attribute.JavascriptCanAccessClipboard, attribute.JavascriptCanOpenWindows, attribute.PluginsEnabled,
                attribute.LocalContentCanAccessRemoteUrls, attribute.AllowRunningInsecureContent,
                attribute.PdfViewerEnabled, attribute.ScreenCaptureEnabled,
            ):  # fmt: skip
                assert not allowed(off), off.name
            assert page.web.page.webChannel() is None
            assert page.web._profile.isOffTheRecord()

    run(story())
