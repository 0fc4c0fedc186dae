"""Random histories of one data subject under one policy: every event type it knows, with fields and plausible links."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

from hypothesis import strategies as st

from pipeline.bootstrap.parts import Parts, load_parts
from pipeline.domain.events import ATTRIBUTES
from pipeline.domain.vocabulary import Family
from pipeline.policy.compiled import CompiledPolicy
from pipeline.settings import load_settings

CONTROLLERS = ("allcall", "tek-zence", "viet-art-view", "artgraphics", "ak3d")
SUBJECT = "subject-7f3a"
CLIP = "clip-7f3a"
MARKER = "MARKED"
"""Stands in every payload value; no state, no log line and no key may hold it."""

Event = Mapping[str, Any]

_NOT_ABOUT_ONE = ("policy.published", "recall.issued", "survey.draw.requested")
_OFTEN = (
    "purchase.completed", "delivery.ordered", "delivery.completed", "case.opened", "case.closed", "contact.email",
    "erasure.requested", "account.opened", "account.closed", "opt_out", "objection.raised",
)  # fmt: skip
_LINKS = {"order_id": ("order-1", "order-1", "order-2"), "case_id": ("case-1", "case-1", "case-2"),
          "account_id": ("account-1",), "hold_id": ("hold-1", "hold-2"), "clip_id": (CLIP,)}  # fmt: skip
_WORDS: Mapping[str, tuple[Any, ...]] = {
    "channel": ("email", "phone", "chat", "social", "post", "app", "letter"),
    "direction": ("in", "out"),
    "initiated_by": ("customer", "customer", "company"),
    "matter": ("contract", "bookkeeping", "support", "return", "complaint", "other"),
    "mailing": ("newsletter", "survey"),
    "legal_ground": ("court-order",),
    "approval": ("management",),
    "reason": ("investigation", "legal-claims", "tampering"),
    "site": ("solna",),
    "store": ("solna",),
    "month": ("2024-05",),
    "quota": (10,),
    "signed": (True, False),
    "in_writing": (True, False),
    "needs_follow_up": (True, True, False),
    "participants": (["p-1"], ["p-1", "p-2"]),
    "consents": (["p-1"], ["p-1", "p-2"]),
    "products": (["kettle"], ["lamp"]),
    "collected_from": ("customer", "data_subject", "google", "premises_camera"),
}
_PURPOSES = ("marketing", "newsletter", "survey", "recording", "training", "notify-exchange", "special-case", "quality")
_LIKELY = ("order_id", "case_id", "account_id", "matter", "needs_follow_up", "initiated_by")


@cache
def shipped() -> Parts:
    """Return schemas and shipped policies."""
    settings = load_settings({})
    return load_parts(schemas=settings.schemas, policies=settings.policies, overlays=settings.overlays)


def policy_of(controller: str) -> CompiledPolicy:
    """Return the newest shipped policy of a controller."""
    return shipped().book.versions[controller][-1]


def types_of(controller: str) -> Sequence[str]:
    """Return the event types that concern one subject under a policy, those that begin or end much more often."""
    policy, known = policy_of(controller), shipped().schemas.catalogue.types
    types = sorted(name for name in policy.known_events if name in known and name not in _NOT_ABOUT_ONE)
    ruled = [name for name in types if name in policy.rules_by_event]
    return (*types, *ruled, *(name for name in _OFTEN if name in types for _twice in range(2)))


_MINUTES = st.one_of(
    st.integers(0, 3 * 365 * 1440), st.integers(0, 60 * 1440), st.sampled_from((0, 60, 1440, 30 * 1440, 365 * 1440))
)


@st.composite
def histories(draw: st.DrawFn, controller: str, *, most: int = 6) -> list[Event]:
    """Return what happens to one subject in up to three years, in order of time; no two things at the same instant."""
    start = datetime(2018, 1, 1, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 5 * 365 * 1440)))
    steps = st.tuples(st.sampled_from(types_of(controller)), _MINUTES, st.integers(0, 1 << 32))
    drawn = draw(st.lists(steps, min_size=2, max_size=most))
    if policy_of(controller).forgets_subject:
        drawn = _forgotten_once(drawn)
    timed = sorted(
        (start + timedelta(minutes=minutes, seconds=number), number, name, seed)
        for number, (name, minutes, seed) in enumerate(drawn)
    )
    earlier: list[str] = []
    found: list[Event] = []
    for at, number, name, seed in timed:
        found.append(_event(Random(seed), controller, name, at, f"event-{number}", earlier))
        earlier.append(f"event-{number}")
    return found


def _forgotten_once(steps: Sequence[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Return the steps with one erasure at most: what is older than two ends with the second one."""
    first = next((place for place, step in enumerate(steps) if step[0] == "erasure.requested"), 0)
    return [step for place, step in enumerate(steps) if place == first or step[0] != "erasure.requested"]


def _event(  # noqa: PLR0917  one argument for each thing that is drawn
    random: Random, controller: str, name: str, at: datetime, identity: str, earlier: Sequence[str]
) -> Event:
    family = family_of(name)
    about_clip = family is Family.CCTV or (name.startswith("hold.") and random.random() < 0.5)
    data = {**_said(random, controller, name, earlier), **_payload(random, controller, name, identity)}
    return {
        "specversion": "1.0",
        "id": identity,
        "source": "//tests",
        "type": name,
        "time": at.isoformat(),
        "controller": controller,
        "partitionkey": CLIP if about_clip else SUBJECT,
        "data": {**data, **({"clip_id": CLIP} if about_clip else {})},
    }


def family_of(name: str) -> Family:
    """Return the family of an event type: its producer, in these histories."""
    family = shipped().schemas.catalogue.family_of(name)
    assert family is not None
    return family


def _said(random: Random, controller: str, name: str, earlier: Sequence[str]) -> dict[str, Any]:
    """Return decision attributes: all that the type needs, those that link events mostly, others now and then."""
    required = shipped().schemas.catalogue.types[name].required
    said: dict[str, Any] = {}
    for attribute in (one for one in ATTRIBUTES if one != "context"):
        if attribute in required or random.random() < (0.75 if attribute in _LIKELY else 0.12):
            said[attribute] = random.choice(_LINKS.get(attribute) or _WORDS.get(attribute) or ("x",))
    said.pop("clip_id", None)
    said.pop("records", None)
    if earlier and ("records" in required or random.random() < 0.3 or name.startswith(("social.", "hold."))):
        said["records"] = random.sample(earlier, random.randint(1, min(2, len(earlier))))
    elif "records" in required:
        said["records"] = ["nothing"]
    if name.startswith(("opt_", "consent.", "objection", "call.", "authority")) and random.random() < 0.7:
        said["purpose"] = random.choice((*_PURPOSES, *policy_of(controller).purposes))
    elif said.get("purpose") == "x":
        del said["purpose"]
    return {**said, **_context(random, controller, name)}


def _context(random: Random, controller: str, name: str) -> dict[str, Any]:
    """Return a context in which the policy has a rule for the event, mostly."""
    policy = policy_of(controller)
    contexts = [one for rule in policy.rules_by_event.get(name, ()) for one in rule.contexts or ()]
    if not contexts or random.random() < 0.05:
        return {}
    return {"context": random.choice(contexts)}


def _payload(random: Random, controller: str, name: str, identity: str) -> dict[str, Any]:
    """Return payload fields with marked values: mostly those that the policy has a use for."""
    policy = policy_of(controller)
    declared = shipped().schemas.catalogue.fields[family_of(name)]
    useful = {
        field
        for rule in policy.rules_by_event.get(name, ())
        for category, _purpose in rule.tags
        for field in policy.categories[category].fields
    } | {field for one in policy.recipients_by_event.get(name, ()) for field in one.fields}
    if not useful:
        return {}
    chosen = [field for field in declared if random.random() < (0.7 if field in useful else 0.04)]
    return {field: _value(field, identity) for field in chosen}


def _value(field: str, identity: str) -> Any:
    marked = f"{MARKER} {field} {identity}"
    if field == "address":
        return {"street": marked, "postcode": marked, "city": marked, "country": "SE"}
    return marked
