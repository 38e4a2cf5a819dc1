"""Alerts outside this computer: the sheet over real settings, a vault in memory and a bot's server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from PySide6.QtWidgets import QLineEdit, QWidget

from alphapanda_desktop.domain.alerts import Firing, Kind
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.noticing import MAIL_PASSWORD, TELEGRAM_TOKEN, Deliveries
from alphapanda_desktop.settings import Settings, load, save
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.deliverysheet import DeliverySheet
from alphapanda_desktop.ui.edge import Edge, FrameClock
from tests.fakes import FakeClock

Run = Callable[..., Any]
Eventually = Callable[..., Any]
TOKEN = "123456:secret-of-the-bot"


class Pocket:
    """A vault that forgets with the test."""

    where = "in a pocket"
    lasting = False

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.locked = False

    async def get(self, name: str) -> str | None:
        if self.locked:
            raise Fatal("the keyring is locked")
        return self.kept.get(name)

    async def put(self, name: str, secret: str) -> None:
        self.kept[name] = secret

    async def drop(self, name: str) -> None:
        self.kept.pop(name, None)


class Stage:
    def __init__(self, folder: Path, edge: Edge, root: str) -> None:
        self.file = folder / "settings.json"
        self.settings = Settings()
        self.vault = Pocket()
        self.told: list[str] = []
        self.heard: list[str] = []
        self.status = 200
        self.deliveries = Deliveries(self.settings, self._save, self.vault, FakeClock(), "PRACTICE AB1234",
                                     self.told.append, telegram=root)  # fmt: skip
        self.over = QWidget()
        self.sheet = DeliverySheet(self.deliveries, edge, self.over)

    def _save(self) -> None:
        save(self.settings, self.file)

    async def answer(self, request: web.Request) -> web.Response:
        self.heard.append((await request.json())["text"])
        return web.json_response({"ok": self.status == 200, "description": "Forbidden"}, status=self.status)

    def fill(self, **values: object) -> None:
        self.sheet.form.set_values({**self.deliveries.values(), **values})


@asynccontextmanager
async def a_stage(folder: Path) -> AsyncIterator[Stage]:
    errors: list[str] = []
    async with Scope("stage", lambda name, error: errors.append(f"{name}: {error!r}")) as scope:
        app, found = web.Application(), list[Stage]()

        async def answer(request: web.Request) -> web.Response:
            return await found[0].answer(request)

        app.router.add_post(f"/bot{TOKEN}/sendMessage", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        root = f"http://127.0.0.1:{runner.addresses[0][1]}"
        stage = Stage(folder, Edge(scope, FrameClock(), lambda *_told: None), root)
        found.append(stage)
        scope.spawn("alerts outside", stage.deliveries.run())
        yield stage
        stage.over.deleteLater()
        await runner.cleanup()
    assert errors == []


def test_a_saved_bot_is_tested_and_sends_alerts_at_once_with_the_mode(
    run: Run, eventually: Eventually, tmp_path: Path
) -> None:
    async def story() -> None:
        async with a_stage(tmp_path) as stage:
            sheet = stage.sheet
            stage.fill(telegram_chat="42")
            assert sheet.secrets[TELEGRAM_TOKEN].echoMode() is QLineEdit.EchoMode.Password
            sheet.secrets[TELEGRAM_TOKEN].setText(TOKEN)
            sheet.test.click()
            await eventually(lambda: "✓" in sheet.told.text())
            assert stage.heard == ["AlphaPanda PRACTICE AB1234 alert\nThis is a test. Alerts will look like this."]
            assert sheet.secrets[TELEGRAM_TOKEN].text() == ""
            assert (stage.vault.kept, load(stage.file, {}).delivery.telegram_chat) == ({TELEGRAM_TOKEN: TOKEN}, "42")
            assert TOKEN not in stage.file.read_text(encoding="utf-8")
            await eventually(lambda: "kept in a pocket" in sheet.secrets[TELEGRAM_TOKEN].placeholderText())
            stage.deliveries._send(Firing("1", "1", Kind.PRICE, "NSE:INFY", FakeClock().now(), "NSE:INFY is at 1"))
            await eventually(lambda: stage.heard[1:] == ["AlphaPanda PRACTICE AB1234 alert\nNSE:INFY is at 1"])

    run(story())


def test_what_was_not_delivered_is_told_and_forgotten_secrets_send_nothing(
    run: Run, eventually: Eventually, tmp_path: Path
) -> None:
    async def story() -> None:
        async with a_stage(tmp_path) as stage:
            stage.status = 403
            await stage.deliveries.keep({"telegram_chat": "42"}, {TELEGRAM_TOKEN: TOKEN, MAIL_PASSWORD: ""})
            await stage.deliveries.test()
            assert "could not be delivered" in stage.told[0]
            assert "Write to the bot first" in stage.told[0]
            assert "✕" in stage.sheet.told.text()
            stage.sheet.forget.click()
            await eventually(lambda: not stage.vault.kept)
            stage.sheet.test.click()
            await eventually(lambda: "Nothing is set" in stage.sheet.answer.text())
            assert len(stage.heard) == 1

    run(story())


def test_a_disk_that_takes_nothing_changes_nothing(run: Run, eventually: Eventually, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_stage(tmp_path / "nowhere") as stage:
            stage.fill(telegram_chat="42")
            stage.sheet.secrets[TELEGRAM_TOKEN].setText(TOKEN)
            stage.sheet.test.click()
            await eventually(lambda: "could not be saved" in stage.sheet.answer.text())
            assert (stage.deliveries.values()["telegram_chat"], stage.vault.kept, stage.heard) == ("", {}, [])
            assert stage.sheet.secrets[TELEGRAM_TOKEN].text() == TOKEN

    run(story())


def test_every_field_and_button_of_the_sheet_has_a_name(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_stage(tmp_path) as stage:
            await asyncio.sleep(0)
            for field in stage.sheet.findChildren(QLineEdit):
                inner = field.objectName().startswith("qt_")
                assert inner or field.accessibleName(), field.objectName()

    run(story())


def _a_firing(text: str) -> Firing:
    return Firing("1", "1", Kind.PRICE, "NSE:INFY", FakeClock().now(), text)


def test_an_alert_that_fires_while_the_keyring_is_read_or_the_settings_change_is_not_lost(
    run: Run, eventually: Eventually, tmp_path: Path
) -> None:
    async def story() -> None:
        async with a_stage(tmp_path) as stage:
            await stage.deliveries.keep({**stage.deliveries.values(), "telegram_chat": "42"}, {TELEGRAM_TOKEN: TOKEN})
            stage.deliveries._send(_a_firing("early"))
            await eventually(lambda: stage.heard == ["AlphaPanda PRACTICE AB1234 alert\nearly"])
            stage.status = 500  # tried again in two seconds
            stage.deliveries._send(_a_firing("late"))
            await eventually(lambda: len(stage.heard) == 2)
            stage.status = 200
            await stage.deliveries.keep({**stage.deliveries.values(), "telegram_chat": "43"}, {})
            await eventually(lambda: any("sent" in outcome for outcome in list(stage.deliveries.outcomes)[:-1]))
            assert stage.heard[-1].endswith("late")

    run(story())


def test_a_keyring_that_cannot_be_read_is_told_and_read_again_when_it_is_set(
    run: Run, eventually: Eventually, tmp_path: Path
) -> None:
    async def story() -> None:
        async with a_stage(tmp_path) as stage:
            stage.vault.locked = True
            await stage.deliveries.keep({**stage.deliveries.values(), "telegram_chat": "42"}, {})
            await eventually(lambda: any("cannot be read" in text for text in stage.told))
            stage.vault.locked = False
            await stage.deliveries.keep(stage.deliveries.values(), {TELEGRAM_TOKEN: TOKEN})
            stage.deliveries._send(_a_firing("again"))
            await eventually(lambda: len(stage.heard) == 1)

    run(story())
