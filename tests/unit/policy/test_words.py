"""Words of a policy: what people are told instead of ids, in the language of the notice."""

from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.domain.calendar import Period
from pipeline.domain.errors import PolicyError
from pipeline.domain.vocabulary import RefKind
from pipeline.policy.compile import compile_policies
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.phrases import ENGLISH, LANGUAGES
from pipeline.policy.retention import FactPattern
from pipeline.policy.source_file import SourceFile
from pipeline.policy.wording import IDS, Wording, wording_of
from tests.unit.policy.policy_stories import acme_file, event_names, shipped


def acme_with(words: Mapping[str, Any] | None, **overlay: Any) -> CompiledPolicy:
    """Return the small policy with words, and an overlay with more."""
    document, values = acme_file("acme.yaml"), acme_file("acme-values.yaml")
    assert isinstance(document.data, dict)
    assert isinstance(values.data, dict)
    told = {"words": words} if words is not None else {}
    source = SourceFile(name="acme.yaml", data={**document.data, **told}, lines=document.lines)
    more = SourceFile(name="values.yaml", data={**values.data, **overlay})
    return compile_policies([source], [more], events=event_names()).versions["acme"][0]


SWEDISH = {
    "language": "sv",
    "events": {"case.closed": "avslutat ärende", "opt_out": "avanmälan"},
    "states": {"case-open": "ett öppet ärende"},
    "purposes": {"sale": "köp"},
    "values": {"newsletter": "nyhetsbrev"},
}
SV = wording_of(acme_with(SWEDISH))


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_every_language_says_every_phrase_with_the_same_parts(language: str) -> None:
    def parts(text: str) -> set[str]:
        return {part.partition("}")[0] for part in text.split("{")[1:]}

    assert {key: parts(text) for key, text in LANGUAGES[language].items()} == {
        key: parts(text) for key, text in ENGLISH.items()
    }


def test_an_id_without_a_word_stands_for_itself() -> None:
    assert SV.term("purposes", "sale") == "köp"
    assert SV.term("purposes", "books") == "books"
    assert SV.state("busy", RefKind.SUBJECT) == "busy of the subject"
    assert SV.state("case-open", RefKind.CASE) == "ett öppet ärende"


def test_facts_are_told_with_their_word_or_with_whose_they_are() -> None:
    closed = FactPattern(types=("case.closed",), of=RefKind.CASE)
    newsletter = FactPattern(types=("opt_out",), where=(("mailing", "newsletter"), ("purpose", "mail")))
    sale = FactPattern(types=("opt_out",), where=(("purpose", "sale"),))
    other = FactPattern(types=("opt_out",), where=(("purpose", "newsletter"),))

    assert SV.facts(sale) == "avanmälan (köp)"
    assert SV.facts(other) == "avanmälan (nyhetsbrev)"
    assert SV.facts(closed) == "avslutat ärende"
    assert IDS.facts(closed) == "case.closed of the case"
    assert SV.facts(newsletter) == "avanmälan (nyhetsbrev)"
    assert IDS.facts(newsletter) == "opt_out (mailing newsletter, or else purpose mail)"


def test_a_period_is_counted_in_the_language() -> None:
    assert SV.length(Period(months=13, days=2)) == "1 år och 1 månad och 2 dagar"
    assert SV.all_of(["a"]) == "a"
    assert SV.either(["a", "b", "c"]) == "a, b eller c"


def test_a_policy_without_words_is_told_in_english_by_its_fields() -> None:
    told = wording_of(acme_with(None))

    assert told.language == "en"
    assert told.term("categories", "order.lines") == "order lines"


def test_a_policy_is_told_in_english_or_in_its_own_language_and_in_no_other() -> None:
    policy = acme_with(SWEDISH)

    assert wording_of(policy, "en").term("purposes", "sale") == "sale"
    assert wording_of(policy, "sv") == wording_of(policy)
    with pytest.raises(KeyError):
        wording_of(policy, "vi")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ({"language": "sv", "purposes": {"sail": "köp"}}, "there is no purpose sail; there are sale, books, mail"),
        ({"language": "sv", "categories": {"contacts": "x"}}, "there is no category contacts; there are contact,"),
        ({"language": "sv", "fields": {"nam": "namn"}}, "there is no field nam; there are name, address,"),
        ({"language": "sv", "states": {"open": "x"}}, "there is no state open; there are case-open,"),
        ({"language": "sv", "recipients": {"post": "x"}}, "there is no recipient post; there are delivery,"),
        ({"language": "sv", "events": {"case.shut": "x"}}, "there is no event case.shut; see the page of event types"),
        ({"language": "xx"}, "words.language should be 'en', 'no', 'sv' or 'vi'"),
        ({}, "words.language is missing; add it"),
    ],
)
def test_a_word_for_something_that_does_not_exist_is_told(words: Mapping[str, Any], problem: str) -> None:
    with pytest.raises(PolicyError) as caught:
        acme_with(words)

    assert problem in str(caught.value)


def test_the_operator_adds_what_only_he_knows_to_the_record() -> None:
    policy = acme_with(None, record={"contact": "privacy@example.org"})

    assert policy.record == {"contact": "privacy@example.org"}
    assert policy.digest == acme_with(None).digest  # it decides nothing


def test_the_shipped_policies_speak_the_language_of_their_notices() -> None:
    languages = {
        name: words.language
        for name in ("ak3d", "allcall", "artgraphics", "tek-zence", "viet-art-view")
        if (words := shipped(name).words)
    }

    assert languages == {"ak3d": "en", "allcall": "sv", "artgraphics": "en", "tek-zence": "no", "viet-art-view": "vi"}


def test_a_wording_of_nothing_is_english() -> None:
    assert Wording().say("at-once") == "at once"
