"""The two small languages of policy files: conditions over an event and its past, and retention expressions."""

from typing import Any

import pytest

from pipeline.domain.calendar import Period, YearMode, zone
from pipeline.domain.facts import Fact, FactLog
from pipeline.domain.vocabulary import Action, Bound, RefKind
from pipeline.policy.condition import GRAMMAR, parse_condition
from pipeline.policy.condition_words import UnknownName, Vocabulary
from pipeline.policy.describe import endings_in_words, in_words
from pipeline.policy.ends import Circumstances, end_of
from pipeline.policy.expression import Expressions
from pipeline.policy.policy_parts import Ending
from pipeline.policy.retention import (
    After,
    AtOnce,
    ByClass,
    Indefinite,
    Retention,
    State,
    Suspended,
    Switch,
    Undetermined,
    Until,
    Window,
    YearEnd,
)
from pipeline.policy.source_file import Problems, SourceFile
from tests.unit.policy.policy_stories import at, event, fact

OPEN_CASE = State(name="case-open", opens=("case.opened",), closes=("case.closed",), per=RefKind.CASE)
VOCABULARY = Vocabulary(
    tz=zone("Europe/Oslo"),
    states={"case-open": OPEN_CASE},
    conditions={"urgent": "matter == complaint", "very.urgent": "urgent and needs_follow_up"},
    fields=frozenset({"name", "phone"}),
    purposes=frozenset({"survey", "recording"}),
)
THEN = "2024-06-03T10:00:00+00:00"


def holds(text: str, *history: Fact, **data: Any) -> bool:
    return parse_condition(text, VOCABULARY).holds(event("contact.email", THEN, *history, **data))


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        ("matter == complaint", {"matter": "complaint"}, True),
        ("matter == complaint", {}, False),
        ("matter != complaint", {}, True),
        ("matter in (complaint, return)", {"matter": "return"}, True),
        ("matter not in (complaint, return)", {"matter": "return"}, False),
        ("order_id is set", {"order_id": "o"}, True),
        ("order_id is not set", {"order_id": "o"}, False),
        ("needs_follow_up", {"needs_follow_up": True}, True),
        ("needs_follow_up", {"needs_follow_up": False}, False),
        ("needs_follow_up == true", {"needs_follow_up": True}, True),
        ("not needs_follow_up", {}, True),
        ("event in (contact.email, contact.phone)", {}, True),
        ("event == purchase.completed", {}, False),
        ("matter == a or matter == b and order_id is set", {"matter": "a"}, True),
        ("(matter == a or matter == b) and order_id is set", {"matter": "a"}, False),
        ("urgent", {"matter": "complaint"}, True),
        ("very.urgent", {"matter": "complaint"}, False),
        ("very.urgent", {"matter": "complaint", "needs_follow_up": True}, True),
        ("has(name, phone)", {"name": "n"}, False),
        ("has(name)", {"name": "n"}, True),
        ("covers(consents, participants)", {"consents": "a", "participants": "a"}, True),
    ],
)
def test_a_condition_holds_as_its_words_say(text: str, data: dict[str, Any], *, expected: bool) -> None:
    if "covers" in text:
        data = {name: [value] for name, value in data.items()}
    assert holds(text, **data) is expected


@pytest.mark.parametrize(
    ("text", "kinds", "expected"),
    [
        ("happened(purchase.completed)", ["purchase.completed"], True),
        ("happened(purchase.completed)", ["refund.issued"], False),
        ("in_state(case-open)", ["case.opened"], True),
        ("in_state(case-open)", ["case.opened", "case.closed"], False),
        ("in_state(case-open, case)", ["case.opened"], False),
        ("consent(recording)", ["consent.given"], False),
        ("withdrawn(recording)", ["consent.withdrawn"], True),
        ("withdrawn(recording)", ["consent.withdrawn", "consent.given"], False),
        ("not_opted_out(newsletter)", ["opt_out"], False),
        ("not_opted_out(newsletter)", [], True),
        ("objected(survey)", ["objection.raised"], True),
    ],
)
def test_a_condition_asks_the_past(text: str, kinds: list[str], *, expected: bool) -> None:
    history = [fact(kind, f"2024-06-0{day}T10:00:00+00:00", case_id="c") for day, kind in enumerate(kinds, start=1)]

    assert holds(text, *history) is expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([("consent.given", "recording")], True),
        ([("consent.given", "survey")], False),
        ([("consent.given", None)], False),
        ([("consent.given", "recording"), ("consent.withdrawn", "recording")], False),
        ([("consent.given", "recording"), ("consent.withdrawn", "survey")], True),
        ([("consent.given", "recording"), ("consent.withdrawn", None)], False),
        ([("consent.given", "recording"), ("consent.withdrawn", None), ("consent.given", "recording")], True),
        ([("consent.given", "recording"), ("consent.withdrawn", "recording"), ("consent.given", None)], False),
    ],
)
def test_consent_is_specific_and_its_withdrawal_need_not_be(
    words: list[tuple[str, str | None]], *, expected: bool
) -> None:
    """GDPR Art. 4(11) and 7(3); ART-4.2."""
    history = [
        fact(kind, f"2024-06-0{day}T10:00:00+00:00", **({"purpose": purpose} if purpose else {}))
        for day, (kind, purpose) in enumerate(words, start=1)
    ]

    assert holds("consent(recording)", *history) is expected


def test_what_happens_later_does_not_count() -> None:
    assert not holds("happened(purchase.completed)", fact("purchase.completed", "2024-06-03T10:00:01+00:00"))


@pytest.mark.parametrize(
    ("text", "needs"),
    [("matter == a", False), ("legal_ground is set", False), ("order_id is set", True), ("order_id == o", True),
     ("happened(a.b)", True), ("not urgent", False), ("urgent or in_state(case-open)", True), ("covers(consents, participants)", True)],
)  # fmt: skip
def test_a_condition_knows_if_it_needs_more_than_the_kind_of_event(text: str, *, needs: bool) -> None:
    assert parse_condition(text, VOCABULARY).needs_state is needs


@pytest.mark.parametrize("text", ["__import__('os')", "a = b", "1 == 1", "matter ==", "matter == a and", ""])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(UnknownName, match="cannot be read"):
        parse_condition(text, VOCABULARY)


def test_a_mistake_of_our_own_is_not_taken_for_a_mistake_of_the_policy() -> None:
    broken = Vocabulary(tz=zone("Etc/UTC"), states=None)  # type: ignore[arg-type]

    with pytest.raises(Exception, match="NoneType"):
        parse_condition("in_state(case-open)", broken)


def test_the_grammar_is_readable() -> None:
    assert "NAME" in GRAMMAR


def read(written: object, **operator: object) -> tuple[Retention, list[str]]:
    problems = Problems()
    reader = Expressions(
        source=SourceFile(name="p", data={}),
        problems=problems,
        named={"year": {"period": "P1Y"}},
        states={"case-open": OPEN_CASE},
        operator=operator,
    )
    return reader.read(written, ()), problems.found


CLOSED = {"until": "case.closed", "of": "case"}


@pytest.mark.parametrize(
    ("written", "node", "words"),
    [
        ("at-once", AtOnce, "at once"),
        ("year", After, "after 1 year"),
        ({"period": "P1Y2M3D", "bound": "max"}, After, "after 1 year and 2 months and 3 days"),
        ({"period": "P5Y", "from": {"last": "purchase.completed", "of": "subject", "if_none": "ended"}}, After,
         "after 5 years from the last purchase.completed"),
        ({"year_end": {"years": "$years", "counted_from": "calendar-year", "ends_in": 12}}, YearEnd,
         "7 years after the calendar year (the fiscal year ends in month 12)"),
        ({**CLOSED, "unless_followed_by": "case.reopened"}, Until,
         "at case.closed of the case, unless case.reopened of the case follows"),
        ({"until": ["opt_out", "erasure.requested"], "of": "subject", "where": {"mailing": "survey"}}, Until,
         "at opt_out or erasure.requested (mailing survey)"),
        ({"window": {"least": "year", "most": {"period": "P2Y"}}}, Window,
         "after 1 year at the least, and after 2 years at the most"),
        ({"window": {"least": "year", "most": {"period": "P2Y"}, "prolonged_by": {"while": "case-open", "of": "case"}}},
         Window, "after 1 year at the least, later only during case-open, and after 2 years at the most"),
        ({"indefinite": {"review": "P1Y"}}, Indefinite, "at no date; looked at again every 1 year"),
        ({"indefinite": {}}, Indefinite, "at no date"),
        ({"undetermined": {"cap": "P1M"}}, Undetermined, "after 1 month, the operator's cap"),
        ({"undetermined": {"cap": "$cap", "review": "P1Y"}}, Undetermined, "at no date; looked at again every 1 year"),
        ({"switch_at": "erasure.requested", "of": "subject", "before": "year", "after": "at-once"}, Switch,
         "after 1 year; once erasure.requested happened: at once"),
        ({"by_matter": {"complaint": "year", "otherwise": "at-once"}}, ByClass,
         "by matter (complaint: after 1 year; otherwise at once)"),
        ({"suspended_while": "case-open", "of": "subject", "keep": "year"}, Suspended,
         "after 1 year, but not during case-open"),
    ],
)  # fmt: skip
def test_an_expression_becomes_a_node_and_words(written: object, node: type, words: str) -> None:
    found, problems = read(written, years=7, cap=None)

    assert problems == []
    assert isinstance(found, node)
    assert in_words(found) == words


def test_nested_expressions_are_told_flat_where_they_mean_the_same() -> None:
    found, _problems = read({"earliest_of": ["year", {"earliest_of": [CLOSED, "at-once"]}]})
    longest, _problems = read({"longest_of": ["year", {"while": "case-open", "of": "case"}]})

    assert in_words(found) == "at the earliest of: (after 1 year), (at case.closed of the case), (at once)"
    assert in_words(longest) == "at the latest of: (after 1 year), (when case-open of the case is over)"


def test_the_earliest_of_several_is_told_without_those_that_never_come() -> None:
    review, cap = {"indefinite": {"review": "P1Y"}}, {"undetermined": {"cap": "$cap", "review": "P6M"}}
    once, _problems = read({"earliest_of": [CLOSED, review, cap]}, cap=None)
    never, _problems = read({"earliest_of": [review, cap]}, cap=None)
    both, _problems = read({"longest_of": [CLOSED, review]})
    capped, _problems = read({"earliest_of": [CLOSED, cap]}, cap="P1M")

    assert in_words(once) == "at case.closed of the case; looked at again every 1 year"
    assert in_words(never) == "at no date; looked at again every 1 year"
    assert (
        in_words(both) == "at the latest of: (at case.closed of the case), (at no date; looked at again every 1 year)"
    )
    assert in_words(capped) == "at the earliest of: (at case.closed of the case), (after 1 month, the operator's cap)"


def test_classes_that_are_kept_alike_are_told_together() -> None:
    found, _problems = read({"by_matter": {"complaint": "year", "contract": "year", "otherwise": "at-once"}})

    assert in_words(found) == "by matter (complaint, contract: after 1 year; otherwise at once)"


def test_what_is_transient_is_never_stored() -> None:
    assert endings_in_words(()) == "never stored"


def test_at_once_ends_where_it_begins() -> None:
    assert end_of(AtOnce(), Circumstances(occurred_at=at(THEN), tz=zone("Etc/UTC"))).due_at == at(THEN)


def test_a_restriction_says_by_what_the_rest_is_found() -> None:
    ending = Ending(action=Action.RESTRICT, retention=AtOnce(), findable_by=("order_number",))

    assert endings_in_words((ending,)) == "restricted at once (then found by order_number only)"


def test_a_place_in_a_file_that_nothing_is_known_of_is_its_first_line() -> None:
    assert SourceFile(name="p", data={}).at(("a", 1)) == "p:1"


def test_an_expression_keeps_what_was_written() -> None:
    year_end, _problems = read({"year_end": {"years": 5, "counted_from": "fiscal-year", "ends_in": 3}})
    period, _problems = read({"period": "P9M", "bound": "max"})

    assert year_end == YearEnd(years=5, mode=YearMode.FISCAL_YEAR, end_month=3)
    assert period == After(period=Period.parse("P9M"), bound=Bound.MAX)


def test_an_anchor_that_is_taken_back_leaves_the_period_open() -> None:
    anchored = {"last": "case.closed", "of": "case", "unless_followed_by": "case.reopened"}
    found, _problems = read({"period": "P1Y", "from": anchored})
    log = FactLog([fact("case.closed", THEN), fact("case.reopened", "2024-06-04T00:00:00+00:00")])

    given = Circumstances(occurred_at=at(THEN), tz=zone("Etc/UTC"), facts=lambda _kind: log)

    assert end_of(found, given).due_at is None
