"""Answers to what people ask for: part by part what ends when, what stays until when, and why. References only.

The expire lane answers, since it knows what is kept of whom and until when. A correction is answered by the tag lane,
which passes it on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.domain.facts import Fact, Ref
from pipeline.domain.records import OutRecord
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import Action, RefKind, Right
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.policy_parts import Ending
from pipeline.policy.rights import ANSWERED, LIFTED, RightRule
from pipeline.stages.due_dates import DueDates
from pipeline.stages.entries import Entry, Planned, Progress
from pipeline.stages.evaluate import ENDS_LIFE, all_refs
from pipeline.stages.rights import Request

PART = 200
"""Items of one part of an answer at most, well below the broker's limit of one mebibyte."""

_INVENTORIES = frozenset({Right.ACCESS, Right.PORTABILITY})
_DONE = frozenset({"ends", "stops"})
_SAID = {Action.STOP_USE: "stops", Action.RESTRICT: "restricted"}

Item = dict[str, object]


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers the requests of one partition.

    Attributes:
        topics: Where to.
        dates: Knows the policies and facts behind each entry.
    """

    topics: Topics
    dates: DueDates

    def of(self, fact: Fact, policy: CompiledPolicy, entries: Sequence[Entry]) -> Iterator[OutRecord]:
        """Yield the answer to a request, and for an inventory what each sink has to export.

        Nothing for a right that the notice does not grant, nor for a request that does not count yet.

        Args:
            fact: The request.
            policy: The version in force when it was made.
            entries: Everything kept about who asks, with the ends that it has after the request.
        """
        subject, right = fact.ref(RefKind.SUBJECT), ANSWERED.get(fact.type)
        rule = policy.rights.get(right) if right else None
        if subject is None or right is None or rule is None or right is Right.RECTIFICATION or not rule.counts(fact):
            return
        request = Request(fact=fact, subject=subject, policy=policy)
        items = [item for entry in entries for item in self._items(fact, right, entry)]
        parts = [items[start : start + PART] for start in range(0, len(items), PART)] or [[]]
        outcome = "lifted" if fact.type == LIFTED else _outcome(right, items)
        for number, part in enumerate(parts, 1):
            yield request.record("rights.answered", outcome, part=number, parts=len(parts), items=part)
        if right in _INVENTORIES and items:
            yield from self._exports(request, rule, len(parts))

    def _items(self, fact: Fact, right: Right, entry: Entry) -> Iterator[Item]:
        """Yield what becomes of each tag of an entry."""
        for progress in entry.progress:
            if progress.over:
                continue
            tag, endings = progress.tag, self.dates.evaluation.endings(entry, progress.tag)
            policy = self.dates.policy_of(tag.policy_version)
            observed = {name for category in policy.categories.values() for name in category.observed}
            ending, planned = _life_end(endings, progress)
            fields = tag.fields
            if right is Right.PORTABILITY:
                fields = () if entry.recipient else tuple(name for name in fields if name not in observed)
            outcome = "held" if right in _INVENTORIES else _becomes(fact, endings, progress)
            if not fields or (right is Right.OPT_OUT and outcome == "stays"):
                continue
            yield {
                "event_id": None if entry.profile else entry.supports[-1].event_id,
                "profile": entry.profile,
                "recipient": entry.recipient,
                "share_id": entry.share_id,
                "category": tag.category,
                "purpose": tag.purpose,
                "legal_basis": [] if entry.recipient else [str(b) for b in policy.purposes[tag.purpose].legal_basis],
                "fields": list(fields),
                "observed": [name for name in fields if name in observed],
                "outcome": outcome,
                "reason": self._reason(entry, progress, planned) if outcome in {"stays", "restricted"} else None,
                "due_at": planned.due_at,
                "kept_until": planned.kept_until.isoformat() if planned.kept_until else None,
                "rule": tag.rule,
                "clauses": list(ending.clauses),
            }

    def _reason(self, entry: Entry, progress: Progress, planned: Planned) -> str:
        """Return why something stays: it is held, or a date or an event is still to come, or nothing ends it."""
        holds = self.dates.evaluation.holds(entry, self.dates.policy_of(progress.tag.policy_version))
        if any(released is None for _opened, released in holds):
            return "hold"
        if planned.due_at is not None:
            return "until-date"
        return "no-end" if progress.review_every else "until-event"

    def _exports(self, request: Request, rule: RightRule, parts: int) -> Iterator[OutRecord]:
        """Yield an instruction for each sink: the answer of the same request lists what to export."""
        for sink in request.policy.sinks:
            value = {
                "instruction_id": f"{request.request_id}-{sink}",
                "request_id": request.request_id,
                "right": str(rule.right),
                "sink": sink,
                "data_subject": request.subject.digest,
                "parts": parts,
                "answer_by": request.answer_by,
                "rule": rule.rule,
                "clauses": list(rule.clauses),
                "policy_version": request.policy.version,
            }
            key = request.subject.digest
            yield OutRecord(topic=self.topics.export_instruction, key=key, schema="export-instruction", value=value)


def concerns(fact: Fact, entry: Entry) -> bool:
    """Tell whether a request is about an entry: one that names records is about these alone."""
    named = {ref for ref in fact.refs if ref.kind is RefKind.RECORD}
    return not named or not named.isdisjoint(all_refs(entry))


def asks(fact: Fact) -> Ref | None:
    """Return whom a fact is a request of, if it is one."""
    return fact.ref(RefKind.SUBJECT) if fact.type in ANSWERED else None


def _life_end(endings: Sequence[Ending], progress: Progress) -> tuple[Ending, Planned]:
    """Return the ending with which the data go, the first that is due if there are several."""
    pairs = [*zip(endings, progress.endings, strict=True)]
    going = [pair for pair in pairs if pair[0].action in ENDS_LIFE] or pairs
    known = [(planned.due_at, number) for number, (_ending, planned) in enumerate(going) if planned.due_at]
    return going[min(known)[1]] if known else going[-1]


def _becomes(fact: Fact, endings: Sequence[Ending], progress: Progress) -> str:
    """Return what becomes of a tag now: it ends, stops, is restricted, or stays as it is."""
    now = [
        ending.action
        for ending, planned in zip(endings, progress.endings, strict=True)
        if planned.due_at is not None and planned.due_at <= fact.at
    ]
    if fact.type == LIFTED:
        return "lifted"
    if ENDS_LIFE.intersection(now):
        return "ends"
    return next((_SAID[action] for action in now), "stays")


def _outcome(right: Right, items: Sequence[Item]) -> str:
    """Return what becomes of a request as a whole."""
    if not items:  # an opt-out also governs what comes later
        return "granted" if right is Right.OPT_OUT else "nothing-held"
    if right in _INVENTORIES:
        return "inventory"
    done = sum(
        item["outcome"] in _DONE or (right is Right.RESTRICTION and item["outcome"] == "restricted") for item in items
    )
    if done == len(items):
        return "granted"
    return "granted-in-part" if done else "nothing-ends"
