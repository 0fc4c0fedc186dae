"""The ends of the notices' hard cases, from the endings that the shipped policies compile to and hand-made facts."""

from dataclasses import replace
from datetime import datetime

import pytest

from pipeline.domain.facts import Fact, FactLog, Ref
from pipeline.domain.vocabulary import Action, RefKind
from pipeline.policy.ends import Circumstances, End, end_of
from tests.unit.policy.policy_stories import at, fact, shipped

Expected = tuple[str | None, str]


def end(
    where: tuple[str, str, str, str],
    occurred_at: str,
    *happened: Fact,
    action: Action = Action.ERASE,
    matter: str | None = None,
    **refs: str,
) -> End:
    """Return the end of the tag (controller, rule, category, purpose) of a record, given what happened."""
    controller, rule, category, purpose = where
    policy = shipped(controller)
    endings = policy.rules[rule].tags[category, purpose]
    retention = next(ending.retention for ending in endings if ending.action is action)
    digests = {RefKind.SUBJECT: "s", **{RefKind(kind): digest for kind, digest in refs.items()}}

    def facts(kind: RefKind) -> FactLog:
        log = FactLog()
        for one in happened:
            if kind in digests and Ref(kind=kind, digest=digests[kind]) in one.refs:
                log.add(one)
        return log

    return end_of(retention, Circumstances(occurred_at=at(occurred_at), tz=policy.tz, matter=matter, facts=facts))


def is_due(found: End, kept_until: str | None, due_at: str) -> None:
    assert (str(found.kept_until) if found.kept_until else None, found.due_at) == (kept_until, at(due_at))


BOOKS = ("allcall", "purchase-books", "A", "bookkeeping")
MAIL = ("allcall", "email", "C.email", "email-matter")
ORDER = ("tek-zence", "purchase-order", "order", "bookkeeping")
PROFILE = ("tek-zence", "purchase-profile", "profile", "liability")


def test_a_purchase_is_kept_to_the_end_of_the_seventh_calendar_year_and_ten_years_at_most() -> None:
    """H01, ALLCALL-5.2: seven years from the purchase would be ten months short."""
    found = end(BOOKS, "2024-02-29T14:00:00+01:00")

    is_due(found, "2031-12-31", "2031-12-31T23:00:00+00:00")
    assert found.not_after is not None
    is_due(found.not_after, "2034-02-28", "2034-02-28T23:00:00+00:00")


def test_a_purchase_after_midnight_in_sweden_belongs_to_the_new_fiscal_year() -> None:
    """H02, ALLCALL-5.2: the date in UTC would destroy vouchers a year early."""
    found = end(BOOKS, "2024-12-31T23:30:00+00:00")

    is_due(found, "2032-12-31", "2032-12-31T23:00:00+00:00")
    assert found.not_after is not None
    is_due(found.not_after, "2035-01-01", "2035-01-01T23:00:00+00:00")


def test_an_open_case_prolongs_the_books_until_it_closes_and_never_beyond_ten_years() -> None:
    """ALLCALL-5.2."""
    opened = fact("case.opened", "2031-12-01T00:00:00+00:00", case_id="c")
    closed = fact("case.closed", "2032-03-01T09:00:00+00:00", case_id="c")

    is_due(end(BOOKS, "2024-02-29T14:00:00+01:00", opened, closed), None, "2032-03-01T09:00:00+00:00")
    is_due(end(BOOKS, "2024-02-29T14:00:00+01:00", opened), "2034-02-28", "2034-02-28T23:00:00+00:00")


@pytest.mark.parametrize(
    ("received", "kept_until", "due_at"),
    [
        ("2024-05-31T09:00:00+02:00", "2025-02-28", "2025-02-28T23:00:00+00:00"),  # H03
        ("2023-05-28T12:00:00+02:00", "2024-02-28", "2024-02-28T23:00:00+00:00"),  # H04
        ("2023-05-29T12:00:00+02:00", "2024-02-29", "2024-02-29T23:00:00+00:00"),  # H04
        ("2023-05-31T12:00:00+02:00", "2024-02-29", "2024-02-29T23:00:00+00:00"),  # H04
        ("2024-03-31T22:15:00+00:00", "2025-01-01", "2025-01-01T23:00:00+00:00"),  # H05
        ("2024-06-30T21:30:00+00:00", "2025-03-30", "2025-03-30T22:00:00+00:00"),  # H06
        ("2024-01-27T11:00:00+00:00", "2024-10-27", "2024-10-27T23:00:00+00:00"),  # H06
    ],
)
def test_mail_of_no_class_is_kept_for_nine_calendar_months(received: str, kept_until: str, due_at: str) -> None:
    """ALLCALL-5.5."""
    is_due(end(MAIL, received, matter="other"), kept_until, due_at)


def test_mail_on_a_contract_is_kept_for_three_years() -> None:
    """H01, ALLCALL-5.6."""
    found = end(MAIL, "2024-02-29T14:00:00+01:00", matter="contract")

    is_due(found, "2027-02-28", "2027-02-28T23:00:00+00:00")


def test_mail_ends_with_its_matter() -> None:
    """H10, ALLCALL-5.5."""
    closed = fact("case.closed", "2024-07-10T16:00:00+02:00", case_id="c")

    found = end(MAIL, "2024-06-03T10:00:00+02:00", closed, matter="other", case="c")

    is_due(found, None, "2024-07-10T14:00:00+00:00")


def test_a_complaint_under_way_keeps_its_mail_against_a_request_for_erasure() -> None:
    """H15, ALLCALL-6.2; mail on a fulfilled contract and on anything else goes at once."""
    erasure = fact("erasure.requested", "2025-06-15T09:00:00+02:00")
    opened = fact("case.opened", "2025-05-02T09:00:00+02:00", case_id="c", matter="complaint")
    closed = fact("case.closed", "2025-11-03T10:00:00+01:00", case_id="c")

    waiting = end(MAIL, "2025-05-02T10:00:00+02:00", opened, erasure, closed, case="c")
    general = end(MAIL, "2025-04-01T10:00:00+02:00", erasure, matter="other")
    contract = end(MAIL, "2024-02-29T14:00:00+01:00", erasure, matter="contract")

    is_due(waiting, None, "2025-11-03T09:00:00+00:00")
    is_due(general, None, "2025-06-15T07:00:00+00:00")
    is_due(contract, None, "2025-06-15T07:00:00+00:00")
    is_due(end(BOOKS, "2024-02-29T14:00:00+01:00", erasure), "2031-12-31", "2031-12-31T23:00:00+00:00")


def test_a_camera_clip_is_kept_for_the_operators_cap() -> None:
    """H16, ALLCALL-5.9; the holds on it are the expire stage's business."""
    found = end(("allcall", "camera", "E.cctv", "crime-prevention"), "2025-01-10T12:00:00+00:00")

    is_due(found, "2025-02-10", "2025-02-10T23:00:00+00:00")


def test_traces_have_no_end_and_are_looked_at_again() -> None:
    """H01, ALLCALL-5.8: never a made-up date."""
    found = end(("allcall", "purchase-traces", "D.web", "follow-up"), "2024-02-29T14:00:00+01:00")

    assert found.due_at is None
    assert str(found.review) == "P1Y"


def test_erasure_ends_a_profile_and_leaves_the_order_to_the_books() -> None:
    """H19, TEK-2.2, TEK-2.3 and TEK-2.4."""
    bought = "2022-03-15T10:00:00+01:00"
    happened = (fact("purchase.completed", bought), fact("erasure.requested", "2024-03-15T10:00:00+01:00"))
    erased = "2024-03-15T09:00:00+00:00"

    is_due(end(PROFILE, bought, *happened), None, erased)
    is_due(end(("tek-zence", "correspondence", "correspondence", "follow-up"), bought, *happened), None, erased)
    is_due(end(("tek-zence", "call-log", "call-log", "follow-up"), bought, *happened), None, erased)
    is_due(end(ORDER, bought, *happened, action=Action.RESTRICT), None, erased)
    is_due(end(ORDER, bought, *happened), "2027-12-31", "2027-12-31T23:00:00+00:00")
    is_due(end(PROFILE, bought, happened[0]), "2027-03-15", "2027-03-15T23:00:00+00:00")


def test_access_notes_go_when_the_order_is_delivered() -> None:
    """H19, TEK-4.1."""
    delivered = fact("delivery.completed", "2022-03-18T10:00:00+01:00", order_id="o")
    notes = ("tek-zence", "delivery-conditions", "delivery-conditions", "perform-service")

    is_due(end(notes, "2022-03-16T10:00:00+01:00", delivered, order="o"), None, "2022-03-18T09:00:00+00:00")


def test_at_erasure_only_the_delivery_fields_wait_for_an_order_under_way() -> None:
    """TEK-2.2, TEK-3.1: access notes go at once."""
    ordered = fact("delivery.ordered", "2024-06-01T10:00:00+02:00", order_id="o")
    erasure = fact("erasure.requested", "2024-06-02T10:00:00+02:00")
    delivered = fact("delivery.completed", "2024-06-03T15:20:00+02:00", order_id="o")
    given = ("2024-06-01T10:00:00+02:00", ordered, erasure, delivered)

    fields = end(("tek-zence", "delivery", "delivery", "perform-service"), *given, order="o")
    notes = end(("tek-zence", "delivery-conditions", "delivery-conditions", "perform-service"), *given, order="o")

    is_due(fields, None, "2024-06-03T13:20:00+00:00")
    is_due(notes, None, "2024-06-02T08:00:00+00:00")


def test_a_profile_lasts_five_years_from_the_last_purchase_and_the_order_stays_for_the_books() -> None:
    """H20, TEK-2.1 and TEK-2.4."""
    bought = fact("purchase.completed", "2024-02-29T10:00:00+01:00")

    is_due(end(PROFILE, "2024-02-29T10:00:00+01:00", bought), "2029-02-28", "2029-02-28T23:00:00+00:00")
    restricted = end(ORDER, "2024-02-29T10:00:00+01:00", bought, action=Action.RESTRICT)
    is_due(restricted, "2029-02-28", "2029-02-28T23:00:00+00:00")
    is_due(end(ORDER, "2024-02-29T10:00:00+01:00", bought), "2029-12-31", "2029-12-31T23:00:00+00:00")


def test_an_open_complaint_keeps_a_profile_and_its_orders() -> None:
    """H21, TEK-2.1."""
    happened = (
        fact("purchase.completed", "2020-05-31T10:00:00+02:00"),
        fact("purchase.completed", "2023-08-31T10:00:00+02:00"),
        fact("case.opened", "2028-08-20T10:00:00+02:00", case_id="c", matter="complaint"),
        fact("case.closed", "2028-11-05T12:00:00+01:00", case_id="c"),
    )
    ended = "2028-11-05T11:00:00+00:00"

    is_due(end(PROFILE, "2020-05-31T10:00:00+02:00", *happened), None, ended)
    is_due(end(ORDER, "2020-05-31T10:00:00+02:00", *happened), None, ended)
    is_due(end(ORDER, "2023-08-31T10:00:00+02:00", *happened), "2028-12-31", "2028-12-31T23:00:00+00:00")


def test_a_profile_without_a_purchase_lasts_while_the_customer_is_active() -> None:
    """TEK-8.1 and TEK-2.1."""
    opened = fact("case.opened", "2024-01-10T10:00:00+01:00", case_id="c")
    closed = fact("case.closed", "2024-02-10T10:00:00+01:00", case_id="c")
    where = ("tek-zence", "contact-profile-follow-up", "profile", "follow-up")

    assert end(where, "2024-01-10T09:00:00+01:00", opened).due_at is None
    is_due(end(where, "2024-01-10T09:00:00+01:00", opened, closed), None, "2024-02-10T09:00:00+00:00")


def test_a_case_record_lasts_one_year_from_the_last_closure() -> None:
    """H25, ART-5.3; a stale reopening changes nothing, and new contact data go at the new closure (ART-5.1)."""
    happened = (
        fact("case.closed", "2023-05-31T10:00:00+00:00", case_id="c"),
        fact("case.reopened", "2024-02-10T10:00:00+00:00", case_id="c"),
        fact("case.closed", "2024-02-29T15:00:00+00:00", case_id="c"),
        fact("case.reopened", "2024-02-20T10:00:00+00:00", case_id="c"),
    )
    record = ("artgraphics", "case-record", "case-record", "case")
    contact = ("artgraphics", "contact", "contact", "case")

    is_due(end(record, "2023-05-01T00:00:00+00:00", *happened, case="c"), "2025-02-28", "2025-03-01T00:00:00+00:00")
    first = end(record, "2023-05-01T00:00:00+00:00", happened[0], case="c")
    is_due(first, "2024-05-31", "2024-06-01T00:00:00+00:00")
    assert end(record, "2023-05-01T00:00:00+00:00", *happened[:2], case="c").due_at is None
    is_due(end(contact, "2024-02-11T00:00:00+00:00", *happened, case="c"), None, "2024-02-29T15:00:00+00:00")


def test_an_outstanding_obligation_keeps_a_case_record_beyond_its_year() -> None:
    """H26, ART-5.2."""
    happened = (
        fact("obligation.opened", "2024-01-20T10:00:00+00:00", case_id="c"),
        fact("case.closed", "2024-01-31T10:00:00+00:00", case_id="c"),
        fact("obligation.settled", "2025-06-30T12:00:00+00:00", case_id="c"),
    )
    record = ("artgraphics", "case-record", "case-record", "case")

    assert end(record, "2024-01-31T10:00:00+00:00", *happened[:2], case="c").due_at is None
    is_due(end(record, "2024-01-31T10:00:00+00:00", *happened, case="c"), None, "2025-06-30T12:00:00+00:00")


def test_everything_is_destroyed_when_the_customer_of_viet_art_view_asks() -> None:
    """H28, VIET-6: no remainder, also with an open account."""
    happened = (
        fact("account.opened", "2023-01-01T00:00:00+00:00", account_id="a"),
        fact("purchase.completed", "2024-02-28T17:30:00+00:00", order_id="o"),
        fact("delivery.completed", "2024-03-05T00:00:00+00:00", order_id="o"),
        fact("erasure.requested", "2024-12-31T17:05:00+00:00"),
    )
    asked = "2024-12-31T17:05:00+00:00"

    for rule, category, purpose in (
        ("purchase", "transaction", "process-order"),
        ("purchase", "customer", "process-order"),
        ("account", "account", "abuse"),
        ("delivery", "delivery", "process-order"),
    ):
        found = end(("viet-art-view", rule, category, purpose), "2024-02-28T17:30:00+00:00", *happened, order="o")
        is_due(found, None, asked)


def test_data_of_an_account_end_with_it_and_records_stay_as_the_law_demands() -> None:
    """H29, AK3D-4.1, AK3D-4.2 and AK3D-4.3."""
    bought = "2024-07-01T10:00:00+00:00"
    happened = (
        fact("account.opened", "2023-01-10T10:00:00+00:00", account_id="a"),
        fact("purchase.completed", bought),
        fact("account.closed", "2025-01-31T23:30:00+00:00", account_id="a"),
    )

    for rule, category, purpose in (
        ("purchase", "payment", "provide-services"),
        ("account", "security", "accounts-and-guarantees"),
        ("loyalty", "loyalty", "provide-services"),
        ("use", "tracking", "updates-and-marketing"),
    ):
        is_due(end(("ak3d", rule, category, purpose), bought, *happened), None, "2025-01-31T23:30:00+00:00")
    statutory = end(("ak3d", "purchase-statutory", "payment", "statutory-records"), bought, *happened)
    is_due(statutory, "2031-03-31", "2031-03-31T23:00:00+00:00")


def test_an_objection_ends_marketing_and_nothing_else() -> None:
    """H31, AK3D-1.4 and AK3D-2.3: legitimate interest is its only basis."""
    happened = (
        fact("account.opened", "2023-01-10T10:00:00+00:00", account_id="a"),
        fact("objection.raised", "2025-03-01T09:00:00+00:00", purpose="updates-and-marketing"),
    )

    ended = end(("ak3d", "use", "tracking", "updates-and-marketing"), "2024-07-01T10:00:00+00:00", *happened)
    stays = end(("ak3d", "purchase", "purchases", "provide-services"), "2024-07-01T10:00:00+00:00", *happened)

    is_due(ended, None, "2025-03-01T09:00:00+00:00")
    assert stays.due_at is None


def test_opting_out_ends_the_data_kept_for_newsletters_and_the_use_of_opens() -> None:
    """H11, ALLCALL-5.3 and ALLCALL-4D.6."""
    left = fact("opt_out", "2025-02-10T12:00:00+01:00", mailing="newsletter")
    other = fact("opt_out", "2025-01-10T12:00:00+01:00", mailing="survey")
    opened = ("allcall", "newsletter-opened", "D.mail", "follow-up")

    found = end(("allcall", "newsletter-opt-in", "A", "marketing"), "2024-03-01T12:00:00+01:00", other, left)
    stopped = end(opened, "2024-04-01T12:00:00+02:00", other, left, action=Action.STOP_USE)

    is_due(found, None, "2025-02-10T11:00:00+00:00")
    is_due(stopped, None, "2025-02-10T11:00:00+00:00")
    assert end(opened, "2024-04-01T12:00:00+02:00", other, left).due_at is None


@pytest.mark.parametrize(
    ("said", "newsletter", "survey"),
    [
        ({"mailing": "newsletter"}, True, False),
        ({"purpose": "marketing"}, True, False),
        ({"purpose": "newsletter"}, True, False),
        ({"mailing": "survey", "purpose": "marketing"}, False, True),
        ({"purpose": "survey"}, False, True),
        ({}, True, True),
    ],
)
def test_opting_out_by_any_means_ends_what_it_is_about(said: dict[str, str], *, newsletter: bool, survey: bool) -> None:
    """H11, ALLCALL-4D.6: the tag ends, and what was opened is not used any more."""
    left = fact("opt_out", "2025-02-10T12:00:00+01:00", **said)
    ends = at("2025-02-10T11:00:00+00:00")

    for mailing, purpose, stops in (("newsletter", "marketing", newsletter), ("survey", "survey", survey)):
        kept = end(("allcall", f"{mailing}-opt-in", "A", purpose), "2024-03-01T12:00:00+01:00", left)
        opened = ("allcall", f"{mailing}-opened", "D.mail", "follow-up")
        used = end(opened, "2024-04-01T12:00:00+02:00", left, action=Action.STOP_USE)

        assert (kept.due_at, used.due_at) == ((ends, ends) if stops else (None, None))


def test_a_lodged_complaint_keeps_its_mail_without_a_case_that_was_opened() -> None:
    """H15, ALLCALL-6.2."""
    erasure = fact("erasure.requested", "2025-06-15T09:00:00+02:00")
    lodged = fact("complaint.lodged", "2025-05-02T09:00:00+02:00", case_id="c")
    closed = fact("case.closed", "2025-11-03T10:00:00+01:00", case_id="c")

    for where in (MAIL, ("allcall", "claim-message", "C.email", "email-matter"), ("allcall", "claim", "B", "sale")):
        given = ("2025-05-02T10:00:00+02:00", lodged, erasure)
        assert end(where, *given, matter="complaint", case="c").due_at != at("2025-06-15T07:00:00+00:00")
        is_due(end(where, *given, closed, matter="complaint", case="c"), None, "2025-11-03T09:00:00+00:00")


@pytest.mark.parametrize("case", [{"case_id": "c"}, {}])
@pytest.mark.parametrize(
    ("kind", "said"),
    [("complaint.lodged", {}), ("warranty.claimed", {}), ("contact.phone", {"needs_follow_up": "true"})],
)
def test_an_open_complaint_keeps_a_profile_without_a_case_that_was_opened(
    kind: str, said: dict[str, str], case: dict[str, str]
) -> None:
    """H21 and H24, TEK-2.1 and TEK-8.1."""
    happened = (
        fact("purchase.completed", "2023-08-31T10:00:00+02:00"),
        fact(kind, "2028-08-20T10:00:00+02:00", **said, **case),
        fact("case.closed", "2028-11-05T12:00:00+01:00", case_id="c"),
    )
    new = ("tek-zence", "contact-profile-follow-up", "profile", "follow-up")

    is_due(end(PROFILE, "2023-08-31T10:00:00+02:00", *happened), None, "2028-11-05T11:00:00+00:00")
    assert end(new, "2028-08-20T10:00:00+02:00", happened[1]).due_at is None
    is_due(end(new, "2028-08-20T10:00:00+02:00", *happened[1:]), None, "2028-11-05T11:00:00+00:00")


def test_a_contact_that_needs_no_follow_up_makes_nobody_active() -> None:
    """TEK-8.1."""
    happened = (
        fact("purchase.completed", "2023-08-31T10:00:00+02:00"),
        fact("contact.phone", "2028-08-20T10:00:00+02:00", needs_follow_up="false"),
        fact("contact.phone", "2028-08-21T10:00:00+02:00"),
    )

    is_due(end(PROFILE, "2023-08-31T10:00:00+02:00", *happened), "2028-08-31", "2028-08-31T22:00:00+00:00")


@pytest.mark.parametrize("controller", ["ak3d", "viet-art-view"])
def test_a_claim_keeps_the_service_open_until_its_case_is_closed(controller: str) -> None:
    """AK3D-4.1: complaints included; VIET-6."""
    claimed = fact("claim.raised", "2025-05-02T09:00:00+00:00", case_id="c")
    closed = fact("case.closed", "2025-11-03T10:00:00+00:00", case_id="c")
    where = {
        "ak3d": ("ak3d", "complaint", "names-contact", "accounts-and-guarantees"),
        "viet-art-view": ("viet-art-view", "after-sales", "customer", "after-sales"),
    }[controller]

    assert end(where, "2025-05-02T09:00:00+00:00", claimed, case="c").due_at is None
    is_due(end(where, "2025-05-02T09:00:00+00:00", claimed, closed, case="c"), None, "2025-11-03T10:00:00+00:00")


def test_a_published_photo_ends_with_a_consent_withdrawn_on_the_clip_or_under_its_key() -> None:
    """H17, ALLCALL-4C.3."""
    photo = ("allcall", "course-photo", "E.photo", "course-marketing")
    of_key = fact("consent.withdrawn", "2025-04-01T12:00:00+00:00")
    of_clip = replace(
        fact("consent.withdrawn", "2025-04-01T12:00:00+00:00"),
        refs=(Ref(kind=RefKind.SUBJECT, digest="participant"), Ref(kind=RefKind.CLIP, digest="p")),
    )
    of_another = replace(of_clip, refs=(Ref(kind=RefKind.CLIP, digest="q"),))

    for withdrawn in (of_key, of_clip):
        is_due(end(photo, "2025-03-01T12:00:00+00:00", withdrawn, clip="p"), None, "2025-04-01T12:00:00+00:00")
    assert end(photo, "2025-03-01T12:00:00+00:00", of_another, clip="p").due_at is None


def test_instants_are_aware() -> None:
    assert isinstance(end(BOOKS, "2024-02-29T14:00:00+01:00").due_at, datetime)
