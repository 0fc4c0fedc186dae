"""The papers say what the machine does: by purpose, for whom, how long, and what is still open."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest

from pipeline.domain.vocabulary import Action
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.papers.activities import activities
from pipeline.policy.papers.markdown import bullets, page, table
from pipeline.policy.papers.notice import Statements, statements, statements_markdown
from pipeline.policy.papers.ropa import processing_record, record_markdown
from pipeline.policy.policy_parts import Ending
from pipeline.policy.retention import AtOnce
from tests.unit.policy.policy_stories import CONTROLLERS, acme, shipped
from tests.unit.policy.test_words import acme_with


def says(told: Statements, article: str) -> tuple[str, ...]:
    [found] = [section.says for section in told.sections if section.article.startswith(article)]
    return found


def test_an_activity_groups_what_ends_alike() -> None:
    [sale] = [one for one in activities(acme()) if one.purpose.id == "sale"]

    assert sale.categories == ("contact", "order.lines", "order.money", "letter", "secret")
    by_elements = {kept.elements: kept for kept in sale.kept}
    assert by_elements["rule order",].categories == ("order.lines", "order.money")
    assert by_elements["rule order",].clauses == ("ACME-2", "ACME-1")  # of the rule, and of the retention it names
    assert [one.id for one in sale.recipients] == ["printer"]
    assert "ACME-3" in sale.clauses


def test_a_purpose_that_nothing_is_kept_for_has_the_categories_that_may_serve_it() -> None:
    policy = acme()
    silent = replace(policy, rules={}, profiles={})

    assert {one.purpose.id: one.categories for one in activities(silent)} == {
        "sale": (), "books": ("order.lines", "order.money"), "mail": (),
    }  # fmt: skip


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_every_purpose_basis_category_recipient_and_end_is_in_the_record(controller: str) -> None:
    """GDPR Art. 30(1)(b), (c), (d) and (f): nothing that the policy does is left out."""
    policy = shipped(controller)
    record = processing_record(policy)

    assert {one.purpose: one.legal_basis for one in record.activities} == {
        name: tuple(map(str, purpose.legal_basis)) for name, purpose in policy.purposes.items()
    }
    told = {
        (category, one.purpose)
        for one in record.activities
        for limit in one.time_limits
        for category in limit.categories
    }
    assert told == {tag for table in (policy.rules, policy.profiles) for item in table.values() for tag in item.tags}
    shared = {share.recipient: share.fields for one in record.activities for share in one.recipients}
    assert shared == {name: one.fields for name, one in policy.recipients.items() if one.granted}
    assert all(limit.until for one in record.activities for limit in one.time_limits)


def test_what_only_the_operator_knows_is_open_until_he_says_it() -> None:
    record = processing_record(acme_with(None, record={"contact": "privacy@example.org", "transfers": "none"}))

    assert record.operator["contact"] == "privacy@example.org"
    assert record.operator["representative"] is None
    assert not [one for one in record.open if "record.contact" in one or "record.transfers" in one]
    assert [one for one in record.open if "set record.representative in an overlay" in one]
    assert [one for one in record.open if "names no legal basis for mail" in one]


def test_a_record_is_a_page_to_read() -> None:
    shown = record_markdown(processing_record(acme_with(None, record={"contact": "privacy@example.org"})))

    assert "| Contact details of the controller (a) | privacy@example.org |" in shown
    assert "| Representative (a) | open |" in shown
    assert "| Supervisory authority | DPA |" in shown
    assert (
        "| contact | restricted at restriction.requested; erased at case.closed of the case, unless case.reopened"
        in shown
    )
    assert "printer (processor): message, case_id" in shown
    assert "never stored" in shown


def test_who_is_told_to_erase_is_in_the_record() -> None:
    shown = record_markdown(processing_record(shipped("viet-art-view")))

    assert "told to erase at delivery.completed or order.cancelled of the order" in shown
    assert "| Supervisory authority | none named in the notice |" in shown


def test_no_activity_without_a_time_limit_or_a_reason() -> None:
    """ARTGRAPHICS listens in, and keeps nothing of it (ART-2.3)."""
    record = processing_record(shipped("artgraphics"))

    assert [one.purpose for one in record.activities if not one.time_limits] == ["listening"]
    assert "## To train staff and improve service by listening in" in record_markdown(record)


def test_people_are_told_in_swedish_what_the_machine_does() -> None:
    """ALLCALL-5.2 and ALLCALL-7.1, in the notice's own language."""
    told = statements(shipped("allcall"))

    assert told.language == "sv"
    assert told.title == "Vad AllCall International AB gör med personuppgifter"
    assert told.in_force == "Version 1, gäller från 2024-01-01."
    books = [line for line in says(told, "13(2)(a)") if "tidigast 7 år" in line]
    assert len(books) == 1
    assert "senare bara under ett öppet ärende, och senast efter 10 år" in books[0]
    assert says(told, "13(2)(b)")[-1] == "Klagomål till tillsynsmyndigheten, IMY (art. 77)."


def test_a_changed_period_changes_the_statement() -> None:
    """The promise and the machine cannot drift apart: no period stands in the words of a policy."""
    policy = acme_with({"language": "sv"})
    shorter = {
        tag: (Ending(action=Action.ERASE, retention=AtOnce()),) for tag in policy.rules["purchase"].tags
    }  # fmt: skip
    changed = replace(policy, rules={"purchase": replace(policy.rules["purchase"], tags=shorter)}, profiles={})

    assert says(statements(changed), "13(2)(a)") == ("Contact (sale): raderas genast.",)


@pytest.mark.parametrize("controller", CONTROLLERS)
@pytest.mark.parametrize("language", ["en", None])
def test_every_policy_can_be_told(controller: str, language: str | None) -> None:
    told = statements(shipped(controller), language)
    shown = statements_markdown(told)

    assert len(told.sections) == 5
    assert all(section.says for section in told.sections)
    assert shown.startswith(f"# {told.title}\n")
    assert shown.count("\n## ") == 5


def test_nobody_gets_data_where_nobody_is_granted_any() -> None:
    assert says(statements(shipped("ak3d")), "13(1)(e)") == ("Nobody.",)


def test_a_partner_is_told_to_erase_and_people_are_told_so() -> None:
    """TEK-7.1 in Norwegian."""
    delivery, _installation = says(statements(shipped("tek-zence")), "13(1)(e)")

    assert delivery == (
        "Leveringspartneren (på våre vegne) får navn, adresse og telefonnummer. Formål: levering og installasjon. "
        "Mottakeren får beskjed om å slette dem ved utført levering eller avbestilling."
    )


def test_rights_hang_on_the_legal_bases() -> None:
    """Objection needs legitimate interest (Art. 21), withdrawal a consent (Art. 7(3)), portability either basis."""
    tek, viet = (says(statements(shipped(name), "en"), "13(2)(b)") for name in ("tek-zence", "viet-art-view"))

    assert any("Objection" in line for line in tek)
    assert not any("Withdrawal" in line for line in tek)
    assert any("Withdrawal" in line for line in viet)
    assert not any("Objection" in line for line in viet)
    books = _only_books(acme())
    assert not any("that you gave" in line for line in says(statements(books), "13(2)(b)"))


def test_what_a_notice_says_of_a_right_is_told_with_it() -> None:
    """AK3D-5.4: free, and answered within a month; ALLCALL-6.1 and 6.3: in writing, one extract a year for nothing."""
    ak3d, allcall = (says(statements(shipped(name)), "13(2)(b)") for name in ("ak3d", "allcall"))

    assert ak3d[0] == "Access to your data, and a copy of them (Art. 15). Answered within 1 month. Free of charge."
    assert allcall[0] == (
        "Tillgång till dina uppgifter, och en kopia av dem (art. 15). 1 per kalenderår kostar ingenting; fler kan kosta "
        "något. Begäran ska vara undertecknad och skriftlig."
    )
    assert "Att slippa utskick och undersökningar som du inte vill ha, på valfritt sätt." in allcall


def _only_books(policy: CompiledPolicy) -> CompiledPolicy:
    return replace(policy, purposes={"books": policy.purposes["books"]})


def test_what_is_anonymous_or_counted_is_told_so() -> None:
    """ALLCALL-4D.5 and ART-1.2: neither is kept as anybody's data."""
    answers = [line for line in says(statements(shipped("allcall")), "13(2)(a)") if "anonymt" in line]
    counted = [line for line in says(statements(shipped("artgraphics")), "13(2)(a)") if "counted only" in line]

    assert answers == [
        "Svar på undersökningar (statistik över anonyma svar): sparas bara anonymt, utan koppling till dig."
    ]
    assert len(counted) == 1


class Noting(dict[tuple[str, str], str]):
    """Words that note what they are asked for and do not have."""

    def __init__(self, words: Mapping[tuple[str, str], str]) -> None:
        super().__init__(words)
        self.missing: set[tuple[str, str]] = set()

    def __contains__(self, key: object) -> bool:
        if not super().__contains__(key) and isinstance(key, tuple):
            self.missing.add(key)
        return super().__contains__(key)

    def get(self, key: tuple[str, str], default: Any = None) -> Any:
        return self[key] if key in self else default  # noqa: SIM401  `in` notes what is missing


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_no_statement_of_a_shipped_policy_shows_an_id(controller: str) -> None:
    """Whoever adds a purpose, recipient, state or event to a policy gives it a word, in the section `words`."""
    policy = shipped(controller)
    assert policy.words is not None
    noting = Noting(policy.words.terms)

    statements(replace(policy, words=replace(policy.words, terms=noting)))

    assert noting.missing == set()


def test_what_is_used_at_once_is_told_of_unless_it_is_stored_as_well() -> None:
    """ALLCALL-4S.3: photographs are handed out and not kept for it; recordings are kept (ALLCALL-5.9)."""
    periods = says(statements(shipped("allcall")), "13(2)(a)")

    assert "Fotografier (att förebygga och utreda brott): lagras aldrig." in periods
    assert [line for line in periods if line.startswith("Kamerainspelningar")] == [
        "Kamerainspelningar (att förebygga och utreda brott): raderas efter 1 månad, den gräns som vi har satt."
    ]
    tek = says(statements(shipped("tek-zence")), "13(2)(a)")
    assert not [line for line in tek if "lagres aldri" in line]


def test_contact_details_of_the_operator_are_told() -> None:
    told = statements(acme_with(None, record={"contact": "privacy@example.org", "transfers": "none"}))

    assert says(told, "13(1)(e)")[-1] == "Transfers to third countries: none"
    assert says(told, "13(1)(a)") == ("The controller is Acme Ltd.", "Contact: privacy@example.org")


def test_papers_are_plain_data_for_programs() -> None:
    record: dict[str, Any] = asdict(processing_record(acme()))

    assert set(record) >= {"controller", "activities", "measures", "open", "operator"}


def test_a_page_has_no_empty_parts() -> None:
    assert page("a", "", "b") == "a\n\nb\n"
    assert bullets(["a", "b"]) == "- a\n- b"
    assert table(("a", "b"), [("1\n2", "3")]) == "| a | b |\n|---|---|\n| 1 2 | 3 |"
