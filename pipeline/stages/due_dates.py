"""Plan the endings of an entry: give each its due instant from the policy and the facts known, and say what changed.

A fact at or after a due instant is too late to change it (C8); a due instant that a fact moves into the past is due
at the fact's instant, without a last day (C7).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from pipeline.domain import calendar
from pipeline.domain.calendar import Period
from pipeline.domain.vocabulary import RefKind
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.ends import End
from pipeline.policy.policy_parts import Ending
from pipeline.policy.retention import CLASSIFYING, patterns_of
from pipeline.policy.rights import LIFTED
from pipeline.stages import expiry_records as say
from pipeline.stages.entries import Entry, ObligedTag, Planned, Progress
from pipeline.stages.evaluate import ENDS_LIFE, HOLD, Evaluation, FactsApart, FactsUntil, all_refs
from pipeline.stages.expiry_records import Said
from pipeline.stages.renewal import governing_tag, governs_alike, renew
from pipeline.stages.restrictions import REQUESTED, rule_of
from pipeline.stages.state import FactStore

MOST_STEPS = 24
"""Instants that are folded one by one; where more happened to one entry, the older ones are taken together."""


_INSTANT = timedelta(microseconds=1)


class Seen:
    """An entry as it was known at an instant: the facts and supports up to it."""

    def __init__(self, instant: datetime, entry: Entry, evaluation: Evaluation) -> None:
        self.instant = instant
        self._entry = entry
        self._evaluation = evaluation
        self._ends: dict[tuple[str, str, str], list[End]] = {}

    def ends(self, tag: ObligedTag, endings: Sequence[Ending]) -> list[End]:
        """Return when each ending of a tag is due, as far as was known then."""
        key = (tag.rule, tag.category, tag.purpose)
        if key not in self._ends:
            governing = governing_tag(self._entry, tag, self._evaluation.policy_of)
            self._ends[key] = list(self._as_of(governing, tag, endings)) if governing else [End() for _one in endings]
        return self._ends[key]

    def apart(self, parted: datetime) -> Self:
        """Return the same without what the data subject did after an instant."""
        evaluation = replace(self._evaluation, facts=FactsApart(self._evaluation.facts, parted))
        return type(self)(self.instant, self._entry, evaluation)

    def _as_of(self, governing: ObligedTag, tag: ObligedTag, endings: Sequence[Ending]) -> Iterator[End]:
        """Yield the end of each ending, by the version that governed then; open where that version had no such one."""
        left = list(endings if governs_alike(governing, tag) else self._evaluation.endings(self._entry, governing))
        for ending in endings:
            then = next((one for one in left if one.action is ending.action), None)
            if then is None:
                yield End()
                continue
            left.remove(then)
            yield self._evaluation.end(self._entry, governing, then)


@dataclass(frozen=True, slots=True)
class DueDates:
    """Gives the endings of one partition's entries their dates.

    Attributes:
        policy_of: Returns a policy version; raises ConfigurationError if it is not loaded.
        facts: The facts of the partition.
    """

    policy_of: Callable[[str], CompiledPolicy]
    facts: FactStore

    @property
    def evaluation(self) -> Evaluation:
        """Return what evaluates an entry, each tag by the policy version that governs it."""
        return Evaluation(self.policy_of, self.facts)

    def listens(self, entry: Entry) -> frozenset[str]:
        """Return the event names that may change when an entry ends."""
        evaluation = self.evaluation
        retentions = [ending.retention for p in entry.progress for ending in evaluation.endings(entry, p.tag)]
        retentions += [ending.retention for ending in evaluation.supporting(entry)]
        heard = (types for retention in retentions for _kind, types in patterns_of(retention))
        sorting = CLASSIFYING if self.in_inbox(entry) else ()
        retagging = self.policy_of(entry.policy_version).retagging if entry.kind == "record" else ()
        restricting = (REQUESTED, LIFTED) if rule_of(self.policy_of(entry.policy_version)) else ()
        return frozenset((*HOLD.opens, *HOLD.closes, *sorting, *retagging, *restricting)).union(*heard)

    def in_inbox(self, entry: Entry) -> list[Progress]:
        """Return the progress of the tags that an inbox of e-mail holds."""
        if entry.profile or entry.recipient:
            return []
        return [p for p in entry.progress if self.policy_of(p.tag.policy_version).rules[p.tag.rule].sorts_inbox]

    def refresh_tags(self, entry: Entry) -> list[Said]:
        """Give the entry one progress per tag; return what was scheduled and is not, where another version governs."""
        return renew(entry, self.evaluation)

    def plan(self, entry: Entry, at: datetime | None, now: datetime) -> list[Said]:
        """Give every ending that has not fired its due instant, and say what changed.

        What happened is folded in the order in which it happened, whatever the order of arrival: something newer than
        everything folded so far is one more step, anything else folds the entry anew.

        Args:
            entry: What to plan.
            at: When the fact or support happened that makes this necessary; None folds anew.
            now: For reviews only.
        """
        anew = at is None or entry.folded_to is None or at <= entry.folded_to
        instants = self._instants(entry) if anew or at is None else [at]
        steps = [self._seen_at(entry, instant) for instant in instants]
        entry.folded_to = instants[-1]
        changed: list[Said] = []
        for progress in entry.progress:
            if not progress.over:
                changed.extend(self._plan_tag(entry, progress, steps, anew=anew))
                self._plan_review(progress, entry, steps[-1], now)
        return changed

    def _plan_tag(self, entry: Entry, progress: Progress, steps: Sequence[Seen], *, anew: bool) -> Iterator[Said]:
        before = [replace(planned) for planned in progress.endings]
        if anew:
            for planned in progress.endings:
                if not planned.fired:
                    planned.due_at = planned.kept_until = planned.most = None
        endings = self.evaluation.endings(entry, progress.tag)
        for number, seen in enumerate(steps):
            parted = _parted(endings, progress, seen.instant)
            ends = (seen.apart(parted) if parted else seen).ends(progress.tag, endings)
            last = _life_end(endings, ends)
            for planned, ending, end in zip(progress.endings, endings, ends, strict=True):
                wanted = end if ending.action in ENDS_LIFE else _before(end, last)
                if ending.again:
                    _begin(planned, _before(end, _standing(endings, progress)))
                else:
                    _move(planned, wanted, None if anew and number == 0 else seen.instant)
        for planned, was, ending in zip(progress.endings, before, endings, strict=True):
            yield from _changes(entry, progress, ending, was, planned)

    def _seen_at(self, entry: Entry, instant: datetime) -> Seen:
        known = [support for support in entry.supports if support.occurred_at <= instant]
        evaluation = Evaluation(self.policy_of, FactsUntil(self.facts, instant))
        return Seen(instant, replace(entry, supports=known), evaluation)

    def _instants(self, entry: Entry) -> list[datetime]:
        """Return when something happened that may change an entry: its supports, and facts since the first of them."""
        start, listens = entry.supports[0].occurred_at, self.listens(entry)
        refs = all_refs(entry)
        holds = tuple(hold for ref in refs for f in self.facts.log(ref).of(HOLD.opens) if (hold := f.ref(RefKind.HOLD)))
        facts = (f.at for ref in (*refs, *holds) for f in self.facts.log(ref).facts if f.type in listens)
        supports = (support.occurred_at for support in entry.supports)
        return sorted({start, *supports, *(at for at in facts if at > start)})[-MOST_STEPS:]

    def _plan_review(self, progress: Progress, entry: Entry, seen: Seen, now: datetime) -> None:
        """Plan the next review of a tag that has no end; none while an end is known."""
        endings = self.evaluation.endings(entry, progress.tag)
        ends = seen.ends(progress.tag, endings)
        period = next((end.review for end in ends if end.due_at is None and end.review), None)
        open_here = entry.recipient is None and _life_end(endings, ends) is None  # a copy is looked at where we hold it
        progress.review_every = period if open_here else None
        if progress.review_every is None:
            progress.review_at = None
        elif progress.review_at is None:
            progress.review_at = self.next_review(progress, progress.review_every, entry, now)

    def next_review(self, progress: Progress, every: Period, entry: Entry, now: datetime) -> datetime:
        """Count reviews from the record's own day, in one step each; of those long past, only the last is due."""
        tz = self.policy_of(progress.tag.policy_version).tz
        start = calendar.local_date(entry.supports[0].occurred_at, tz)

        def nth(count: int) -> datetime:
            step = Period(months=every.months * count, days=every.days * count)
            return calendar.due_instant(calendar.add(start, step), tz)

        progress.reviews += 1
        while nth(progress.reviews + 1) <= now:
            progress.reviews += 1
        return nth(progress.reviews)


def _parted(endings: Sequence[Ending], progress: Progress, at: datetime) -> datetime | None:
    """Return up to when the data subject could move the end of a tag that names nobody any more, if it was by then.

    It was restricted to its number: who comes back later is a new customer, and their old order goes with the books.
    An event that parts them counts itself; what happens as a period ends comes too late (C8).
    """
    for ending, planned in zip(endings, progress.endings, strict=True):
        if ending.findable_by and planned.due_at is not None and planned.due_at <= at:
            return planned.due_at - _INSTANT if planned.kept_until else planned.due_at
    return None


def _standing(endings: Sequence[Ending], progress: Progress) -> datetime | None:
    """Return when the life of a tag ends, as its endings are planned."""
    pairs = zip(endings, progress.endings, strict=True)
    return min((one.due_at for ending, one in pairs if ending.action in ENDS_LIFE and one.due_at), default=None)


def _begin(planned: Planned, end: End) -> None:
    """Move an ending that may happen again, such as a restriction, to where it happens next."""
    if end.due_at is not None or not planned.fired:
        planned.due_at, planned.fired = end.due_at, False


def begin_again(endings: Sequence[Ending], progress: Progress, end: End) -> None:
    """Move a tag's last ending, which has just happened, to where it happens next, if the tag still lives then."""
    _begin(progress.endings[-1], _before(end, _standing(endings, progress)))


def _move(planned: Planned, end: End, cause: datetime | None) -> None:
    """Move one ending to where it is now, unless it fired or the cause comes too late (C8)."""
    too_late = cause is not None and planned.due_at is not None and planned.due_at <= cause
    if planned.fired or too_late:
        return
    due, kept = end.due_at, end.kept_until
    if cause is not None and due is not None and due < cause and due != planned.due_at:
        due, kept = cause, None  # C7
    most = end.not_after
    planned.due_at, planned.kept_until = due, kept
    planned.most = (most.due_at, most.kept_until) if most and most.due_at else None


def _changes(entry: Entry, progress: Progress, ending: Ending, was: Planned, planned: Planned) -> Iterator[Said]:
    """Yield what to say of an ending that was moved, and count its revision."""
    if planned.due_at == was.due_at:
        return
    if was.due_at is not None and not was.fired:
        yield say.said("expiry.cancelled", entry, progress.tag, ending, was)
    if planned.due_at is not None:
        planned.revision += 1
        yield say.said("expiry.scheduled", entry, progress.tag, ending, planned)


def _life_end(endings: Sequence[Ending], ends: Sequence[End]) -> datetime | None:
    """Return when the first erasing ending of a tag is due, if one is known."""
    known = [end.due_at for ending, end in zip(endings, ends, strict=True) if ending.action in ENDS_LIFE and end.due_at]
    return min(known, default=None)


def _before(end: End, last: datetime | None) -> End:
    """Return an end that only counts before the tag's life ends: what is erased need not be restricted first."""
    return End() if end.due_at is not None and last is not None and end.due_at >= last else end
