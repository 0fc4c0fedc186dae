"""What comes in: source events and the catalogue of their types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.domain.vocabulary import Family

ATTRIBUTES: tuple[str, ...] = (
    "context", "channel", "direction", "initiated_by", "collected_from", "order_id", "case_id", "account_id", "clip_id",
    "hold_id", "matter", "purpose", "mailing", "legal_ground", "approval", "reason", "site", "store", "month", "quota",
    "signed", "in_writing", "needs_follow_up", "records", "participants", "consents", "products",
)  # fmt: skip
"""Decision attributes in schema order: what rules may look at without touching a payload field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHead:
    """What decisions look at: everything of an event but its payload values.

    Attributes:
        event_id: Unique per controller; re-sending the same id changes nothing.
        type: An event name of the catalogue, such as `purchase.completed`.
        occurred_at: When it happened, an aware datetime in UTC.
        controller: The data controller whose notice governs the event.
        key: The partition key: pseudonymous data subject id, clip id, or `control`.
        source: CloudEvents source, the producing system.
        policy_version: The producer's claim, only checked.
        attributes: Decision attributes that are present, by the names of `ATTRIBUTES`.
        present: Names of the payload fields that carry a value.
        undeclared: Names of payload fields outside the family's schema; they are never kept.
    """

    event_id: str
    type: str
    occurred_at: datetime
    controller: str
    key: str
    source: str = ""
    policy_version: str | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    present: frozenset[str] = frozenset()
    undeclared: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Tell whether the event carries an attribute or payload field."""
        return name in self.present or name in self.attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEvent:
    """One event as a producer service sent it, decoded: the head and the payload values.

    Attributes:
        head: What decisions look at.
        data: Payload values by field name. Personal data: never in a repr.
        undeclared: Values of fields outside the family's schema, as sent. Personal data: never in a repr.
    """

    head: EventHead
    data: Mapping[str, object] = field(default_factory=dict, repr=False)
    undeclared: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """What an event name stands for: its family, what it must and may carry."""

    name: str
    family: Family
    required: tuple[str, ...] = ()
    says: str = ""


@dataclass(frozen=True, slots=True)
class EventCatalogue:
    """Every event name with its type, and every payload field of each family, as the source schemas declare them."""

    types: Mapping[str, EventType]
    fields: Mapping[Family, tuple[str, ...]]

    def family_of(self, event_type: str) -> Family | None:
        """Return the family of an event name, or None if the name is unknown."""
        found = self.types.get(event_type)
        return found.family if found else None
