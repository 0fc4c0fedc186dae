"""Which orders to retag may be carried out; an order reads back as it was written."""

from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from pipeline.policy.book import PolicyBook
from pipeline.policy.publication import Verdict
from pipeline.policy.retags import judge_retag, order, retag_from
from tests.unit.policy.policy_stories import acme, at

STARTS = at("2025-01-01T00:00:00+01:00")
BOOK = PolicyBook({"acme": (acme(), replace(acme(), version="2", effective_from=STARTS))})


def test_the_same_order_has_the_same_id_whenever_it_is_given() -> None:
    one, again = (
        order("acme", "1", "2", ["b", "a", "a"], STARTS),
        order("acme", "1", "2", ["a", "b"], at("2026-01-01T00:00:00Z")),
    )

    assert one.retag_id == again.retag_id != order("acme", "1", "2", ["a"], STARTS).retag_id
    assert retag_from(asdict(one)) == one


def test_an_order_that_was_given_is_known() -> None:
    one = order("acme", "1", "2", ["letter", "customer", "recipients.delivery"], STARTS)

    assert judge_retag(BOOK, one).verdict is Verdict.TAKEN
    assert judge_retag(BOOK.with_retag(one), one).verdict is Verdict.KNOWN


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"to_version": "3"}, "there is no version 3 of acme; there are: 1, 2"),
        ({"controller": "nobody"}, "there is no version 1 of nobody; there are: none"),
        ({"to_version": "1"}, "cannot be moved to itself"),
        (
            {"ordered_at": STARTS - timedelta(seconds=1)},
            "version 2 governs from 2025-01-01T00:00:00+01:00 on: order it then",
        ),
        ({"rules": ("letters",)}, "version 1 has no rule letters: see `pipeline policy show acme`"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(change: dict[str, object], says: str) -> None:
    judged = judge_retag(BOOK, replace(order("acme", "1", "2", [], STARTS), **change))  # type: ignore[arg-type] # by name

    assert (judged.refused, says in judged.says) == (True, True)
