"""What recipients hold: when a recipient's copy ends, as the data do that it was made from (GDPR Art. 19).

A copy ends with the last reason that we had for its fields, and with the event after which the recipient needs it no
more, if that comes first. Fields that were handed out and not kept here end with a request for erasure.
"""

from collections.abc import Iterator

from pipeline.domain.records import Tag
from pipeline.domain.vocabulary import Action, RecipientClass, Right
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.decision import Grant
from pipeline.policy.policy_parts import Ending
from pipeline.policy.retention import EarliestOf, FactPattern, Retention, Until, patterns_of
from pipeline.policy.rights import EVENTS
from pipeline.stages.entries import ObligedTag

INSTRUCTED = frozenset({RecipientClass.PROCESSOR, RecipientClass.UNNAMED})
"""Who is told to erase: not those who process in their own right (X14), nor authorities (GDPR Art. 4(9))."""

_REMOVING = (Action.ERASE, Action.ANONYMISE)
_ASKED: Retention = Until(event=FactPattern(types=("erasure.requested",)))


def tags_of(grant: Grant, tags: tuple[Tag, ...]) -> Iterator[Tag]:
    """Yield the reasons for the fields of a copy: the tags of the event, and one of its own for what is not kept."""
    recipient = grant.recipient
    covered: set[str] = set()
    for tag in tags:
        fields = tuple(name for name in tag.fields if name in grant.fields)
        if fields:
            covered.update(fields)
            yield Tag(
                category=tag.category, purpose=tag.purpose, legal_basis=tag.legal_basis, rule=tag.rule,
                clauses=tag.clauses, fields=fields,
            )  # fmt: skip
    rest = tuple(name for name in grant.fields if name not in covered)
    if rest:
        yield Tag(
            category=recipient.id, purpose=recipient.purpose, legal_basis=(), rule=recipient.rule,
            clauses=recipient.clauses, fields=rest,
        )  # fmt: skip


def ended_by(policy: CompiledPolicy) -> frozenset[str]:
    """Return the event names that may end what a recipient holds before its date."""
    ends = (one.erase_after for one in policy.recipients.values() if one.erase_after)
    heard = (names for end in ends for _kind, names in patterns_of(end))
    return frozenset({EVENTS[Right.ERASURE]}).union(*heard)


def reason_of(policy: CompiledPolicy, tag: ObligedTag) -> tuple[Retention, tuple[str, ...]]:
    """Return how long we have a reason for some fields of a copy, with its clauses."""
    rule = policy.rules.get(tag.rule)
    endings = rule.tags.get((tag.category, tag.purpose), ()) if rule else ()
    going = [ending for ending in endings if ending.action in _REMOVING]
    if not going:
        return _ASKED, ()
    clauses = tuple(dict.fromkeys(clause for ending in going for clause in ending.clauses))
    return (going[0].retention if len(going) == 1 else EarliestOf(parts=tuple(e.retention for e in going))), clauses


def ending_of(policy: CompiledPolicy, recipient_id: str, tag: ObligedTag) -> Ending:
    """Return how one reason for a copy ends."""
    recipient = policy.recipients[recipient_id]
    reason, clauses = reason_of(policy, tag)
    after = recipient.erase_after
    return Ending(
        action=Action.ERASE,
        retention=EarliestOf(parts=(after, reason)) if after else reason,
        clauses=tuple(dict.fromkeys((*recipient.clauses, *clauses))),
    )
