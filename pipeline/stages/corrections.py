"""Corrections on their way: each recipient that still holds a copy gets the corrected fields, under the same share id.

A recipient gets what it held and nothing else; one that takes exactly its list gets all of it, or nothing and a report.
"""

from collections.abc import Iterable, Iterator

from pipeline.domain.facts import Ref
from pipeline.domain.records import OutRecord
from pipeline.domain.vocabulary import RecipientClass, RefKind, Right
from pipeline.policy.decision import Grant, Report
from pipeline.stages import outputs
from pipeline.stages.entries import Entry
from pipeline.stages.holders import Holders
from pipeline.stages.outputs import Making
from pipeline.stages.rights import Request
from pipeline.stages.state import fact_of

Correction = tuple[Entry, Grant]
"""A copy, and what of it is corrected."""


def note(made: Making, subject: Ref, holders: Holders, *, ends: bool) -> None:
    """Note the copies that an event makes, and forget those that it ends, if it is of a kind that may end any."""
    for grant in made.decision.grants:
        if grant.recipient.recipient_class is not RecipientClass.AUTHORITY:
            holders.remember(outputs.copied(made, grant), subject, made.now)
    if ends:
        holders.sweep(subject, made.head.occurred_at)


def passed_on(made: Making, subject: Ref, holders: Holders) -> tuple[list[OutRecord], list[Report]]:
    """Return what a correction makes: a record for each holder of a copy, and the answer; and what cannot be told."""
    held = () if made.decision.restricted else holders.of(subject, made.head.occurred_at)
    told, withheld = _sort_out(made, held)
    request = Request(fact=fact_of(made.head, made.refs), subject=subject, policy=made.policy)
    return [
        *_corrections(made, told),
        _answer(request, told, whole=not (withheld or made.decision.restricted)),
    ], withheld


def _sort_out(made: Making, held: Iterable[tuple[Entry, frozenset[str]]]) -> tuple[list[Correction], list[Report]]:
    """Return who is told what, and what cannot be told because a field of an exact list is missing."""
    usable = {name for tag in made.decision.tags for name in tag.fields}
    told: list[Correction] = []
    withheld: list[Report] = []
    for entry, fields in held:
        recipient = made.policy.recipients[str(entry.recipient)]
        given = tuple(name for name in recipient.fields if name in fields & usable)
        missing = tuple(name for name in recipient.fields if name not in given)
        if given and recipient.exact and missing:
            says = (
                f"{recipient.id} gets exactly {', '.join(recipient.fields)}; send the correction again with all of them"
            )
            withheld.append(
                Report(code="missing", fields=missing, rule=recipient.rule, clauses=recipient.clauses, message=says)
            )
        elif given:
            told.append((entry, Grant(recipient=recipient, fields=given)))
    return told, withheld


def _corrections(made: Making, told: Iterable[Correction]) -> Iterator[OutRecord]:
    """Yield the corrected record of each copy, and its entry in the share ledger."""
    for entry, grant in told:
        order = next((ref for ref in entry.refs if ref.kind is RefKind.ORDER), None)
        yield from outputs.share(made, grant, str(entry.share_id), order=order, occasion=str(Right.RECTIFICATION))


def _answer(request: Request, told: Iterable[Correction], *, whole: bool) -> OutRecord:
    """Return the answer to a request for correction: who else was told what, and whether everybody could be."""
    items = [
        {
            "recipient": grant.recipient.id,
            "share_id": entry.share_id,
            "event_id": entry.supports[0].event_id,
            "category": grant.recipient.id,
            "purpose": grant.recipient.purpose,
            "fields": list(grant.fields),
            "outcome": "corrected",
            "rule": grant.recipient.rule,
            "clauses": list(grant.recipient.clauses),
        }
        for entry, grant in told
    ]
    return request.record("rights.answered", "granted" if whole else "granted-in-part", items=items)
