"""The parts of a compiled policy: its clauses, words, rules, profiles, recipients and lists, frozen and resolved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.domain.vocabulary import Action, DataSubjects, Form, LegalBasis, RecipientClass, RefKind, Stance
from pipeline.policy.asked import Condition, Lifetime
from pipeline.policy.retention import Retention


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
