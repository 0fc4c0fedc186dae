"""A rule that waits holds up no other rule, and stores nothing itself."""

from pipeline.adapters.yaml_files import parse_yaml
from pipeline.domain.vocabulary import Outcome
from pipeline.policy.compile import compile_policies
from pipeline.policy.compiled import CompiledPolicy
from tests.unit.policy.policy_stories import EXAMPLES, acme_file, decided, event, event_names, fact

FOUND = """\
  found:
    events: contact.post
    categories: [contact]
    purposes: [sale]
    keep: year
    clauses: [ACME-1]
  code:
"""


def _waiting(*, also: bool) -> CompiledPolicy:
    """Return the small policy with letters of strangers that wait, and a rule that takes any letter as well."""
    text = (EXAMPLES / "acme.yaml").read_text().replace("otherwise: drop", "otherwise: wait")
    text = text.replace("  code:\n", FOUND, 1) if also else text
    values = acme_file("acme-values.yaml")
    return compile_policies([parse_yaml("acme.yaml", text)], [values], events=event_names()).versions["acme"][0]


def test_an_event_whose_only_rule_waits_is_dropped_for_now() -> None:
    decision = decided(_waiting(also=False), event("contact.post", context="post", message="m"))

    assert (decision.outcome, decision.waits, decision.tags) == (Outcome.DROPPED, ("letter",), ())
    assert [report.code for report in decision.reports] == ["stranger"]


def test_another_rule_takes_the_event_meanwhile() -> None:
    decision = decided(_waiting(also=True), event("contact.post", context="post", message="m", name="n"))

    assert (decision.outcome, decision.waits) == (Outcome.ACCEPTED, ("letter",))
    assert {tag.rule for tag in decision.tags} == {"found"}
    assert [report.code for report in decision.reports] == ["stranger", "no_purpose"]


def test_nothing_waits_once_the_condition_holds() -> None:
    bought = fact("purchase.completed", "2024-06-01T10:00:00+00:00")
    decision = decided(
        _waiting(also=True), event("contact.post", "2024-06-03T10:00:00+00:00", bought, context="post", message="m")
    )

    assert decision.waits == ()
    assert {tag.rule for tag in decision.tags} == {"letter"}


def test_what_people_say_about_consent_is_a_fact_where_a_rule_waits_for_it() -> None:
    assert _waiting(also=False).forwarded == {"consent.given", "consent.withdrawn"}
