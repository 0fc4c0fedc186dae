"""Retention in words: what a privacy officer reads where the machine holds an expression."""

from collections.abc import Iterator
from typing import assert_never

from pipeline.policy.policy_parts import Ending
from pipeline.policy.retention import (
    After,
    AtOnce,
    ByClass,
    EarliestOf,
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
from pipeline.policy.wording import IDS, Wording


def endings_in_words(endings: tuple[Ending, ...], wording: Wording = IDS) -> str:
    """Return what happens to a tag, stage by stage.

    >>> from pipeline.domain.calendar import Period
    >>> from pipeline.domain.vocabulary import Action
    >>> endings_in_words((Ending(action=Action.ERASE, retention=After(period=Period.parse("P9M"))),))
    'erased after 9 months'
    """
    if not endings:
        return wording.say("never-stored")
    return "; ".join(
        f"{wording.say(ending.action)} {in_words(ending.retention, wording)}{_findable(ending, wording)}"
        for ending in endings
    )


def _findable(ending: Ending, say: Wording) -> str:
    if not ending.findable_by:
        return ""
    return say.say("findable", fields=", ".join(say.term("fields", name) for name in ending.findable_by))


def in_words(node: Retention, wording: Wording = IDS) -> str:
    """Return a retention in words that follow `erased`."""
    match node:
        case After() | YearEnd():
            words = _period_in_words(node, wording)
        case AtOnce() | Until() | While():
            words = _fact_in_words(node, wording)
        case LongestOf() | EarliestOf():
            words = _choice_in_words(node, wording)
        case Indefinite() | Undetermined():
            words = _open_in_words(node, wording)
        case _:
            words = _compound_in_words(node, wording)
    return words


def _choice_in_words(node: LongestOf | EarliestOf, say: Wording) -> str:
    """Return the parts, each once; of the earliest, one that never ends by itself is told by its reviews only."""
    parts = [*_flat(node)]
    unending = [part for part in parts if isinstance(node, EarliestOf) and _is_open(part)]
    ending = [part for part in parts if part not in unending]
    if not ending:
        return in_words(parts[0], say)
    told = [*dict.fromkeys(in_words(part, say) for part in ending)]
    which = "latest" if isinstance(node, LongestOf) else "earliest"
    words = told[0] if len(told) == 1 else say.say(which, parts=", ".join(f"({part})" for part in told))
    return words + "".join(_review(part, say) for part in unending[:1])


def _is_open(node: Retention) -> bool:
    return isinstance(node, Indefinite) or (isinstance(node, Undetermined) and not node.cap)


def _review(node: Retention, say: Wording) -> str:
    review = node.review if isinstance(node, (Indefinite, Undetermined)) else None
    return say.say("review", length=say.length(review)) if review else ""


def _flat(node: LongestOf | EarliestOf) -> Iterator[Retention]:
    """Yield the parts, those of a part of the same kind among them: the earliest of earliest ones is the earliest."""
    for part in node.parts:
        if isinstance(part, type(node)):
            yield from _flat(part)
        else:
            yield part


def _fact_in_words(node: AtOnce | Until | While, say: Wording) -> str:
    match node:
        case AtOnce():
            return say.say("at-once")
        case Until():
            back = say.say("undone", what=say.facts(node.unless_followed_by)) if node.unless_followed_by else ""
            return say.say("until", what=say.facts(node.event)) + back
        case While():
            return say.say("while", state=say.state(node.state.name, node.of))
        case _:  # pragma: no cover
            assert_never(node)


def _period_in_words(node: After | YearEnd, say: Wording) -> str:
    if isinstance(node, YearEnd):
        years = say.count(node.years, "year")
        return say.say("year-end", years=years, mode=say.say(node.mode), month=str(node.end_month))
    since = say.say("since", what=say.facts(node.anchor.last)) if node.anchor else ""
    return say.say("after", length=say.length(node.period)) + since


def _open_in_words(node: Indefinite | Undetermined, say: Wording) -> str:
    if isinstance(node, Undetermined) and node.cap:
        return say.say("cap", length=say.length(node.cap))
    return say.say("open") + _review(node, say)


def _compound_in_words(node: Window | Switch | ByClass | Suspended, say: Wording) -> str:
    match node:
        case Window():
            longer = say.say("longer", state=say.state(node.prolonged_by.state.name)) if node.prolonged_by else ""
            return say.say("window", least=in_words(node.least, say), longer=longer, most=in_words(node.most, say))
        case Switch():
            before, after = in_words(node.before, say), in_words(node.after, say)
            return say.say("switch", before=before, what=say.facts(node.event), after=after)
        case ByClass():
            return say.say("by-matter", classes=_by_class(node, say), otherwise=in_words(node.default, say))
        case Suspended():
            return say.say("suspended", rest=in_words(node.rest, say), state=say.state(node.by.state.name))
        case _:  # pragma: no cover
            assert_never(node)


def _by_class(node: ByClass, say: Wording) -> str:
    """Return each retention once, with all the classes that it is for."""
    names: dict[str, list[str]] = {}
    for name, kept in node.classes:
        names.setdefault(in_words(kept, say), []).append(say.term("values", name))
    return "; ".join(f"{', '.join(classes)}: {words}" for words, classes in names.items())
