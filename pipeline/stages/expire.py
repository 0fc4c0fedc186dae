"""The expire stage: fold obligations and facts, wait, and say what is due. Never early, never twice.

Reads only the obligation topic; knows references and field names, never a payload. Order of truth: the first
obligation of an id wins; a fact at or after a due instant is too late to change it (C8); a due instant that a fact
moves into the past is due at the fact's instant (C7).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush

from pipeline.domain.calendar import Period
from pipeline.domain.errors import ConfigurationError
from pipeline.domain.facts import Fact, Ref
from pipeline.domain.records import Change, Incoming, Output
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import Action, RefKind
from pipeline.policy.compiled import CompiledPolicy, Ending, PolicyBook
from pipeline.stages import expiry_records as say
from pipeline.stages import schedule
from pipeline.stages.due_dates import DueDates
from pipeline.stages.entries import Entry, Planned, Progress, Support, dump, load, support_from
from pipeline.stages.evaluate import ENDS_LIFE, HOLD, holds_on
from pipeline.stages.expiry_records import Said
from pipeline.stages.outputs import dead_letter
from pipeline.stages.state import FactStore, fact_from, refs_from
from pipeline.stages.workspace import NOTHING, StateReader, Workspace

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

LINGER = timedelta(days=30)
"""How long facts are kept that nobody listens to: longer than any source topic keeps a record that may need them."""


class ExpireStage:
    """Decides what is due, for one controller; called for one partition at a time.

    Attributes:
        announce: Whether schedules and cancellations are said as well (architecture 8.4).
    """

    def __init__(self, controller: str, book: PolicyBook, *, announce: bool) -> None:
        self.controller = controller
        self.topics = Topics(controller)
        self.book = book
        self.announce = announce

    def handle(self, batch: Sequence[Incoming], state: StateReader, partition: int, now: datetime) -> Output:
        """Fold a batch of obligation blocks; what is due at once is emitted by the next `wake`."""
        if now < EPOCH:  # a guarded clock that knows no time yet: plan reviews by the broker's, fire nothing
            now = EPOCH + timedelta(milliseconds=max((one.timestamp_ms for one in batch), default=0))
        run = _Run(self, Workspace(state), partition)
        run.forget(now)
        for index, incoming in enumerate(batch):
            run.take(index, incoming, now)
        return run.close()

    def wake(self, state: StateReader, partition: int, now: datetime, limit: int) -> Output:
        """Return everything due by `now`, oldest first, for at most about `limit` entries."""
        run = _Run(self, Workspace(state), partition)
        run.forget(now)
        run.fire(now, limit)
        return run.close()

    def derive(self, key: bytes, value: bytes | None) -> list[Change]:
        """Return the local entries that follow from a changelog entry."""
        if not key.startswith(b"o|") or not value:
            return []
        entry = load(value)
        listens = DueDates(self.policy, FactStore(Workspace(NOTHING))).listens(entry)
        return [Change(local, types, local=True) for local, types in schedule.derived(entry, listens)]

    def policy(self, version: str) -> CompiledPolicy:
        """Return the policy version that decided an obligation.

        Raises:
            ConfigurationError: this deployment no longer has the version; put its document back.
        """
        try:
            return self.book.version(self.controller, version)
        except (KeyError, StopIteration):
            raise ConfigurationError(
                f"obligations of {self.controller} were decided by policy version {version!r}, which is not loaded: "
                "keep every version's document in the policies folder until its last obligation has ended"
            ) from None


class _Run:
    """One batch or wake-up of one partition."""

    def __init__(self, stage: ExpireStage, work: Workspace, partition: int) -> None:
        self._stage = stage
        self._work = work
        self._facts = FactStore(work)
        self._schedule = schedule.Schedule(work)
        self._checked: dict[str, CompiledPolicy] = {}
        self._dates = DueDates(self._policy, self._facts)
        self._partition = partition
        self._said: list[Said] = []
        self._out = Output()

    def _policy(self, version: str) -> CompiledPolicy:
        """Return a policy version, unchanged since the first obligation it made (X15).

        Raises:
            ConfigurationError: it is not loaded, or its document or overlays were changed under the same version.
        """
        if version not in self._checked:
            policy = self._stage.policy(version)
            if self._schedule.digest_of(version, policy.digest) != policy.digest:
                raise ConfigurationError(
                    f"policy {self._stage.controller} version {version!r} was changed (document or overlay) after it "
                    "made obligations: give the changed one a new version, and keep the old file for what was promised"
                )
            self._checked[version] = policy
        return self._checked[version]

    def take(self, index: int, incoming: Incoming, now: datetime) -> None:
        """Fold one block in its order; a record that is none goes to the dead letters."""
        items = (incoming.value or {}).get("items")
        if not isinstance(items, list):
            code, field = incoming.error or ("unexpected-schema", None)
            self._out.records.append(dead_letter(self._stage.topics, index, code, field))
            self._count("dead-letter", code)
            return
        for item in items:
            if "obligation_id" in item:
                self._oblige(item, now)
            else:
                self._fold(fact_from(item), now)

    def close(self) -> Output:
        """Return the output, with the instant of the next wake-up."""
        self._flush()
        self._out.changes = self._work.changes
        self._out.next_wake = self._schedule.next_due()
        return self._out

    def _oblige(self, item: Mapping[str, object], now: datetime) -> None:
        identity = str(item["obligation_id"])
        known = self._schedule.get(identity)
        before = load(dump(known)) if known else None
        support = support_from(item)
        if known is None:
            entry = self._new_entry(item, identity)
        elif known.profile is None or any(s.event_id == support.event_id for s in known.supports):
            return  # the first obligation of an id wins
        else:
            entry = known
        entry.supports = _that_matter((*entry.supports, support))
        self._dates.refresh_tags(entry)
        self._announce(self._dates.plan(entry, support.occurred_at if known else None, now))
        self._schedule.put(entry, before, self._dates.listens(entry))
        self._count("obligations", entry.kind)

    def _new_entry(self, item: Mapping[str, object], identity: str) -> Entry:
        kind = str(item["kind"])
        refs = refs_from(item["refs"])
        profile = item.get("profile")
        if profile:  # a profile is kept per subject or case, whichever record feeds it
            refs = tuple(ref for ref in refs if ref.kind in (RefKind.SUBJECT, RefKind.CASE, RefKind.ACCOUNT))
        return Entry(
            obligation_id=identity,
            kind=kind,
            policy_version=str(item["policy_version"]),
            generation=self._schedule.generation(identity),
            refs=refs,
            supports=[],
            profile=str(profile) if profile else None,
            recipient=str(item["recipient"]) if item.get("recipient") else None,
            share_id=str(item["share_id"]) if item.get("share_id") else None,
        )

    def _fold(self, fact: Fact, now: datetime) -> None:
        if not self._facts.add(fact):
            return
        self._count("facts", fact.type)
        listening = (name for ref in self._reached(fact) for name in self._schedule.listening(ref, fact.type))
        self._linger([ref for ref in fact.refs if not self._schedule.has_listeners(ref)], now)
        for identity in dict.fromkeys(listening):
            entry = self._schedule.get(identity)
            if entry is not None:  # an index entry may outlive what it points to; the entry is the truth
                before = load(dump(entry))
                self._announce(self._dates.plan(entry, fact.at, now))
                self._schedule.put(entry, before, self._dates.listens(entry))

    def _reached(self, fact: Fact) -> Sequence[Ref]:
        """Return whom a fact concerns: its references, and for a hold's release those that its opening named."""
        if fact.type not in HOLD.closes:
            return fact.refs
        openings = self._facts.log(fact.ref(RefKind.HOLD)).of(HOLD.opens)
        return (*fact.refs, *(ref for opening in openings for ref in opening.refs))

    def _announce(self, changed: Sequence[Said]) -> None:
        """Say what was scheduled and cancelled, where that is asked for; shares and stop-use have no announcements."""
        if self._stage.announce:
            told = (one for one in changed if one.entry.recipient is None and one.ending.action is not Action.STOP_USE)
            self._said.extend(told)

    def fire(self, now: datetime, limit: int) -> None:
        """Emit what is due by an instant, oldest first, ties by id."""
        waiting = self._schedule.due(now, limit)
        heapify(waiting)
        while waiting:
            key, identity = heappop(waiting)
            entry = self._schedule.get(identity)
            if entry is None or schedule.time_key(entry) != key:
                self._schedule.drop_stale(key)
                continue
            before = load(dump(entry))
            self._fire_at(entry, now)
            if all(progress.over for progress in entry.progress):
                self._end(entry, before, now)
                continue
            self._schedule.put(entry, before, self._dates.listens(entry))
            again = schedule.time_key(entry)
            if again and entry.next_due is not None and entry.next_due <= now:
                heappush(waiting, (again, identity))

    def _fire_at(self, entry: Entry, now: datetime) -> None:
        """Emit everything of one entry that is due at its next instant, so that released fields are told together."""
        due = entry.next_due
        evaluation = self._dates.evaluation(entry)
        fired: list[tuple[Progress, Ending, Planned]] = []
        endings_of: dict[int, tuple[Ending, ...]] = {}
        for progress in entry.progress:
            if progress.over:
                continue
            endings = evaluation.endings(entry, progress.tag)
            endings_of[id(progress)] = endings
            if progress.review_at == due and progress.review_every:
                self._review(progress, progress.review_every, entry, endings[-1].clauses, now)
            for planned, ending in zip(progress.endings, endings, strict=True):
                if planned.due_at == due and not planned.fired:
                    planned.fired = True
                    progress.over = progress.over or ending.action in ENDS_LIFE
                    fired.append((progress, ending, planned))
        alive = {name for progress in entry.progress if not progress.over for name in progress.tag.fields}
        for progress, ending, planned in fired:
            released = tuple(name for name in progress.tag.fields if name not in alive) if progress.over else ()
            unlinked = any(
                p.fired and e.findable_by for p, e in zip(progress.endings, endings_of[id(progress)], strict=True)
            )
            said = say.said("expiry.due", entry, progress.tag, ending, planned)
            self._emit(replace(said, released=released, unlinked=unlinked))

    def _emit(self, one: Said) -> None:
        if one.entry.recipient is not None:
            self._flush()
            self._out.records.append(say.instruction(self._stage.topics, one))
        elif one.ending.action is not Action.STOP_USE or self._schedule.is_first_stop(
            say.subject_of(one.entry), one.tag.purpose, one.due_at or one.entry.supports[-1].occurred_at
        ):
            self._said.append(one)
        self._count("expired", str(one.ending.action))

    def _review(self, progress: Progress, every: Period, entry: Entry, clauses: tuple[str, ...], now: datetime) -> None:
        """Ask for the review that is due, and plan the next one."""
        at = progress.review_at or now
        self._out.records.append(say.review(self._stage.topics, entry, progress.tag, clauses, at))
        self._count("reviews", progress.tag.category)
        progress.review_at = self._dates.next_review(progress, every, entry, now)

    def _end(self, entry: Entry, before: Entry, now: datetime) -> None:
        """Forget an entry that is over. Supports that came too late for a profile begin its next life."""
        due = max(planned.due_at for p in entry.progress for planned in p.endings if planned.fired and planned.due_at)
        late = [support for support in entry.supports if support.occurred_at > due]
        if entry.profile:
            self._schedule.end_generation(entry)
        self._linger(self._schedule.remove(entry, before), now)
        if entry.profile and late:
            again = replace(entry, generation=entry.generation + 1, supports=late, progress=[], folded_to=None)
            self._dates.refresh_tags(again)
            self._announce(self._dates.plan(again, None, now))
            self._schedule.put(again, None, self._dates.listens(again))

    def _linger(self, refs: Sequence[Ref], now: datetime) -> None:
        """Note that nobody listens to some references any more: their facts are forgotten after a while.

        Not at once: a record that is older than an erasure may still arrive after it (architecture 9.4).
        """
        for ref in refs:
            if self._facts.log(ref).facts:
                self._schedule.forget_after(ref, (now + LINGER).date())

    def forget(self, now: datetime) -> None:
        """Forget the facts that nobody has listened to for a while, but for open holds."""
        for ref in self._schedule.forgettable(now.date()):
            if self._schedule.has_listeners(ref):
                continue
            if any(end is None for _start, end in holds_on((ref,), self._facts)):
                self._schedule.forget_after(ref, (now + LINGER).date())
            else:
                self._facts.forget(ref)

    def _flush(self) -> None:
        self._out.records.extend(say.expiries(self._stage.topics, self._said, self._partition))
        self._said = []

    def _count(self, what: str, label: str) -> None:
        self._out.counts[what, label] = self._out.counts.get((what, label), 0) + 1


_SUPPORTS = 8
"""Supports kept of a profile for each set of rules: of one kind the newest lasts longest."""


def _that_matter(supports: Sequence[Support]) -> list[Support]:
    """Return the supports in order of time, of very many of one kind only the newest."""
    found: list[Support] = []
    seen: dict[tuple[str, ...], int] = {}
    for support in sorted(supports, key=lambda s: (s.occurred_at, s.event_id), reverse=True):
        kind = tuple(tag.rule for tag in support.tags)
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= _SUPPORTS:
            found.append(support)
    return found[::-1]
