"""Triggers: what a request, an objection or an opt-out makes of the endings of the tags it concerns."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pipeline.domain.vocabulary import Action
from pipeline.policy.compiled import Ending
from pipeline.policy.document import TriggerShape, Where
from pipeline.policy.reading import Reading
from pipeline.policy.retention import EarliestOf, FactPattern, LongestOf, Retention, Switch, Until, While

REMOVING = (Action.ERASE, Action.ANONYMISE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A fact, the tags it concerns, and its effect on their endings.

    Attributes:
        id: Unique within the policy.
        event: The fact.
        categories: Categories concerned; None for all.
        purposes: Purposes concerned; None for all.
        rules: Rules concerned; None for all.
        effect: `end`, `remainder`, `stop-use` or `restrict`.
        defer_while: A state that an end or stop waits for.
        keep: The retention of what remains.
        findable_by: After a restriction, the only fields to find by.
        clauses: Clauses it implements.
    """

    id: str
    event: FactPattern
    categories: frozenset[str] | None
    purposes: frozenset[str] | None
    rules: frozenset[str] | None
    effect: str
    defer_while: While | None
    keep: Retention | None
    findable_by: tuple[str, ...]
    clauses: tuple[str, ...]

    def concerns(self, rule: str, category: str, purpose: str) -> bool:
        """Tell whether a tag is one of those that the fact concerns."""
        asked = ((self.rules, rule), (self.categories, category), (self.purposes, purpose))
        return all(wanted is None or value in wanted for wanted, value in asked)

    def applied(self, endings: tuple[Ending, ...]) -> tuple[Ending, ...]:
        """Return the endings of a tag once this trigger may happen to it."""
        if not endings:
            return endings  # transient: nothing is stored that a fact could end
        if self.effect in _ADDED:
            added = Ending(
                action=_ADDED[self.effect], retention=self._stop(), findable_by=self.findable_by, clauses=self.clauses
            )
            return (added, *endings)
        return tuple(self._changed(ending) if ending.action in REMOVING else ending for ending in endings)

    def _changed(self, ending: Ending) -> Ending:
        retention: Retention
        if self.effect == "remainder" and self.keep is not None:
            retention = Switch(event=self.event, before=ending.retention, after=self.keep)
        else:
            retention = EarliestOf(parts=(ending.retention, self._stop()))
        return replace(ending, retention=retention, clauses=tuple(dict.fromkeys((*ending.clauses, *self.clauses))))

    def _stop(self) -> Retention:
        stop = Until(event=self.event)
        return LongestOf(parts=(stop, self.defer_while)) if self.defer_while else stop


_ADDED = {"stop-use": Action.STOP_USE, "restrict": Action.RESTRICT}


def apply_triggers(
    triggers: Iterable[Trigger], rule: str, category: str, purpose: str, endings: tuple[Ending, ...]
) -> tuple[Ending, ...]:
    """Return the endings of one tag under all triggers that concern it, in document order."""
    for trigger in triggers:
        if trigger.concerns(rule, category, purpose):
            endings = trigger.applied(endings)
    return endings


def read_trigger(reading: Reading, name: str, shape: TriggerShape) -> Trigger:
    """Return a trigger of the document."""
    where: Where = ("triggers", name)
    if (shape.effect == "remainder") != (shape.keep is not None):
        reading.wrong(where, "keep goes with effect: remainder, and only with it")
    pattern = reading.expressions().pattern(shape.events, {"of": shape.of, "where": shape.where}, where, "events")
    reading.check_events(shape.events, (*where, "events"))
    defer = reading.retention(shape.defer_while, (*where, "defer_while"))[0] if shape.defer_while else None
    if defer is not None and not isinstance(defer, While):
        reading.wrong((*where, "defer_while"), "defer_while needs a state: {while: NAME, of: KIND}")
        defer = None
    return Trigger(
        id=name,
        event=pattern,
        categories=_some(reading.categories(shape.categories, (*where, "categories"))),
        purposes=_some(reading.known(shape.purposes, reading.shape.purposes, "purpose", (*where, "purposes"))),
        rules=_some(reading.known(shape.rules, reading.shape.rules, "rule", (*where, "rules"))),
        effect=shape.effect,
        defer_while=defer,
        keep=reading.retention(shape.keep, (*where, "keep"))[0] if shape.keep else None,
        findable_by=shape.findable_by,
        clauses=shape.clauses,
    )


def _some(names: tuple[str, ...]) -> frozenset[str] | None:
    return frozenset(names) if names else None
