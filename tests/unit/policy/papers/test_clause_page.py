"""The page of a notice tells of each clause what it promises, what is done about it, and what tests it."""

from dataclasses import replace

import pytest

from pipeline.domain.calendar import Period
from pipeline.domain.vocabulary import Form, Right
from pipeline.policy.coverage import Element, Status, coverage
from pipeline.policy.document import ExceptionShape, ListShape, RightShape
from pipeline.policy.papers.clause_page import clause_page
from pipeline.policy.rights import RightRule
from tests.unit.policy.policy_stories import acme, acme_file
from tests.unit.policy.test_coverage import shaped

SOURCE, SHAPE = shaped(acme_file("acme.yaml"))
ROWS = coverage([(SOURCE, SHAPE)], {"test_acme.py": "ACME-1 and ACME-2"})
PAGE = clause_page(acme(), SHAPE, ROWS)


def section(clause: str, shown: str = PAGE) -> str:
    return shown.split(f"## {clause}\n")[1].split("\n## ", maxsplit=1)[0]


def test_the_page_begins_with_whose_notice_it_is_and_how_it_stands() -> None:
    assert PAGE.startswith("# Acme Ltd\n")
    assert "has 9 clauses: 2 implemented and tested, 6 implemented, 1 notice only." in PAGE
    assert [line for line in PAGE.splitlines() if line.startswith("## ")] == [f"## ACME-{n}" for n in range(1, 10)]


def test_a_clause_is_told_with_its_tests() -> None:
    assert "> Orders are kept as the law demands." in section("ACME-2")
    assert "Tested by [test_acme.py](../../tests/test_acme.py)." in section("ACME-2")
    assert "Tested by" not in section("ACME-3")


def test_a_clause_that_only_informs_gives_its_reason() -> None:
    assert "Notice only: It asks something of the customer." in section("ACME-4")


@pytest.mark.parametrize(
    ("clause", "says"),
    [
        ("ACME-1", "**category contact**: the fields name, address, phone, email"),
        ("ACME-1", "**context post**: only contact, letter may be processed there"),
        ("ACME-1", "**source partner**: only contact may come from there"),
        ("ACME-1", "**purpose sale**: legal basis contract"),
        ("ACME-2", "**purpose books**: legal basis legal-obligation; only order.lines, order.money may serve it"),
        ("ACME-1", "**condition known_customer**: `happened(purchase.completed)`"),
        ("ACME-1", "**retention year**: ends after 1 year"),
        ("ACME-1", "**inbox claims**: e-mail on complaint goes to an inbox of its own"),
        ("ACME-1", "**rule letter**: on contact.post, contact.email, if `known_customer` (else drop: stranger): "),
        (
            "ACME-5",
            "**rule code**: on account.opened, if `account_id is set` (else refuse: code): secret for sale, never",
        ),
        ("ACME-2", "**end order restrict**: restricted after 1 year (then found by order_lines only)"),
        ("ACME-1", "**profile customer**: contact per subject across events, erased after 1 year"),
        ("ACME-3", "**recipient delivery**: gets nothing; the notice says silent"),
        ("ACME-3", "**recipient printer**: gets message, case_id on contact.post, if `direction == out`, as processor"),
        ("ACME-8", "**trigger erasure**: on erasure.requested: end for categories letter"),
        ("ACME-9", "**authority DPA**: named in the record of processing activities"),
    ],
)
def test_an_element_says_what_it_does(clause: str, says: str) -> None:
    assert says in section(clause)


def test_a_trigger_that_names_no_tags_concerns_everything_and_a_policy_governs_from_its_day() -> None:
    everything = SHAPE.triggers["erasure"].model_copy(update={"categories": ()})
    header = SHAPE.policy.model_copy(update={"clauses": ("ACME-8",)})
    shape = SHAPE.model_copy(update={"policy": header, "triggers": {"erasure": everything}})

    shown = section("ACME-8", clause_page(acme(), shape, coverage([(SOURCE, shape)], {})))

    assert "**trigger erasure**: on erasure.requested: end for everything" in shown
    assert "**policy acme**: version 1 governs what was collected from 2024-01-01 on, for its life" in shown


@pytest.mark.parametrize(
    ("right", "says"),
    [
        (RightRule(right=Right.ACCESS, clauses=()), "recorded on receipt; no time to answer stated"),
        (
            RightRule(right=Right.ACCESS, clauses=(), answer_within=Period(months=1), fee=True),
            "recorded on receipt; answered within 1 month; free",
        ),
        (
            RightRule(right=Right.ACCESS, clauses=(), fee=True, free_per_year=1, needs=("signed",)),
            "recorded on receipt; no time to answer stated; 1 a calendar year free; needs signed",
        ),
    ],
)
def test_a_right_says_until_when_at_what_fee_and_what_it_needs(right: RightRule, says: str) -> None:
    row = replace(ROWS[0], elements=(Element(kind="right", id="access", clauses=(), at="", path=()),))

    shown = clause_page(replace(acme(), rights={Right.ACCESS: right}), SHAPE, (row,))

    assert f"- **right access**: {says}\n" in shown


def test_an_objection_says_what_it_ends_and_what_it_spares() -> None:
    stays = ExceptionShape(categories=("letter",), stays=True)
    waits = ExceptionShape(purposes=("sale",), defer_while={"while": "busy", "of": "subject"})
    shape = SHAPE.model_copy(
        update={"rights": {Right.OBJECTION: RightShape(exceptions=(stays, waits), clauses=("A",))}}
    )
    rights = {right: RightRule(right=right, clauses=()) for right in (Right.OBJECTION, Right.CONSENT_WITHDRAWAL)}
    named = [Element(kind="right", id=str(right), clauses=(), at="", path=()) for right in rights]

    shown = clause_page(replace(acme(), rights=rights), shape, (replace(ROWS[0], elements=tuple(named)),))

    assert "; ends what rests on legitimate interest alone; letter stays; sale waits until what is in progress" in shown
    assert "; ends what rests on consent alone\n" in shown


def test_a_list_says_whom_it_lists() -> None:
    drawn = ListShape(
        events=("survey.draw.requested",), when="known_customer", sample=True, purpose="sale", clauses=("A",)
    )
    bought = ListShape(
        events=("recall.issued",), profile="customer", bought_on=("purchase.completed",), purpose="sale", clauses=("A",)
    )
    shape = SHAPE.model_copy(update={"lists": {"drawn": drawn, "bought": bought}})
    named = [Element(kind="list", id=name, clauses=(), at="", path=()) for name in ("drawn", "bought")]

    shown = clause_page(acme(), shape, (replace(ROWS[0], elements=tuple(named)),))

    assert (
        "**list drawn**: on survey.draw.requested: a random sample of those of whom `known_customer` holds, on" in shown
    )
    assert "**list bought**: on recall.issued: those with a profile customer who got one of the products, on" in shown


def test_what_is_counted_only_says_so() -> None:
    counted = replace(acme().purposes["sale"], form=Form.AGGREGATE)

    shown = clause_page(replace(acme(), purposes={**acme().purposes, "sale": counted}), SHAPE, ROWS)

    assert "contact for sale, counted only" in shown


def test_a_rule_that_keeps_nothing_and_a_recipient_with_an_end_say_so() -> None:
    delivery = replace(acme().recipients["delivery"], granted=True)
    rule = replace(acme().rules["code"], tags={})
    policy = replace(
        acme(), rules={**acme().rules, "code": rule}, recipients={**acme().recipients, "delivery": delivery}
    )

    shown = clause_page(policy, SHAPE, ROWS)

    assert "(else refuse: code): nothing is kept" in shown
    assert "as processor; told to erase at delivery.completed of the order" in shown


def test_what_nothing_implements_points_to_the_roadmap_and_an_unknown_kind_is_named() -> None:
    missing = replace(ROWS[0], elements=(), status=Status.MISSING)
    strange = replace(ROWS[1], elements=(Element(kind="song", id="one", clauses=(), at="", path=()),))

    shown = clause_page(acme(), SHAPE, (missing, strange))

    assert "Nothing implements it yet: see the [roadmap](../roadmap.md)." in section("ACME-1", shown)
    assert "- **song one**\n" in section("ACME-2", shown)
