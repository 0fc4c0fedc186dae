"""What was decided lately with the help of what had happened: to report a fact that arrives too late for a decision.

A decision that asks for state sees what has arrived. When a fact comes that happened before an event already decided,
the event is decided again with the fact in its place, and a difference is reported, never undone (C8, architecture
9.4). For this the event's decision attributes, in the form in which facts keep them, its references and the names of
its fields wait for eight days, longer than a source topic keeps what may arrive late. Of an event that left nothing
about somebody unknown, such as a call without follow-up, nothing waits either.

Keys: `made|<subject>|<day>|<event>` the decision; local and derived from it: `unmade|<day>|<subject>|<event>`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice

from pydantic import TypeAdapter

from pipeline.domain.events import EventHead
from pipeline.domain.facts import Fact, FactLog, Ref
from pipeline.domain.records import Change, OutRecord
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import Outcome, RefKind
from pipeline.policy.book import PolicyBook
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.decide import decide
from pipeline.policy.decision import Decision
from pipeline.stages.asked import Asked
from pipeline.stages.evaluate import Facts
from pipeline.stages.state import LATE, FactStore, fact_of
from pipeline.stages.workspace import Workspace

_MADE, _UNMADE = b"made|", b"unmade|"

MOST = 100
"""Decisions of one subject that a fact is held against at most, the oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One decision that asked for state.

    Attributes:
        event: The event that was decided, stripped to what facts keep.
        present: Names of its payload fields.
        policy_version: Version that decided.
        decided: What was decided, as words: the outcome, and each tag, share, inbox and profile with its rule.
    """

    event: Fact
    present: tuple[str, ...]
    policy_version: str
    decided: tuple[tuple[str, str], ...]


_STORED = TypeAdapter(Made)


class Decisions:
    """The late decisions of one partition, read and written through a workspace."""

    def __init__(self, controller: str, book: PolicyBook, work: Workspace, facts: FactStore) -> None:
        self._controller = controller
        self._book = book
        self._work = work
        self._facts = facts

    def remember(self, policy: CompiledPolicy, head: EventHead, refs: tuple[Ref, ...], now: datetime) -> None:
        """Remember a decision that asked for state, under the first reference, its subject's; forget what is old."""
        made = Made(
            event=fact_of(head, refs), present=tuple(sorted(head.present)), policy_version=policy.version, decided=()
        )
        made = replace(made, decided=self._decided(policy, made))
        key = _MADE + f"{refs[0].digest}|{now.date().isoformat()}|{head.event_id}".encode()
        self._work.put(key, _STORED.dump_json(made))
        for change in derived(key, b""):
            self._work.put(change.key, b"", local=True)
        self.forget(now.date(), 2)

    def missed(self, fact: Fact, now: datetime) -> Iterator[OutRecord]:
        """Yield a report for each decision that would have been another, had a fact arrived before it."""
        subject = fact.ref(RefKind.SUBJECT)
        if subject is None:
            return
        for key, stored in list(islice(self._work.scan_prefix(_MADE + f"{subject.digest}|".encode()), MOST)):
            made = _STORED.validate_json(stored)
            if made.event.at < fact.at or made.event.event_id == fact.event_id:
                continue
            policy = self._book.version(self._controller, made.policy_version)
            decided = self._decided(policy, made)
            if decided != made.decided:
                self._work.put(key, _STORED.dump_json(replace(made, decided=decided)))
                yield _report(policy, fact, made, decided, now)

    def forget(self, today: date, most: int) -> None:
        """Forget what is older than anything that may arrive late."""
        old = self._work.scan(_UNMADE, _UNMADE + (today - LATE).isoformat().encode())
        for key, _value in list(islice(old, most)):
            day, subject, event = key[len(_UNMADE) :].split(b"|", 2)
            self._work.delete(key, local=True)
            self._work.delete(_MADE + b"|".join((subject, day, event)))

    def _decided(self, policy: CompiledPolicy, made: Made) -> tuple[tuple[str, str], ...]:
        event = made.event
        head = EventHead(
            event_id=event.event_id, type=event.type, occurred_at=event.at, controller=self._controller, key="",
            attributes=dict(event.attributes), present=frozenset(made.present),
        )  # fmt: skip
        return tuple(_words(decide(policy, Asked(head, event.refs, _Without(self._facts, event.event_id)))))


class _Without:
    """The facts, but for what one event itself told."""

    def __init__(self, facts: Facts, event_id: str) -> None:
        self._facts = facts
        self._event_id = event_id

    def log(self, ref: Ref | None) -> FactLog:
        """Return the facts filed under a reference that other events told."""
        return FactLog([fact for fact in self._facts.log(ref).facts if fact.event_id != self._event_id])


def derived(key: bytes, value: bytes | None) -> Iterator[Change]:
    """Yield the local entry that follows from a decision's."""
    if key.startswith(_MADE) and value is not None:
        subject, day, event = key[len(_MADE) :].split(b"|", 2)
        yield Change(_UNMADE + b"|".join((day, subject, event)), b"", local=True)


def _words(decision: Decision) -> Iterator[tuple[str, str]]:
    """Yield what was decided, each with its rule. Not the inbox: a message that has to lie elsewhere is moved there."""
    yield "", str(decision.outcome)
    yield from ((report.rule, report.code) for report in decision.reports if report.rule)
    yield from ((tag.rule, f"{tag.category} for {tag.purpose}") for tag in decision.tags)
    yield from ((grant.recipient.rule, f"share with {grant.recipient.id}") for grant in decision.grants)


def _report(
    policy: CompiledPolicy, fact: Fact, made: Made, decided: tuple[tuple[str, str], ...], now: datetime
) -> OutRecord:
    rule = next((name for name, _what in (*decided, *made.decided) if name and _differs(name, decided, made)), "")
    identity = f"{fact.event_id}|late-event|decision|{made.event.event_id}"
    known = policy.rules.get(rule)
    in_time = decided[0][1] if decided[0] != made.decided[0] else "decided otherwise"
    value = {
        "violation_id": hashlib.blake2b(identity.encode(), digest_size=16).hexdigest(),
        "event_id": fact.event_id,
        "event_type": fact.type,
        "controller": policy.controller,
        "code": "late_event",
        "outcome": str(Outcome.ACCEPTED),
        "fields": [],
        "message": f"too late: {made.event.type} was {made.decided[0][1]} before; in time it would have been {in_time}",
        "rule": rule or None,
        "clauses": list(known.clauses) if known else [],
        "policy_version": policy.version,
        "at": now,
        "record": made.event.event_id,
        "due_at": None,
        "in_time_due_at": None,
    }
    topic = Topics(policy.controller).violation
    return OutRecord(topic=topic, key=fact.event_id, schema="violation", value=value)


def _differs(rule: str, decided: tuple[tuple[str, str], ...], made: Made) -> bool:
    return [one for one in decided if one[0] == rule] != [one for one in made.decided if one[0] == rule]
