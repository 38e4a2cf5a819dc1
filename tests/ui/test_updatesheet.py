"""The sheet asks when it is opened, fetches on a word, and says how to install; no dead entry leads to it."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from PySide6.QtGui import QAction, QGuiApplication

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.progress import Progress
from alphapanda_desktop.domain.release import Offer, Release, ReleaseFile
from alphapanda_desktop.ui.aboutsheet import AboutSheet
from alphapanda_desktop.ui.updatesheet import WORK, Asked, UpdateSheet
from alphapanda_desktop.ui.words import say, speak
from alphapanda_desktop.updates import Fetched, how_to_install
from alphapanda_desktop.updating import asked, offer_updates, show_updates
from tests.ui.fakes_sheets import SheetStage, a_stage
from tests.ui.test_access import nameless, unsaid
from tests.ui.window_stage import a_window

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FILE = ReleaseFile("linux-x86_64", "alphapanda.tar.zst", 5_000_000, "0" * 64)
OFFER = Offer(Release("9.9.9", NOW, NOW + timedelta(days=9), "0001", "Faster.", (FILE,)), FILE)
GOT = Fetched(Path("/mnt/someone/updates/alphapanda.tar.zst"), (), how_to_install("alphapanda.tar.zst"))


@dataclass
class Host:
    """What is newer, and a fetch that ends when the test says so."""

    found: Offer | None = OFFER
    refuse: str = ""
    looks: int = 0
    finish: asyncio.Event = field(default_factory=asyncio.Event)

    async def look(self) -> Offer | None:
        self.looks += 1
        if self.refuse:
            raise Refused(self.refuse)
        return self.found

    async def fetch(self, _offer: Offer, progress: Progress) -> Fetched:
        progress.at(2_000_000, 5_000_000)
        while not self.finish.is_set():
            await asyncio.sleep(0)
            progress.at(progress.done)
        return GOT


def shown(stage: SheetStage, host: Host) -> UpdateSheet:
    sheet = UpdateSheet(
        Asked("https://a.example/release.json", "1.0.0", host.look, host.fetch), stage.edge, stage.window
    )
    stage.deck.lay(sheet)
    sheet.look()
    return sheet


def offered(sheet: UpdateSheet) -> set[str]:
    return {button.objectName().removeprefix("update_") for button in (
        sheet.ask, sheet.get, sheet.stop, sheet.folder, sheet.copy) if not button.isHidden()}  # fmt: skip


def test_it_is_fetched_on_a_word_and_then_it_says_how_to_install(run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            host = Host()
            sheet = shown(stage, host)
            assert "Asking https://a.example/release.json" in sheet.words.text() and offered(sheet) == set()
            await eventually(lambda: "9.9.9" in sheet.words.text())
            assert sheet.notes.toPlainText() == "Faster." and "5.0 MB" in sheet.answer.text()
            assert offered(sheet) == {"ask", "get"} and stage.edge.works.running == []
            sheet.get.click()
            await eventually(lambda: [work.name for work in stage.edge.works.running] == [WORK])
            assert offered(sheet) == {"stop"}
            host.finish.set()
            await eventually(lambda: "unpack" in sheet.answer.text())
            assert str(GOT.path) in sheet.answer.text() and offered(sheet) == {"ask", "folder", "copy"}
            sheet.copy.click()
            assert QGuiApplication.clipboard().text() == GOT.how

    run(story())


def test_its_words_are_said_in_hindi_and_everything_has_a_name(run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            host = Host()
            sheet = shown(stage, host)
            await eventually(lambda: not sheet.get.isHidden())
            assert "घोषणा" in sheet.words.text() and nameless(sheet) == set()
            sheet.get.click()
            host.finish.set()
            await eventually(lambda: not sheet.folder.isHidden())
            assert "जर्नल के बैकअप: 0" in sheet.answer.text() and how_to_install("a.deb") != say(how_to_install("a.deb"))
            assert unsaid(sheet) == set()

    speak("हिन्दी")
    try:
        run(story())
    finally:
        speak("English")


def test_it_can_be_stopped_asked_again_and_taken_away_while_it_works(run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            host = Host()
            sheet = shown(stage, host)
            await eventually(lambda: not sheet.get.isHidden())
            sheet.get.click()
            await eventually(lambda: stage.edge.works.running)
            sheet.stop.click()
            await eventually(lambda: "nothing was kept" in sheet.answer.text())
            assert offered(sheet) == {"ask", "get"} and stage.edge.works.running == []
            host.refuse = "The announcement is not signed by a key that came with this program."
            sheet.ask.click()
            await eventually(lambda: "not signed" in sheet.answer.text())
            assert sheet.words.text() == "Version 1.0.0 runs." and offered(sheet) == {"ask"} and sheet.notes.isHidden()
            host.refuse, host.found = "", None
            sheet.ask.click()
            await eventually(lambda: "newest" in sheet.words.text())
            assert offered(sheet) == {"ask"} and host.looks == 3
            host.found = OFFER
            sheet.ask.click()
            await eventually(lambda: not sheet.get.isHidden())
            sheet.get.click()
            await eventually(lambda: stage.edge.works.running)
            sheet.dismiss()
            host.finish.set()
            await eventually(lambda: stage.notices)
            assert GOT.how in stage.notices[-1][0]

    run(story())


def test_the_entry_is_there_where_an_address_and_a_key_are_and_about_says_what_is(run: Any, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    keys = tmp_path / "release"
    keys.mkdir()

    async def story() -> None:
        async with a_window() as stage:
            window, edge = stage.window, stage.desk.edge
            offer_updates(window, edge, tmp_path, "", keys)
            assert window.findChild(QAction, "updates_action") is None
            window.menus.show_about()
            about = window.deck.top
            assert isinstance(about, AboutSheet) and "without a key to trust" in about.updates.text()
            about.dismiss()
            (keys / "first.pub").write_text(base64.b64encode(key).decode(), encoding="ascii")
            offer_updates(window, edge, tmp_path, "https://a.example/release.json", keys)
            assert window.findChild(QAction, "updates_action") is not None
            assert "https://a.example/release.json" in window.menus.updates
            host = Host(found=None)
            asks = Asked("https://a.example/release.json", "1.0.0", host.look, host.fetch)
            show_updates(window, edge, asks)
            show_updates(window, edge, asks)
            await asyncio.sleep(0)
            assert isinstance(window.deck.top, UpdateSheet) and host.looks == 1

    run(story())


def test_the_window_waits_for_no_network(run: Any, tmp_path: Path) -> None:
    """The real thing behind the sheet, against port 1, on which nobody listens."""
    from alphapanda_desktop.announcement import Source
    from alphapanda_desktop.domain.errors import Offline

    async def story() -> None:
        asks, said = asked(Source("http://127.0.0.1:1/release.json", {"none": bytes(32)}), tmp_path), ""
        try:
            await asks.look()
        except Offline as error:
            said = str(error)
        assert said.startswith("127.0.0.1 could not be asked")

    run(story())
