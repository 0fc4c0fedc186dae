"""What the schedule remembers of one obligation, and its form in the state. References and field names only."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from pydantic import TypeAdapter

from pipeline.domain.calendar import Period
from pipeline.domain.facts import Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class ObligedTag:
    """One reason to keep some fields.

    Attributes:
        rule: Rule of the policy version that says how long.
        policy_version: That version: the one at collection, unless the tag was moved to another one (X15).
        generation: How often the tag was moved.
    """

    rule: str
    category: str
    purpose: str
    fields: tuple[str, ...]
    policy_version: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """One event that keeps an entry alive: the record itself, or one of a profile's supports."""

    event_id: str
    occurred_at: datetime
    refs: tuple[Ref, ...]
    tags: tuple[ObligedTag, ...]
    matter: str | None
    policy_version: str = ""
    """The version that decided it; it governs the profile that this support rolls forward."""


@dataclass(slots=True, kw_only=True)
class Planned:
    """One ending of one tag, as it stands.

    Attributes:
        due_at: When it is due; None while open.
        kept_until: The last day kept, for ends that a date makes.
        most: Due instant and last day of the maximum, where there is one.
        revision: How many due dates there have been.
        fired: True once emitted; it never fires again.
    """

    due_at: datetime | None = None
    kept_until: date | None = None
    most: tuple[datetime, date | None] | None = None
    revision: int = 0
    fired: bool = False


@dataclass(slots=True, kw_only=True)
class Progress:
    """One tag of an entry: its endings in order, its reviews while it has no end, whether it is over."""

    tag: ObligedTag
    endings: list[Planned]
    review_every: Period | None = None
    review_at: datetime | None = None
    reviews: int = 0
    over: bool = False

    def lives(self, at: datetime) -> bool:
        """Tell whether nothing that has yet to happen to the tag is due by an instant."""
        return not self.over and all(p.fired or p.due_at is None or p.due_at > at for p in self.endings)


@dataclass(slots=True, kw_only=True)
class Entry:
    """One obligation in the schedule: a record, a profile or a share, with the progress of each of its tags.

    Attributes:
        policy_version: Version of the first support; each tag names the version that governs it.
        former: What the older supports of a profile were about that are not kept: a hold on one holds the profile.
        inbox: Inbox that the message was moved to, if it was moved.
        retags: How often a profile was moved to another version in this life; a record's tags count for themselves.
        folded_to: Up to when what happened is folded into the dates.
    """

    obligation_id: str
    kind: str
    policy_version: str
    generation: int
    refs: tuple[Ref, ...]
    supports: list[Support]
    former: tuple[Ref, ...] = ()
    progress: list[Progress] = field(default_factory=list)
    profile: str | None = None
    recipient: str | None = None
    share_id: str | None = None
    inbox: str | None = None
    retags: int = 0
    folded_to: datetime | None = None

    @property
    def next_due(self) -> datetime | None:
        """Return when the entry must be looked at next, if a date says so."""
        dues = [
            instant
            for progress in self.progress
            if not progress.over
            for instant in (progress.review_at, *(p.due_at for p in progress.endings if not p.fired))
            if instant is not None
        ]
        return min(dues, default=None)


_STORED = TypeAdapter(Entry)


def dump(entry: Entry) -> bytes:
    """Return an entry as it stands in the state."""
    return _STORED.dump_json(entry)


def load(stored: bytes) -> Entry:
    """Return the entry that `dump` wrote."""
    return _STORED.validate_json(stored)


def support_from(item: Mapping[str, object]) -> Support:
    """Return the support that an obligation on the wire describes."""
    found = _SUPPORT.validate_python({name: item.get(name) for name in _SUPPORT_FIELDS})
    return replace(found, tags=tuple(replace(tag, policy_version=found.policy_version) for tag in found.tags))


_SUPPORT = TypeAdapter(Support)
_SUPPORT_FIELDS = ("event_id", "occurred_at", "refs", "tags", "matter", "policy_version")
