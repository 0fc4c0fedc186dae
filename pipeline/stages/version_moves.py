"""Move what one policy version decided to another version: at once, retroactively, and each obligation once (X15).

An order holds for what is in the schedule and for what comes into it later. What waits is moved a bounded number of
entries at a time; key of the state: `r|<order>` where to go on, empty at the end. A moved tag is of a new generation,
so its expiries have ids of their own; what has fired stays so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipeline.domain.vocabulary import Action
from pipeline.policy.book import Retag
from pipeline.policy.compiled import CompiledPolicy
from pipeline.stages.entries import Entry, ObligedTag, Support, load
from pipeline.stages.expire_run import ExpireRun

_ENTRIES = b"o|"
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One end of one tag that an order concerns.

    Attributes:
        tag: As it was.
        action: What happens at the end; None where the tag has to stay, for the other version has no such rule.
        old: When it was due; None while open.
        new: When it is due.
    """

    tag: ObligedTag
    action: Action | None
    old: datetime | None = None
    new: datetime | None = None


class VersionMoves:
    """Carries out the orders of one run."""

    def __init__(self, run: ExpireRun) -> None:
        self._run = run

    @property
    def pending(self) -> bool:
        """Return whether anything in the schedule waits to be looked at."""
        return any(self._run.work.get(_cursor(order)) != b"" for order in self._run.orders)

    def go_on(self, now: datetime, limit: int) -> list[Moved]:
        """Look at the next entries, about `limit` of them; return what was moved, and what had to stay."""
        moved: list[Moved] = []
        for order in self._run.orders:
            start = self._run.work.get(_cursor(order))
            if start == b"" or limit <= 0:
                continue
            found = []
            for key, value in self._run.work.scan(start or _ENTRIES, _ENTRIES + b"\xff"):
                found.append((key, value))
                if len(found) > limit:
                    break
            self._run.work.put(_cursor(order), found.pop()[0] if len(found) > limit else b"")
            limit -= len(found)
            for _key, value in found:
                moved += self._entry(order, load(value), load(value), now)
        return moved

    def _entry(self, order: Retag, entry: Entry, before: Entry, now: datetime) -> list[Moved]:
        stay = apply(order, entry, self._run.policy)
        if entry.supports == before.supports:
            return stay
        at = max(order.ordered_at, (entry.folded_to or order.ordered_at) + _INSTANT)
        self._run.announce(self._run.dates.refresh_tags(entry))
        self._run.announce(self._run.dates.plan(entry, at, now))
        self._run.schedule.put(entry, before, self._run.dates.listens(entry))
        self._run.count("retagged", entry.kind)
        return [*stay, *self._compared(before, entry)]

    def _compared(self, before: Entry, entry: Entry) -> list[Moved]:
        endings = self._run.dates.evaluation.endings
        was = {
            (p.tag.rule, p.tag.category, p.tag.purpose, ending.action): planned.due_at
            for p in before.progress
            for planned, ending in zip(p.endings, endings(before, p.tag), strict=True)
        }
        old = {(p.tag.rule, p.tag.category, p.tag.purpose): p.tag for p in before.progress}
        return [
            Moved(tag=tag, action=ending.action, old=was.get((*key, ending.action)), new=planned.due_at)
            for p in entry.progress
            if (tag := old.get(key := (p.tag.rule, p.tag.category, p.tag.purpose))) and p.tag != tag and not p.over
            for planned, ending in zip(p.endings, endings(entry, p.tag), strict=True)
            if not planned.fired
        ]


def apply(order: Retag, entry: Entry, policy_of: Callable[[str], CompiledPolicy]) -> list[Moved]:
    """Let another version govern the tags of an entry that an order concerns; return those that have to stay."""
    if entry.profile is not None:
        return _apply_to_profile(order, entry, entry.profile, policy_of)
    concerned = [tag for s in entry.supports for tag in s.tags if order.concerns(tag.policy_version, tag.rule)]
    if not concerned:
        return []
    target = policy_of(order.to_version)
    stay = [tag for tag in concerned if not _has(target, entry, tag)]
    go = {(tag.rule, tag.category, tag.purpose) for tag in concerned if tag not in stay}
    entry.supports = [
        replace(support, tags=tuple(_moved(tag, order) if _key(tag) in go else tag for tag in support.tags))
        for support in entry.supports
    ]
    return [Moved(tag=tag, action=None) for tag in stay]


def arrived(
    support: Support, entry: Entry, orders: Sequence[Retag], policy_of: Callable[[str], CompiledPolicy]
) -> Support:
    """Return what comes into the schedule after some orders as they move it."""
    alone = replace(entry, supports=[support])
    for order in orders:
        apply(order, alone, policy_of)
    return alone.supports[0]


def _apply_to_profile(
    order: Retag, entry: Entry, profile: str, policy_of: Callable[[str], CompiledPolicy]
) -> list[Moved]:
    """Move a profile as a whole, and what feeds it; it stays where the other version lacks any of these."""
    concerned = [support for support in entry.supports if order.concerns(support.policy_version, profile)]
    if not concerned:
        return []
    target = policy_of(order.to_version)
    if profile not in target.profiles or not all(_feeds(target, tag) for s in concerned for tag in s.tags):
        return [Moved(tag=progress.tag, action=None) for progress in entry.progress]
    entry.supports = [_support(support, order) if support in concerned else support for support in entry.supports]
    entry.retags += 1
    return []


def _support(support: Support, order: Retag) -> Support:
    tags = tuple(_moved(tag, order) for tag in support.tags)
    return replace(support, policy_version=order.to_version, tags=tags)


def _moved(tag: ObligedTag, order: Retag) -> ObligedTag:
    return replace(tag, policy_version=order.to_version, generation=tag.generation + 1)


def _has(target: CompiledPolicy, entry: Entry, tag: ObligedTag) -> bool:
    if entry.recipient is not None:
        return entry.recipient in target.recipients
    return _feeds(target, tag)


def _feeds(target: CompiledPolicy, tag: ObligedTag) -> bool:
    rule = target.rules.get(tag.rule)
    return rule is not None and (tag.category, tag.purpose) in rule.tags


def _key(tag: ObligedTag) -> tuple[str, str, str]:
    return tag.rule, tag.category, tag.purpose


def _cursor(order: Retag) -> bytes:
    return f"r|{order.retag_id}".encode()
