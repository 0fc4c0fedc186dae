"""Compiled policies: frozen tables that decisions and expiries look up. Made by `compile`, never by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from pipeline.domain.events import EventHead
from pipeline.domain.facts import FactLog
from pipeline.domain.records import Tag
from pipeline.domain.vocabulary import (
    Action,
    DataSubjects,
    Form,
    LegalBasis,
    Outcome,
    RecipientClass,
    RefKind,
    Right,
    Stance,
)
from pipeline.policy.retention import Retention, State
from pipeline.policy.rights import RightRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One clause of a notice: its id, what it means in our own words, and if it only informs, why."""

    id: str
    says: str
    notice_only: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A personal-data category: the fields in it. A sub-category such as `C.email` is a category of its own."""

    id: str
    fields: tuple[str, ...]
    clauses: tuple[str, ...]
    required: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    """Fields that were observed; the person gave the others (AK3D-5.2)."""
    dpv: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """A purpose with the legal bases that the notice names, in its order."""

    id: str
    legal_basis: tuple[LegalBasis, ...]
    clauses: tuple[str, ...]
    categories: tuple[str, ...] | None = None
    """If given, the only categories that may serve this purpose."""
    data_subjects: tuple[DataSubjects, ...] = (DataSubjects.CUSTOMER,)
    form: Form = Form.PERSONAL
    """In which form what serves it may leave: a tag of another form than a personal one has no endings."""
    dpv: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What happens to a tag, and when: one stage of its life."""

    action: Action
    retention: Retention
    again: bool = False
    """True if it may happen more than once: each time has an id of its own."""
    findable_by: tuple[str, ...] = ()
    """After a restriction: the only fields by which the rest may still be found (TEK-2.4)."""
    clauses: tuple[str, ...] = ()


class Asked(Protocol):
    """What a condition may ask: the event's head, and the state as of the event's instant."""

    head: EventHead

    def facts(self, kind: RefKind) -> FactLog:
        """Return the facts about what the event refers to, up to and including its instant."""
        ...


Condition = Callable[[Asked], bool]
"""A compiled condition of the closed expression language; pure."""


class Otherwise(StrEnum):
    """What a rule whose events match but whose condition does not hold makes of the event."""

    SKIP = "skip"
    """Nothing: other rules may match."""
    DROP = "drop"
    """The event is dropped by rule and stored nowhere."""
    REFUSE = "refuse"
    """The event is refused with a violation."""
    WAIT = "wait"
    """Nothing is stored for this rule yet: it applies once what people say makes its condition hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """For some events, in some contexts, under a condition: tag these categories for these purposes.

    Attributes:
        id: Unique within the policy.
        events: Event names.
        contexts: Contexts in which it applies; None for any.
        condition: Further condition over attributes and state; None for always.
        needs_state: True if the condition asks for facts; rules without never touch the store.
        otherwise: What a condition that does not hold means.
        tags: The (category, purpose) pairs, each with the endings of its tag in order. No endings: transient, nothing
            of this tag is stored.
        clauses: Clauses it implements.
        line: `file:line` of the rule, for explain and coverage.
    """

    id: str
    events: tuple[str, ...]
    contexts: tuple[str, ...] | None
    condition: Condition | None
    needs_state: bool
    otherwise: Otherwise
    otherwise_code: str
    tags: Mapping[tuple[str, str], tuple[Ending, ...]]
    clauses: tuple[str, ...]
    line: str = ""
    complete: tuple[tuple[str, str], ...] = ()
    """Categories that must be complete, each with the code of the report that names the missing fields."""
    sorts_inbox: bool = False
    """True if its events are e-mail that goes to the inbox of its matter."""
    retags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For events that name other records: what of those is tagged by this rule as well, by its category; the first of
    the categories listed that such a record holds counts (R-ALL-4)."""
    follows_people: bool = False
    """True if what those on a photo or clip say later may end its tags, or let it apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a controller keeps per subject or case across events; it ends with the longest of its supports (8.2).

    Attributes:
        id: Unique within the policy, such as `customer`.
        per: What it is kept per: subject, case or account.
        categories: Categories that feed it.
        absorbs: True if the category lives in the profile only, so that a record's own tag needs no schedule.
        tags: The (category, purpose) pairs of the profile with their endings. A pair whose endings are empty ends
            with the longest of its supports: the erasing endings of the tags that fed it.
        supported_by: Events whose tags support it; others only add data to a profile that exists.
        clauses: Clauses it implements.
    """

    id: str
    per: RefKind
    categories: tuple[str, ...]
    absorbs: bool
    tags: Mapping[tuple[str, str], tuple[Ending, ...]]
    supported_by: tuple[str, ...]
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who may get what, when, and when it must erase.

    Attributes:
        id: Recipient name, such as `delivery`.
        carrier: True for a delivery partner: exactly name, address and phone, on the carrier topic.
        stance: What the notice says; `SILENT` only works once an overlay grants.
        granted: True if the notice allows it, or an overlay does where it is silent.
        fields: The closed whitelist, in schema order.
        exact: True if a missing field refuses the share.
        events: Events that make the share.
        condition: Further condition; None for always.
        needs_state: True if the condition asks for facts.
        erase_after: When the recipient is told to erase; None if the notice gives no reach.
        purpose: What it is shared for.
    """

    id: str
    carrier: bool
    stance: Stance
    granted: bool
    recipient_class: RecipientClass
    fields: tuple[str, ...]
    exact: bool
    events: tuple[str, ...]
    condition: Condition | None
    needs_state: bool
    erase_after: Retention | None
    purpose: str
    clauses: tuple[str, ...]
    rule: str


Lifetime = Callable[[Asked], datetime | None]
"""When something ends as of an event, or None while it is open; pure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectList:
    """Whom an event on the control topic lists, each partition its own subjects.

    Attributes:
        id: Unique within the policy; the part of its topic's name after the controller.
        events: Events that ask for the list.
        condition: Who is listed, as of such an event.
        profile_ends: When the profile ends without which nobody is listed, if the list names one.
        bought_on: Events whose `products` are remembered as keyed hashes, while the profile lasts: only those are
            listed who bought one that the event names. Empty: bought or not.
        sample: True if only as many are drawn, by lot, as the event's `quota` says.
        purpose: What the list serves.
        clauses: Clauses it implements.
        rule: How records name it.
    """

    id: str
    events: tuple[str, ...]
    condition: Condition
    profile_ends: Lifetime | None
    bought_on: tuple[str, ...]
    sample: bool
    purpose: str
    clauses: tuple[str, ...]
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What people are told instead of ids: by section (`purposes`, `events`, ...) and id, in one language."""

    language: str
    terms: Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPolicy:
    """One version of one controller's policy, ready to decide by.

    Attributes:
        controller: Controller id, the first part of its topic names.
        name: The controller's name.
        version: Version of the notice as code.
        canonical: Document and overlays as one text (JSON), as it is published.
        digest: SHA-256 of that text, hex; two workers with one digest decide alike.
        published_at: When the version was published.
        effective_from: From when it governs; not before it was published (ALLCALL-8.1).
        before_first: What governs events older than the first version: `apply` the first, or `refuse`.
        tz: Zone of its dates.
        categories: By id.
        field_categories: Every category a field belongs to, by field name.
        contexts: Categories allowed per context; empty if the notice knows no contexts.
        sources: Categories allowed per `collected_from` value; empty if the notice names none.
        purposes: By id.
        rules_by_event: Rules by event name, in document order.
        profiles: By id.
        recipients: By id.
        states: Named states by name.
        clauses: By id, all of the notice.
        fact_types: Event names that are folded into state and forwarded to the expire lane.
        known_events: Event names that any rule, recipient, profile or fact type names; others are refused.
        notes: What the operator must still decide, one sentence each.
        inboxes: Matter class to inbox name, for policies that sort e-mail.
    """

    controller: str
    name: str
    notice: str
    version: str
    digest: str
    canonical: str = field(default="", repr=False)
    published_at: datetime
    effective_from: datetime
    before_first: str
    tz: ZoneInfo
    authority: str
    categories: Mapping[str, Category]
    field_categories: Mapping[str, tuple[str, ...]]
    contexts: Mapping[str, tuple[str, ...]]
    sources: Mapping[str, tuple[str, ...]]
    purposes: Mapping[str, Purpose]
    rules: Mapping[str, Rule]
    rules_by_event: Mapping[str, tuple[Rule, ...]]
    profiles: Mapping[str, Profile]
    recipients: Mapping[str, Recipient]
    states: Mapping[str, State]
    clauses: Mapping[str, Clause]
    fact_types: frozenset[str]
    known_events: frozenset[str]
    forgets_subject: bool
    """True if an erasure request also forgets which subject the rest belongs to (TEK-2.4)."""
    notes: tuple[str, ...] = ()
    inboxes: Mapping[str, str] = field(default_factory=dict)
    inbox_otherwise: str | None = None
    """The inbox of a matter class that none is named for."""
    retagging: frozenset[str] = frozenset()
    """Event names of the rules that tag what other records hold."""
    natural_contexts: Mapping[str, str] = field(default_factory=dict)
    """The context an event is in by nature, where it names none."""
    recipients_by_event: Mapping[str, tuple[Recipient, ...]] = field(default_factory=dict)
    """Recipients that are granted a share, by event name."""
    rights: Mapping[Right, RightRule] = field(default_factory=dict)
    """What the notice says of the rights that it grants."""
    forwarded: frozenset[str] = frozenset()
    """Events of a person that concern photos and clips with them on it, wherever those are."""
    lists: Mapping[str, SubjectList] = field(default_factory=dict)
    """What events on the control topic list, by id."""
    sinks: tuple[str, ...] = ()
    """Systems that keep the data and are told what to export."""
    catalogue: frozenset[str] = frozenset()
    """Every event name there is; tells an event without a rule from one that does not exist."""
    retentions: Mapping[str, Retention] = field(default_factory=dict)
    """Named retentions by name; rules and recipients hold the same ones themselves."""
    words: "Words | None" = None
    """What statements to data subjects call its parts, in the notice's language."""
    record: Mapping[str, str] = field(default_factory=dict)
    """What the operator adds to the record of processing activities (GDPR Art. 30(1)), by key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A violation: what was refused or dropped and why. Field names only."""

    code: str
    fields: tuple[str, ...] = ()
    rule: str | None = None
    clauses: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the policy says of one event.

    Attributes:
        outcome: Accepted, dropped by rule, or refused.
        policy_version: The version that decided.
        tags: Every tag of the event as personal data, in rule order.
        nameless: The tags for purposes that may have anonymous data only.
        counted: The tags for purposes that may have counts only.
        keep: Fields that survive; None if all present fields do and nothing was undeclared.
        grants: Recipients that get a share, each with the fields present of its whitelist.
        inbox: Inbox name for e-mail sorted by matter.
        profiles: Ids of the profiles this event supports.
        lists: Lists that this event asks for.
        waits: Rules that may apply later, once their condition holds.
        reports: Violations on the event.
        is_fact: True if the event is folded into state and forwarded.
        restricted: True if the subject's data are restricted: nobody gets a share.
    """

    outcome: Outcome
    policy_version: str
    tags: tuple[Tag, ...] = ()
    nameless: tuple[Tag, ...] = ()
    counted: tuple[Tag, ...] = ()
    keep: frozenset[str] | None = None
    grants: tuple["Grant", ...] = ()
    inbox: str | None = None
    profiles: tuple[str, ...] = ()
    lists: tuple[SubjectList, ...] = ()
    waits: tuple[str, ...] = ()
    reports: tuple[Report, ...] = ()
    is_fact: bool = False
    restricted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One recipient's share of one event."""

    recipient: Recipient
    fields: tuple[str, ...]


__all__ = [
    "Asked", "Category", "Clause", "CompiledPolicy", "Condition", "Decision", "Ending", "Grant", "Lifetime",
    "Otherwise", "Profile", "Purpose", "Recipient", "Report", "Rule", "SubjectList", "Words",
]  # fmt: skip
