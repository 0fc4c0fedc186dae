"""What the tag lane does beside tagging, in bounded steps: lists, counts, and forgetting what was bought."""

from collections.abc import Iterator
from datetime import datetime

from pipeline.domain.events import EventHead
from pipeline.domain.facts import Fact, Ref
from pipeline.domain.records import OutRecord
from pipeline.domain.topics import Topics
from pipeline.policy.book import PolicyBook
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.decision import Decision
from pipeline.stages.bought import Bought
from pipeline.stages.clips import Allowed, Clips
from pipeline.stages.counts import Counts
from pipeline.stages.erased import let_go
from pipeline.stages.made import Decisions
from pipeline.stages.state import FactStore, References
from pipeline.stages.subject_lists import SubjectLists
from pipeline.stages.workspace import Workspace


class Chores:
    """The chores of one partition and batch."""

    def __init__(  # noqa: PLR0913, PLR0917  parts of one batch, passed once
        self,
        topics: Topics,
        book: PolicyBook,
        references: References,
        work: Workspace,
        facts: FactStore,
        partition: int,
    ) -> None:
        self._topics = topics
        self._book = book
        self._facts = facts
        self._clips = Clips(topics.controller, book, references, work, facts)
        self._decisions = Decisions(topics.controller, book, work, facts)
        self._bought = Bought(references, work, facts)
        self._counts = Counts(topics, book, work, partition)
        self._lists = SubjectLists(topics, book, references, work, facts, self._bought, partition)

    def note(
        self, policy: CompiledPolicy, head: EventHead, decision: Decision, subject: Ref | None, now: datetime
    ) -> None:
        """Take note of an accepted event, in every partition that it reaches."""
        self._lists.ask(policy, head, decision.lists)
        if subject is not None:
            self._bought.remember(policy, head, subject, now)
            if head.type == "erasure.requested":
                self._bought.forget(subject, head.occurred_at)
            if decision.is_fact:  # what is older than an erasure may come after it
                let_go(self._facts, subject, policy.states.values())

    def watch(
        self, policy: CompiledPolicy, head: EventHead, decision: Decision, refs: tuple[Ref, ...], now: datetime
    ) -> None:
        """Watch a photo or clip for what the people on it say."""
        self._clips.watch(policy, head, decision, refs, now)

    def settle(self, policy: CompiledPolicy, head: EventHead, refs: tuple[Ref, ...], now: datetime) -> None:
        """Remember a decision that asked for state, for facts that arrive too late for it."""
        self._decisions.remember(policy, head, refs, now)

    def missed(self, fact: Fact, now: datetime) -> Iterator[OutRecord]:
        """Yield a report for each decision that a fact arrived too late for."""
        yield from self._decisions.missed(fact, now)

    def hear(self, head: EventHead) -> Iterator[Fact | Allowed]:
        """Yield what follows for photos and clips from what people said."""
        yield from self._clips.hear(head)

    def count(self, policy: CompiledPolicy, head: EventHead, decision: Decision) -> None:
        """Count an accepted event for the purposes that may have counts only."""
        if decision.counted:
            self._counts.add(policy, head, decision.counted)

    def go_on(self, now: datetime, limit: int) -> Iterator[OutRecord]:
        """Do the next bounded step of everything that is due, and yield what is said of it."""
        controller = self._topics.controller
        policy = self._book.in_force(controller, now) or self._book.versions[controller][-1]
        self._bought.forget_ended(policy, now, limit)
        self._clips.forget_ended(now, limit)
        self._decisions.forget(now.date(), limit)
        yield from self._counts.finished(now, limit)
        yield from self._lists.go_on(limit)

    def next_wake(self, now: datetime) -> datetime | None:
        """Return when there is something to do again, if ever."""
        waiting = (self._counts.next_due(), self._bought.next_look(), now if self._lists.is_pending() else None)
        return min((instant for instant in waiting if instant is not None), default=None)
