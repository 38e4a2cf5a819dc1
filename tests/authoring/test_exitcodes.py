"""How a process ended, in words."""

from __future__ import annotations

from alphapanda_desktop.authoring.exitcodes import exit_words


def test_exit_codes_read_as_a_person_names_them() -> None:
    assert exit_words(3) == "exit code 3" and exit_words(-11) == "SIGSEGV" and exit_words(-250) == "signal 250"
