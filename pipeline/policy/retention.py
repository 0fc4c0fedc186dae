"""The retention algebra: the nodes of which every retention period of a notice is made.

An expression is a tree of frozen nodes; it knows which facts it listens to. `pipeline.policy.ends` says when it ends.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.domain.calendar import Period, YearMode
from pipeline.domain.facts import Fact
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
    """While a state lasts, seen from the record's subject, case, order or account; over at once if it never began.

    With `opened_by_record` a record that names a case (order, account) shows that it is open: it lasts from the record
    until the next closing, whether or not an opening was ever told. With `and_unnamed` what the subject's facts say of
    no case (order, account) in particular counts for each of them.
    """

    state: State
    of: RefKind = RefKind.SUBJECT
    opened_by_record: bool = False
    and_unnamed: bool = False


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


CLASSIFYING = ("case.opened", "case.reclassified")
"""Facts whose `matter` classifies a case and all its messages (R-ALL-4)."""


def patterns_of(node: Retention) -> Iterable[tuple[RefKind, tuple[str, ...]]]:  # noqa: C901, PLR0912  an arm per node
    """Yield whose facts, and which types, a retention listens to: what must be forwarded and indexed."""
    match node:
        case After(anchor=Anchor() as anchor):
            yield from _listened(anchor.last, anchor.unless_followed_by)
        case Until():
            yield from _listened(node.event, node.unless_followed_by)
        case While():
            for kind in {node.of: None, RefKind.SUBJECT: None} if node.and_unnamed else (node.of,):
                yield (kind, tuple(_types_of(node.state)))
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


def _types_of(state: State) -> Iterable[str]:
    yield from state.opens
    yield from state.closes
    for part in state.any_of:
        yield from _types_of(part)


def _listened(*patterns: FactPattern | None) -> Iterable[tuple[RefKind, tuple[str, ...]]]:
    return ((pattern.of, pattern.types) for pattern in patterns if pattern)
