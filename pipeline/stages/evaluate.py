"""When each tag of an obligation ends, given the policy and the facts known so far. Pure, and never resurrects."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from pipeline.domain.facts import Fact, FactLog, Ref
from pipeline.domain.vocabulary import Action, RefKind
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.ends import OPEN, Circumstances, End, earliest, end_of, latest
from pipeline.policy.policy_parts import Ending
from pipeline.policy.retention import AtOnce, State
from pipeline.policy.spans import spans
from pipeline.stages import copies, restrictions
from pipeline.stages.entries import Entry, ObligedTag, Support

HOLD = State(name="hold", opens=("hold.opened", "account.locked"), closes=("hold.closed",), per=RefKind.HOLD)
"""A hold suspends every erasing end of what it refers to, whatever the policy says: legal hold comes first.

An account that is locked may open one by naming it, for the dispute that follows (VIET-14).
"""


class Facts(Protocol):
    """Where facts are looked up."""

    def log(self, ref: Ref | None) -> FactLog:
        """Return the facts filed under a reference; empty for none."""
        ...


class FactsUntil:
    """The facts that had happened by an instant (inclusive)."""

    def __init__(self, facts: Facts, instant: datetime) -> None:
        self._facts = facts
        self._instant = instant
        self._logs: dict[Ref | None, FactLog] = {}

    def log(self, ref: Ref | None) -> FactLog:
        """Return the facts filed under a reference, up to the instant."""
        found = self._logs.get(ref)
        if found is None:
            known = self._facts.log(ref).facts
            found = self._logs[ref] = FactLog(known[: bisect_right(known, self._instant, key=lambda fact: fact.at)])
        return found


class FactsApart:
    """Facts without what a data subject did after something of theirs came to be found by its number only (TEK-2.4)."""

    def __init__(self, facts: Facts, parted: datetime) -> None:
        self._facts = facts
        self._until = FactsUntil(facts, parted)

    def log(self, ref: Ref | None) -> FactLog:
        """Return the facts filed under a reference: about the subject, only the older ones."""
        return (self._until if ref is not None and ref.kind is RefKind.SUBJECT else self._facts).log(ref)


ENDS_LIFE = frozenset({Action.ERASE, Action.ANONYMISE})
SPECIFIC = frozenset({RefKind.RECORD, RefKind.CASE, RefKind.ORDER, RefKind.CLIP, RefKind.ACCOUNT})
"""Kinds of references to one thing of a person, not to the person."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Evaluates the entries of one partition, each tag by the policy version that governs it.

    Attributes:
        policy_of: Returns a policy version.
        facts: The facts known, or those known up to an instant.
    """

    policy_of: Callable[[str], CompiledPolicy]
    facts: Facts

    def endings(self, entry: Entry, tag: ObligedTag) -> tuple[Ending, ...]:
        """Return the endings of a tag in order, as the policy version that governs it wrote them."""
        policy = self.policy_of(tag.policy_version)
        if entry.recipient is not None:
            return (copies.ending_of(policy, entry.recipient, tag),)
        beside = restrictions.ending_of(policy)
        if entry.profile is None:
            return (*policy.rules[tag.rule].tags[tag.category, tag.purpose], *beside)
        profile = policy.profiles[entry.profile]
        own = profile.tags[tag.category, tag.purpose]
        return (*(own or (Ending(action=Action.ERASE, retention=AtOnce(), clauses=profile.clauses),)), *beside)

    def end(self, entry: Entry, tag: ObligedTag, ending: Ending) -> End:
        """Return when one ending of one tag is due, holds included."""
        policy = self.policy_of(tag.policy_version)
        if entry.recipient is not None:
            return self._of_copy(entry, entry.recipient, tag)
        if ending.again:
            since = entry.supports[-1].occurred_at
            return restrictions.begins(self._of_subject(entry), all_refs(entry), since, _said_before(entry, tag))
        if entry.profile and not policy.profiles[entry.profile].tags[tag.category, tag.purpose]:
            found = self._of_supports(entry, tag)
        else:
            found = end_of(ending.retention, self.circumstances(entry.supports[-1], policy))
        return self._unless_held(entry, policy, found) if ending.action in ENDS_LIFE else found

    def _of_copy(self, entry: Entry, recipient: str, tag: ObligedTag) -> End:
        """Return when a copy ends: a hold keeps what we have, and lets a recipient forget what it needs no more."""
        policy = self.policy_of(tag.policy_version)
        given = self.circumstances(entry.supports[-1], policy)
        reason, _clauses = copies.reason_of(policy, tag)
        after = policy.recipients[recipient].erase_after
        ours = self._unless_held(entry, policy, end_of(reason, given))
        return earliest([end_of(after, given), ours]) if after else ours

    def supporting(self, entry: Entry) -> tuple[Ending, ...]:
        """Return the erasing endings of the tags that feed a profile which ends with the longest of its supports."""
        if entry.profile is None:
            return ()
        feeding = dict.fromkeys(replace(tag, fields=()) for s in entry.supports for tag in s.tags)
        return tuple(
            ending
            for tag in feeding
            if not all(self.policy_of(tag.policy_version).profiles[entry.profile].tags.values())
            for ending in self._fed_by(tag)
        )

    def _of_supports(self, entry: Entry, tag: ObligedTag) -> End:
        """Return the longest of a profile's supports (architecture 8.2).

        The erasing ends of the tags that feed it count: those of the same purpose, or of the category where no tag
        has the profile's purpose.
        """
        feeding = [(s, fed) for s in entry.supports for fed in s.tags if fed.category == tag.category]
        alike = [(s, fed) for s, fed in feeding if fed.purpose == tag.purpose]
        ends = [
            end_of(ending.retention, self.circumstances(support, self.policy_of(fed.policy_version)))
            for support, fed in alike or feeding
            for ending in self._fed_by(fed)
        ]
        return latest(ends) if ends else OPEN

    def _fed_by(self, tag: ObligedTag) -> tuple[Ending, ...]:
        endings = self.policy_of(tag.policy_version).rules[tag.rule].tags[tag.category, tag.purpose]
        return tuple(ending for ending in endings if ending.action in ENDS_LIFE)

    def circumstances(self, support: Support, policy: CompiledPolicy) -> Circumstances:
        """Return what the expressions of a support are evaluated against."""

        def facts(kind: RefKind) -> FactLog:
            own = next((ref for ref in support.refs if ref.kind is kind), None)
            if own is not None:
                return self.facts.log(own)
            # What names no order (case, account) is told of by facts about its subject that name none either.
            subject = next((ref for ref in support.refs if ref.kind is RefKind.SUBJECT), None)
            return FactLog([fact for fact in self.facts.log(subject).facts if fact.ref(kind) is None])

        return Circumstances(
            occurred_at=support.occurred_at, tz=policy.tz, matter=support.matter,
            named=frozenset(ref.kind for ref in support.refs), facts=facts,
        )  # fmt: skip

    def _of_subject(self, entry: Entry) -> FactLog:
        return self.facts.log(next((ref for ref in entry.refs if ref.kind is RefKind.SUBJECT), None))

    def holds(self, entry: Entry, policy: CompiledPolicy) -> list[tuple[datetime, datetime | None]]:
        """Return what suspends an erasure: holds, and restrictions sought for what defers deletion (X5, X11)."""
        deferring = restrictions.reasons(policy)
        sought = restrictions.spans(self._of_subject(entry), all_refs(entry), deferring) if deferring else ()
        return sorted((*holds_on(all_refs(entry), self.facts), *sought), key=lambda span: span[0])

    def _unless_held(self, entry: Entry, policy: CompiledPolicy, end: End) -> End:
        """Return the end, moved to the release of every hold that was opened before it (X5)."""
        due = end.due_at
        if due is None:
            return end
        for opened, released in self.holds(entry, policy):
            if opened >= due:
                break
            if released is None:
                return End(not_after=end.not_after)
            due = max(due, released)
        return end if due == end.due_at else End(due_at=due, not_after=end.not_after)


def _said_before(entry: Entry, tag: ObligedTag) -> datetime | None:
    """Return when a tag was last told to be restricted: the ending that may happen again is its last."""
    same = ((p, p.tag) for p in entry.progress)
    key = (tag.rule, tag.category, tag.purpose)
    found = (p.endings[-1] for p, own in same if (own.rule, own.category, own.purpose) == key)
    return next((planned.due_at for planned in found if planned.fired), None)


def all_refs(entry: Entry) -> tuple[Ref, ...]:
    """Return every reference of an entry and of its supports, those not kept included, each once."""
    supports = (ref for support in entry.supports for ref in support.refs)
    return tuple(dict.fromkeys((*entry.refs, *supports, *entry.former)))


def holds_on(refs: tuple[Ref, ...], facts: Facts) -> list[tuple[datetime, datetime | None]]:
    """Return the spans of the holds on any of some references, by their start.

    A hold that held something else before holds what it names from the instant at which it names it.
    """
    opened = {fact.event_id: fact for ref in refs for fact in _opening(ref, facts)}
    found = (
        (max(start, fact.at), end)
        for fact in opened.values()
        for start, end in spans(HOLD, facts.log(fact.ref(RefKind.HOLD)))
        if end is None or end > fact.at
    )
    return sorted(found, key=lambda span: span[0])


def _opening(ref: Ref, facts: Facts) -> Iterator[Fact]:
    for fact in facts.log(ref).of(HOLD.opens):
        specific = any(other.kind in SPECIFIC for other in fact.refs)
        if not (ref.kind is RefKind.SUBJECT and specific):
            yield fact
