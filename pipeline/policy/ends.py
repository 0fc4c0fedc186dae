"""When a retention ends, given what happened since.

`end_of` walks an expression over the facts known so far and gives an `End`: an instant, or none as long as it is open.
It is pure: the same facts give the same end; nothing here reads a clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from pipeline.domain import calendar
from pipeline.domain.calendar import Period
from pipeline.domain.facts import FactLog
from pipeline.domain.vocabulary import RefKind
from pipeline.policy.retention import (
    After,
    AtOnce,
    ByClass,
    EarliestOf,
    FactPattern,
    Indefinite,
    LongestOf,
    Retention,
    Suspended,
    Switch,
    Undetermined,
    Until,
    While,
    Window,
    YearEnd,
)  # fmt: skip
from pipeline.policy.spans import class_of_case, closings, spans


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """When a retention ends, as far as the facts tell.

    Attributes:
        due_at: The instant from which data must be gone (UTC); None while open.
        kept_until: The last local day kept (K); None for an end that an event makes (C7).
        review: How often an open end is looked at again, if the policy says.
        not_after: The end of the maximum, where a window has one.
    """

    due_at: datetime | None = None
    kept_until: date | None = None
    review: Period | None = None
    not_after: "End | None" = None


OPEN = End()


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What an expression is evaluated against.

    Attributes:
        occurred_at: The record's own instant, the anchor of its periods.
        tz: The policy's zone.
        matter: The record's own matter class, if it has one.
        named: What the record itself names: its case, order, account.
        facts: The facts about what a record refers to, by kind; empty where it refers to nothing of the kind.
    """

    occurred_at: datetime
    tz: ZoneInfo
    matter: str | None = None
    named: frozenset[RefKind] = frozenset()
    facts: Callable[[RefKind], FactLog] = field(default=lambda _kind: FactLog())


def end_of(node: Retention, given: Circumstances) -> End:  # noqa: C901, PLR0911, PLR0912  one arm for each node
    """Return when a retention ends under the given circumstances.

    Guarantees: pure; a date is made by one addition to one anchor and converted once (C2, C3); an event-ended
    period has no last day (C7).
    """
    match node:
        case AtOnce():
            return End(due_at=given.occurred_at)
        case After():
            return _after(node, given)
        case YearEnd():
            day = calendar.local_date(given.occurred_at, given.tz)
            last = calendar.year_end_plus(day, years=node.years, mode=node.mode, end_month=node.end_month)
            return _until_day(last, given)
        case Until():
            return _until(node, given)
        case While():
            return _while(node, given)
        case Window():
            return _window(node, given)
        case LongestOf():
            return latest([end_of(part, given) for part in node.parts])
        case EarliestOf():
            return earliest([end_of(part, given) for part in node.parts])
        case Indefinite():
            return End(review=node.review)
        case Undetermined():
            return _after(After(period=node.cap), given) if node.cap else End(review=node.review)
        case Switch():
            happened = _since(node.event, given)
            return end_of(node.after if happened else node.before, given)
        case ByClass():
            return end_of(dict(node.classes).get(matter_of(given) or "", node.default), given)
        case Suspended():
            return latest([end_of(node.rest, given), end_of(node.by, given)])
        case _:  # pragma: no cover
            assert_never(node)


def _until_day(last: date, given: Circumstances) -> End:
    return End(due_at=calendar.due_instant(last, given.tz), kept_until=last)


def _after(node: After, given: Circumstances) -> End:
    start: datetime | None = given.occurred_at
    if node.anchor:
        start = _standing(node.anchor.last, node.anchor.unless_followed_by, given, since=None)
    if start is None:
        return OPEN if node.anchor and node.anchor.open_without else End(due_at=given.occurred_at)
    end = _until_day(calendar.add(calendar.local_date(start, given.tz), node.period), given)
    # What was over before the record began, such as the year after a case closed long ago, ends where that begins (C7).
    return end if end.due_at is None or end.due_at > given.occurred_at else End(due_at=given.occurred_at)


def _until(node: Until, given: Circumstances) -> End:
    return End(due_at=_standing(node.event, node.unless_followed_by, given, since=given.occurred_at))


def _standing(
    pattern: FactPattern, undone_by: FactPattern | None, given: Circumstances, *, since: datetime | None
) -> datetime | None:
    """Return the instant of the fact that stands: the first since an undoing one, or the last if nothing undoes it."""
    standing: datetime | None = None
    for fact in given.facts(pattern.of).facts:
        if undone_by and undone_by.matches(fact):
            standing = None
        elif pattern.matches(fact) and (since is None or fact.at >= since) and (standing is None or since is None):
            standing = fact.at
    return standing


def _since(pattern: FactPattern, given: Circumstances) -> bool:
    return any(pattern.matches(fact) and fact.at >= given.occurred_at for fact in given.facts(pattern.of).facts)


def _while(node: While, given: Circumstances) -> End:
    facts = _with_unnamed(node.of, given) if node.and_unnamed else given.facts(node.of)
    ends = [end for _start, end in spans(node.state, facts)]
    if node.opened_by_record and node.of in given.named:
        ends.append(next((fact.at for fact in facts.of(closings(node.state)) if fact.at >= given.occurred_at), None))
    if any(end is None for end in ends):
        return OPEN
    return End(due_at=max((given.occurred_at, *(end for end in ends if end is not None))))


def _with_unnamed(kind: RefKind, given: Circumstances) -> FactLog:
    """Return the facts about the record's own case (order, account), and those that name none."""
    found = FactLog([*given.facts(kind).facts])
    for fact in given.facts(RefKind.SUBJECT).facts:
        if fact.ref(kind) is None:
            found.add(fact)
    return found


def _window(node: Window, given: Circumstances) -> End:
    least = end_of(node.least, given)
    most = latest([least, end_of(node.most, given)])  # the minimum goes before the maximum (order of conflicts, X4)
    wanted = latest([least, end_of(node.prolonged_by, given)]) if node.prolonged_by else least
    return replace(earliest([wanted, most]), not_after=most)


def latest(ends: list[End]) -> End:
    """Return the latest of some ends; open if any is."""
    still_open = [end for end in ends if end.due_at is None]
    if still_open:
        return next((end for end in still_open if end.review), OPEN)
    return max(ends, key=lambda end: (end.due_at, end.kept_until is not None))


def earliest(ends: list[End]) -> End:
    """Return the earliest of some ends; open if all are."""
    known = [end for end in ends if end.due_at is not None]
    if not known:
        return next((end for end in ends if end.review), OPEN)
    return min(known, key=lambda end: (end.due_at, end.kept_until is None))


def matter_of(given: Circumstances) -> str | None:
    """Return the class of the record's case, which covers all that belongs to it, or else the record's own."""
    return class_of_case(given.facts(RefKind.CASE)) or given.matter
