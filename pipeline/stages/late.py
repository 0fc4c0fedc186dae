"""What comes too late: facts that would have moved an end, had they come in time. Reported, never undone (C8).

Two kinds are late. A fact that happened before an end and arrives after it was said: the entry is folded anew with the
fact in its place, and a difference is reported (architecture 9.4). A fact that happened at or after an end, about the
very case, order, account, clip or record that ended: it is reported if the same fact an instant before the end would
have prolonged it. What merely concerns the same person later on is new, not late.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipeline.domain.facts import Fact, FactLog, Ref
from pipeline.domain.records import OutRecord
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import Outcome, RefKind
from pipeline.policy.policy_parts import Ending
from pipeline.stages.due_dates import DueDates
from pipeline.stages.entries import Entry, ObligedTag, Planned, Progress
from pipeline.stages.evaluate import Evaluation, Facts, all_refs

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """One end that a fact came too late to move.

    Attributes:
        tag: Whose end it is.
        ending: Which of the tag's ends.
        stands: When it is due, or was.
        in_time: When it would have been due; None if it would still be open.
    """

    tag: ObligedTag
    ending: Ending
    stands: datetime
    in_time: datetime | None


class FactsInTime:
    """The facts that had happened by an end, and one more as if it had come an instant before it."""

    def __init__(self, facts: Facts, late: Fact, end: datetime) -> None:
        self._facts = facts
        self._late = late
        self._end = end

    def log(self, ref: Ref | None) -> FactLog:
        """Return the facts filed under a reference, as they would have been known at the end."""
        known = [fact for fact in self._facts.log(ref).facts if fact.at <= self._end and fact != self._late]
        log = FactLog(known)
        if ref in self._late.refs:
            log.add(replace(self._late, at=self._end - _INSTANT))
        return log


def missed(dates: DueDates, entry: Entry, fact: Fact, now: datetime) -> list[Missed]:
    """Return the ends of an entry that stand although a fact, in time, would have moved them.

    Args:
        dates: What gives dates; its facts hold the late one already.
        entry: As it stood before the fact.
        fact: What came.
        now: For reviews only.
    """
    evaluation = dates.evaluation
    settled = [
        (n, m, Missed(tag=progress.tag, ending=ending, stands=planned.due_at, in_time=planned.due_at))
        for n, progress in enumerate(entry.progress)
        for m, (planned, ending) in enumerate(
            zip(progress.endings, evaluation.endings(entry, progress.tag), strict=True)
        )
        if planned.due_at is not None
        and not ending.again  # what may happen again, such as a restriction, settles nothing
        and (planned.fired or (planned.due_at <= fact.at and not progress.over))
    ]
    anew = _folded_anew(dates, entry, now) if any(fact.at < one.stands for _n, _m, one in settled) else []
    is_about_it = any(ref.kind is not RefKind.SUBJECT and ref in all_refs(entry) for ref in fact.refs)
    found: list[Missed] = []
    for n, m, one in settled:
        if fact.at < one.stands:
            in_time = anew[n].endings[m].due_at
            differs = in_time != one.stands
        else:
            in_time = _in_time(dates, entry, one, fact) if is_about_it else one.stands
            differs = in_time is None or in_time > one.stands
        if differs:
            found.append(replace(one, in_time=in_time))
    return found


def _folded_anew(dates: DueDates, entry: Entry, now: datetime) -> list[Progress]:
    """Return the progress of an entry's tags as if nothing of it had ended yet."""
    fresh = [Progress(tag=p.tag, endings=[Planned() for _one in p.endings]) for p in entry.progress]
    again = replace(entry, progress=fresh)
    dates.plan(again, None, now)
    return fresh


def _in_time(dates: DueDates, entry: Entry, one: Missed, fact: Fact) -> datetime | None:
    """Return when something would have ended, had a fact come an instant before it did."""
    known = [support for support in entry.supports if support.occurred_at <= one.stands]
    evaluation = Evaluation(dates.policy_of, FactsInTime(dates.facts, fact, one.stands))
    return evaluation.end(replace(entry, supports=known), one.tag, one.ending).due_at


def reports(topics: Topics, entry: Entry, fact: Fact, found: Sequence[Missed], now: datetime) -> Iterator[OutRecord]:
    """Yield one violation for each rule whose end a fact came too late to move, the same on every replay."""
    for rule in dict.fromkeys(one.tag.rule for one in found):
        yield _report(topics, entry, fact, [one for one in found if one.tag.rule == rule], now)


def _report(topics: Topics, entry: Entry, fact: Fact, found: Sequence[Missed], now: datetime) -> OutRecord:
    first = found[0]
    identity = f"{fact.event_id}|late-event|{entry.obligation_id}|{entry.generation}|{first.tag.rule}"
    in_time = _said(first.in_time) if first.in_time else "open"
    value = {
        "violation_id": hashlib.blake2b(identity.encode(), digest_size=16).hexdigest(),
        "event_id": fact.event_id,
        "event_type": fact.type,
        "controller": topics.controller,
        "code": "late_event",
        "outcome": str(Outcome.ACCEPTED),
        "fields": list(dict.fromkeys(name for one in found for name in one.tag.fields)),
        "message": f"too late: the end of {_said(first.stands)} stands; in time it would have been {in_time}",
        "rule": first.tag.rule,
        "clauses": list(dict.fromkeys(clause for one in found for clause in one.ending.clauses)),
        "policy_version": first.tag.policy_version,
        "at": now,
        "record": entry.supports[-1].event_id,
        "due_at": first.stands,
        "in_time_due_at": first.in_time,
    }
    return OutRecord(topic=topics.violation, key=fact.event_id, schema="violation", value=value)


def _said(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
