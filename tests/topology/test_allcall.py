"""AllCall's readings as stories: what prolongs the books, what a request for erasure ends, what follows its case."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.bootstrap.parts import Parts
from pipeline.bootstrap.simulation import Simulation, open_simulation
from pipeline.domain.vocabulary import LegalBasis, Outcome
from tests.topology.case_words import PERSON, email, event
from tests.topology.stories import instant, values

FAR = "2036-01-01T00:00:00Z"
PAID = event(
    "paid", "purchase.completed", "2024-02-29T14:00:00+01:00", "allcall", "s", context="web", initiated_by="customer",
    order_id="o", payment="card", **PERSON,
)  # fmt: skip
"""A purchase whose books end after 2031-12-31, and at the latest after 2034-02-28 (H01)."""


def _says(identity: str, kind: str, time: str, **data: Any) -> dict[str, Any]:
    return event(identity, kind, time, "allcall", "s", **data)


def _mail(identity: str, time: str, matter: str, **data: Any) -> dict[str, Any]:
    return email(identity, time, key="s", matter=matter, **data)


def _ends(pipeline: Simulation, *events: dict[str, Any], until: str = FAR) -> dict[tuple[str, str], str]:
    """Return when each purpose of each record ended, after all events."""
    for one in events:
        pipeline.pipe(one)
    pipeline.advance_to(instant(until))
    dues = [one for one in values(pipeline, "allcall.expiry.v1") if one["type"] == "expiry.due"]
    return {
        (one["event_id"] or one["profile"], one["purpose"]): one["due_at"].isoformat().replace("+00:00", "Z")
        for one in dues
    }


RAISED = _says("raised", "claim.raised", "2031-06-01T10:00:00Z", case_id="c", order_id="o")
CLOSED = _says("closed", "case.closed", "2033-05-02T10:00:00Z", case_id="c")
HELD = _says("held", "hold.opened", "2031-07-01T10:00:00Z", hold_id="h", records=["paid"])


@pytest.mark.parametrize(
    ("happened", "due"),
    [
        ([], "2031-12-31T23:00:00Z"),
        ([RAISED, CLOSED], "2033-05-02T10:00:00Z"),
        ([RAISED], "2034-02-28T23:00:00Z"),
        ([{**RAISED, "time": "2032-01-01T10:00:00Z"}], "2031-12-31T23:00:00Z"),
        ([HELD, _says("free", "hold.closed", "2032-03-01T09:00:00Z", hold_id="h")], "2032-03-01T09:00:00Z"),
        ([RAISED, HELD, _says("free", "hold.closed", "2034-06-01T09:00:00Z", hold_id="h")], "2034-06-01T09:00:00Z"),
    ],
    ids=["minimum", "while a claim is open", "maximum", "too late", "hold past the minimum", "hold past the maximum"],
)
def test_books_end_at_their_minimum_and_only_a_claim_or_a_hold_prolongs_them(
    happened: list[dict[str, Any]], due: str, pipeline: Simulation
) -> None:
    """R-ALL-2, X4, X5: never beyond the maximum, but for a hold."""
    assert _ends(pipeline, PAID, *happened)["paid", "bookkeeping"] == due


ERASED = _says("erased", "erasure.requested", "2025-06-15T09:00:00+02:00")
AT_ONCE = "2025-06-15T07:00:00Z"


@pytest.mark.parametrize("matter", ["other", "support", "return"])
def test_erasure_ends_a_general_message_at_once_while_its_matter_is_open(matter: str, pipeline: Simulation) -> None:
    """R-ALL-15."""
    opened = _says("opened", "case.opened", "2025-05-01T10:00:00Z", case_id="c", matter=matter)

    ends = _ends(pipeline, opened, _mail("m", "2025-05-02T10:00:00Z", matter, case_id="c"), ERASED)

    assert ends["m", "email-matter"] == AT_ONCE


def test_erasure_waits_for_the_contract_that_a_message_is_about(pipeline: Simulation) -> None:
    """R-ALL-15: the order is under way; another order's delivery holds up nothing."""
    ends = _ends(
        pipeline,
        PAID,
        _mail("confirmed", "2025-06-01T10:00:00Z", "contract", order_id="o"),
        _mail("older", "2025-06-01T11:00:00Z", "contract", order_id="o-2"),
        _says("ordered", "delivery.ordered", "2025-06-10T10:00:00Z", order_id="o", **PERSON),
        ERASED,
        _says("delivered", "delivery.completed", "2025-06-20T10:00:00Z", order_id="o"),
    )

    assert ends["confirmed", "email-matter"] == "2025-06-20T10:00:00Z"
    assert ends["ordered", "sale"] == "2025-06-20T10:00:00Z"
    assert ends["older", "email-matter"] == AT_ONCE
    assert ends["paid", "bookkeeping"] == "2031-12-31T23:00:00Z"


@pytest.mark.parametrize(
    ("case", "reclassified", "due"),
    [("c", False, "2025-11-03T09:00:00Z"), ("c", True, "2025-11-03T09:00:00Z"), ("", False, AT_ONCE)],
    ids=["it names a case", "its case became a complaint", "it names none"],
)
def test_erasure_waits_for_the_case_that_a_complaint_names(
    case: str, *, reclassified: bool, due: str, pipeline: Simulation
) -> None:
    """R-ALL-15, H15: a complaint that names a case shows that the case is open, whoever told of its opening."""
    mail = _mail("m", "2025-05-02T10:00:00+02:00", "other" if reclassified else "complaint", case_id=case)
    became = _says("r", "case.reclassified", "2025-05-03T10:00:00Z", case_id="c", matter="complaint")
    closed = _says("closed", "case.closed", "2025-11-03T10:00:00+01:00", case_id="c")

    ends = _ends(pipeline, mail, *([became] if reclassified else []), ERASED, closed)

    assert ends["m", "email-matter"] == due


@pytest.mark.parametrize(("matter", "kept"), [("return", "2025-02-28"), ("complaint", "2027-05-31")])
def test_a_return_is_kept_nine_months_and_a_complaint_three_years_in_one_inbox(
    matter: str, kept: str, pipeline: Simulation
) -> None:
    """R-ALL-13."""
    pipeline.pipe(_mail("m", "2024-05-31T09:00:00+02:00", matter))

    assert len(values(pipeline, "allcall.inbox.returns-and-complaints.v1")) == 1
    assert {one["kept_until"] for one in values(pipeline, "allcall.expiry.v1")} == {kept}


@pytest.mark.parametrize(
    ("mailing", "ended"),
    [({"mailing": "newsletter"}, {"marketing"}), ({"mailing": "survey"}, {"survey"}), ({}, {"marketing", "survey"})],
    ids=["newsletters", "surveys", "both"],
)
def test_an_opt_out_ends_the_mailings_it_names_and_by_whatever_channel(
    mailing: dict[str, str], ended: set[str], pipeline: Simulation
) -> None:
    """R-ALL-12, X2: and nothing of the contract."""
    joined = [
        _says(f"in-{kind}", "opt_in", "2024-03-01T10:00:00Z", mailing=kind, email="t@example.org")
        for kind in ("newsletter", "survey")
    ]
    left = _says("out", "opt_out", "2025-02-10T12:00:00+01:00", channel="phone", **mailing)

    ends = _ends(pipeline, PAID, *joined, left, until="2025-03-01T00:00:00Z")

    assert {purpose for _record, purpose in ends} == ended


def test_a_call_follows_its_case_and_one_without_a_case_is_looked_at_again(pipeline: Simulation) -> None:
    """R-ALL-14, R-ALL-6: no period is stated, and none is made up."""
    calls = [
        _says(f"call-{case}", "contact.phone", "2024-03-01T10:00:00Z", phone="+46 8", case_id=case, direction="in")
        for case in ("c", "")
    ]

    ends = _ends(pipeline, *calls, _says("end", "case.closed", "2024-04-01T10:00:00Z", case_id="c"))

    assert ends == {("call-c", "email-matter"): "2024-04-01T10:00:00Z"}
    assert {one["event_id"] for one in values(pipeline, "allcall.review.v1")} == {"call-"}


def test_erasure_keeps_what_is_not_the_customers_to_end(pipeline: Simulation) -> None:
    """X1, X3: the mailing, the traces and what was given to register go; what the books need stays to their minimum."""
    registered = _says("joined", "customer.registered", "2024-03-01T10:00:00Z", context="web", name="Test", ip="::1")
    opted = _says("in", "opt_in", "2024-03-01T10:00:00Z", mailing="newsletter", email="t@example.org")

    ends = _ends(pipeline, PAID, registered, opted, ERASED)

    at_once = {what for what, due in ends.items() if due == AT_ONCE}
    given_to_register = {("joined", "customer-profile"), ("joined", "sale"), ("customer", "customer-profile")}
    assert at_once == {*given_to_register, ("in", "marketing")}
    assert {due for what, due in ends.items() if what not in at_once} == {"2031-12-31T23:00:00Z"}


def _tagged(pipeline: Simulation, family: str) -> set[tuple[str, str]]:
    tags = [tag for one in values(pipeline, f"allcall.tagged.{family}.v1") for tag in one["tags"]]
    return {(tag["category"], tag["purpose"]) for tag in tags}


@pytest.mark.parametrize(("about", "kept"), [({"order_id": "o"}, True), ({}, False)])
def test_a_transaction_in_an_email_needs_the_purchase_it_is_about(
    about: dict[str, str], *, kept: bool, pipeline: Simulation
) -> None:
    """R-ALL-9: B is collected at purchases, refunds and claims only."""
    pipeline.pipe(_mail("m", "2024-05-31T09:00:00+02:00", "bookkeeping", payment="card", **about))

    assert (("B", "email-matter") in _tagged(pipeline, "contact")) is kept
    told = [(one["code"], one["fields"]) for one in values(pipeline, "allcall.violation.v1")]
    assert told == ([] if kept else [("no_purpose", ["payment"])])


def test_what_is_said_and_left_at_a_purchase_serves_it_as_well(pipeline: Simulation) -> None:
    """R-ALL-10: and digital traces keep their own purposes beside that."""
    pipeline.pipe({**PAID, "data": {**PAID["data"], "email_message": "please ring twice", "ip": "192.0.2.1"}})

    tags = _tagged(pipeline, "purchase")
    assert {("C.email", "sale"), ("D.web", "sale"), ("D.web", "site-optimisation"), ("D.web", "follow-up")} <= tags


def test_a_credit_check_goes_with_a_purchase_and_to_nobody_that_is_not_granted(pipeline: Simulation) -> None:
    """R-ALL-11: the notice allows the check and names no agency."""
    asked = [
        _says(f"check-{order}", "credit_check.requested", "2024-03-01T10:00:00Z", name="T", order_id=order)
        for order in ("o", "")
    ]

    assert [pipeline.pipe(one) for one in asked] == [Outcome.ACCEPTED, Outcome.REFUSED]
    assert _tagged(pipeline, "purchase") == {("A", "credit-check")}
    assert not [one for one in pipeline.emitted if ".share." in one.topic]


def test_recordings_without_a_cap_are_looked_at_and_never_given_a_date(tmp_path: Path) -> None:
    """R-ALL-5: the notice leaves the time to the purpose; the shipped overlay caps it at a month."""
    overlay = tmp_path / "allcall.yaml"
    shipped = Path("overlays/allcall.yaml").read_text(encoding="utf-8")
    overlay.write_text(shipped.replace("  camera_cap: P1M\n", ""), encoding="utf-8")
    others = [path for path in Path("overlays").glob("*.yaml") if path.name != "allcall.yaml"]
    pipeline = open_simulation(Path("policies"), [overlay, *others])

    pipeline.pipe(
        event("clip", "cctv.ingested", "2025-01-10T12:00:00Z", "allcall", "clip", context="store", cctv_clip="c")
    )
    pipeline.advance_to(instant(FAR))

    assert values(pipeline, "allcall.expiry.v1") == []
    assert [one["review_at"].year for one in values(pipeline, "allcall.review.v1")] == [*range(2026, 2036)]


def test_every_purpose_without_a_stated_basis_is_asked_of_the_operator(parts: Parts) -> None:
    """R-ALL-1: nothing is guessed."""
    [policy] = parts.book.versions["allcall"]
    unstated = {name for name, purpose in policy.purposes.items() if purpose.legal_basis == (LegalBasis.UNSTATED,)}

    asked = [note for note in policy.notes if "names no legal basis" in note]
    assert {"marketing", "survey", "follow-up", "crime-prevention"} <= unstated
    assert len(asked) == len(unstated)
    assert all(any(f"legal_basis.{name}" in note for note in asked) for name in unstated)
