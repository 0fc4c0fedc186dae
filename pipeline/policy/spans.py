"""When a named state lasted: opened and closed by facts, in their order."""

from datetime import datetime

from pipeline.domain.facts import FactLog, Ref
from pipeline.policy.retention import CLASSIFYING, State


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


def class_of_case(facts: FactLog, *, until: datetime | None = None) -> str | None:
    """Return the class that a case was last given, if any: an opening that names none leaves it as it was (R-ALL-4)."""
    said = [fact.attribute("matter") for fact in facts.of(CLASSIFYING, until=until)]
    return next((matter for matter in reversed(said) if matter), None)


def lasts(state: State, facts: FactLog, at: datetime) -> bool:
    """Tell whether a state lasts at an instant, knowing only what happened up to it."""
    return any(end is None for _start, end in spans(state, facts, until=at))


def closings(state: State) -> tuple[str, ...]:
    """Return the events that close a state, or any of its parts."""
    return (*state.closes, *(name for part in state.any_of for name in closings(part)))
