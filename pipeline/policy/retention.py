"""The retention algebra: when does a reason to keep data end, given what happened since.

An expression is a tree of frozen nodes. `end_of` walks it over the facts known so far and gives an `End`: an instant,
or none as long as it is open. It is pure: the same facts give the same end; no node reads a clock.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from pipeline.domain import calendar
from pipeline.domain.calendar import Period, YearMode
from pipeline.domain.facts import Fact, FactLog, Ref
from pipeline.domain.vocabulary import Bound, RefKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FactPattern:
    """Which facts an expression listens to.

    Attributes:
        types: Event names, any of which matches.
        where: Attributes with a value each may have, such as `mailing: newsletter`. The first of them that a fact gives
            decides; a fact that gives none matches, since the more restrictive reading prevails (an opt-out of
            everything).
        of: Whose facts: the record's subject, case, order, account, clip or the record itself.
    """

    types: tuple[str, ...]
    where: tuple[tuple[str, str], ...] = ()
    of: RefKind = RefKind.SUBJECT

    def matches(self, fact: Fact) -> bool:
        """Tell whether a fact is one of these."""
        if fact.type not in self.types:
            return False
        said = next(
            (pair for name, _value in self.where if (pair := (name, fact.attribute(name)))[1] is not None), None
        )
        return said is None or said in self.where


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A named condition that lasts: opened and closed by facts, per case, order, account or for the subject at once.

    A compound state (`any_of`) lasts while any of its parts does. `where` holds attribute values that an opening fact
    must have. An opening that names no case (order, account) is closed by any closing; a closing that names none
    closes all.
    """

    name: str
    opens: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    closes: tuple[str, ...] = ()
    per: RefKind = RefKind.SUBJECT
    any_of: tuple["State", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """A period from the record's own day, or from another anchor; `bound` says if it is a minimum or a maximum."""

    period: Period
    anchor: "Anchor | None" = None
    bound: Bound = Bound.MIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Where a period starts when not at the record: the last fact of a kind, unless a later one withdraws it.

    Attributes:
        last: The facts of which the last one counts.
        unless_followed_by: A later fact that takes the anchor back (a case reopened).
        open_without: Without such a fact the period is open; False: it contributes nothing and ends where the record
            began (R-TEK-2: a profile without a purchase has no five years).
    """

    last: FactPattern
    unless_followed_by: FactPattern | None = None
    open_without: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class YearEnd:
    """A statutory period counted from the end of a year (C6)."""

    years: int
    mode: YearMode
    end_month: int
    bound: Bound = Bound.MIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """Until a fact happens at or after the record; `unless_followed_by` takes it back (a case reopened)."""

    event: FactPattern
    unless_followed_by: FactPattern | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class While:
    """While a state lasts, seen from the record's subject, case, order or account; over at once if it never began."""

    state: State
    of: RefKind = RefKind.SUBJECT


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """At least until `least`, at most until `most`: erased at the minimum, prolonged to the maximum only by a state."""

    least: "Retention"
    most: "Retention"
    prolonged_by: "While | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LongestOf:
    """As long as the longest of its parts."""

    parts: tuple["Retention", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarliestOf:
    """Until the first of its parts ends."""

    parts: tuple["Retention", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Indefinite:
    """No end: reviewed again and again, never given a made-up date."""

    review: Period | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undetermined:
    """An end that the notice leaves to the purpose: the operator's cap if there is one, else reviews."""

    cap: Period | None
    review: Period | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One retention before a fact, another after it (what remains after an erasure request)."""

    event: FactPattern
    before: "Retention"
    after: "Retention"


@dataclass(frozen=True, slots=True, kw_only=True)
class ByClass:
    """Chosen by the matter class of the record's case, or of the record itself."""

    classes: tuple[tuple[str, "Retention"], ...]
    default: "Retention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspended:
    """Not ended while a state lasts, whatever the rest says; then at once or when the rest says."""

    rest: "Retention"
    by: While


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Ends where it begins."""


Retention = (
    After | YearEnd | Until | While | Window | LongestOf | EarliestOf | Indefinite | Undetermined | Switch | ByClass
    | Suspended | AtOnce
)  # fmt: skip


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
        facts: The facts about what a record refers to, by kind; empty where it refers to nothing of the kind.
    """

    occurred_at: datetime
    tz: ZoneInfo
    matter: str | None = None
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
            return end_of(dict(node.classes).get(_matter(given) or "", node.default), given)
        case Suspended():
            return latest([end_of(node.rest, given), end_of(node.by, given)])
        case _:  # pragma: no cover
            assert_never(node)


def patterns_of(node: Retention) -> Iterable[tuple[RefKind, tuple[str, ...]]]:  # noqa: C901  one arm for each node
    """Yield whose facts, and which types, a retention listens to: what must be forwarded and indexed."""
    match node:
        case After(anchor=Anchor() as anchor):
            yield from _listened(anchor.last, anchor.unless_followed_by)
        case Until():
            yield from _listened(node.event, node.unless_followed_by)
        case While():
            yield (node.of, tuple(_types_of(node.state)))
        case Window():
            for part in (node.least, node.most, *([node.prolonged_by] if node.prolonged_by else [])):
                yield from patterns_of(part)
        case LongestOf() | EarliestOf():
            for part in node.parts:
                yield from patterns_of(part)
        case Switch():
            yield (node.event.of, node.event.types)
            yield from patterns_of(node.before)
            yield from patterns_of(node.after)
        case ByClass():
            yield (RefKind.CASE, CLASSIFYING)
            for part in (*dict(node.classes).values(), node.default):
                yield from patterns_of(part)
        case Suspended():
            yield from patterns_of(node.rest)
            yield from patterns_of(node.by)
        case _:
            return


CLASSIFYING = ("case.opened", "case.reclassified")
"""Facts whose `matter` classifies a case and all its messages (R-ALL-4)."""


def spans(state: State, facts: FactLog, *, until: datetime | None = None) -> list[tuple[datetime, datetime | None]]:
    """Return the spans during which a state lasted, each with its end or None while it lasts."""
    if state.any_of:
        return [span for part in state.any_of for span in spans(part, facts, until=until)]
    found: list[tuple[datetime, datetime | None]] = []
    running: dict[Ref | None, datetime] = {}
    for fact in facts.of((*state.opens, *state.closes), until=until):
        which = fact.ref(state.per)
        if fact.type not in state.opens:
            ended = [key for key in running if which is None or key in (None, which)]
            found.extend((running.pop(key), fact.at) for key in ended)
        elif all(fact.attribute(name) == value for name, value in state.where):
            running.setdefault(which, fact.at)
    return [*found, *((start, None) for start in running.values())]


def lasts(state: State, facts: FactLog, at: datetime) -> bool:
    """Tell whether a state lasts at an instant, knowing only what happened up to it."""
    return any(end is None for _start, end in spans(state, facts, until=at))


def _types_of(state: State) -> Iterable[str]:
    yield from state.opens
    yield from state.closes
    for part in state.any_of:
        yield from _types_of(part)


def _listened(*patterns: FactPattern | None) -> Iterable[tuple[RefKind, tuple[str, ...]]]:
    return ((pattern.of, pattern.types) for pattern in patterns if pattern)


def _until_day(last: date, given: Circumstances) -> End:
    return End(due_at=calendar.due_instant(last, given.tz), kept_until=last)


def _after(node: After, given: Circumstances) -> End:
    start: datetime | None = given.occurred_at
    if node.anchor:
        start = _standing(node.anchor.last, node.anchor.unless_followed_by, given, since=None)
    if start is None:
        return OPEN if node.anchor and node.anchor.open_without else End(due_at=given.occurred_at)
    return _until_day(calendar.add(calendar.local_date(start, given.tz), node.period), given)


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
    found = spans(node.state, given.facts(node.of))
    ends = [end for _start, end in found]
    if any(end is None for end in ends):
        return OPEN
    return End(due_at=max((given.occurred_at, *(end for end in ends if end is not None))))


def _window(node: Window, given: Circumstances) -> End:
    least, most = end_of(node.least, given), end_of(node.most, given)
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


def _matter(given: Circumstances) -> str | None:
    latest = given.facts(RefKind.CASE).last(CLASSIFYING)
    return (latest.attribute("matter") if latest else None) or given.matter
