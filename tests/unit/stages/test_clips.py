"""What is remembered of photos and of the people on them, and when it is forgotten."""

from typing import Any

from tests.unit.stages.tag_stories import Lane

PEOPLE = {"participants": ["a", "b"], "photograph": "p"}


def _lane(*consents: str) -> Lane:
    lane = Lane("allcall")
    lane.take("photo.ingested", "2025-02-01T12:00:00+00:00", "clip", consents=list(consents), **PEOPLE)
    return lane


def _hear(lane: Lane, kind: str, time: str, *people: str, **data: Any) -> None:
    """Let what people said arrive as every partition hears it."""
    lane.take(kind, time, participants=list(people), **data)


def test_what_a_person_says_is_sent_to_every_partition_by_key_and_without_payload() -> None:
    """Architecture 9.6."""
    lane = Lane("allcall")
    lane.take("consent.given", "2025-03-01T10:00:00+00:00", "a", clip_id="c", purpose="course-marketing", records=["r"])
    lane.take("erasure.requested", "2025-03-02T10:00:00+00:00", "clip", consents=["b"])

    given, erased = lane.values("control")
    assert {name: given[name] for name in ("type", "participants", "clip_id", "records", "purpose")} == {
        "type": "consent.given", "participants": ["a"], "clip_id": "c", "records": ["r"], "purpose": "course-marketing",
    }  # fmt: skip
    assert given["event_id"] not in {erased["event_id"], "consent.given-a-2025-03-01T10:00:00+00:00"}
    assert (erased["participants"], erased["records"]) == (["b"], None)


def test_no_name_of_a_person_is_in_the_state_of_a_photo() -> None:
    lane = Lane("allcall")
    people = {"participants": ["jane-doe"], "consents": ["jane-doe"], "photograph": "p"}
    lane.take("photo.ingested", "2025-02-01T12:00:00+00:00", "clip", **people)

    assert len(lane.keys("who|")) == 1
    assert not any(b"jane" in key + value for key, value in lane.state.scan(b"", b"~"))


def test_a_photo_with_nobody_on_it_and_a_clip_that_no_consent_concerns_are_not_remembered() -> None:
    lane = Lane("allcall")
    lane.take("photo.ingested", "2025-02-01T12:00:00+00:00", "clip", photograph="p")
    lane.take("cctv.ingested", "2025-02-01T12:00:00+00:00", "cam", participants=["a"], cctv_clip="c", context="store")

    assert not lane.keys("clip|")


def test_a_photo_that_waits_too_long_is_forgotten() -> None:
    lane = _lane("a")
    lane.wake("2026-01-31T00:00:00+00:00", 10)
    assert len(lane.keys("clip|")) == 1

    lane.wake("2026-03-05T00:00:00+00:00", 10)
    assert not [*lane.keys("clip"), *lane.keys("who|")]


def test_a_photo_is_remembered_while_it_is_kept_and_forgotten_after() -> None:
    lane = _lane("a", "b")
    lane.wake("2030-01-01T00:00:00+00:00", 10)
    assert len(lane.keys("clip|")) == 1

    _hear(lane, "consent.withdrawn", "2030-01-02T00:00:00+00:00", "b")
    output = lane.wake("2030-02-02T00:00:00+00:00", 10)
    assert not [*lane.keys("clip|"), *lane.keys("who|")]
    assert output.next_wake is None


def test_a_photo_that_waits_for_somebody_who_is_erased_is_forgotten_at_once() -> None:
    lane = _lane("a")
    _hear(lane, "erasure.requested", "2025-03-01T10:00:00+00:00", "b")
    assert not [*lane.keys("clip|"), *lane.keys("who|")]

    lane.wake("2025-03-10T00:00:00+00:00", 10)
    assert not lane.keys("clip-end|")


def test_what_is_said_twice_about_a_photo_is_one_fact() -> None:
    lane = _lane("a", "b")
    for _ in range(2):
        _hear(lane, "consent.withdrawn", "2025-03-01T10:00:00+00:00", "a", "b")

    facts = [item for block in lane.values("obligation") for item in block["items"] if "obligation_id" not in item]
    assert len([one for one in facts if any(ref["kind"] == "clip" for ref in one["refs"])]) == 1


def test_photos_hear_of_people_also_where_producers_vouch_for_their_ids() -> None:
    lane = Lane("allcall", window=None)
    lane.take("photo.ingested", "2025-02-01T12:00:00+00:00", "clip", consents=["a"], **PEOPLE)
    for _ in range(2):
        _hear(lane, "consent.given", "2025-03-01T10:00:00+00:00", "b")

    assert len(lane.values("tagged.cctv")) == 1


def test_a_photo_lives_from_the_last_consent_that_was_missing() -> None:
    """What was withdrawn before it was allowed does not end it afterwards."""
    lane = _lane("a")
    _hear(lane, "consent.withdrawn", "2025-02-10T10:00:00+00:00", "a")
    _hear(lane, "consent.given", "2025-02-20T10:00:00+00:00", "b")
    _hear(lane, "consent.given", "2025-03-01T10:00:00+00:00", "a")

    obliged = [item for block in lane.values("obligation") for item in block["items"] if "obligation_id" in item]
    assert [one["occurred_at"].isoformat() for one in obliged] == ["2025-03-01T10:00:00+00:00"]
    [tagged] = lane.values("tagged.cctv")
    assert tagged["event"]["occurred_at"].isoformat() == "2025-02-01T12:00:00+00:00"
