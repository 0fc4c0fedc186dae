"""What conditions are made of: the names they may use, each checked, and what a condition is once it is parsed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from pipeline.domain.events import ATTRIBUTES
from pipeline.policy.asked import Asked, Condition
from pipeline.policy.retention import State

IDENTIFYING = frozenset({
    "order_id", "case_id", "account_id", "clip_id", "hold_id", "records", "participants", "consents", "products",
    "quota", "month", "store", "site",
})  # fmt: skip
"""Attributes whose values tell one event from another; a decision that looks at them cannot be shared by many."""


class UnknownName(ValueError):
    """A condition cannot be read, or uses a name that is not known; the message says which are."""


@dataclass(slots=True)
class Vocabulary:
    """What conditions of one policy may name, and what they need to answer.

    Attributes:
        tz: The policy's zone, for calendar months.
        states: Named states.
        conditions: Named conditions, as written.
        profiles: Whether a profile exists as of an event, by profile id; filled once rules are compiled.
        known_profiles: Profile ids that may be named.
        fields: Fields of all categories.
        purposes: Purpose ids.
        also_called: Other words for a purpose, by its id.
        broken: Named conditions that were found wrong, where they stand; not to be told again where they are used.
    """

    tz: ZoneInfo
    states: Mapping[str, State] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    profiles: dict[str, Condition] = field(default_factory=dict)
    known_profiles: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    also_called: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A condition ready to be asked, and what it listens to.

    Attributes:
        holds: The condition.
        facts: Event names it asks the past for; none means it needs no state.
        events: Event names it compares the event's own with.
        profiles: Profiles it asks for.
        ids: True if it looks at the value of an attribute that tells events apart, such as a list of participants.
    """

    holds: Condition
    facts: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    profiles: frozenset[str] = frozenset()
    ids: bool = False

    @property
    def needs_state(self) -> bool:
        """Return whether two events that differ in their ids and histories alone may be decided differently."""
        return bool(self.facts or self.profiles or self.ids)


Value = Callable[[Asked], object]


def attribute(name: str, conditions: Mapping[str, str] | None = None) -> Value:
    """Return what reads an attribute of an event, or the event's name.

    Raises:
        UnknownName: there is no such attribute; the named conditions are listed too, if given.
    """
    if name == "event":
        return lambda asked: asked.head.type
    if name not in ATTRIBUTES:
        also = f"; named conditions are {', '.join(sorted(conditions))}" if conditions else ""
        raise UnknownName(f"there is no attribute {name}; attributes are event, {', '.join(ATTRIBUTES)}{also}")
    return lambda asked: asked.head.attributes.get(name)
