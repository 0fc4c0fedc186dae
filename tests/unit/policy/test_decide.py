"""What a policy says of one event: outcomes, tags, what survives, shares, inboxes, reports."""

from typing import Any

import pytest

from pipeline.domain.facts import Fact
from pipeline.domain.vocabulary import Outcome
from pipeline.policy.decision import Decision
from tests.unit.policy.policy_stories import CONTROLLERS, Story, acme, decided, event, fact, shipped

PERSON = {"name": "n", "address": "a", "phone": "p", "email": "e"}
BOUGHT = fact("purchase.completed", "2024-06-01T10:00:00+00:00")


def codes(decision: Decision) -> list[str]:
    return [report.code for report in decision.reports]


def reported(decision: Decision) -> dict[str, tuple[str, ...]]:
    return {report.code: report.fields for report in decision.reports}


def pairs(decision: Decision) -> set[tuple[str, str]]:
    return {(tag.category, tag.purpose) for tag in decision.tags}


def test_an_event_that_does_not_exist_is_refused() -> None:
    decision = decided(acme(), event("purchase.dreamt"))

    assert (decision.outcome, codes(decision), decision.is_fact) == (Outcome.REFUSED, ["unknown_event"], False)


def test_an_event_that_no_rule_names_is_refused() -> None:
    """A purchase is no matter of ARTGRAPHICS' notice: ART-3.5, ART-2.1."""
    decision = decided(shipped("artgraphics"), event("purchase.completed", **PERSON))

    assert (decision.outcome, codes(decision)) == (Outcome.REFUSED, ["no_rule"])


def test_a_context_that_does_not_exist_is_refused() -> None:
    decision = decided(acme(), event("purchase.completed", context="moon", **PERSON))

    assert (decision.outcome, codes(decision)) == (Outcome.REFUSED, ["unknown_context"])


def test_an_event_without_the_context_that_its_rules_need_is_refused() -> None:
    """Every event has a context: ALLCALL-1.1."""
    decision = decided(acme(), event("contact.post", name="n"))

    assert (decision.outcome, codes(decision)) == (Outcome.REFUSED, ["missing_context"])


def test_an_event_in_a_context_that_none_of_its_rules_has_is_refused() -> None:
    decision = decided(acme(), event("purchase.completed", context="post", name="n"))

    assert (decision.outcome, codes(decision)) == (Outcome.REFUSED, ["no_rule"])


def test_a_camera_clip_from_elsewhere_is_refused() -> None:
    """H17, ALLCALL-4C.2: image and video in the company's own premises only."""
    decision = decided(shipped("allcall"), event("cctv.ingested", context="course_other", cctv_clip="c"))

    assert (decision.outcome, reported(decision)) == (
        Outcome.REFUSED, {"category_outside_context": ("cctv_clip",)},
    )  # fmt: skip


def test_a_source_that_the_notice_does_not_name_is_refused() -> None:
    """AK3D-3.1: people directly."""
    decision = decided(shipped("ak3d"), event("contact.email", collected_from="broker", email="e"))

    assert (decision.outcome, codes(decision)) == (Outcome.REFUSED, ["source_not_allowed"])


def test_traces_from_google_are_dropped_and_reported() -> None:
    """ALLCALL-3.3: A, B and C only."""
    decision = decided(shipped("allcall"), event("purchase.completed", collected_from="google", name="n", ip="i"))

    assert decision.outcome is Outcome.ACCEPTED
    assert reported(decision) == {"category_outside_source": ("ip",)}
    assert decision.keep == frozenset({"name"})


def test_a_field_outside_its_context_is_dropped_and_reported() -> None:
    """ALLCALL-4D.2: no traces in e-mail."""
    decision = decided(shipped("allcall"), event("contact.email", matter="other", email="e", ip="i"))

    assert reported(decision) == {"category_outside_context": ("ip",)}


def test_a_field_of_no_category_is_dropped_and_reported() -> None:
    decision = decided(acme(), event("delivery.ordered", name="n", date_of_birth="d", undeclared=("shoe_size",)))

    assert decision.keep == frozenset({"name"})
    assert reported(decision) == {"unknown_field": ("date_of_birth", "shoe_size")}


def test_a_field_without_a_purpose_is_dropped_and_reported() -> None:
    decision = decided(acme(), event("delivery.ordered", name="n", order_lines="o"))

    assert decision.keep == frozenset({"name"})
    assert reported(decision) == {"no_purpose": ("order_lines",)}


def test_an_event_of_which_everything_survives_is_left_untouched() -> None:
    decision = decided(acme(), event("delivery.ordered", name="n"))

    assert decision.keep is None
    assert decision.reports == ()


def test_an_undeclared_field_alone_makes_the_event_be_rebuilt() -> None:
    decision = decided(acme(), event("delivery.ordered", name="n", undeclared=("x",)))

    assert decision.keep == frozenset({"name"})


def test_a_tag_names_the_fields_of_its_category_that_are_there() -> None:
    decision = decided(acme(), event("purchase.completed", phone="p", name="n", order_lines="o"))

    assert [(tag.rule, tag.category, tag.purpose, tag.fields) for tag in decision.tags] == [
        ("purchase", "contact", "sale", ("name", "phone")),
        ("order", "order.lines", "sale", ("order_lines",)),
        ("order", "order.lines", "books", ("order_lines",)),
    ]
    assert decision.profiles == ("customer",)


def test_an_attribute_may_belong_to_a_category() -> None:
    """A case record holds the number of its case: ART-5.3."""
    decision = decided(shipped("artgraphics"), event("case.opened", case_id="c"))

    assert [tag.fields for tag in decision.tags] == [("case_id",)]
    assert (decision.keep, decision.profiles, decision.is_fact) == (None, ("case-record",), True)


def test_what_is_transient_is_not_stored_and_not_reported() -> None:
    decision = decided(acme(), event("account.opened", account_id="a", security_data="s"))

    assert (decision.outcome, decision.tags, decision.keep, decision.reports) == (
        Outcome.ACCEPTED, (), frozenset(), (),
    )  # fmt: skip


def test_a_rule_whose_condition_fails_may_refuse_the_event() -> None:
    decision = decided(acme(), event("account.opened", security_data="s"))

    assert (decision.outcome, codes(decision)) == (Outcome.REFUSED, ["code"])


def test_a_rule_whose_condition_fails_may_drop_the_event() -> None:
    decision = decided(acme(), event("contact.post", context="post", message="m"))

    assert (decision.outcome, codes(decision), decision.tags) == (Outcome.DROPPED, ["stranger"], ())


def test_a_rule_whose_condition_fails_may_leave_the_event_to_others() -> None:
    decision = decided(acme(), event("newsletter.sent", email="e"))

    assert (decision.outcome, codes(decision)) == (Outcome.REFUSED, ["no_rule"])


def test_a_fact_without_a_rule_is_accepted_and_carries_nothing() -> None:
    decision = decided(acme(), event("case.closed", case_id="c", name="n"))

    assert (decision.outcome, decision.is_fact, decision.tags, decision.keep) == (
        Outcome.ACCEPTED, True, (), frozenset(),
    )  # fmt: skip
    assert reported(decision) == {"no_purpose": ("name",)}


def test_an_incomplete_category_is_reported() -> None:
    """VIET-2: full name, phone and address, e-mail if any."""
    decision = decided(shipped("viet-art-view"), event("purchase.completed", name="n", email="e"))

    assert reported(decision) == {"incomplete": ("phone", "address")}


def test_a_purchase_may_be_refused_where_contact_data_are_missing() -> None:
    """H14, ALLCALL-4W.5: permitted, not automatic."""
    decision = decided(shipped("allcall"), event("purchase.requested", **PERSON))

    assert (decision.outcome, reported(decision)) == (Outcome.ACCEPTED, {"refusal_permitted": ("national_id",)})


@pytest.mark.parametrize("controller", ["tek-zence", "viet-art-view"])
def test_the_carrier_gets_name_address_and_phone(controller: str) -> None:
    """TEK-5.1, VIET-4 and VIET-12: no amount, no e-mail address, no note."""
    decision = decided(
        shipped(controller), event("delivery.ordered", order_id="o", amounts="1", access_notes="x", **PERSON)
    )

    assert [(grant.recipient.id, grant.fields) for grant in decision.grants] == [
        ("delivery", ("name", "address", "phone"))
    ]


@pytest.mark.parametrize("controller", ["allcall", "ak3d", "artgraphics"])
def test_no_carrier_gets_anything_where_the_notice_is_silent_or_forbids_it(controller: str) -> None:
    """H32, ART-3.5."""
    decision = decided(shipped(controller), event("delivery.ordered", order_id="o", **PERSON))

    assert decision.grants == ()


def test_nothing_stands_in_for_a_field_that_the_carrier_must_get() -> None:
    """H27, VIET-4: the e-mail address is no phone number."""
    decision = decided(
        shipped("viet-art-view"), event("delivery.ordered", order_id="o", name="n", address="a", email="e")
    )

    assert decision.grants == ()
    assert reported(decision) == {"missing": ("phone",)}
    assert decision.outcome is Outcome.ACCEPTED


def test_google_gets_contact_transaction_and_mail_and_never_traces() -> None:
    """ALLCALL-4T.2: when the customer started it."""
    story = {"name": "n", "payment": "p", "email_message": "m", "ip": "i"}

    started = decided(shipped("allcall"), event("purchase.completed", initiated_by="customer", **story))
    other = decided(shipped("allcall"), event("purchase.completed", initiated_by="company", **story))

    assert [grant.fields for grant in started.grants] == [("name", "payment", "email_message")]
    assert other.grants == ()


def test_a_field_that_has_no_purpose_here_is_not_shared_either() -> None:
    """ALLCALL-3.2: payment data in an e-mail that refers to no purchase."""
    decision = decided(
        shipped("allcall"),
        event("contact.email", initiated_by="customer", matter="other", email="e", payment="p"),
    )

    assert [grant.fields for grant in decision.grants] == [("email",)]
    assert reported(decision) == {"no_purpose": ("payment",)}


def test_a_recipient_gets_nothing_of_an_event_without_its_fields() -> None:
    decision = decided(
        acme(), event("contact.post", "2024-06-03T10:00:00+00:00", BOUGHT, context="post", direction="out")
    )

    assert decision.grants == ()


def test_a_recipient_under_an_agreement_gets_its_share() -> None:
    decision = decided(
        acme(), event("contact.post", "2024-06-03T10:00:00+00:00", BOUGHT, context="post", direction="out", message="m")
    )

    assert [(grant.recipient.id, grant.fields) for grant in decision.grants] == [("printer", ("message",))]


@pytest.mark.parametrize(
    ("matter", "inbox"),
    [("complaint", "returns-and-complaints"), ("return", "returns-and-complaints"), ("support", "support"),
     ("contract", "contract"), ("bookkeeping", "bookkeeping"), ("weather", "other"), (None, "other")],
)  # fmt: skip
def test_mail_goes_to_the_inbox_of_its_matter(matter: str | None, inbox: str) -> None:
    """ALLCALL-4D.3 and ALLCALL-5.4."""
    data = {"email": "e"} if matter is None else {"email": "e", "matter": matter}

    assert decided(shipped("allcall"), event("contact.email", **data)).inbox == inbox


def test_the_class_of_a_case_covers_all_its_messages() -> None:
    """ALLCALL-5.4, R-ALL-4."""
    opened = fact("case.opened", "2024-06-01T10:00:00+00:00", case_id="c", matter="complaint")

    story = event("contact.email", "2024-06-03T10:00:00+00:00", opened, case_id="c", matter="other", email="e")

    assert decided(shipped("allcall"), story).inbox == "returns-and-complaints"


def test_other_events_go_to_no_inbox() -> None:
    assert decided(shipped("allcall"), event("purchase.completed", name="n")).inbox is None


def test_a_contact_without_a_profile_and_without_follow_up_leaves_nothing() -> None:
    """H24, TEK-8.1 and TEK-10.1."""
    call = {"called_at": "t", "number": "n"}
    erased = fact("erasure.requested", "2024-06-02T10:00:00+00:00")
    tek = shipped("tek-zence")

    stranger = decided(tek, event("contact.phone", **call))
    complaining = decided(tek, event("contact.phone", needs_follow_up=True, case_notes="c", **call))
    known = decided(tek, event("contact.phone", "2024-06-03T10:00:00+00:00", BOUGHT, **call))
    forgotten = decided(tek, event("contact.phone", "2024-06-03T10:00:00+00:00", BOUGHT, erased, **call))

    assert [one.outcome for one in (stranger, forgotten)] == [Outcome.DROPPED, Outcome.DROPPED]
    assert pairs(complaining) >= {("call-log", "follow-up"), ("correspondence", "liability")}
    assert pairs(known) >= {("call-log", "follow-up"), ("profile", "follow-up")}


def test_a_profile_that_has_ended_does_not_exist() -> None:
    """TEK-2.1: five years after the purchase."""
    call = event("contact.phone", "2029-06-03T10:00:00+00:00", BOUGHT, number="n")

    assert decided(shipped("tek-zence"), call).outcome is Outcome.DROPPED


def test_newsletters_go_to_existing_customers_who_have_not_opted_out() -> None:
    """ALLCALL-4D.4, ALLCALL-4D.6."""
    allcall, when = shipped("allcall"), "2024-06-03T10:00:00+00:00"
    left = fact("opt_out", "2024-06-02T10:00:00+00:00", mailing="newsletter")
    surveys = fact("opt_out", "2024-06-02T10:00:00+00:00", mailing="survey")

    assert decided(allcall, event("newsletter.sent", when, BOUGHT, email="e")).outcome is Outcome.ACCEPTED
    assert decided(allcall, event("newsletter.sent", when, BOUGHT, surveys, email="e")).outcome is Outcome.ACCEPTED
    assert decided(allcall, event("newsletter.sent", when, BOUGHT, left, email="e")).outcome is Outcome.REFUSED
    assert decided(allcall, event("newsletter.sent", when, email="e")).outcome is Outcome.REFUSED


def test_a_letter_that_the_law_demands_reaches_everybody() -> None:
    """ALLCALL-4D.7: opted out, or no customer any more."""
    decision = decided(shipped("allcall"), event("infoletter.sent", legal_ground="recall", name="n"))

    assert ("A", "legal-information") in pairs(decision)


def test_an_opened_newsletter_is_dropped_after_an_opt_out() -> None:
    """H11, ALLCALL-4D.6."""
    left = fact("opt_out", "2025-02-10T12:00:00+01:00", mailing="newsletter")

    story = event("newsletter.opened", "2025-02-12T10:00:00+01:00", left, newsletter_opened="x")

    assert decided(shipped("allcall"), story).outcome is Outcome.DROPPED


def test_surveys_go_to_those_who_were_active_in_the_month_before() -> None:
    """ALLCALL-4D.1: active in May, in the policy's zone."""
    allcall = shipped("allcall")
    first = fact("purchase.completed", "2025-04-30T22:00:00+00:00")
    last = fact("purchase.completed", "2025-05-31T21:59:59+00:00")
    early = fact("purchase.completed", "2025-04-30T21:59:59+00:00")
    late = fact("purchase.completed", "2025-05-31T22:00:00+00:00")

    for one, outcome in (
        (first, Outcome.ACCEPTED), (last, Outcome.ACCEPTED), (early, Outcome.REFUSED), (late, Outcome.REFUSED),
    ):  # fmt: skip
        story = event("survey.invited", "2025-06-02T10:00:00+02:00", one, email="e")
        assert decided(allcall, story).outcome is outcome


def test_a_photo_is_kept_only_with_the_consent_of_everybody_on_it() -> None:
    """ALLCALL-4C.3."""
    allcall = shipped("allcall")

    all_agree = event("photo.ingested", participants=["a", "b"], consents=["b", "a", "c"], photograph="p")
    one_does_not = event("photo.ingested", participants=["a", "b"], consents=["a"], photograph="p")
    nobody_named = event("photo.ingested", photograph="p")

    assert decided(allcall, all_agree).outcome is Outcome.ACCEPTED
    assert decided(allcall, one_does_not).outcome is Outcome.DROPPED
    assert decided(allcall, nobody_named).outcome is Outcome.DROPPED


def test_a_recording_is_released_only_on_a_legal_ground() -> None:
    """H16, ALLCALL-4S.3."""
    allcall = shipped("allcall")

    carried = {"clip_id": "c", "cctv_clip": "x", "name": "n"}

    released = decided(allcall, event("authority.requested", legal_ground="warrant", **carried))

    assert [(grant.recipient.id, grant.fields) for grant in released.grants] == [("third-party", ("cctv_clip",))]
    assert (released.tags, released.keep, reported(released)) == ((), frozenset(), {"no_purpose": ("name",)})
    assert decided(allcall, event("authority.requested", legal_ground="warrant")).grants == ()
    for nothing in ({}, {"legal_ground": ""}):
        assert decided(allcall, event("authority.requested", **nothing, **carried)).outcome is Outcome.REFUSED


def test_google_never_gets_camera_material() -> None:
    """H16, ALLCALL-4T.2: of no event, whoever started it."""
    allcall = shipped("allcall")
    material = {"photograph": "x", "video": "x", "cctv_clip": "x", "context": "store", "legal_ground": "warrant"}
    people: dict[str, Any] = {"participants": ["a"], "consents": ["a"], "initiated_by": "customer"}

    for kind in sorted(allcall.catalogue):
        for grant in decided(allcall, event(kind, **material, **people)).grants:
            assert grant.recipient.id == "third-party"


def test_a_credit_check_needs_a_purchase() -> None:
    """ALLCALL-4W.2: A only, and nobody gets it, since the notice names nobody."""
    allcall = shipped("allcall")

    granted = decided(allcall, event("credit_check.requested", order_id="o", name="n", national_id="i"))

    assert (pairs(granted), granted.grants) == ({("A", "credit-check")}, ())
    assert decided(allcall, event("credit_check.requested", name="n")).outcome is Outcome.REFUSED


def test_no_call_is_recorded_without_consent() -> None:
    """H26, ART-4.2."""
    art, when = shipped("artgraphics"), "2024-06-03T10:00:00+00:00"
    given = fact("consent.given", "2024-06-01T10:00:00+00:00", purpose="recording")
    withdrawn = fact("consent.withdrawn", "2024-06-02T10:00:00+00:00", purpose="recording")

    assert decided(art, event("call.recorded", when, call_audio="a")).outcome is Outcome.DROPPED
    assert decided(art, event("call.recorded", when, given, call_audio="a")).outcome is Outcome.ACCEPTED
    assert decided(art, event("call.recorded", when, given, withdrawn, call_audio="a")).outcome is Outcome.DROPPED


def test_listening_serves_four_purposes() -> None:
    """H26, ART-2.3: and stores nothing."""
    art = shipped("artgraphics")

    training = decided(art, event("call.monitored", purpose="training"))

    assert (training.outcome, training.tags) == (Outcome.ACCEPTED, ())
    assert decided(art, event("call.monitored", purpose="sales")).outcome is Outcome.REFUSED


def test_transactions_are_opened_for_an_open_case_only() -> None:
    """ART-2.2."""
    art, when = shipped("artgraphics"), "2024-06-03T10:00:00+00:00"
    opened = fact("case.opened", "2024-06-01T10:00:00+00:00", case_id="c")
    closed = fact("case.closed", "2024-06-02T10:00:00+00:00", case_id="c")

    for history, outcome in (((opened,), Outcome.ACCEPTED), ((opened, closed), Outcome.REFUSED), ((), Outcome.REFUSED)):
        story = event("transaction.accessed", when, *history, case_id="c", payment="p")
        assert decided(art, story).outcome is outcome


def test_a_call_centre_sees_contacts_of_an_open_case() -> None:
    """ART-3.2."""
    opened = fact("case.opened", "2024-06-01T10:00:00+00:00", case_id="c")

    story = event("contact.email", "2024-06-03T10:00:00+00:00", opened, case_id="c", email="e", message="m")

    assert [(grant.recipient.id, grant.fields) for grant in decided(shipped("artgraphics"), story).grants] == [
        ("call-centre", ("email", "message"))
    ]


def test_surveys_honour_an_objection() -> None:
    """ART-1.3 and ART-6.1: also one that names no purpose, and not one that names another."""
    art, when = shipped("artgraphics"), "2024-06-03T10:00:00+00:00"
    said = "2024-06-01T10:00:00+00:00"

    assert decided(art, event("survey.invited", when, email="e")).outcome is Outcome.ACCEPTED
    for objection in (fact("objection.raised", said), fact("objection.raised", said, purpose="survey")):
        assert decided(art, event("survey.invited", when, objection, email="e")).outcome is Outcome.REFUSED
    other = fact("objection.raised", said, purpose="case")
    assert decided(art, event("survey.invited", when, other, email="e")).outcome is Outcome.ACCEPTED


def test_data_are_supplied_on_demand_of_the_law_or_in_approved_special_cases() -> None:
    """VIET-5, VIET-9 and VIET-10: measuring needs the customer's consent as well."""
    viet, when = shipped("viet-art-view"), "2024-06-03T10:00:00+00:00"
    agreed = fact("consent.given", "2024-06-01T10:00:00+00:00", purpose="quality")
    person = {"name": "n", "phone": "p"}

    def recipients(*history: Fact, **data: str) -> list[str]:
        story: Story = event("authority.requested", when, *history, **person, **data)
        return [grant.recipient.id for grant in decided(viet, story).grants]

    assert recipients(legal_ground="court") == ["authority"]
    assert recipients(approval="management", purpose="dispute") == ["special-case"]
    assert recipients(approval="management", purpose="quality") == []
    assert recipients(agreed, approval="management", purpose="quality") == ["special-case"]
    assert recipients(agreed, approval="management", purpose="measurement") == []
    assert recipients(purpose="dispute") == []
    assert decided(viet, event("authority.requested", **person)).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("controller", "kind"),
    [("ak3d", "obligation.opened"), ("tek-zence", "loyalty.updated"), ("allcall", "obligation.opened"),
     ("artgraphics", "delivery.completed"), ("artgraphics", "delivery.ordered"), ("viet-art-view", "opt_in")],
)  # fmt: skip
def test_an_event_that_the_notice_does_not_speak_of_may_say_something_and_carry_nothing(
    controller: str, kind: str
) -> None:
    """ART-3.5: what it would carry matches no rule."""
    policy = shipped(controller)

    empty = decided(policy, event(kind, order_id="o", purpose="any"))
    carrying = [decided(policy, event(kind, name="n")), decided(policy, event(kind, undeclared=("x",)))]

    assert (empty.outcome, empty.tags, codes(empty), empty.is_fact) == (Outcome.ACCEPTED, (), ["no_effect"], False)
    assert [(one.outcome, codes(one)) for one in carrying] == [(Outcome.REFUSED, ["no_rule"])] * 2


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_request_is_not_refused_for_what_it_carries(controller: str) -> None:
    """Whoever asks may say who they are: what the notice has no purpose for is dropped and reported."""
    asked = decided(shipped(controller), event("portability.requested", name="n", undeclared=("x",)))

    assert (asked.outcome, asked.tags, asked.keep) == (Outcome.ACCEPTED, (), frozenset())
    assert set(codes(asked)) == {"unknown_field", "no_purpose"}


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_context_that_does_not_exist_is_refused_under_every_policy(controller: str) -> None:
    """ALLCALL-1.1: contexts are a closed list, also where the notice knows none."""
    elsewhere = decided(shipped(controller), event("erasure.requested", context="moon"))
    somewhere = decided(shipped(controller), event("erasure.requested", context="web"))

    assert (elsewhere.outcome, codes(elsewhere)) == (Outcome.REFUSED, ["unknown_context"])
    assert somewhere.outcome is Outcome.ACCEPTED


def test_no_report_repeats_what_a_producer_sent() -> None:
    """An event's name, context or matter may be anything, a person's name among it."""
    hostile = "kari nordmann"
    stories = [
        event(hostile),
        event("purchase.completed", context=hostile),
        event("purchase.completed", collected_from=hostile),
        event("contact.email", context="store", email="e"),
        event("contact.email", matter=hostile, email="e"),
        event("call.recorded", purpose=hostile, call_audio="a"),
        event("infoletter.sent", mailing=hostile, name="n"),
    ]

    reports = [report for story in stories for report in decided(shipped("allcall"), story).reports]

    assert len(reports) >= len(stories)
    assert [report for report in reports if hostile in repr(report)] == []


def test_an_email_of_a_matter_that_no_inbox_is_for_is_reported_and_sorted_as_any_other() -> None:
    """ALLCALL-5.4 and ALLCALL-5.5: names of inboxes are no matters."""
    allcall, when = shipped("allcall"), "2024-06-03T10:00:00+00:00"
    named_by_case = fact("case.opened", "2024-06-01T10:00:00+00:00", case_id="c", matter="weather")

    own = decided(allcall, event("contact.email", matter="returns-and-complaints", email="e"))
    of_case = decided(allcall, event("contact.email", when, named_by_case, case_id="c", email="e"))
    known = decided(allcall, event("contact.email", matter="support", email="e"))
    none = decided(allcall, event("contact.email", email="e"))

    assert [(one.outcome, one.inbox, codes(one)) for one in (own, of_case)] == [
        (Outcome.ACCEPTED, "other", ["unknown_matter"])
    ] * 2
    assert [codes(one) for one in (known, none)] == [[], []]


OPT_OUTS = [
    ({"mailing": "newsletter"}, {"newsletter"}),
    ({"mailing": "newsletter", "purpose": "unheard-of"}, {"newsletter"}),
    ({"purpose": "marketing"}, {"newsletter"}),
    ({"purpose": "newsletter"}, {"newsletter"}),
    ({"mailing": "survey"}, {"survey"}),
    ({"mailing": "survey", "purpose": "marketing"}, {"survey"}),
    ({"purpose": "survey"}, {"survey"}),
    ({}, {"newsletter", "survey"}),
    ({"purpose": "sale"}, set()),
]


@pytest.mark.parametrize(("said", "stopped"), OPT_OUTS)
def test_an_opt_out_by_any_means_stops_the_mailings_it_is_about(said: dict[str, str], stopped: set[str]) -> None:
    """H11, ALLCALL-4D.6; an opt-in that says the same wants them again."""
    allcall, when = shipped("allcall"), "2024-06-03T10:00:00+00:00"
    left = fact("opt_out", "2024-06-02T10:00:00+00:00", **said)
    again = fact("opt_in", "2024-06-02T11:00:00+00:00", **said)
    sent = {"newsletter": "newsletter.sent", "survey": "survey.invited"}
    bought = fact("purchase.completed", "2024-05-31T10:00:00+00:00")

    def refused(*history: Fact) -> set[str]:
        return {
            name for name, kind in sent.items()
            if decided(allcall, event(kind, when, bought, *history, email="e")).outcome is Outcome.REFUSED
        }  # fmt: skip

    assert refused(left) == stopped
    assert refused(left, again) == set()


@pytest.mark.parametrize(("said", "wanted"), OPT_OUTS)
def test_an_opt_in_is_kept_for_the_mailings_it_is_about(said: dict[str, str], wanted: set[str]) -> None:
    """ALLCALL-5.3."""
    decision = decided(shipped("allcall"), event("opt_in", email="e", **said))

    assert {tag.rule.removesuffix("-opt-in") for tag in decision.tags} == wanted


def test_a_contact_that_needs_follow_up_makes_a_profile_that_later_contacts_find() -> None:
    """H24, TEK-8.1: until its case is closed."""
    tek, later = shipped("tek-zence"), "2024-06-10T10:00:00+00:00"
    followed = fact("contact.phone", "2024-06-01T10:00:00+00:00", needs_follow_up="true")
    answered = fact("contact.phone", "2024-06-01T10:00:00+00:00", needs_follow_up="false")
    closed = fact("case.closed", "2024-06-05T10:00:00+00:00", case_id="c")

    def outcome(*history: Fact) -> Outcome:
        return decided(tek, event("contact.phone", later, *history, number="n")).outcome

    assert outcome(followed) is Outcome.ACCEPTED
    assert outcome(answered) is Outcome.DROPPED
    assert outcome(followed, closed) is Outcome.DROPPED
