"""Compiled policies: frozen tables that decisions and expiries look up. Made by `compile`, never by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from pipeline.domain.vocabulary import Right
from pipeline.policy.policy_parts import Category, Clause, Profile, Purpose, Recipient, Rule, SubjectList, Words
from pipeline.policy.retention import Retention, State
from pipeline.policy.rights import RightRule


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
    words: Words | None = None
    """What statements to data subjects call its parts, in the notice's language."""
    record: Mapping[str, str] = field(default_factory=dict)
    """What the operator adds to the record of processing activities (GDPR Art. 30(1)), by key."""
