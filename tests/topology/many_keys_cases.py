"""The hard cases that concern many keys at once, as events with their ends."""

from typing import Any

from tests.topology.case_words import PERSON, Case, event


def control(identity: str, kind: str, time: str, controller: str, **data: Any) -> dict[str, Any]:
    """Return an event that concerns many keys."""
    return event(identity, kind, time, controller, "control", **data)


def _bought(name: str, time: str) -> dict[str, Any]:
    return event(f"h12-{name}", "purchase.completed", time, "allcall", f"s-12{name}",
                 context="web", initiated_by="company", name="Test Person", payment="card")  # fmt: skip


def _opted_out(name: str, **data: Any) -> dict[str, Any]:
    return event(f"h12-out-{name}", "opt_out", "2025-05-20T10:00:00Z", "allcall", f"s-12{name}", **data)


def _photo(identity: str = "h17-photo", **data: Any) -> dict[str, Any]:
    """Return a course photo with three people on it, of whom two consented."""
    people = [f"s-17{letter}" for letter in "abc"]
    said = {"participants": people, "consents": people[:2], "photograph": "p", "context": "course_own", **data}
    return event(identity, "photo.ingested", "2025-02-01T12:00:00+01:00", "allcall", "clip-17", **said)


def _consent(letter: str, word: str, time: str, **data: Any) -> dict[str, Any]:
    said = {"purpose": "course-marketing", **data}
    return event(f"h17-{word}-{letter}", f"consent.{word}", time, "allcall", f"s-17{letter}", **said)


MANY_KEYS_CASES: dict[str, Case] = {
    "H12": Case(
        clauses="ALLCALL-4D.5 ALLCALL-4D.6 ALLCALL-2.D",
        events=[
            _bought("a-first-instant", "2025-04-30T22:00:00Z"),
            _bought("b-last-instant", "2025-05-31T21:59:59Z"),
            _bought("c-the-day-before", "2025-04-30T21:59:59Z"),
            _bought("d-the-day-after", "2025-05-31T22:00:00Z"),
            _bought("e-no-surveys", "2025-05-10T10:00:00Z"),
            _opted_out("e-no-surveys", mailing="survey"),
            _bought("f-no-newsletters", "2025-05-10T10:00:00Z"),
            _opted_out("f-no-newsletters", mailing="newsletter"),
            control("h12-draw", "survey.draw.requested", "2025-06-02T10:00:00+02:00", "allcall", month="2025-05", quota=10),
            event("h12-open", "survey.opened", "2025-06-03T10:00:00Z", "allcall", "s-12a-first-instant",
                  context="mailing", survey_opened="June"),
            event("h12-answer", "survey.responded", "2025-06-03T10:05:00Z", "allcall", "s-12a-first-instant",
                  context="mailing", survey_comment="good", survey_review="5", ip="192.0.2.1", email=PERSON["email"],
                  customer_number="s-12a-first-instant"),
        ],
        until="2030-01-01T00:00:00Z",
        due=set(),
    ),
    "H17": Case(
        clauses="ALLCALL-4C.2 ALLCALL-4C.3 ALLCALL-5.9",
        events=[
            _photo(),
            _consent("c", "given", "2025-03-01T10:00:00Z", records=["h17-photo"]),
            event("h17-clip", "cctv.ingested", "2025-03-15T10:00:00Z", "allcall", "clip-17b",
                  context="course_other", cctv_clip="c"),
            _consent("a", "withdrawn", "2025-04-01T12:00:00Z"),
        ],
        until="2026-01-01T00:00:00Z",
        due={("E.photo", "erase", None, "2025-04-01T12:00:00Z")},
    ),
}  # fmt: skip
