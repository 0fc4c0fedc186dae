"""What Viet Art View promises its customers, told as stories."""

from typing import Any

import pytest

from pipeline.bootstrap.simulation import Simulation
from pipeline.domain.vocabulary import Outcome
from tests.topology.case_words import PERSON, event
from tests.topology.stories import due, instant, values


def viet(identity: str, kind: str, time: str, **data: Any) -> dict[str, Any]:
    """Return one event of a customer of Viet Art View."""
    return event(identity, kind, time, "viet-art-view", "s", **data)


def run(pipeline: Simulation, *events: dict[str, Any], until: str = "2030-01-01T00:00:00Z") -> list[Outcome]:
    outcomes = [pipeline.pipe(one) for one in events]
    pipeline.advance_to(instant(until))
    return outcomes


def ends(pipeline: Simulation) -> set[tuple[str, str, str, str]]:
    return set(due(pipeline, "viet-art-view"))


OPENED = viet("opened", "account.opened", "2024-01-01T10:00:00+07:00", account_id="a", credentials_ref="r", name="N")


def test_a_lock_revokes_the_benefits_and_restricts_the_account(pipeline: Simulation) -> None:
    """VIET-14: said once to whoever grants benefits or lets people log in."""
    run(pipeline, OPENED, viet("locked", "account.locked", "2024-02-01T10:00:00+07:00", account_id="a"))

    at = "2024-02-01T03:00:00Z"
    assert ends(pipeline) == {
        ("account", "benefits", "stop-use", at),
        ("account", "abuse", "restrict", at),
        ("account", "benefits", "restrict", at),
        ("customer", "process-order", "restrict", at),
    }


def test_a_lock_is_for_good_and_leaves_other_accounts_alone(pipeline: Simulation) -> None:
    """VIET-14."""
    outcomes = run(
        pipeline, OPENED,
        viet("locked", "account.locked", "2024-02-01T10:00:00+07:00", account_id="a"),
        viet("again", "account.opened", "2024-03-01T10:00:00+07:00", account_id="a", credentials_ref="r"),
        viet("other", "account.opened", "2024-03-01T10:00:00+07:00", account_id="b", credentials_ref="r"),
    )  # fmt: skip

    assert outcomes == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.REFUSED, Outcome.ACCEPTED]
    about_other = [v for v in values(pipeline, "viet-art-view.expiry.v1") if v["event_id"] == "other"]
    assert about_other == []


@pytest.mark.parametrize("hold", ["named by the lock", "opened by itself"])
def test_a_dispute_keeps_a_locked_account_until_its_hold_is_closed(pipeline: Simulation, hold: str) -> None:
    """VIET-14, X5: not even an erasure ends what a prosecution needs."""
    locked = viet("locked", "account.locked", "2024-02-01T10:00:00+07:00", account_id="a", reason="tampering")
    opened = viet("hold", "hold.opened", "2024-02-01T10:00:01+07:00", account_id="a", hold_id="h", reason="dispute")
    if hold == "named by the lock":
        locked["data"]["hold_id"] = "h"
    run(
        pipeline, OPENED, locked, *([] if hold == "named by the lock" else [opened]),
        viet("erasure", "erasure.requested", "2024-03-01T10:00:00+07:00"),
        viet("released", "hold.closed", "2024-09-01T10:00:00+07:00", hold_id="h"),
    )  # fmt: skip

    erased = {at for _category, _purpose, action, at in ends(pipeline) if action == "erase"}
    assert erased == {"2024-09-01T03:00:00Z"}


def test_a_lock_that_names_no_hold_holds_nothing(pipeline: Simulation) -> None:
    """VIET-6, VIET-14: the hold may be opened, it need not."""
    run(
        pipeline, OPENED,
        viet("locked", "account.locked", "2024-02-01T10:00:00+07:00", account_id="a"),
        viet("erasure", "erasure.requested", "2024-03-01T10:00:00+07:00"),
    )  # fmt: skip

    assert {at for _category, _purpose, action, at in ends(pipeline) if action == "erase"} == {"2024-03-01T03:00:00Z"}


def test_a_complaint_of_a_leak_is_kept_until_its_case_is_settled(pipeline: Simulation) -> None:
    """VIET-8: reopening takes the end back only where nothing was erased yet."""
    run(
        pipeline,
        viet("leak", "complaint.lodged", "2024-02-01T10:00:00+07:00", case_id="c", name="N", email_message="m"),
        viet("other", "case.closed", "2024-02-15T10:00:00+07:00", case_id="d"),
        viet("closed", "case.closed", "2024-03-01T10:00:00+07:00", case_id="c"),
    )  # fmt: skip

    assert ends(pipeline) == {
        (category, "leak-complaint", "erase", "2024-03-01T03:00:00Z") for category in ("customer", "conversation")
    }


def test_a_complaint_without_a_case_ends_with_any_case_of_the_customer(pipeline: Simulation) -> None:
    """VIET-8: it must not hang for ever because nobody named it."""
    run(
        pipeline,
        viet("leak", "complaint.lodged", "2024-02-01T10:00:00+07:00", name="N", email_message="m"),
        viet("closed", "case.closed", "2024-03-01T10:00:00+07:00", case_id="c"),
    )  # fmt: skip

    assert {at for *_what, at in ends(pipeline)} == {"2024-03-01T03:00:00Z"}


@pytest.mark.parametrize(
    ("data", "at"),
    [
        ({}, "2024-02-01T03:00:00Z"),  # answered, and nothing is in service
        ({"needs_follow_up": True, "case_id": "c"}, "2024-03-01T03:00:00Z"),
        ({"matter": "complaint", "case_id": "c"}, "2024-03-01T03:00:00Z"),
    ],
)
def test_a_request_is_in_service_while_it_needs_more_than_an_answer(
    pipeline: Simulation, data: dict[str, Any], at: str
) -> None:
    """VIET-1, VIET-6, R-VIET-2."""
    run(
        pipeline,
        viet("mail", "contact.email", "2024-02-01T10:00:00+07:00", email="e@example.org", email_message="m", **data),
        viet("closed", "case.closed", "2024-03-01T10:00:00+07:00", case_id="c"),
    )  # fmt: skip

    assert {when for *_what, when in ends(pipeline)} == {at}


def test_what_customers_wrote_is_kept_as_they_wrote_it(pipeline: Simulation) -> None:
    """VIET-11: nothing is repaired in silence, and where it came from stays with it."""
    said = {**PERSON, "name": "  nguyễn  VĂN a ", "phone": "O9O-12"}
    run(pipeline, viet("order", "purchase.completed", "2024-02-01T10:00:00+07:00", order_id="o", **said))

    [kept] = values(pipeline, "viet-art-view.tagged.purchase.v1")
    assert {name: kept["event"][name] for name in said} == said
    assert kept["event"]["source"] == "//tests"


@pytest.mark.parametrize("kind", ["delivery.ordered", "authority.requested"])
def test_no_transaction_leaves_the_shop(pipeline: Simulation, kind: str) -> None:
    """VIET-4, VIET-5, VIET-12: neither to the carrier nor to an authority."""
    secret = {"order_number": "SECRET-1", "order_lines": "SECRET-2", "amounts": "SECRET-3", "payment": "SECRET-4"}
    run(
        pipeline,
        viet("out", kind, "2024-02-01T10:00:00+07:00", order_id="o", legal_ground="court", **secret, **PERSON),
    )  # fmt: skip

    outside = [one for one in pipeline.emitted if ".carrier." in one.topic or ".share." in one.topic]
    assert len(outside) == 1
    assert b"SECRET" not in outside[0].raw_value


def test_an_order_is_in_service_until_it_is_delivered(pipeline: Simulation) -> None:
    """VIET-6, R-VIET-6: and so is everything else that the customer gave."""
    run(
        pipeline,
        viet("order", "purchase.completed", "2024-02-01T10:00:00+07:00", order_id="o", order_lines="one", **PERSON),
        viet("mail", "contact.email", "2024-02-02T10:00:00+07:00", email="e@example.org", email_message="m"),
        viet("done", "delivery.completed", "2024-02-05T10:00:00+07:00", order_id="o"),
    )  # fmt: skip

    assert {at for *_what, at in ends(pipeline)} == {"2024-02-05T03:00:00Z"}
