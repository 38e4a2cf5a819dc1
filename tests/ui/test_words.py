from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.folders import resources
from alphapanda_desktop.settings import Settings
from alphapanda_desktop.ui import quotecells, words
from alphapanda_desktop.ui.catalogue import GAP, Catalogue, read_catalogue, sentences_of
from alphapanda_desktop.ui.words import LANGUAGES, in_english, say, side_word, speak
from tests.words_shown import plain, sentences, sentences_in, ui_paths

HINDI = resources() / "words" / "hi.po"
NAMES = re.compile(
    r"^(<[^>]*>|[\W\d]|\{\d\}|Ctrl|Alt|Shift|Meta|Return|Enter|Esc|Del|PgUp|PgDown|Up|Down|Left|Right|Home|End|Space|and"
    r"|[A-Z]{2,}|IST|UTC|AlphaPanda|Qt|Python|NSE|BSE|org\.\S+|\w+\.(png|svg|json|csv|txt)|[A-Z][a-z]+[A-Z]\w*|nbsp)*$"
)
"""What is the same in every language: keys, tags, codes, names of files and of things of Qt's."""
MOST_LACKING = 0.05


@pytest.fixture
def hindi() -> Iterator[None]:
    speak("हिन्दी")
    yield
    speak("English")


@pytest.fixture
def some() -> Catalogue:
    return Catalogue({
        "Lot size: quantity {0} of {1} is no multiple of its lot of {2}.": "लॉट: {1} की मात्रा {0}, लॉट {2} की गुणक नहीं।",
        "{0} orders": "{0} ऑर्डर",
        "open": "खुला",
        "{0} to {1}": "{0} से {1}",
        "Nothing was lost.": "कुछ नहीं खोया।",
        "Not sent: {0}.": "नहीं भेजा: {0}।",
        "Save": "सहेजें",
        "Loss per day, after charges": "दिन का घाटा, शुल्क के बाद",
        "Whole desk": "पूरी डेस्क",
    })  # fmt: skip


@pytest.mark.parametrize(
    ("english", "said"),
    [
        ("Lot size: quantity 40 of NFO:NIFTY26DECFUT is no multiple of its lot of 75.",
         "लॉट: NFO:NIFTY26DECFUT की मात्रा 40, लॉट 75 की गुणक नहीं।"),
        ("Not sent: 3 orders.", "नहीं भेजा: 3 ऑर्डर।"),  # what stands in a gap is said in its turn
        ("Loss per day, after charges ◷", "दिन का घाटा, शुल्क के बाद ◷"),
        ("Loss per day, after charges, Whole desk", "दिन का घाटा, शुल्क के बाद, पूरी डेस्क"),
        ("<b style='color:#123456'>open</b> · 2 orders", "<b style='color:#123456'>खुला</b> · 2 ऑर्डर"),
        ("&Save\tCtrl+S", "सहेजें (&S)\tCtrl+S"),
        ("Net P&L", "Net P&L"),
        ("₹ 12,34,567.80", "₹ 12,34,567.80"),
        ("Buys when the price has risen and there were many more such orders", None),  # a gap takes no half sentence
        ("Live asks each day to be armed", None),  # "{0} to {1}" is for figures
        ("10 to 20", "10 से 20"),
        ("Nothing was lost", "कुछ नहीं खोया"),  # its full stop was taken off
        ("nobody knows this", None),
    ],
)  # fmt: skip
def test_a_sentence_is_found_whole_by_its_shape_or_in_parts(some: Catalogue, english: str, said: str | None) -> None:
    assert some.said(english) == (said or english)
    assert some.said(english) == (said or english)  # once more, from what is remembered


def test_a_point_between_digits_ends_no_sentence() -> None:
    told = Catalogue({"{0} · Tell me when it {1}.{2}": "{0} · बताओ {1}।{2}"})
    assert told.said("x · Tell me when it 1,500.05. Now: 2.50") == "x · बताओ 1,500.05। Now: 2.50"


def test_english_says_what_it_is_given_and_hindi_what_it_knows(hindi: None) -> None:
    assert say("Cancel all") == "सब रद्द करें" and in_english("सब रद्द करें") == "Cancel all"
    assert say("zyzzyva") == "zyzzyva"
    assert side_word("BUY").startswith("BUY ") and len(side_word("BUY")) > 4
    speak("English")
    assert say("Cancel all") == "Cancel all" and side_word("SELL") == "SELL"


def test_every_gap_of_a_sentence_stands_in_its_translation() -> None:
    wrong = {e: s for e, s in sentences_of(HINDI) if sorted(set(GAP.findall(e))) != sorted(set(GAP.findall(s)))}
    assert wrong == {}


def test_the_gaps_of_a_sentence_are_numbered_in_their_order() -> None:
    """A shape's groups are taken in that order, and "{1} … {0}" would exchange two figures."""
    wrong = [e for e, _ in sentences_of(HINDI) if GAP.findall(e) != [str(n) for n in range(len(GAP.findall(e)))]]
    assert wrong == []


def test_every_translation_is_in_hindi() -> None:
    devanagari = re.compile(r"[\u0900-\u097f]")
    plain_ones = {e for e, s in sentences_of(HINDI) if not devanagari.search(s) and re.search("[a-z]{3}", s)}
    assert plain_ones <= {"English", "{0}, ISIN {1}", "IV %", "P&L", "Cr", "{0} AlphaPanda?"}


def test_what_the_window_shows_is_in_the_catalogue() -> None:
    catalogue = read_catalogue("hi")
    shown = [text for text in sentences(ui_paths()) if not NAMES.match(text)]
    lacking = [text for text in shown if not catalogue.knows(_filled(text)) and not catalogue.knows(text)]
    assert len(shown) > 1_000  # that there are any is a claim, too
    assert len(lacking) <= MOST_LACKING * len(shown), lacking


def _filled(text: str) -> str:
    return GAP.sub("7", text)


def test_a_menus_marks_are_no_part_of_a_sentence() -> None:
    assert plain("C&hange the selected order…\tF2") == "Change the selected order…"
    assert plain("Net P&L of the account") == "Net P&L of the account"
    found = list(
        sentences_in('x = QLabel(f"{n} orders of {name} wait")\nlog.info("not shown at all")\n"""Nor this."""')
    )
    assert found == ["{0} orders of {1} wait"]


def test_the_languages_of_the_settings_are_those_that_can_be_spoken() -> None:
    field = Settings().window.__class__.model_fields["language"]
    assert set(field.annotation.__args__) == set(LANGUAGES)  # type: ignore[union-attr]
    for code in filter(None, LANGUAGES.values()):
        assert (resources() / "words" / f"{code}.po").exists()


def test_a_damaged_catalogue_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "xx.po").write_text('msgid "a"\nmsgstr "b\n', encoding="utf-8")
    with pytest.raises(Fatal, match=r"xx\.po"):
        list(sentences_of(tmp_path / "xx.po"))


def test_nothing_is_spoken_but_english_by_itself() -> None:
    assert words._spoken == []


@pytest.mark.parametrize(
    ("refusal", "figures"),
    [
        ("Order value: ₹ 12,00,000.00 asked, ₹ 10,00,000.00 allowed.", ["12,00,000.00", "10,00,000.00"]),
        ("Price band: limit 120.00 is 12.3 % from the last price 100.00, 5 % allowed.",
         ["120.00", "100.00", "12.3", "5"]),
        ("Strategy loss per day: ₹ 12,000 lost, ₹ 10,000 allowed.", ["12,000", "10,000"]),
        ("Lot size: quantity 40 of NFO:NIFTY26DECFUT is not a multiple of 75.", ["26", "40", "75"]),
        ("Kill switch: trading is halted; no order passes until it is released.", []),
    ],
)  # fmt: skip
def test_a_refusal_names_its_rule_in_hindi_and_keeps_every_figure(
    hindi: None, refusal: str, figures: list[str]
) -> None:
    assert read_catalogue("hi").knows(refusal)
    said = say(refusal)
    assert re.findall(r"\d[\d,.]*\d|\d", said) == figures  # all of them, none changed; as Hindi orders them
    assert not re.search(r"[a-z]{3}", said.replace("limit", ""))


def test_an_age_is_said_anew_in_another_language() -> None:
    said = []
    for language in ("English", "हिन्दी", "English"):
        speak(language)
        said.append(quotecells.age(0, quotecells._FRESH).text)
    assert said[0] == said[2] == "now" and said[1] == "अभी"
