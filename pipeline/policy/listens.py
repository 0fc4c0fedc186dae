"""What a policy listens to: the events that are folded into state, and those that concern photos and clips."""

from collections.abc import Iterable, Iterator, Mapping

from pipeline.domain.vocabulary import Right
from pipeline.policy.policy_parts import Otherwise, Profile, Recipient, Rule
from pipeline.policy.reading import Reading
from pipeline.policy.retention import CLASSIFYING, Until, While, patterns_of
from pipeline.policy.rights import EVENTS, LIFTED
from pipeline.policy.rules import heard_of_clips
from pipeline.policy.triggers import Trigger

CONSENTS = frozenset({"consent.given", "consent.withdrawn"})
"""What may let a rule apply that waits for those on a photo or clip."""

HOLD_FACTS = frozenset({"hold.opened", "hold.closed"})
"""Every policy listens to holds: a legal hold suspends any erasure (policies 6, order of conflicts)."""


def fact_types(
    reading: Reading,
    triggers: Iterable[Trigger],
    rules: Mapping[str, Rule],
    profiles: Mapping[str, Profile],
    recipients: Mapping[str, Recipient],
) -> frozenset[str]:
    """Return what is folded into state: what any retention, condition or state listens to, and all that hold."""
    endings = [ending.retention for rule in rules.values() for kept in rule.tags.values() for ending in kept]
    endings += [ending.retention for one in profiles.values() for kept in one.tags.values() for ending in kept]
    endings += [recipient.erase_after for recipient in recipients.values() if recipient.erase_after]
    # A trigger that concerns nothing stored still announces a right that people have: its events are known.
    endings += [Until(event=trigger.event) for trigger in triggers]
    endings += [While(state=state, of=state.per) for state in reading.states.values()]
    listened = (names for retention in endings for _kind, names in patterns_of(retention))
    asked = (parsed.facts for parsed in reading.parsed)
    profiled = {name for parsed in reading.parsed for name in parsed.profiles}
    supports = (profiles[name].supported_by for name in profiled)
    sorting = CLASSIFYING if reading.shape.inboxes else ()
    requested = _requests(reading.rights)
    return HOLD_FACTS.union(sorting, retagging(rules), requested, *listened, *asked, *supports)


def _requests(rights: Iterable[Right]) -> Iterator[str]:
    for right in rights:
        yield EVENTS[right]
        if right is Right.RESTRICTION:
            yield LIFTED


def retagging(rules: Mapping[str, Rule]) -> frozenset[str]:
    """Return the events of rules that tag what other records hold."""
    return frozenset(event for rule in rules.values() if rule.retags for event in rule.events)


def forwarded_types(rules: Mapping[str, Rule]) -> frozenset[str]:
    """Return the events of a person that concern photos and clips with them on it, wherever those are."""
    heard = frozenset(name for rule in rules.values() for name in heard_of_clips(rule.tags))
    if any(rule.otherwise is Otherwise.WAIT for rule in rules.values()):
        return heard | CONSENTS
    return heard
