"""A fact that arrives after a decision that it would have changed is reported once, and nothing is undone."""

import json
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from pipeline.adapters.memory_state import MemoryState
from pipeline.bootstrap.parts import Parts
from pipeline.bootstrap.simulation import Simulation
from pipeline.domain.records import Incoming
from pipeline.domain.vocabulary import Outcome
from pipeline.stages.state import References
from pipeline.stages.tag import TagSettings, TagStage
from tests.topology.case_words import PERSON, event
from tests.topology.stories import instant, values

Event = dict[str, Any]


def _says(identity: str, kind: str, time: str, arrives: str = "", **data: Any) -> Event:
    return event(identity, kind, time, "allcall", "s", **data) | ({"ingesttime": arrives} if arrives else {})


PAID = _says("paid", "purchase.completed", "2025-01-10T10:00:00Z", context="web", order_id="o", payment="p", **PERSON)
OPENED = _says("opened", "newsletter.opened", "2025-02-12T10:00:00Z", context="mailing", newsletter_opened="n")
SENT = _says("sent", "newsletter.sent", "2025-02-12T10:00:00Z", context="mailing", email="t@example.org")


def _out(identity: str, time: str, arrives: str, **data: Any) -> Event:
    return _says(identity, "opt_out", time, arrives, **data)


def _late(pipeline: Simulation, *events: Event) -> list[Mapping[str, Any]]:
    for one in events:
        pipeline.pipe(one)
    found = [one for one in values(pipeline, "allcall.violation.v1") if one["code"] == "late_event"]
    return [one for one in found if one["due_at"] is None]


def test_an_opt_out_that_arrives_after_an_opened_newsletter_is_reported(pipeline: Simulation) -> None:
    """H11 the other way round: the open was tagged, and should have been dropped."""
    out = _out("out", "2025-02-10T10:00:00Z", "2025-02-13T10:00:00Z", mailing="newsletter")

    [report] = _late(pipeline, OPENED, out, out)

    assert report["event_id"] == "out"
    assert report["record"] == "opened"
    assert report["rule"] == "newsletter-opened"
    assert report["outcome"] == "accepted"
    assert "ALLCALL-4D.6" in report["clauses"]
    assert report["message"] == (
        "too late: newsletter.opened was accepted before; in time it would have been dropped-by-rule"
    )


def test_what_was_refused_for_want_of_a_fact_is_reported_when_the_fact_arrives(pipeline: Simulation) -> None:
    """A letter to somebody who was a customer all along."""
    known = _says("known", "opt_in", "2025-01-01T10:00:00Z", mailing="newsletter", email="t@example.org")

    [report] = _late(pipeline, known, SENT, {**PAID, "ingesttime": "2025-02-13T10:00:00Z"})

    assert (report["event_id"], report["record"], report["rule"]) == ("paid", "sent", "newsletter-sent")
    assert report["message"].endswith("newsletter.sent was refused before; in time it would have been accepted")


@pytest.mark.parametrize(
    "late",
    [
        _out("other", "2025-02-10T10:00:00Z", "2025-02-13T10:00:00Z", mailing="survey"),
        _out("after", "2025-02-12T10:00:01Z", "2025-02-13T10:00:00Z", mailing="newsletter"),
        _says("again", "opt_in", "2025-02-10T10:00:00Z", "2025-02-13T10:00:00Z", mailing="newsletter", email="e"),
    ],
    ids=["another mailing", "after the decision", "the same answer"],
)
def test_what_would_have_changed_nothing_is_not_reported(late: Event, pipeline: Simulation) -> None:
    assert _late(pipeline, OPENED, late) == []


def test_a_second_fact_of_the_same_effect_is_not_reported_again(pipeline: Simulation) -> None:
    outs = [
        _out(f"out-{day}", f"2025-02-{day}T10:00:00Z", "2025-02-13T10:00:00Z", mailing="newsletter") for day in (11, 10)
    ]

    assert [report["event_id"] for report in _late(pipeline, OPENED, *outs)] == ["out-11"]


def test_other_tags_for_the_same_outcome_are_reported_too(pipeline: Simulation) -> None:
    """AK3D-1.4, AK3D-5.3: the purchase stays, its use for marketing should not have begun."""
    bought = event("bought", "purchase.completed", "2024-03-02T10:00:00Z", "ak3d", "s", account_id="a", name="T",
                   purchase_history="1")  # fmt: skip
    objected = event("no", "objection.raised", "2024-03-01T10:00:00Z", "ak3d", "s", purpose="updates-and-marketing")

    pipeline.pipe(bought)
    pipeline.pipe({**objected, "ingesttime": "2024-03-03T10:00:00Z"})

    [report] = values(pipeline, "ak3d.violation.v1")
    assert (report["code"], report["record"], report["rule"]) == ("late_event", "bought", "purchase-history")
    assert report["message"].endswith("it would have been decided otherwise")


def test_nothing_waits_of_a_call_that_left_nothing_of_a_stranger(pipeline: Simulation) -> None:
    """TEK-8.1: no follow-up, no trace; so a purchase that arrives later cannot be told to be late for it."""
    call = event("call", "contact.phone", "2024-03-02T10:00:00Z", "tek-zence", "s", called_at="10", number="1")
    bought = event("bought", "purchase.completed", "2024-03-01T10:00:00Z", "tek-zence", "s", name="T", order_number="1")

    assert pipeline.pipe(call) is Outcome.DROPPED
    pipeline.pipe({**bought, "ingesttime": "2024-03-03T10:00:00Z"})

    assert [one["code"] for one in values(pipeline, "tek-zence.violation.v1")] == ["no_follow_up"]


def test_decisions_are_forgotten_after_eight_days(pipeline: Simulation) -> None:
    """Longer than a source topic keeps what may arrive late; then nothing is known, and nothing reported."""
    later = [
        _says(f"open-{day}", "newsletter.opened", f"2025-02-{day}T10:00:00Z", context="mailing", newsletter_opened="n")
        for day in (25, 26, 27)
    ]
    out = _out("out", "2025-02-10T10:00:00Z", "2025-02-27T11:00:00Z", mailing="newsletter")

    assert {report["record"] for report in _late(pipeline, OPENED, *later, out)} == {"open-25", "open-26", "open-27"}


def test_when_decisions_are_forgotten_is_known_again_after_a_restore(parts: Parts) -> None:
    """What is to be forgotten is derived, so it is not in the changelog; idle partitions forget as well."""
    references = References(b"k" * 32, Random(0).randbytes)
    stage = TagStage(TagSettings(controller="allcall"), parts.book, parts.schemas.catalogue, references)
    topic, state = "allcall.source.contact.v1", MemoryState()
    head = parts.engine.cut(json.dumps(OPENED).encode()).head
    batch = [Incoming(topic=topic, partition=0, offset=0, timestamp_ms=0, head=head)]
    state.apply(stage.handle(batch, state, 0, instant("2025-02-12T10:00:00Z")).changes, None)

    stored = list(state.scan(b"made|", b"made~"))
    derived = {change.key: change.value for key, value in stored for change in stage.derive(key, value)}
    assert len(stored) == 1
    assert derived == dict(state.scan(b"unmade|", b"unmade~"))

    state.apply(stage.wake(state, 0, instant("2025-02-21T10:00:00Z"), 10).changes, None)
    assert not [*state.scan(b"made|", b"made~"), *state.scan(b"unmade|", b"unmade~")]
