"""Tag what a record holds as something else besides: a voucher inside an e-mail belongs to the books (R-ALL-4, X12).

An event that names other records, such as `voucher.retagged`, gives them the tags of its own rule: for each category
what the record holds of it, unless the event carries that category itself and so is the voucher's own record. The new
tag counts from the record's own day and ends by itself; the record's other tags end as before.
"""

from collections.abc import Iterator
from dataclasses import replace

from pipeline.domain.facts import Fact
from pipeline.domain.vocabulary import RefKind
from pipeline.policy.compiled import CompiledPolicy
from pipeline.stages.due_dates import DueDates
from pipeline.stages.entries import Entry, ObligedTag, Progress
from pipeline.stages.late import Missed
from pipeline.stages.state import CARRIED


def retag(dates: DueDates, entry: Entry) -> bool:
    """Give a record the tags that events about it ask for; return whether there is a new one."""
    policy = dates.policy_of(entry.policy_version)
    if not policy.retagging or entry.kind != "record":
        return False
    own = (ref for ref in entry.refs if ref.kind is RefKind.RECORD)
    facts = (fact for ref in own for fact in dates.facts.log(ref).of(policy.retagging))
    fresh = {
        (tag.rule, tag.category, tag.purpose): replace(tag, fields=_fields(living))
        for fact in facts
        for tag, held in _wanted(policy, entry, fact)
        if (living := [progress for progress in held if progress.lives(fact.at)])
    }
    if fresh:
        support = entry.supports[0]
        entry.supports = [replace(support, tags=(*support.tags, *fresh.values()))]
    return bool(fresh)


def too_late(dates: DueDates, entry: Entry, fact: Fact) -> list[Missed]:
    """Return what an event would have tagged, had the record not ended before."""
    policy = dates.policy_of(entry.policy_version)
    named = any(ref.kind is RefKind.RECORD and ref in entry.refs for ref in fact.refs)
    if fact.type not in policy.retagging or entry.kind != "record" or not named:
        return []
    found = []
    for tag, held in _wanted(policy, entry, fact):
        ends = [planned.due_at for progress in held for planned in progress.endings if planned.due_at]
        if ends and not any(progress.lives(fact.at) for progress in held):
            ending = policy.rules[tag.rule].tags[tag.category, tag.purpose][0]
            in_time = dates.evaluation.end(entry, tag, ending).due_at
            found.append(Missed(tag=tag, ending=ending, stands=max(ends), in_time=in_time))
    return found


def _wanted(policy: CompiledPolicy, entry: Entry, fact: Fact) -> Iterator[tuple[ObligedTag, list[Progress]]]:
    """Yield each tag that an event asks for and the record has not, with the tags of what is held of it."""
    carried = (fact.attribute(CARRIED) or "").split()
    known = {(p.tag.rule, p.tag.category, p.tag.purpose) for p in entry.progress}
    for rule in policy.rules_by_event[fact.type]:
        for category, purpose in rule.tags:
            sources = ([p for p in entry.progress if p.tag.category == name] for name in rule.retags.get(category, ()))
            held = next((found for found in sources if found), [])
            if held and category not in carried and (rule.id, category, purpose) not in known:
                tag = ObligedTag(
                    rule=rule.id, category=category, purpose=purpose, fields=_fields(held),
                    policy_version=entry.policy_version,
                )  # fmt: skip
                yield tag, held


def _fields(held: list[Progress]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for progress in held for name in progress.tag.fields))
