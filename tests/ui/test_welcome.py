"""The first page: one choice, and for a real account its three fields, checked before anything is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QWidget

from alphapanda_desktop.domain.preflight import Check as Finding
from alphapanda_desktop.domain.preflight import Standing
from alphapanda_desktop.kite.login import check_shape
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.welcome import WelcomePage

KEY, SECRET = "abcd1234efgh5678", "zyxw9876vuts5432zyxw9876vuts5432"
Build = Callable[..., "Asked"]


class Asked:
    """The page, and what was chosen on it."""

    def __init__(self, mode: str = "") -> None:
        edge = Edge(Scope("none", lambda _name, _error: None), FrameClock(), lambda _text, _level: None)
        self.window = QWidget()
        self.page = WelcomePage(check_shape, edge, self.window, mode)
        self.window.resize(1600, 900)
        self.page.resize(1600, 900)
        self.chosen: list[tuple[str, Any]] = []
        self.page.chosen.connect(lambda mode, credentials: self.chosen.append((mode, credentials)))
        self.window.show()

    def press(self, name: str) -> None:
        button = self.page.findChild(QPushButton, name)
        assert button is not None and button.isVisible(), name
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def fill(self, key: str = KEY, secret: str = SECRET, redirect: str = "") -> None:
        for name, text in (("api_key", key), ("api_secret", secret), ("redirect_url", redirect)):
            if text:
                self.page.fields[name].clear()
                QTest.keyClicks(self.page.fields[name], text)

    def problems(self) -> list[str]:
        colour = self.page._edge.theme.danger
        labels = self.page.findChildren(QLabel)
        return [label.text() for label in labels if colour in label.styleSheet() and label.isVisible()]


@pytest.fixture
def build(qapp: QApplication) -> Iterator[Build]:
    made: list[Asked] = []

    def build(mode: str = "") -> Asked:
        made.append(Asked(mode))
        return made[-1]

    yield build
    for asked in made:
        asked.window.close()
        asked.window.deleteLater()


def test_practice_needs_one_click_and_no_account(build: Build) -> None:
    asked = build()
    asked.press("choose_practice")
    assert asked.chosen == [("practice", None)]


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_a_real_account_asks_for_its_three_fields(mode: str, build: Build) -> None:
    asked = build()
    asked.press(f"choose_{mode}")
    assert asked.chosen == []
    asked.fill(redirect="https://my.example/cb")
    asked.press("save_account")
    fields = {"api_key": KEY, "api_secret": SECRET, "redirect_url": "https://my.example/cb"}
    assert asked.chosen == [(mode, fields)]


def test_enter_saves_as_the_button_does(build: Build) -> None:
    asked = build()
    asked.press("choose_paper")
    asked.fill()
    QTest.keyClick(asked.page.fields["redirect_url"], Qt.Key.Key_Return)
    assert [mode for mode, _ in asked.chosen] == ["paper"]


def test_spaces_of_a_copy_are_not_kept(build: Build) -> None:
    asked = build()
    asked.press("choose_live")
    asked.fill(key=f" {KEY} ", secret=f"{SECRET} ")
    asked.press("save_account")
    credentials = asked.chosen[0][1]
    assert (credentials["api_key"], credentials["api_secret"]) == (KEY, SECRET)


def test_every_wrong_field_says_what_is_wrong_with_it(build: Build) -> None:
    asked = build()
    asked.press("choose_live")
    asked.fill(key="no good", secret="", redirect="http://example.com/")
    asked.press("save_account")
    assert asked.chosen == []
    problems = asked.problems()
    assert len(problems) == 3
    assert "letters and digits" in problems[0] and "Copy the api_secret" in problems[1] and "https" in problems[2]


def test_a_corrected_field_loses_its_problem(build: Build) -> None:
    asked = build()
    asked.press("choose_live")
    asked.fill(key="no good")
    asked.press("save_account")
    assert len(asked.problems()) == 1
    asked.fill()
    asked.press("save_account")
    assert asked.problems() == [] and len(asked.chosen) == 1


def test_the_secret_is_never_shown_and_not_left_on_the_page(build: Build) -> None:
    asked = build()
    asked.press("choose_paper")
    secret = asked.page.fields["api_secret"]
    assert secret.echoMode() is QLineEdit.EchoMode.Password
    asked.fill()
    asked.press("save_account")
    assert secret.text() == ""


def test_back_leads_to_the_choice_again(build: Build) -> None:
    asked = build()
    asked.press("choose_live")
    asked.press("back")
    asked.press("choose_practice")
    assert asked.chosen == [("practice", None)]


def test_a_settled_mode_asks_for_its_account_alone(build: Build) -> None:
    asked = build("paper")
    back = asked.page.findChild(QPushButton, "back")
    assert back is not None and not back.isVisible()
    asked.fill()
    asked.press("save_account")
    assert [mode for mode, _ in asked.chosen] == ["paper"]


def test_every_field_and_button_has_a_name_for_a_screen_reader(build: Build) -> None:
    asked = build()
    for mode in ("practice", "paper", "live"):
        button = asked.page.findChild(QPushButton, f"choose_{mode}")
        assert button is not None and mode in button.accessibleName().lower()
    assert [field.accessibleName() for field in asked.page.fields.values()] == ["API key", "API secret", "Redirect URL"]


def test_tab_leads_from_field_to_field_to_save(build: Build) -> None:
    asked = build("live")
    names, widget = [], asked.page.fields["api_key"]
    following: QWidget = widget
    while len(names) < 4:
        if following.focusPolicy() & Qt.FocusPolicy.TabFocus and following.isVisible():
            names.append(following.objectName())
        following = following.nextInFocusChain()
    assert names == ["api_key", "api_secret", "redirect_url", "save_account"]


def test_a_recorded_day_is_asked_for_without_choosing_a_mode(build: Build) -> None:
    asked = build()
    wanted: list[bool] = []
    asked.page.recording_wanted.connect(lambda: wanted.append(True))
    asked.press("choose_replay")
    assert wanted == [True] and asked.chosen == []


def test_the_three_are_tried_and_each_field_says_what_was_found(run: Any, build: Build, eventually: Any) -> None:
    async def story() -> None:
        tried: list[tuple[str, ...]] = []

        async def attempt(*values: str) -> list[Finding]:
            tried.append(values)
            return [
                Finding("api_key", Standing.BAD, "Kite knows no app with this key.", "Copy the field “API key” again."),
                Finding("api_secret", Standing.UNKNOWN, "It has the right shape."),
                Finding("redirect_url", Standing.GOOD, "Port 5599 is free."),
            ]

        asked = build("paper")
        page = asked.page
        assert page.test.isHidden(), "nothing is offered that cannot be done"
        async with Scope("page", lambda _name, error: pytest.fail(str(error))) as scope:
            page._edge.scope = scope
            page.offer_test(attempt)
            asked.fill()
            asked.press("test_account")
            await eventually(lambda: page.test.isEnabled() and tried)
            assert tried == [(KEY, SECRET, "http://127.0.0.1:5599/")] and asked.chosen == []
            said = [page.findChild(QLabel, f"found_{name}").text() for name in page.fields]
            assert said == [
                "✗ Kite knows no app with this key. Copy the field “API key” again.",
                "? It has the right shape.",
                "✓ Port 5599 is free.",
            ]
            assert len(asked.problems()) == 1
            QTest.keyClicks(page.fields["api_key"], "x")
            assert asked.problems() == [], "what was found is of the old key"

    run(story())


def test_who_came_for_another_key_may_keep_the_old_one(build: Build) -> None:
    asked = build("live")
    asked.page.fill(KEY, "https://my.example/cb")
    asked.page.offer_way_back()
    assert asked.page.fields["api_key"].text() == KEY and asked.page.fields["api_secret"].text() == ""
    asked.press("back")
    assert asked.chosen == [("live", None)]
