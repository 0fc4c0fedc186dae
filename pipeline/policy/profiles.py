"""Profiles of a document, and whether one exists as of an event."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from pipeline.domain.vocabulary import Action, RefKind
from pipeline.policy.compiled import Asked, Condition, Ending, Profile, Rule
from pipeline.policy.document import EndShape, ProfileShape, Where
from pipeline.policy.ends import Circumstances, end_of
from pipeline.policy.reading import Reading
from pipeline.policy.retention import Retention
from pipeline.policy.rules import read_ending
from pipeline.policy.triggers import REMOVING


def read_profile(reading: Reading, name: str, shape: ProfileShape) -> Profile:
    """Return a profile of the document."""
    where: Where = ("profiles", name)
    reading.check_events(shape.supported_by, (*where, "supported_by"))
    categories = reading.categories(shape.categories, (*where, "categories"))
    purposes = reading.known(shape.purposes, reading.shape.purposes, "purpose", (*where, "purposes"))
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
    feeding = [
        (rule.events, endings)
        for rule in rules.values()
        for (category, _purpose), kept in rule.tags.items()
        if category in profile.categories
        and (endings := tuple(ending.retention for ending in kept if ending.action in REMOVING))
    ]

    def exists(asked: Asked) -> bool:
        at = asked.head.occurred_at
        for fact in asked.facts(RefKind.SUBJECT).of(profile.supported_by, until=at):
            given = Circumstances(
                occurred_at=fact.at, tz=tz, matter=fact.attribute("matter"), facts=asked.facts
            )  # fmt: skip
            for events, endings in feeding:
                if fact.type in events and any(_alive(ending, given, at) for ending in endings):
                    return True
        return False

    return exists


def _alive(retention: Retention, given: Circumstances, at: datetime) -> bool:
    due = end_of(retention, given).due_at
    return due is None or due > at
