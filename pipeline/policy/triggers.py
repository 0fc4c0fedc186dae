"""Triggers: what a request, an objection or an opt-out makes of the endings of the tags it concerns."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pipeline.domain.vocabulary import Action
from pipeline.policy.document import ExceptionShape, TriggerShape
from pipeline.policy.policy_parts import Ending
from pipeline.policy.reading import Reading
from pipeline.policy.retention import EarliestOf, FactPattern, LongestOf, Retention, Switch, Until, While
from pipeline.policy.source_file import Where

REMOVING = (Action.ERASE, Action.ANONYMISE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which tags something concerns: those that match all that is given; None stands for all.

    Attributes:
        categories: Categories concerned.
        purposes: Purposes concerned.
        rules: Rules concerned.
    """

    categories: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    rules: frozenset[str] | None = None

    def concerns(self, rule: str, category: str, purpose: str) -> bool:
        """Tell whether a tag is one of them."""
        asked = ((self.rules, rule), (self.categories, category), (self.purposes, purpose))
        return all(wanted is None or value in wanted for wanted, value in asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A fact, the tags it concerns, and its effect on their endings.

    Attributes:
        id: Unique within the policy.
        event: The fact.
        scopes: The tags concerned lie in all of these.
        spares: The tags concerned lie in none of these.
        effect: `end`, `remainder`, `stop-use` or `restrict`.
        defer_while: A state that an end or stop waits for.
        keep: The retention of what remains.
        findable_by: After a restriction, the only fields to find by.
        clauses: Clauses it implements.
    """

    id: str
    event: FactPattern
    scopes: tuple[Scope, ...]
    effect: str
    clauses: tuple[str, ...]
    defer_while: While | None = None
    keep: Retention | None = None
    findable_by: tuple[str, ...] = ()
    spares: tuple[Scope, ...] = ()

    def concerns(self, rule: str, category: str, purpose: str) -> bool:
        """Tell whether a tag is one of those that the fact concerns."""
        inside = all(scope.concerns(rule, category, purpose) for scope in self.scopes)
        return inside and not any(spared.concerns(rule, category, purpose) for spared in self.spares)

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
    return Trigger(
        id=name,
        event=pattern,
        scopes=(read_scope(reading, shape, where),),
        effect=shape.effect,
        defer_while=read_state(reading, shape.defer_while, (*where, "defer_while")),
        keep=reading.retention(shape.keep, (*where, "keep"))[0] if shape.keep else None,
        findable_by=shape.findable_by,
        clauses=shape.clauses,
    )


def read_scope(reading: Reading, shape: TriggerShape | ExceptionShape, where: Where) -> Scope:
    """Return which tags a trigger or an exception concerns."""
    return Scope(
        categories=_some(reading.categories(shape.categories, (*where, "categories"))),
        purposes=_some(reading.known(shape.purposes, reading.shape.purposes, "purpose", (*where, "purposes"))),
        rules=_some(reading.known(shape.rules, reading.shape.rules, "rule", (*where, "rules"))),
    )


def read_state(reading: Reading, written: object, where: Where) -> While | None:
    """Return the state that an end waits for, if one is written."""
    state = reading.retention(written, where)[0] if written else None
    if state is not None and not isinstance(state, While):
        reading.wrong(where, "defer_while needs a state: {while: NAME, of: KIND}")
        return None
    return state


def _some(names: tuple[str, ...]) -> frozenset[str] | None:
    return frozenset(names) if names else None
