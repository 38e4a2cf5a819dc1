"""The error tree: what a caller may do is in the class."""

from __future__ import annotations

import inspect

import pytest

from alphapanda_desktop.domain import errors

OURS = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if cls.__module__ == errors.__name__]


@pytest.mark.parametrize("cls", OURS)
def test_every_error_is_ours_and_keeps_its_message(cls: type[Exception]) -> None:
    assert issubclass(cls, errors.AlphaPandaError)
    assert str(cls("500 asked, 100 allowed")) == "500 asked, 100 allowed"


def test_only_retry_and_its_kin_may_be_sent_again() -> None:
    again = {cls.__name__ for cls in OURS if issubclass(cls, errors.Retry)}
    assert again == {"Retry", "RateLimited", "Offline"}
    assert errors.RateLimited("too fast", after_s=3).after_s == 3


def test_an_unknown_outcome_is_neither_a_retry_nor_a_rejection() -> None:
    assert not issubclass(errors.Unknown, errors.Retry | errors.Rejected)


def test_a_rejection_carries_kites_type_and_code() -> None:
    error = errors.NotPermitted("No IPs configured", "PermissionException", 403)
    assert (error.kind, error.code) == ("PermissionException", 403)
    assert isinstance(error, errors.Rejected)


def test_a_wrong_name_is_a_missing_attribute_to_python() -> None:
    assert issubclass(errors.WrongName, AttributeError)
