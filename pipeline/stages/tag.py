"""The tag stage: decide each event, then say what goes where. Holds no payload value at any time.

Every event has exactly one outcome (accepted, dropped by rule, refused, dead letter); violations on an accepted event
are extra records (architecture 9.2). A re-sent event changes nothing (9.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from pipeline.domain.events import EventCatalogue, EventHead
from pipeline.domain.facts import Fact, Ref
from pipeline.domain.records import Change, Incoming, Output, OutRecord
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import CONTROL_KEY, Family, Outcome, RefKind, Right
from pipeline.policy.book import PolicyBook
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.decide import matter_of
from pipeline.policy.decision import Decision, Report
from pipeline.policy.rights import EVENTS, REQUESTS
from pipeline.stages import copies, corrections, made, outputs, restrictions
from pipeline.stages.admission import Admission, spelled
from pipeline.stages.asked import Asked
from pipeline.stages.chores import Chores
from pipeline.stages.decision_cache import DecisionCache
from pipeline.stages.deduplicate import SeenEvents, derived
from pipeline.stages.holders import Holders
from pipeline.stages.rights import Request, received
from pipeline.stages.state import FactStore, References, Subject, fact_of, fact_to
from pipeline.stages.versions import DecidedVersions, alerts
from pipeline.stages.workspace import StateReader, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSettings:
    """How one controller's events are tagged.

    Attributes:
        controller: The controller whose topics the stage reads.
        resend_window: For how long a re-sent event id is recognised; None where the producers vouch for it.
        ahead: How far an event's own time may be ahead of ours: a producer's clock is never quite right.
    """

    controller: str
    resend_window: timedelta | None = timedelta(days=7)
    ahead: timedelta = timedelta(minutes=5)


class TagStage:
    """Tag, share, oblige and remember, for one controller; called for one partition at a time."""

    def __init__(
        self, settings: TagSettings, book: PolicyBook, catalogue: EventCatalogue, references: References
    ) -> None:
        self.settings = settings
        self.topics = Topics(settings.controller)
        self._book = book
        self.catalogue = catalogue
        self.references = references
        self.admission = Admission(self.topics, catalogue)
        self.decisions = DecisionCache()
        self._ending_copies: dict[str, frozenset[str]] = {}

    @property
    def book(self) -> PolicyBook:
        """The policy versions that govern; another book forgets the decisions that were made by the one before."""
        return self._book

    @book.setter
    def book(self, book: PolicyBook) -> None:
        self._book = book
        self.decisions.clear()

    def handle(self, batch: Sequence[Incoming], state: StateReader, partition: int, now: datetime) -> Output:
        """Return what a batch of one partition makes: records in order, one block of obligations and facts, state."""
        run = _Run(self, Workspace(state), partition, now)
        for index, incoming in enumerate(batch):
            run.take(index, incoming)
        return run.close(batch)

    def wake(self, state: StateReader, partition: int, now: datetime, limit: int) -> Output:
        """Go on with lists and counts for a bounded way; `next_wake` says when to call again, if ever."""
        run = _Run(self, Workspace(state), partition, now)
        run.go_on(limit)
        return run.close(())

    def derive(self, key: bytes, value: bytes | None) -> list[Change]:
        """Return the local entries that follow from a changelog entry."""
        return [*derived(key, value), *made.derived(key, value)]

    def ending_copies(self, policy: CompiledPolicy) -> frozenset[str]:
        """Return the event names that may end what a recipient holds before its date."""
        if policy.version not in self._ending_copies:
            self._ending_copies[policy.version] = copies.ended_by(policy)
        return self._ending_copies[policy.version]


class _Run:
    """One batch of one partition."""

    def __init__(self, stage: TagStage, work: Workspace, partition: int, now: datetime) -> None:
        self._stage = stage
        self._work = work
        self._facts = FactStore(work)
        self._chores = Chores(stage.topics, stage.book, stage.references, work, self._facts, partition)
        self._partition = partition
        window = stage.settings.resend_window
        self._seen = SeenEvents(work, now, window) if window is not None else None
        self._now = now
        self._out = Output()
        self._versions = DecidedVersions(work, stage.settings.controller, stage.book)
        self._holders = Holders(work, self._facts, partial(stage.book.version, stage.settings.controller))
        self._holders.look(now)
        stage.references.forget_salts(now.date(), work)
        self._block: list[dict[str, object]] = []

    def go_on(self, limit: int) -> None:
        """Do what waits beside the input."""
        self._out.records.extend(self._chores.go_on(self._now, limit))
        if self._partition == 0:
            self._out.records.extend(alerts(self._stage.topics, self._stage.book, self._work, self._now))

    def take(self, index: int, incoming: Incoming) -> None:
        """Handle one event: exactly one outcome."""
        stage, head = self._stage, incoming.head
        if head is None:
            code, field = incoming.error or ("malformed", None)
            self._out.records.append(outputs.dead_letter(stage.topics, index, code, field))
            self._count(Outcome.DEAD_LETTER, code)
        elif self._seen and not self._seen.is_new(head.event_id):
            self._count("re-sent", stage.settings.controller)
        else:
            # A control event reaches every partition; partition 0 alone says what became of it.
            tells = incoming.topic != stage.topics.control or self._partition == 0
            self._decide(index, incoming.topic, spelled(head), tells=tells)

    def _decide(self, index: int, topic: str, head: EventHead, *, tells: bool) -> None:
        stage = self._stage
        is_forwarded = head.key == CONTROL_KEY and head.source == outputs.FORWARDED
        # What was let in once is let in by a worker whose clock is a little behind the first one's, too.
        ahead = stage.settings.ahead * (2 if is_forwarded else 1)
        policy = stage.admission.of(topic, head, stage.book, self._now + ahead)
        if isinstance(policy, Report):
            if tells:
                self._refuse(head, policy)
            return
        if is_forwarded:
            self._hear(head)
            return
        self._versions.note(policy)
        family = stage.catalogue.family_of(head.type)
        subject = None if head.key == CONTROL_KEY else stage.references.subject(head.key, head.occurred_at, self._work)
        refs = stage.references.of_head(head, subject.ref if subject else None, is_media=family is Family.CCTV)
        asked = Asked(head, refs, self._facts)
        decision = stage.decisions.of(policy, asked)
        if subject:
            decision = restrictions.applied(decision, policy, self._facts.log(subject.ref), head.occurred_at)
        if tells:
            self._tell(head, policy, decision)
        is_known = (
            subject is not None
            and head.type in policy.known_events
            and (decision.outcome is Outcome.ACCEPTED or subject.fresh is None)
        )
        if is_known and not decision.nameless and stage.decisions.asks_state(policy, head.type):
            self._chores.settle(policy, head, refs, self._now)
        if decision.outcome is not Outcome.REFUSED:
            self._remember(policy, head, subject, refs)
            self._chores.watch(policy, head, decision, refs, self._now)
        if decision.outcome is Outcome.ACCEPTED:
            if subject and (decision.tags or not decision.nameless):  # an anonymous answer leaves no trace of whose
                stage.references.keep(head.key, subject, self._work)
            made = self._making(policy, head, decision, refs, matter=matter_of(asked), index=index)
            self._accept(made, family or Family.LIFECYCLE, tells=tells)

    def _making(  # noqa: PLR0913  what an event is and what was decided of it, passed on by name
        self,
        policy: CompiledPolicy,
        head: EventHead,
        decision: Decision,
        refs: tuple[Ref, ...],
        *,
        matter: object = None,
        index: int = -1,
    ) -> outputs.Making:
        return outputs.Making(
            topics=self._stage.topics, references=self._stage.references, policy=policy, decision=decision, head=head,
            matter=matter, refs=refs, now=self._now, index=index, partition=self._partition,
        )  # fmt: skip

    def _remember(
        self, policy: CompiledPolicy, head: EventHead, subject: Subject | None, refs: tuple[Ref, ...]
    ) -> None:
        """Remember that an event was handled; what somebody asked for gets its record, also if the event is dropped."""
        if self._seen:
            self._seen.remember(head.event_id)
        if subject and head.type in REQUESTS:
            self._stage.references.keep(head.key, subject, self._work)
            request = Request(fact=fact_of(head, refs), subject=subject.ref, policy=policy)
            self._out.records.append(received(request, self._facts.log(subject.ref)))

    def _tell_reports(self, head: EventHead, decision: Decision) -> None:
        for report in decision.reports:
            self._out.records.append(self._violation(head, report, decision))
            self._count("violation", report.code)

    def _tell(self, head: EventHead, policy: CompiledPolicy, decision: Decision) -> None:
        self._tell_reports(head, decision)
        self._count(decision.outcome, head.type if head.type in policy.known_events else "other")

    def _accept(self, made: outputs.Making, family: Family, *, tells: bool) -> None:
        """Write what an accepted event makes; a control event makes records once, and facts in every partition."""
        head = made.head
        if tells:
            self._out.records.extend(outputs.tagged(made, family))
            self._out.records.extend(outputs.nameless(made, family))
            self._out.records.extend(outputs.shares(made))
        if made.decision.is_fact and self._facts.add(
            fact := fact_of(head, made.refs, outputs.carried(made), restrictions.reasons(made.policy))
        ):
            self._block.append(fact_to(fact))
            self._out.records.extend(self._chores.missed(fact, self._now))
        if tells:
            self._block.extend(outputs.obligations(made))
            self._follow_copies(made)
            self._chores.count(made.policy, head, made.decision)
        if head.type in made.policy.forwarded:
            if head.key == CONTROL_KEY:
                self._hear(head)
            else:
                self._out.records.append(outputs.forwarded(self._stage.topics, head))
        subject = next((ref for ref in made.refs if ref.kind is RefKind.SUBJECT), None)
        self._chores.note(made.policy, head, made.decision, subject, self._now)
        erases = head.type == "erasure.requested" and made.policy.forgets_subject
        if erases and not self._facts.has_newer(subject, head.occurred_at):  # else the next request would not find that
            self._stage.references.forget_subject(head.key, head.occurred_at, self._now.date(), self._work)

    def _hear(self, head: EventHead) -> None:
        """Let what people said reach the photos and clips of this partition that they are on."""
        if self._seen:
            self._seen.remember(head.event_id)
        for found in self._chores.hear(head):
            if isinstance(found, Fact):
                self._block.append(fact_to(found))
                continue
            material = found.material
            made = self._making(found.policy, material.head(found.since), found.decision, material.refs)
            family = self._stage.catalogue.family_of(material.event_type) or Family.CCTV
            record, item = outputs.allowed(found, made, family)
            self._out.records.append(record)
            self._block.append(item)

    def _follow_copies(self, made: outputs.Making) -> None:
        """Note who got a copy, forget the copies that this event ends, and pass a correction on to all others."""
        subject = next((ref for ref in made.refs if ref.kind is RefKind.SUBJECT), None)
        if subject is None:
            return
        ends = made.head.type in self._stage.ending_copies(made.policy)
        corrections.note(made, subject, self._holders, ends=ends)
        if made.head.type == EVENTS[Right.RECTIFICATION] and Right.RECTIFICATION in made.policy.rights:
            records, withheld = corrections.passed_on(made, subject, self._holders)
            self._out.records.extend(records)
            self._tell_reports(made.head, replace(made.decision, reports=tuple(withheld)))

    def _refuse(self, head: EventHead, report: Report) -> None:
        self._out.records.append(self._violation(head, report, Decision(outcome=Outcome.REFUSED, policy_version="")))
        self._count("violation", report.code)
        self._count(Outcome.REFUSED, "other")

    def _violation(self, head: EventHead, report: Report, decision: Decision) -> OutRecord:
        return outputs.violation(self._stage.settings.controller, head, report, decision, self._now)

    def _count(self, what: str, label: str) -> None:
        key = (str(what), label)
        self._out.counts[key] = self._out.counts.get(key, 0) + 1

    def close(self, batch: Sequence[Incoming]) -> Output:
        """Return the batch's output: the blocks of obligations and facts last, then the state."""
        self._out.records.extend(outputs.blocks(self._stage.topics, self._block, self._partition))
        if self._seen and batch:
            self._seen.close(f"{batch[0].topic}|{batch[0].offset}")
        self._out.changes = self._work.changes
        self._out.next_wake = self._chores.next_wake(self._now)
        return self._out
