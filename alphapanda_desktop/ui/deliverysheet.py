"""The sheet for alerts by Telegram and e-mail: where to, the secrets, a test that says what became of it.

Object names: `delivery_<field>`, `secret_<name>`, `delivery_save`, `delivery_test`, `delivery_forget`,
`delivery_answer`, `delivery_outcomes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from psygnal import SignalInstance
from pydantic import BaseModel
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFormLayout, QLineEdit, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.forms import ModelForm
from alphapanda_desktop.ui.sheet import Sheet, tell, tint
from alphapanda_desktop.ui.words import say

NAMES: Final = {"telegram_token": "Telegram bot's token", "mail_password": "Mail password"}
FIELD_PX: Final = 420
"""Room for an address."""

SHOWN: Final = 6
"""Outcomes that are shown."""

HOW: Final = (
    "Make a bot with @BotFather, write to it once, and give its token and your chat id. "
    "What is sent says the mode, the account and what has happened; Telegram and your mail server can read it."
)


class Keeps(Protocol):
    """Where the settings and secrets are kept, and what sends."""

    @property
    def model(self) -> type[BaseModel]: ...
    @property
    def secrets(self) -> tuple[str, ...]: ...
    @property
    def changed(self) -> SignalInstance: ...
    @property
    def outcomes(self) -> Sequence[str]: ...
    @property
    def where(self) -> str: ...
    def values(self) -> Mapping[str, object]: ...
    async def has(self, secret: str) -> bool: ...
    async def keep(self, values: Mapping[str, object], secrets: Mapping[str, str]) -> None: ...
    async def forget(self) -> None: ...
    async def test(self) -> None: ...


class DeliverySheet(Sheet):
    """Changes where alerts go; what is saved is in force at once."""

    least = QSize(760, 0)
    compact = True

    def __init__(self, keeper: Keeps, edge: Edge, parent: QWidget) -> None:
        super().__init__("delivery_sheet", "Alerts by Telegram and e-mail", edge, parent)
        self._keeper = keeper
        self.body.addWidget(self.line(HOW, "muted"))
        self.form = ModelForm(keeper.model, edge.theme, self, "delivery")
        self.form.set_values(dict(keeper.values()))
        # Those of Qt's own names are inside spin boxes.
        fields = [field for field in self.form.findChildren(QLineEdit) if not field.objectName().startswith("qt_")]
        for field in fields:
            field.setMinimumWidth(FIELD_PX)
            field.setPlaceholderText(say(field.toolTip()))
        self.body.addWidget(self.form)
        self.secrets: dict[str, QLineEdit] = {}
        self.body.addLayout(self._secret_fields())
        self.answer = self.line("", "danger", "delivery_answer")
        self.told = self.line("", "muted", "delivery_outcomes")
        for line in (self.answer, self.told):
            self.body.addWidget(line)
        self.body.addStretch(1)
        self.forget = self.button("delivery_forget", "Forget the secrets", self._forget,
                                  "Take both out of the keyring; nothing is sent then")  # fmt: skip
        self.test = self.button("delivery_test", "Save and send a test", self._test)
        self.foot.addWidget(self.forget)
        self.foot.addStretch(1)
        self.foot.addWidget(self.test)
        self.foot.addWidget(self.button("delivery_save", "Save", self._save))
        connect(keeper.changed, self, self.show_state)
        self.setFocusProxy(fields[0] if fields else self.form)
        self.show_state()

    def _secret_fields(self) -> QFormLayout:
        rows = QFormLayout()
        for name in self._keeper.secrets:
            field = self.secrets[name] = QLineEdit(self)
            field.setObjectName(f"secret_{name}")
            field.setAccessibleName(say(NAMES[name]))
            field.setEchoMode(QLineEdit.EchoMode.Password)
            rows.addRow(NAMES[name], field)
        return rows

    def show_state(self) -> None:
        """What became of the last messages, and which secrets are kept."""
        tell(self.told, "\n".join(list(self._keeper.outcomes)[:SHOWN]))
        self.start("which secrets are kept", self._show_kept())

    async def _show_kept(self) -> None:
        for name, field in self.secrets.items():
            kept = await self._keeper.has(name)
            field.setPlaceholderText(say(f"kept {self._keeper.where}; type to replace it" if kept else "not kept yet"))

    # -- what the person does --------------------------------------------------------------------------------

    def _save(self) -> None:
        self.start("save delivery", self._saved())

    def _test(self) -> None:
        self.start("test delivery", self._tested())

    def _forget(self) -> None:
        self.start("forget secrets", self._keeper.forget())

    async def _saved(self) -> bool:
        """Whether what the fields say is in force now."""
        tell(self.answer, "")
        if self.form.judge():
            return False
        try:
            await self._keeper.keep(self.form.values(), {name: field.text() for name, field in self.secrets.items()})
        except AlphaPandaError as error:
            self._say(str(error), ok=False)
            return False
        for field in self.secrets.values():
            field.clear()
        self._say("Saved, and in force.", ok=True)
        return True

    async def _tested(self) -> None:
        self.test.setEnabled(False)
        try:
            if await self._saved():
                self._say("Sending…", ok=True)
                await self._keeper.test()
                tell(self.answer, "")
        except AlphaPandaError as error:
            self._say(str(error), ok=False)
        finally:
            self.test.setEnabled(True)

    def _say(self, text: str, *, ok: bool) -> None:
        tell(self.answer, text)
        tint(self.answer, "good" if ok else "danger", self.edge)
