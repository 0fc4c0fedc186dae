"""What goes out of a stage: symbolic records, state changes, the next wake-up. No payload value is ever in here.

A stage says *which* fields go where; the slice engine copies them from the event's bytes. So the core cannot leak
what it never holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.domain.events import EventHead
from pipeline.domain.vocabulary import LegalBasis


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """One reason to process some fields of an event, as the notice in force says.

    Attributes:
        category: Personal-data category of the policy, such as `A` or `delivery`.
        purpose: Purpose of the policy.
        legal_basis: The bases that the notice names, in its order.
        rule: Id of the policy rule.
        clauses: Clauses of the notice that the rule implements.
        fields: The fields of this category that the event carries.
    """

    category: str
    purpose: str
    legal_basis: tuple[LegalBasis, ...]
    rule: str
    clauses: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nameless:
    """What takes the place of everything by which an event could be joined to a person.

    Attributes:
        event_id: Drawn at random: nothing leads from it to the event as it was sent.
        occurred_at: The first instant of the event's month, in the policy's zone.
    """

    event_id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class TaggedValue:
    """The tagged event: tags put before the event.

    Attributes:
        tags: What the event is tagged with.
        policy_version: Version of the policy that decided.
        keep: Fields that survive; None leaves the event's bytes untouched.
        data_subject: Reference of the data subject, by which expiries of profiles name the same person.
        nameless: If given, the event is written without key, source and attributes, under this id and instant; of its
            payload only what `keep` names.
    """

    tags: tuple[Tag, ...]
    policy_version: str
    keep: frozenset[str] | None = None
    data_subject: str = ""
    nameless: Nameless | None = None


@dataclass(frozen=True, slots=True)
class SharedValue:
    """What a recipient gets: a record of a named schema, built up from a closed list of fields.

    Attributes:
        schema: `carrier` (exactly name, address, phone) or `share` (any listed field).
        fields: The whitelist; a field outside it cannot appear.
    """

    schema: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SealedValue:
    """A dead letter: what stands where and why, with the content sealed for the privacy officer's key."""

    code: str
    field: str | None = None


Value = TaggedValue | SharedValue | SealedValue | Mapping[str, object]
"""A symbolic value that needs the source bytes, or a plain record for the codec."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutRecord:
    """One record to produce.

    Attributes:
        topic: Where to.
        key: Opaque or pseudonymous, never the person's own data.
        schema: Name of the Avro schema of the value, such as `expiry`.
        value: What to write; None is a tombstone.
        partition: Fixed partition, for topics co-partitioned with the input; None lets murmur2 of the key decide.
        source: Index of the incoming record whose bytes a symbolic value needs; None for plain records.
    """

    topic: str
    key: str | None
    schema: str
    value: Value | None
    partition: int | None = None
    source: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a lane's state.

    Attributes:
        key: State key.
        value: New value; None deletes.
        local: True for entries that are derived from others (indexes): kept in the store, not in the changelog.
    """

    key: bytes
    value: bytes | None
    local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One consumed record of a source or control topic, cut open as far as decisions need.

    Attributes:
        topic: Where it came from.
        partition: Its partition.
        offset: Its offset.
        timestamp_ms: Broker append time, milliseconds since the epoch.
        head: The event's head, or None if it cannot be read.
        error: Error code and field, if it cannot be read.
        schema_id: What the framing named, as text, for dead letters.
        value: The decoded record, for topics whose records carry no payload, such as obligations; None elsewhere.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    head: EventHead | None
    error: tuple[str, str | None] | None = None
    schema_id: str = ""
    value: Mapping[str, object] | None = None


@dataclass(slots=True)
class Output:
    """What a stage wants done, in one transaction.

    Attributes:
        records: To produce, in order.
        changes: To apply to the state and its changelog.
        next_wake: When the stage wants to be called again without input, if ever.
        counts: Counters by name and label values, for metrics; never a value of personal data.
    """

    records: list[OutRecord] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    next_wake: datetime | None = None
    counts: dict[tuple[str, ...], int] = field(default_factory=dict)
