"""What comes into the schedule: obligations and facts, folded in their order.

The first obligation of an id wins; a profile is one obligation that each of its supports rolls forward.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from pipeline.domain.facts import Fact, Ref
from pipeline.domain.records import Incoming
from pipeline.domain.vocabulary import RefKind
from pipeline.policy.compiled import CompiledPolicy
from pipeline.stages import inbox_moves, late, retagging, version_moves
from pipeline.stages.answers import Answers, asks, concerns
from pipeline.stages.entries import Entry, Support, dump, load, support_from
from pipeline.stages.evaluate import HOLD, SPECIFIC, holds_on
from pipeline.stages.expire_run import ExpireRun
from pipeline.stages.outputs import dead_letter
from pipeline.stages.state import fact_from, refs_from


class Folding:
    """Folds obligation blocks into the schedule of one partition, and answers requests.

    Args:
        run: The batch.
        in_force: Returns the policy version that governs an instant, if one does.
    """

    def __init__(self, run: ExpireRun, in_force: Callable[[datetime], CompiledPolicy | None]) -> None:
        self._run = run
        self._in_force = in_force

    def take(self, index: int, incoming: Incoming, now: datetime) -> None:
        """Fold one block in its order; a record that is none goes to the dead letters."""
        items = (incoming.value or {}).get("items")
        if not isinstance(items, list):
            code, field = incoming.error or ("unexpected_schema", None)
            self._run.out.records.append(dead_letter(self._run.topics, index, code, field))
            self._run.count("dead-letter", code)
            return
        for item in items:
            if "obligation_id" in item:
                self._oblige(item, now)
            else:
                self._fold(fact_from(item), now)

    def _oblige(self, item: Mapping[str, object], now: datetime) -> None:
        identity = str(item["obligation_id"])
        known = self._run.schedule.get(identity)
        before = load(dump(known)) if known else None
        support = support_from(item)
        if known is None:
            entry = self._new_entry(item, identity)
        elif known.profile is None or any(s.event_id == support.event_id for s in known.supports):
            return  # the first obligation of an id wins
        else:
            entry = known
        support = version_moves.arrived(support, entry, self._run.orders, self._run.policy)
        self._support(entry, support)
        self._run.announce(self._run.dates.refresh_tags(entry))
        self._plan(entry, support.occurred_at if known else None, now)
        self._run.schedule.put(entry, before, self._run.dates.listens(entry))
        self._run.count("obligations", entry.kind)

    def _support(self, entry: Entry, support: Support) -> None:
        """Add a support; of those not kept, remember what they were about, held things first."""
        known = [*entry.supports, support]
        entry.supports = _that_matter(known)
        left = (ref for one in known if one not in entry.supports for ref in one.refs if ref.kind in SPECIFIC)
        former = dict.fromkeys((*entry.former, *left))
        older, newest = list(former)[:-_FORMER], list(former)[-_FORMER:]
        facts = self._run.facts
        held = [ref for ref in older if any(released is None for _opened, released in holds_on((ref,), facts))]
        entry.former = (*held, *newest)

    def _new_entry(self, item: Mapping[str, object], identity: str) -> Entry:
        kind = str(item["kind"])
        refs = refs_from(item["refs"])
        profile = item.get("profile")
        if profile:  # a profile is kept per subject or case, whichever record feeds it
            refs = tuple(ref for ref in refs if ref.kind in (RefKind.SUBJECT, RefKind.CASE, RefKind.ACCOUNT))
        return Entry(
            obligation_id=identity,
            kind=kind,
            policy_version=str(item["policy_version"]),
            generation=self._run.schedule.generation(identity),
            refs=refs,
            supports=[],
            profile=str(profile) if profile else None,
            recipient=str(item["recipient"]) if item.get("recipient") else None,
            share_id=str(item["share_id"]) if item.get("share_id") else None,
        )

    def _fold(self, fact: Fact, now: datetime) -> None:
        if not self._run.facts.add(fact):
            return
        self._run.count("facts", fact.type)
        reached = self._reached(fact)
        listening = (name for ref in reached for name in self._run.schedule.listening(ref, fact.type))
        self._run.linger([ref for ref in fact.refs if not self._run.schedule.has_listeners(ref)], now)
        for identity in dict.fromkeys(listening):
            entry = self._run.schedule.get(identity)
            if entry is not None:  # an index entry may outlive what it points to; the entry is the truth
                before = load(dump(entry))
                self._report_missed(entry, fact, now)
                self._plan(entry, fact.at, now)
                self._run.schedule.put(entry, before, self._run.dates.listens(entry))
        self._answer(fact)
        for entry in dict(one for ref in reached for one in self._run.past.listening(ref, fact.type)).values():
            self._report_missed(entry, fact, now)

    def _plan(self, entry: Entry, at: datetime | None, now: datetime) -> None:
        """Give an entry its tags, its dates, and its message its inbox."""
        if retagging.retag(self._run.dates, entry):
            self._run.announce(self._run.dates.refresh_tags(entry))
        self._run.announce(self._run.dates.plan(entry, at, now))
        moves = inbox_moves.moved(self._run.topics, self._run.dates, entry, now)
        self._run.out.records.extend(moves)
        if moves:
            self._run.count("inbox-moves", str(entry.inbox))

    def _answer(self, fact: Fact) -> None:
        """Answer a request, now that what it ends has its dates."""
        subject = asks(fact)
        policy = self._in_force(fact.at) if subject else None
        if subject and policy:
            about = [entry for entry in self._run.schedule.about(subject) if concerns(fact, entry)]
            self._run.out.records.extend(Answers(self._run.topics, self._run.dates).of(fact, policy, about))

    def _report_missed(self, entry: Entry, fact: Fact, now: datetime) -> None:
        """Report a fact that comes too late to move an end of an entry: nothing is undone (C8)."""
        found = late.missed(self._run.dates, entry, fact, now) + retagging.too_late(self._run.dates, entry, fact)
        self._run.out.records.extend(late.reports(self._run.topics, entry, fact, found, now))
        if found:
            self._run.count("violation", "late_event")

    def _reached(self, fact: Fact) -> Sequence[Ref]:
        """Return whom a fact concerns: its references, and for a hold's release those that its opening named."""
        if fact.type not in HOLD.closes:
            return fact.refs
        openings = self._run.facts.log(fact.ref(RefKind.HOLD)).of(HOLD.opens)
        return (*fact.refs, *(ref for opening in openings for ref in opening.refs))


_SUPPORTS = 8
"""Supports kept of a profile for each set of rules: of one kind the newest lasts longest."""

_FORMER = 200
"""References kept of the supports that are not, and any number of held ones; of more, the oldest are forgotten."""


def _that_matter(supports: Sequence[Support]) -> list[Support]:
    """Return the supports in order of time, of very many of one kind only the newest."""
    found: list[Support] = []
    seen: dict[tuple[tuple[str, str], ...], int] = {}
    for support in sorted(supports, key=lambda s: (s.occurred_at, s.event_id), reverse=True):
        kind = tuple((tag.policy_version, tag.rule) for tag in support.tags)
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= _SUPPORTS:
            found.append(support)
    return found[::-1]
