"""The tag stage: decide each event, then say what goes where. Holds no payload value at any time.

Every event has exactly one outcome (accepted, dropped by rule, refused, dead letter); violations on an accepted event
are extra records (architecture 9.2). A re-sent event changes nothing (9.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.domain.events import EventCatalogue, EventHead
from pipeline.domain.facts import FactLog, Ref
from pipeline.domain.records import Change, Incoming, Output, OutRecord
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import CONTROL_KEY, Family, Outcome, RefKind
from pipeline.policy.compiled import CompiledPolicy, Decision, PolicyBook, Report
from pipeline.policy.decide import decide
from pipeline.stages import outputs
from pipeline.stages.deduplicate import SeenEvents, derived
from pipeline.stages.state import FactStore, References, fact_of, fact_to
from pipeline.stages.workspace import StateReader, Workspace

_IDS = frozenset({
    "order_id", "case_id", "account_id", "clip_id", "hold_id", "records", "participants", "consents", "products",
    "quota", "month", "store", "site",
})  # fmt: skip
"""Attributes of which a stateless decision only sees whether they are set, so that decisions can be cached."""

_YEARS = range(1900, 3000)
"""Years that an event may name: a date far off would be a promise that no calendar can keep."""

_CACHE_LIMIT = 10_000
"""Hostile field sets and event names must not grow a cache without bound."""


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
        self.book = book
        self.catalogue = catalogue
        self.references = references
        self._decisions: dict[tuple[object, ...], Decision] = {}
        self._asking: dict[tuple[str, str], bool] = {}

    def handle(self, batch: Sequence[Incoming], state: StateReader, partition: int, now: datetime) -> Output:
        """Return what a batch of one partition makes: records in order, one block of obligations and facts, state."""
        run = _Run(self, Workspace(state), partition, now)
        for index, incoming in enumerate(batch):
            run.take(index, incoming)
        return run.close(batch)

    def derive(self, key: bytes, value: bytes | None) -> list[Change]:
        """Return the local entries that follow from a changelog entry."""
        return list(derived(key, value))

    def decided(self, policy: CompiledPolicy, asked: "Asked") -> Decision:
        """Return the decision, from the cache where no rule of the event asks for state."""
        head = asked.head
        if self._asks_state(policy, head.type):
            return decide(policy, asked)
        seen = tuple(sorted((k, True if k in _IDS else str(v)) for k, v in head.attributes.items()))
        signature = (policy.version, head.type, head.present, head.undeclared, seen)
        found = self._decisions.get(signature)
        if found is None:
            if len(self._decisions) >= _CACHE_LIMIT:
                self._decisions.clear()
            found = self._decisions[signature] = decide(policy, asked)
        return found

    def _asks_state(self, policy: CompiledPolicy, event_type: str) -> bool:
        where = (policy.version, event_type)
        if where not in self._asking:
            if len(self._asking) >= _CACHE_LIMIT:
                self._asking.clear()
            rules = any(rule.needs_state for rule in policy.rules_by_event.get(event_type, ()))
            sharing = (recipient for recipient in policy.recipients.values() if event_type in recipient.events)
            self._asking[where] = rules or any(recipient.needs_state for recipient in sharing)
        return self._asking[where]


class Asked:
    """What a condition may ask of one event: its head, and the facts up to and including its instant."""

    def __init__(self, head: EventHead, refs: tuple[Ref, ...], store: FactStore) -> None:
        self.head = head
        self._refs = refs
        self._store = store

    def facts(self, kind: RefKind) -> FactLog:
        """Return the facts about what the event refers to, up to and including its instant."""
        ref = next((ref for ref in self._refs if ref.kind is kind), None)
        return FactLog([fact for fact in self._store.log(ref).facts if fact.at <= self.head.occurred_at])


class _Run:
    """One batch of one partition."""

    def __init__(self, stage: TagStage, work: Workspace, partition: int, now: datetime) -> None:
        self._stage = stage
        self._work = work
        self._facts = FactStore(work)
        self._partition = partition
        window = stage.settings.resend_window
        self._seen = SeenEvents(work, now, window) if window is not None else None
        self._now = now
        self._out = Output()
        self._block: list[dict[str, object]] = []

    def take(self, index: int, incoming: Incoming) -> None:
        """Handle one event: exactly one outcome."""
        topics = self._stage.topics
        head = incoming.head
        if head is None:
            code, field = incoming.error or ("malformed", None)
            self._out.records.append(outputs.dead_letter(topics, index, code, field))
            self._count(Outcome.DEAD_LETTER, code)
            return
        if self._seen and not self._seen.is_new(head.event_id):
            self._count("re-sent", head.controller)
            return
        if incoming.topic == topics.control and self._partition != 0:
            self._fold_only(head)
            return
        self._decide(index, head)

    def _decide(self, index: int, head: EventHead) -> None:
        stage = self._stage
        policy = self._governing(head)
        if isinstance(policy, Report):
            self._refuse(head, policy, "")
            return
        subject = None if head.key == CONTROL_KEY else stage.references.subject(head.key, self._work)
        refs = stage.references.of_head(head, subject)
        decision = stage.decided(policy, Asked(head, refs, self._facts))
        for report in decision.reports:
            self._out.records.append(self._violation(head, report, decision))
            self._count("violation", report.code)
        self._count(decision.outcome, head.type if head.type in policy.known_events else "other")
        if decision.outcome is Outcome.ACCEPTED:
            self._accept(index, head, policy, decision, refs)

    def _accept(
        self, index: int, head: EventHead, policy: CompiledPolicy, decision: Decision, refs: tuple[Ref, ...]
    ) -> None:
        stage = self._stage
        family = stage.catalogue.family_of(head.type) or Family.LIFECYCLE
        made = outputs.Making(
            topics=stage.topics,
            references=stage.references,
            policy=policy,
            decision=decision,
            head=head,
            refs=refs,
            now=self._now,
            index=index,
            partition=self._partition,
        )
        self._out.records.extend(outputs.tagged(made, family))
        self._out.records.extend(outputs.shares(made))
        if decision.is_fact and self._facts.add(fact := fact_of(head, refs)):
            self._block.append(fact_to(fact))
        self._block.extend(outputs.obligations(made))
        if head.type == "erasure.requested" and policy.forgets_subject:
            stage.references.forget_subject(head.key, self._work)

    def _fold_only(self, head: EventHead) -> None:
        """Fold a control event into a partition that does not report it: partition 0 does, once."""
        policy = self._governing(head)
        if isinstance(policy, Report) or head.type not in policy.fact_types:
            return
        fact = fact_of(head, self._stage.references.of_head(head, None))
        if self._facts.add(fact):
            self._block.append(fact_to(fact))

    def _governing(self, head: EventHead) -> CompiledPolicy | Report:
        controller = self._stage.settings.controller
        if head.controller != controller:
            return Report(code="wrong-controller", message="the event names another controller than its topic does")
        if head.occurred_at.year not in _YEARS or head.occurred_at > self._now + self._stage.settings.ahead:
            return Report(code="implausible-time", message="the event's time lies in the future or far in the past")
        policy = self._stage.book.in_force(controller, head.occurred_at)
        if policy is None:
            return Report(code="no-policy", message="no version of the policy governs an event of this date")
        if head.policy_version and not self._stage.book.knows(controller, head.policy_version):
            return Report(code="unknown-version", message="the event claims a policy version that does not exist")
        return policy

    def _refuse(self, head: EventHead, report: Report, version: str) -> None:
        decision = Decision(outcome=Outcome.REFUSED, policy_version=version)
        self._out.records.append(self._violation(head, report, decision))
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
        return self._out
