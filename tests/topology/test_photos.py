"""People on photos: a photo is used for marketing while all of them consent, wherever they and it are kept."""

from typing import Any

import pytest

from pipeline.bootstrap.simulation import Simulation
from pipeline.domain.vocabulary import Outcome
from tests.topology.case_words import event
from tests.topology.stories import Open, due, values

TAGGED = "allcall.tagged.cctv.v1"
ENDED = ("E.photo", "course-marketing", "erase")


def _photo(*consents: str, identity: str = "photo", clip: str = "clip-1", **data: Any) -> dict[str, Any]:
    said = {"participants": ["a", "b", "c"], "consents": list(consents), "photograph": "p", **data}
    return event(identity, "photo.ingested", "2025-02-01T12:00:00Z", "allcall", clip, **said)


def _says(who: str, kind: str, time: str, **data: Any) -> dict[str, Any]:
    return event(f"{kind}-{who}-{time}", kind, time, "allcall", who, **data)


@pytest.fixture(params=[1, 3, 5])
def world(request: pytest.FixtureRequest, open_pipeline: Open) -> Simulation:
    """Return a fresh pipeline: whether person and photo share a partition makes no difference."""
    return open_pipeline(request.param)


def test_a_photo_without_all_consents_is_stored_nowhere(world: Simulation) -> None:
    """H17, ALLCALL-4C.3."""
    assert world.pipe(_photo("a", "b")) is Outcome.DROPPED

    assert [value["code"] for value in values(world, "allcall.violation.v1")] == ["consent_missing"]
    assert not values(world, TAGGED)


@pytest.mark.parametrize("naming", [{}, {"records": ["photo"]}, {"clip_id": "clip-1"}, {"purpose": "course_marketing"}])
def test_the_last_consent_allows_the_use_and_any_withdrawal_ends_it(world: Simulation, naming: dict[str, Any]) -> None:
    """H17: denied, then allowed, then withdrawn and due."""
    world.pipe(_photo("a", "b"))
    world.pipe(_says("c", "consent.given", "2025-03-01T10:00:00Z", **naming))
    [allowed] = values(world, TAGGED)
    world.pipe(_says("a", "consent.withdrawn", "2025-04-01T12:00:00Z", **naming))

    assert [(tag["category"], tag["purpose"], tag["fields"]) for tag in allowed["tags"]] == [
        ("E.photo", "course-marketing", ["photograph"])
    ]
    assert (allowed["event"]["event_id"], allowed["event"]["photograph"]) == ("photo", None)
    assert due(world, "allcall") == [(*ENDED, "2025-04-01T12:00:00Z")]


def test_a_consent_to_another_photo_or_purpose_allows_nothing(world: Simulation) -> None:
    world.pipe(_photo("a", "b"))
    namings: tuple[dict[str, Any], ...] = ({"records": ["other"]}, {"clip_id": "other"}, {"purpose": "survey"})
    for number, naming in enumerate(namings):
        world.pipe(_says("c", "consent.given", f"2025-03-0{number + 1}T10:00:00Z", **naming))
    world.pipe(_says("stranger", "consent.given", "2025-03-05T10:00:00Z"))

    assert not values(world, TAGGED)


def test_somebody_may_consent_for_others_or_under_the_photos_own_key(world: Simulation) -> None:
    """The event names who consents; without a name it is the person under whose key it comes."""
    world.pipe(_photo("a"))
    world.pipe(_says("clip-1", "consent.given", "2025-03-01T10:00:00Z", participants=["b", "c"]))

    assert len(values(world, TAGGED)) == 1


def test_who_took_a_consent_back_before_the_last_one_came_is_waited_for(world: Simulation) -> None:
    world.pipe(_photo("a", "b"))
    world.pipe(_says("a", "consent.withdrawn", "2025-02-10T10:00:00Z"))
    world.pipe(_says("c", "consent.given", "2025-03-01T10:00:00Z"))
    assert not values(world, TAGGED)

    world.pipe(_says("a", "consent.given", "2025-03-02T10:00:00Z"))
    assert len(values(world, TAGGED)) == 1
    assert due(world, "allcall") == []


def test_an_older_word_that_comes_late_does_not_undo_a_newer_one(world: Simulation) -> None:
    world.pipe(_photo("a", "b"))
    world.pipe(_says("c", "consent.withdrawn", "2025-03-02T10:00:00Z"))
    world.pipe({**_says("c", "consent.given", "2025-03-01T10:00:00Z"), "ingesttime": "2025-03-03T00:00:00Z"})

    assert not values(world, TAGGED)


def test_a_photo_with_all_consents_ends_with_the_first_that_is_taken_back(world: Simulation) -> None:
    world.pipe(_photo("a", "b", "c"))
    world.pipe(_photo("a", "b", "c", identity="other", clip="clip-2"))
    world.pipe(_says("b", "consent.withdrawn", "2025-04-01T12:00:00Z", clip_id="clip-1"))
    assert due(world, "allcall") == [(*ENDED, "2025-04-01T12:00:00Z")]

    world.pipe(_says("b", "consent.withdrawn", "2025-04-02T12:00:00Z"))
    assert due(world, "allcall") == [(*ENDED, "2025-04-01T12:00:00Z"), (*ENDED, "2025-04-02T12:00:00Z")]


def test_an_erasure_takes_down_the_photos_that_somebody_is_on(world: Simulation) -> None:
    """ALLCALL-6.2: neither contract nor law keeps them."""
    world.pipe(_photo("a", "b", "c"))
    world.pipe(_photo("a", "b", identity="waiting", clip="clip-2"))
    world.pipe(_says("a", "erasure.requested", "2025-04-01T12:00:00Z"))
    world.pipe(_says("c", "consent.given", "2025-04-02T12:00:00Z"))

    assert due(world, "allcall") == [(*ENDED, "2025-04-01T12:00:00Z")]
    assert [value["event"]["event_id"] for value in values(world, TAGGED)] == ["photo"]


def test_a_hold_keeps_a_photo_whose_consent_is_gone(world: Simulation) -> None:
    """X5."""
    world.pipe(_photo("a", "b", "c"))
    world.pipe(event("hold", "hold.opened", "2025-03-01T10:00:00Z", "allcall", "clip-1", hold_id="h", clip_id="clip-1"))
    world.pipe(_says("a", "consent.withdrawn", "2025-04-01T12:00:00Z"))
    assert due(world, "allcall") == []

    world.pipe(event("free", "hold.closed", "2025-05-01T10:00:00Z", "allcall", "clip-1", hold_id="h", clip_id="clip-1"))
    assert due(world, "allcall") == [(*ENDED, "2025-05-01T10:00:00Z")]


def test_what_claims_to_be_forwarded_must_be_plausible_all_the_same(world: Simulation) -> None:
    world.pipe(_photo("a", "b"))
    claimed = {**_says("control", "consent.given", "2025-03-01T10:00:00Z"), "source": "//pipeline/tag-lane"}
    claimed["data"] = {"participants": ["c"]}

    assert (
        world.pipe({**claimed, "time": "2999-01-01T00:00:00Z", "ingesttime": "2025-03-01T10:00:00Z"}) is Outcome.REFUSED
    )
    assert not values(world, TAGGED)
    assert world.pipe(claimed | {"id": "another"}) is Outcome.ACCEPTED
    assert len(values(world, TAGGED)) == 1


def test_a_re_sent_consent_changes_nothing(world: Simulation) -> None:
    world.pipe(_photo("a", "b"))
    for _ in range(2):
        world.pipe(_says("c", "consent.given", "2025-03-01T10:00:00Z"))

    assert len(values(world, TAGGED)) == 1
