"""Retention in words: what a privacy officer reads where the machine holds an expression."""

from collections.abc import Iterator
from typing import assert_never

from pipeline.domain.calendar import Period
from pipeline.domain.vocabulary import Action, RefKind
from pipeline.policy.compiled import Ending
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
)

_UNITS = ((12, "year"), (1, "month"))
_ACTIONS = {
    Action.ERASE: "erased",
    Action.ANONYMISE: "anonymised",
    Action.RESTRICT: "restricted",
    Action.STOP_USE: "no longer used",
}


def endings_in_words(endings: tuple[Ending, ...]) -> str:
    """Return what happens to a tag, stage by stage.

    >>> from pipeline.policy.retention import After
    >>> endings_in_words((Ending(action=Action.ERASE, retention=After(period=Period.parse("P9M"))),))
    'erased after 9 months'
    """
    if not endings:
        return "never stored"
    return "; ".join(f"{_ACTIONS[ending.action]} {in_words(ending.retention)}{_findable(ending)}" for ending in endings)


def _findable(ending: Ending) -> str:
    return f" (then found by {', '.join(ending.findable_by)} only)" if ending.findable_by else ""


def in_words(node: Retention) -> str:
    """Return a retention in words that follow `erased`."""
    match node:
        case After() | YearEnd():
            words = _period_in_words(node)
        case AtOnce() | Until() | While():
            words = _fact_in_words(node)
        case LongestOf() | EarliestOf():
            which = "the latest" if isinstance(node, LongestOf) else "the earliest"
            words = f"at {which} of: {', '.join(f'({in_words(part)})' for part in _flat(node))}"
        case Indefinite() | Undetermined():
            words = _open_in_words(node)
        case _:
            words = _compound_in_words(node)
    return words


def _flat(node: LongestOf | EarliestOf) -> Iterator[Retention]:
    """Yield the parts, those of a part of the same kind among them: the earliest of earliest ones is the earliest."""
    for part in node.parts:
        if isinstance(part, type(node)):
            yield from _flat(part)
        else:
            yield part


def _fact_in_words(node: AtOnce | Until | While) -> str:
    match node:
        case AtOnce():
            return "at once"
        case Until():
            back = f", unless {_pattern(node.unless_followed_by)} follows" if node.unless_followed_by else ""
            return f"at {_pattern(node.event)}{back}"
        case While():
            return f"when {node.state.name} is over for the {node.of}"
        case _:  # pragma: no cover
            assert_never(node)


def _period_in_words(node: After | YearEnd) -> str:
    if isinstance(node, YearEnd):
        years = _plural(node.years, "year")
        return f"{years} after the {node.mode.replace('-', ' ')} (the fiscal year ends in month {node.end_month})"
    since = f" from the last {_pattern(node.anchor.last)}" if node.anchor else ""
    return f"after {_length(node.period)}{since}"


def _open_in_words(node: Indefinite | Undetermined) -> str:
    if isinstance(node, Undetermined) and node.cap:
        return f"after {_length(node.cap)}, the operator's cap"
    return f"at no date; looked at again every {_length(node.review)}" if node.review else "at no date"


def _compound_in_words(node: Window | Switch | ByClass | Suspended) -> str:
    match node:
        case Window():
            longer = f", later only while {node.prolonged_by.state.name}" if node.prolonged_by else ""
            return f"{in_words(node.least)} at the least{longer}, and {in_words(node.most)} at the most"
        case Switch():
            return f"{in_words(node.before)}; once {_pattern(node.event)} happened: {in_words(node.after)}"
        case ByClass():
            classes = "; ".join(f"{name}: {in_words(kept)}" for name, kept in node.classes)
            return f"by matter ({classes}; otherwise {in_words(node.default)})"
        case Suspended():
            return f"{in_words(node.rest)}, but not while {node.by.state.name}"
        case _:  # pragma: no cover
            assert_never(node)


def _pattern(pattern: FactPattern) -> str:
    names = dict.fromkeys(name for name, _value in pattern.where)
    narrowed = ", or else ".join(
        f"{name} {' or '.join(value for known, value in pattern.where if known == name)}" for name in names
    )
    whose = "" if pattern.of is RefKind.SUBJECT else f" of the {pattern.of}"
    return " or ".join(pattern.types) + (f" ({narrowed})" if narrowed else "") + whose


def _length(period: Period) -> str:
    parts = []
    months = period.months
    for size, unit in _UNITS:
        number, months = divmod(months, size)
        if number:
            parts.append(_plural(number, unit))
    if period.days:
        parts.append(_plural(period.days, "day"))
    return " and ".join(parts)


def _plural(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
