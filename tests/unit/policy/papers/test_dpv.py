"""The DPV export says what the policy says, and what is read back is what was written."""

import json
import re
from typing import Any

import pytest

from pipeline.domain.calendar import Period
from pipeline.domain.vocabulary import Action, DataSubjects, Form, LegalBasis, RecipientClass
from pipeline.policy.papers import terms
from pipeline.policy.papers.dpv import Facts, facts_of
from pipeline.policy.papers.durations import duration, retention
from pipeline.policy.papers.jsonld import document, facts_in
from pipeline.policy.retention import After, AtOnce, Indefinite
from tests.unit.policy.policy_stories import CONTROLLERS, acme, shipped, shipped_book


def there_and_back(*facts: Facts) -> tuple[Facts, ...]:
    return facts_in(json.loads(json.dumps(document(facts))))


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_what_is_exported_is_read_back_as_the_same_facts(controller: str) -> None:
    facts = facts_of(shipped(controller))

    assert there_and_back(facts) == (facts,)


def test_the_small_policy_with_each_feature_is_read_back_as_well() -> None:
    facts = facts_of(acme())

    assert there_and_back(facts, facts) == (facts, facts)


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_every_end_that_the_machine_runs_is_among_the_facts(controller: str) -> None:
    policy = shipped(controller)
    [facts] = there_and_back(facts_of(policy))

    told = {
        (process.purpose, category, stage.after)
        for process in facts.processes
        for storage in process.storage
        for category in storage.categories
        for stage in storage.stages
    }
    assert told == {
        (purpose, category, ending.retention)
        for table in (policy.rules, policy.profiles)
        for item in table.values()
        for (category, purpose), endings in item.tags.items()
        for ending in endings
    }


def test_every_recipient_is_among_the_facts_with_its_fields() -> None:
    [facts] = there_and_back(facts_of(shipped("viet-art-view")))

    [delivery] = [one for process in facts.processes for one in process.sharing if one.recipient == "delivery"]
    assert delivery.fields == {"name", "address", "phone"}
    assert delivery.kind == "dpv:DataProcessor"
    assert delivery.erase_after == shipped("viet-art-view").recipients["delivery"].erase_after


def test_what_is_counted_only_is_aggregated() -> None:
    """ART-1.2."""
    [facts] = there_and_back(facts_of(shipped("artgraphics")))

    assert {one.purpose for one in facts.processes if one.processing == {"dpv:Aggregate"}} == {"aggregate"}


def test_a_period_is_an_iso_duration_and_an_end_without_a_date_is_indeterminate() -> None:
    nine = After(period=Period.parse("P9M"))

    assert duration(nine)["rdf:value"] == "P9M"
    assert duration(nine)["@type"] == ["dpv:TemporalDuration", "pp:After"]
    assert duration(Indefinite(review=None))["@type"] == ["dpv:IndeterminateDuration", "pp:Indefinite"]
    assert duration(AtOnce())["@type"] == ["dpv:Duration", "pp:AtOnce"]


def test_a_duration_that_we_do_not_know_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="there is no retention of type pp:Sometimes"):
        retention({"@type": ["dpv:Duration", "pp:Sometimes"]})


def test_every_word_of_ours_has_its_term() -> None:
    assert set(terms.LEGAL_BASES) == set(LegalBasis)
    assert set(terms.ACTIONS) == set(Action)
    assert set(terms.FORMS) == set(Form)
    assert set(terms.PEOPLE) == set(DataSubjects)
    assert set(terms.RECIPIENTS) == set(RecipientClass)


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_every_field_and_purpose_of_a_shipped_policy_has_a_term_of_the_vocabulary(controller: str) -> None:
    policy = shipped(controller)

    assert [name for name in policy.field_categories if name not in terms.FIELDS] == []
    assert [name for name, purpose in policy.purposes.items() if not purpose.dpv] == []


def test_every_name_of_the_document_is_in_a_namespace_that_it_declares() -> None:
    written = document(facts_of(versions[0]) for versions in shipped_book().versions.values())

    names = set(_names(written["@graph"]))
    prefixes = {found.group(1) for name in names if (found := re.match(r"([a-z-]+):(?!//)", name))}
    assert prefixes <= set(terms.CONTEXT)
    assert {"dpv", "pd", "eu-gdpr", "pp"} <= prefixes


def _names(value: Any) -> list[str]:
    """Return every key, type and id of a document."""
    if isinstance(value, list):
        return [name for part in value for name in _names(part)]
    if not isinstance(value, dict):
        return []
    named = [value["@id"]] if "@id" in value else []
    types = value.get("@type", [])
    keys = [key for key in value if not key.startswith("@")]
    return [*named, *(types if isinstance(types, list) else [types]), *keys, *_names(list(value.values()))]
