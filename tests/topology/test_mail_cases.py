"""What AllCall's mail cases say beside their dates: who is written to, what is refused, what a profile rests on."""

from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.bootstrap.simulation import Simulation
from pipeline.domain.vocabulary import Outcome
from tests.topology.mail_cases import MAIL_CASES
from tests.topology.stories import instant, values

Value = Mapping[str, Any]


def _lived(pipeline: Simulation, name: str) -> dict[str, Outcome]:
    """Let a case happen; return what became of each event."""
    case = MAIL_CASES[name]
    outcomes = {event["id"]: pipeline.pipe(event) for event in case.events}
    pipeline.advance_to(instant(case.until))
    return outcomes


def _ends(pipeline: Simulation, **like: object) -> list[Value]:
    dues = [one for one in values(pipeline, "allcall.expiry.v1") if one["type"] == "expiry.due"]
    return [one for one in dues if all(one[name] == value for name, value in like.items())]


def test_an_opt_out_stops_newsletters_and_neither_surveys_nor_what_the_law_demands(pipeline: Simulation) -> None:
    """H11, ALLCALL-4D.6, ALLCALL-4D.7, R-ALL-12, X2: by letter is as good as any other way."""
    outcomes = _lived(pipeline, "H11")

    assert outcomes["h11-sent"] is Outcome.REFUSED
    assert outcomes["h11-late-open"] is Outcome.DROPPED
    assert outcomes["h11-survey"] is Outcome.ACCEPTED
    assert outcomes["h11-legal"] is Outcome.ACCEPTED
    letter = values(pipeline, "allcall.tagged.contact.v1")[-1]
    assert "legal-information" in {tag["purpose"] for tag in letter["tags"]}


def test_what_was_opened_is_kept_after_an_opt_out_and_not_used(pipeline: Simulation) -> None:
    """H11, X7: stop-use against storage without limit; one word for the person, none for each record."""
    _lived(pipeline, "H11")

    [stopped] = _ends(pipeline, category="D.mail")
    assert (stopped["action"], stopped["event_id"]) == ("stop-use", None)
    assert stopped["fields_released"] == []


@pytest.mark.parametrize(("case", "years"), [("H14-refused", set()), ("H14-accepted", {2031})])
def test_an_incomplete_request_may_be_refused_and_is_not_by_itself(
    case: str, years: set[int], pipeline: Simulation
) -> None:
    """H14, ALLCALL-4W.5: a refusal ends everything at once and leaves nothing to the books."""
    outcomes = _lived(pipeline, case)

    [permitted] = values(pipeline, "allcall.violation.v1")
    assert (permitted["code"], permitted["fields"]) == ("refusal_permitted", ["national_id"])
    assert set(outcomes.values()) == {Outcome.ACCEPTED}
    assert {end["due_at"].year for end in _ends(pipeline, purpose="bookkeeping")} == years


def test_a_field_is_released_when_its_last_tag_has_ended(pipeline: Simulation) -> None:
    """H15, X1, X3: erasure ends the traces of a purchase at once, the books keep the rest."""
    _lived(pipeline, "H15")

    of_purchase = _ends(pipeline, event_id="h15-purchase")
    released = {(name, one["due_at"].year) for one in of_purchase for name in one["fields_released"]}
    kept = {name for name, year in released if year == 2031}
    assert released - {(name, 2031) for name in kept} == {("ip", 2025), ("browser", 2025)}
    assert kept == {"name", "address", "phone", "email", "national_id", "payment", "invoice_history"}


def test_a_profile_ends_with_the_longest_of_what_it_rests_on(pipeline: Simulation) -> None:
    """H18: the refund belongs to the next year's books."""
    _lived(pipeline, "H18")

    [profile] = _ends(pipeline, profile="customer")
    assert (profile["kept_until"], profile["kept_until_max"]) == ("2032-12-31", "2035-01-10")
    assert profile["fields_released"] == ["name", "address", "national_id", "phone", "email"]


def test_a_voucher_survives_the_email_it_came_in_and_nothing_else_does(pipeline: Simulation) -> None:
    """X12: its own fields where there are some, else the message; nothing of an e-mail whose voucher is apart."""
    _lived(pipeline, "X12")

    released = {
        (end["event_id"], name): end["due_at"].year for end in _ends(pipeline) for name in end["fields_released"]
    }
    assert released == {
        ("x12-plain", "email"): 2031, ("x12-plain", "email_message"): 2031,
        ("x12-parted", "email"): 2031, ("x12-parted", "invoice_history"): 2031, ("x12-parted", "email_message"): 2027,
        ("x12-carried", "email"): 2025, ("x12-carried", "email_message"): 2025,
        ("x12-carries", "name"): 2032, ("x12-carries", "invoice_history"): 2032,
    }  # fmt: skip


def test_a_voucher_in_an_email_that_is_gone_is_reported(pipeline: Simulation) -> None:
    """X12, C8."""
    _lived(pipeline, "X12")

    [late] = values(pipeline, "allcall.violation.v1")
    assert (late["code"], late["event_id"], late["record"]) == ("late_event", "x12-late", "x12-carried")
    assert (late["rule"], late["fields"]) == ("voucher", ["email", "email_message"])
    assert late["due_at"] == instant("2025-11-01T23:00:00Z")
    assert late["in_time_due_at"] == instant("2032-12-31T23:00:00Z")


def test_an_email_that_arrives_after_its_voucher_was_named_is_kept_all_the_same(pipeline: Simulation) -> None:
    """No order is promised across topics."""
    mail, _parted, _carried, names, *_rest = MAIL_CASES["X12"].events
    pipeline.pipe(names)
    pipeline.pipe({**mail, "ingesttime": "2025-03-04T00:00:00Z"})

    scheduled = [one for one in values(pipeline, "allcall.expiry.v1") if one["purpose"] == "bookkeeping"]
    assert {one["category"]: one["kept_until"] for one in scheduled} == {"A": "2031-12-31", "B": "2031-12-31"}
