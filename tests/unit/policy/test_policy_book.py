"""Which version of a policy governs an event."""

from dataclasses import replace

import pytest

from pipeline.policy.book import PolicyBook
from tests.unit.policy.policy_stories import acme, at

FIRST = acme()
SECOND = replace(FIRST, version="2", effective_from=at("2025-01-01T00:00:00+01:00"))
BOOK = PolicyBook({"acme": (FIRST, SECOND)})


@pytest.mark.parametrize(
    ("when", "version"),
    [
        ("2024-12-31T22:59:59+00:00", "1"),
        ("2024-12-31T23:00:00+00:00", "2"),
        ("2020-01-01T00:00:00+00:00", "1"),
    ],
)
def test_the_newest_version_that_is_effective_governs(when: str, version: str) -> None:
    found = BOOK.in_force("acme", at(when))

    assert found is not None
    assert found.version == version


def test_what_is_older_than_the_first_version_may_be_refused() -> None:
    strict = PolicyBook({"acme": (replace(FIRST, before_first="refuse"), SECOND)})

    assert strict.in_force("acme", at("2020-01-01T00:00:00+00:00")) is None
    assert strict.in_force("nobody", at("2024-06-01T00:00:00+00:00")) is None


def test_a_version_is_found_by_its_name() -> None:
    assert BOOK.version("acme", "2") is SECOND
    assert BOOK.knows("acme", "1")
    assert not BOOK.knows("acme", "3")
    assert not BOOK.knows("nobody", "1")


def test_a_digest_tells_policies_apart_and_two_loadings_are_alike() -> None:
    acme.cache_clear()

    assert acme().digest == FIRST.digest
