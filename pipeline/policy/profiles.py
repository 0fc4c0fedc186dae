"""Profiles of a document, and whether one exists as of an event."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from pipeline.domain.vocabulary import Action, RefKind
from pipeline.policy.asked import Asked, Condition, Lifetime
from pipeline.policy.document import EndShape, ProfileShape
from pipeline.policy.ends import Circumstances, end_of
from pipeline.policy.policy_parts import Ending, Profile, Rule
from pipeline.policy.reading import Reading
from pipeline.policy.rules import read_ending
from pipeline.policy.source_file import Where
from pipeline.policy.triggers import REMOVING


def read_profile(reading: Reading, name: str, shape: ProfileShape) -> Profile:
    """Return a profile of the document."""
    where: Where = ("profiles", name)
    reading.check_events(shape.supported_by, (*where, "supported_by"))
    categories = reading.categories(shape.categories, (*where, "categories"))
    purposes = reading.known(shape.purposes, reading.shape.purposes, "purpose", (*where, "purposes"))
    reading.check_personal(purposes, (*where, "purposes"))
    endings: tuple[Ending, ...] = ()
    if shape.keep is not None:
        endings = (read_ending(reading, EndShape(action=Action.ERASE, keep=shape.keep), (*where, "keep")),)
    return Profile(
        id=name,
        per=shape.per,
        categories=categories,
        absorbs=shape.absorbs,
        tags=MappingProxyType({(category, purpose): endings for category in categories for purpose in purposes}),
        supported_by=shape.supported_by,
        clauses=shape.clauses,
    )


def existence(profile: Profile, rules: Mapping[str, Rule], tz: ZoneInfo) -> Condition:
    """Return whether a profile exists: any record that supports it has not reached its end at the event asked about."""
    ends = _ends(profile, rules, tz)
    return lambda asked: any(due is None or due > asked.head.occurred_at for due in ends(asked))


def lifetime(profile: Profile, rules: Mapping[str, Rule], tz: ZoneInfo) -> Lifetime:
    """Return when a profile ends, as far as the event asked about knows; None while no end is known.

    A profile without any support ended before it began: its end is the beginning of time.
    """
    ends = _ends(profile, rules, tz)

    def last(asked: Asked) -> datetime | None:
        latest = NEVER_BEGAN
        for due in ends(asked):
            if due is None:
                return None
            latest = max(latest, due)
        return latest

    return last


NEVER_BEGAN = datetime.min.replace(tzinfo=UTC)
"""The end of what has no support."""


def _ends(profile: Profile, rules: Mapping[str, Rule], tz: ZoneInfo) -> Callable[[Asked], Iterator[datetime | None]]:
    """Return what yields the ends of all supports of a profile, as of an event; None for one without a known end."""
    feeding = [
        (rule.events, endings)
        for rule in rules.values()
        for (category, _purpose), kept in rule.tags.items()
        if category in profile.categories
        and (endings := tuple(ending.retention for ending in kept if ending.action in REMOVING))
    ]

    def ends(asked: Asked) -> Iterator[datetime | None]:
        for fact in asked.facts(RefKind.SUBJECT).of(profile.supported_by, until=asked.head.occurred_at):
            given = Circumstances(occurred_at=fact.at, tz=tz, matter=fact.attribute("matter"), facts=asked.facts)
            for events, endings in feeding:
                if fact.type in events:
                    yield from (end_of(ending, given).due_at for ending in endings)

    return ends
