"""Rules of a document: which categories for which purposes, and how each tag ends."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pipeline.domain.vocabulary import Form, RefKind
from pipeline.policy.document import EndShape, RuleShape
from pipeline.policy.policy_parts import Ending, Otherwise, Rule
from pipeline.policy.reading import Reading
from pipeline.policy.retention import patterns_of
from pipeline.policy.source_file import Where
from pipeline.policy.triggers import Trigger, apply_triggers

TRANSIENT = "transient"
"""In place of a retention: nothing of the tag is ever stored."""


def read_rule(reading: Reading, name: str, shape: RuleShape, triggers: Sequence[Trigger]) -> Rule:
    """Return a rule of the document, with the endings that its tags have under all triggers."""
    where: Where = ("rules", name)
    reading.check_events(shape.events, (*where, "events"))
    if shape.contexts is not None:
        reading.known(shape.contexts, reading.shape.contexts, "context", (*where, "contexts"))
    if shape.otherwise != "skip" and shape.when is None:
        reading.wrong((*where, "otherwise"), "otherwise needs when, the condition it is the other side of")
    if shape.inbox and not reading.shape.inboxes:
        reading.wrong((*where, "inbox"), "there is no section inboxes to sort into")
    for category, held in shape.retags.items():
        at = (*where, "retags", category)
        reading.known((category,), dict.fromkeys(reading.categories(shape.categories, at)), "category of the rule", at)
        reading.categories(held, at)
    condition = reading.condition(shape.when, (*where, "when"))
    complete = reading.known(shape.complete, reading.shape.categories, "category", (*where, "complete"))
    tags = _tags(reading, name, shape, triggers)
    return Rule(
        id=name,
        events=shape.events,
        contexts=shape.contexts,
        condition=condition.holds if condition else None,
        needs_state=shape.inbox or bool(condition and condition.needs_state),
        otherwise=Otherwise(shape.otherwise),
        otherwise_code=shape.code or re.sub(r"[.-]", "_", name).lower(),
        tags=MappingProxyType(tags),
        clauses=shape.clauses,
        line=reading.source.at(where),
        complete=tuple((category, shape.complete[category]) for category in complete),
        sorts_inbox=shape.inbox,
        retags=MappingProxyType(dict(shape.retags)),
        follows_people=shape.otherwise == "wait" or bool(heard_of_clips(tags)),
    )


def heard_of_clips(tags: Mapping[tuple[str, str], Sequence[Ending]]) -> frozenset[str]:
    """Return the events of photos and clips that the endings of some tags listen to."""
    heard = (patterns_of(ending.retention) for endings in tags.values() for ending in endings)
    return frozenset(name for patterns in heard for kind, names in patterns if kind is RefKind.CLIP for name in names)


def _tags(
    reading: Reading, name: str, shape: RuleShape, triggers: Sequence[Trigger]
) -> dict[tuple[str, str], tuple[Ending, ...]]:
    where: Where = ("rules", name)
    categories = reading.categories(shape.categories, (*where, "categories"))
    purposes = reading.known(shape.purposes, reading.shape.purposes, "purpose", (*where, "purposes"))
    if bool(shape.categories) != bool(shape.purposes):
        reading.wrong(where, "a rule that tags needs categories and purposes")
    personal = frozenset(name for name in purposes if reading.shape.purposes[name].output is Form.PERSONAL)
    endings = _endings(reading, shape, where) if categories and personal else ()
    if purposes and not personal and (shape.keep is not None or shape.ends):
        reading.wrong(where, "a rule that makes no personal data has no end to keep to; remove keep and ends")
    served = [
        (category, purpose) for category in categories for purpose in purposes if _serves(reading, category, purpose)
    ]
    tagging = (("category", categories, 0), ("purpose", purposes, 1)) if categories and purposes else ()
    for what, names, index in tagging:
        for idle in [one for one in names if all(pair[index] != one for pair in served)]:
            reading.wrong(where, f"the {what} {idle} serves nothing here: no purpose of the rule allows it")
    return {
        (category, purpose): apply_triggers(triggers, name, category, purpose, endings if purpose in personal else ())
        for category, purpose in served
    }


def _serves(reading: Reading, category: str, purpose: str) -> bool:
    allowed = reading.shape.purposes[purpose].categories
    return allowed is None or any(category == name or category.startswith(f"{name}.") for name in allowed)


def _endings(reading: Reading, shape: RuleShape, where: Where) -> tuple[Ending, ...]:
    if (shape.keep is None) == (not shape.ends):
        reading.wrong(where, "a rule that tags says keep, or lists its ends, one of the two")
        return ()
    if shape.keep == TRANSIENT:
        return ()
    if shape.keep is not None:
        return (read_ending(reading, EndShape(action=shape.then, keep=shape.keep), (*where, "keep")),)
    return tuple(read_ending(reading, end, (*where, "ends", index, "keep")) for index, end in enumerate(shape.ends))


def read_ending(reading: Reading, shape: EndShape, where: Where) -> Ending:
    """Return one ending, with the clauses of the named retentions it is made of."""
    retention, clauses = reading.retention(shape.keep, where)
    return Ending(
        action=shape.action,
        retention=retention,
        findable_by=shape.findable_by,
        clauses=tuple(dict.fromkeys((*shape.clauses, *clauses))),
    )
