"""Restrictions: while one lasts, data are stored and nothing else; sought for legal claims, nothing is deleted either.

A restriction that names records concerns these alone. What is collected while one lasts is restricted from the
beginning (GDPR Art. 18).
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime

from pipeline.domain.facts import FactLog, Ref
from pipeline.domain.vocabulary import Action, RefKind, Right
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.decision import Decision, Report
from pipeline.policy.ends import OPEN, End
from pipeline.policy.policy_parts import Ending
from pipeline.policy.retention import FactPattern, Until
from pipeline.policy.rights import EVENTS, LIFTED, RightRule

REQUESTED = EVENTS[Right.RESTRICTION]

Span = tuple[datetime, datetime | None]


def rule_of(policy: CompiledPolicy) -> RightRule | None:
    """Return what a policy says of restrictions, if it grants them."""
    return policy.rights.get(Right.RESTRICTION)


def ending_of(policy: CompiledPolicy) -> tuple[Ending, ...]:
    """Return the ending that every tag has beside its own, where a policy grants restrictions."""
    rule = rule_of(policy)
    if rule is None:
        return ()
    asked, lifted = FactPattern(types=(REQUESTED,)), FactPattern(types=(LIFTED,))
    retention = Until(event=asked, unless_followed_by=lifted)
    return (Ending(action=Action.RESTRICT, retention=retention, clauses=rule.clauses, again=True),)


def spans(log: FactLog, own: Collection[Ref], reasons: Collection[str] | None = None) -> Iterator[Span]:
    """Yield when a record was restricted, each span with its end or None while it lasts.

    Args:
        log: The facts about its subject.
        own: The record's references; none for the subject as a whole.
        reasons: If given, only restrictions sought for one of these.
    """
    start: datetime | None = None
    for fact in log.of((REQUESTED, LIFTED)):
        named = [ref for ref in fact.refs if ref.kind is RefKind.RECORD]
        if named and not any(ref in own for ref in named):
            continue
        if fact.type == LIFTED:
            if start is not None:
                yield start, fact.at
            start = None
        elif start is None and (reasons is None or fact.attribute("reason") in reasons):
            start = fact.at
    if start is not None:
        yield start, None


def begins(log: FactLog, own: Collection[Ref], occurred_at: datetime, after: datetime | None) -> End:
    """Return when a record is restricted for the first time, or for the first time after an instant; open if never."""
    for start, end in spans(log, own):
        due = max(start, occurred_at)
        if (end is None or end > occurred_at) and (after is None or due > after):
            return End(due_at=due)
    return OPEN


def lasts(log: FactLog, at: datetime) -> bool:
    """Tell whether a subject as a whole is restricted at an instant, knowing only what happened up to it."""
    known = FactLog([fact for fact in log.facts if fact.at <= at])
    return any(end is None for _start, end in spans(known, ()))


def reasons(policy: CompiledPolicy) -> tuple[str, ...]:
    """Return the reasons of a restriction that a policy tells apart."""
    rule = rule_of(policy)
    return rule.defers_deletion_for if rule else ()


def applied(decision: Decision, policy: CompiledPolicy, log: FactLog, at: datetime) -> Decision:
    """Return a decision as it is while its subject may be restricted: then data are stored, and nobody gets a share."""
    rule = rule_of(policy)
    if rule is None or not lasts(log, at):
        return decision
    withheld = tuple(
        Report(
            code="restricted", fields=grant.fields, rule=rule.rule, clauses=rule.clauses,
            message=f"{grant.recipient.id} gets nothing while the restriction lasts",
        )
        for grant in decision.grants
    )  # fmt: skip
    return replace(decision, grants=(), reports=(*decision.reports, *withheld), restricted=True)
