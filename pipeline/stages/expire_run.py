"""One batch or wake-up of the expire lane: what folding and firing share, and the output it ends with."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from pipeline.domain.errors import ConfigurationError
from pipeline.domain.facts import Ref
from pipeline.domain.records import Output
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import Action
from pipeline.policy.book import Retag
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.spans import spans
from pipeline.stages import expiry_records as say
from pipeline.stages.due_dates import DueDates
from pipeline.stages.evaluate import holds_on
from pipeline.stages.expiry_records import Said
from pipeline.stages.past import Past
from pipeline.stages.schedule import Schedule
from pipeline.stages.state import FactStore
from pipeline.stages.workspace import Workspace

LINGER = timedelta(days=30)
"""How long facts that nobody listens to, and entries that are over, are kept.

Longer than any source topic keeps a record that may need those facts, or a fact that comes too late for those entries.
"""

FORGOTTEN = 100
"""References forgotten with one batch or wake-up at most, so that a transaction stays short."""

PAST = 1000
"""Entries that are over forgotten with one batch or wake-up at most: as many as may end with one."""


class ExpireRun:
    """One batch or wake-up of one partition.

    Attributes:
        facts: What happened, as far as this partition knows.
        schedule: What waits.
        past: What ended lately.
        dates: Gives what waits its due dates.
        out: What the run makes.
        heard_to: When what is folded now arrived at the broker; a machine's own clock may be behind it.
        orders: What is to be moved to another policy version.
        work: The state as the run sees and changes it.
    """

    def __init__(
        self,
        controller: str,
        work: Workspace,
        partition: int,
        *,
        load_policy: Callable[[str], CompiledPolicy],
        announces: bool,
    ) -> None:
        self.controller = controller
        self.topics = Topics(controller)
        self.facts = FactStore(work)
        self.schedule = Schedule(work)
        self.past = Past(work)
        self.dates = DueDates(self.policy, self.facts)
        self.out = Output()
        self.heard_to = datetime.min.replace(tzinfo=UTC)
        self.orders: Sequence[Retag] = ()
        self.work = work
        self._partition = partition
        self._load_policy = load_policy
        self._announces = announces
        self._checked: dict[str, CompiledPolicy] = {}
        self._said: list[Said] = []

    def policy(self, version: str) -> CompiledPolicy:
        """Return a policy version, unchanged since the first obligation it made (X15).

        Raises:
            ConfigurationError: it is not loaded, or its document or overlays were changed under the same version.
        """
        if version not in self._checked:
            policy = self._load_policy(version)
            if self.schedule.digest_of(version, policy.digest) != policy.digest:
                raise ConfigurationError(
                    f"policy {self.controller} version {version!r} was changed (document or overlay) after it "
                    "made obligations: give the changed one a new version, and keep the old file for what was promised"
                )
            self._checked[version] = policy
        return self._checked[version]

    def close(self) -> Output:
        """Return the output, with the instant of the next wake-up."""
        self.flush()
        self.out.changes = self.work.changes
        self.out.next_wake = self.schedule.next_due()
        return self.out

    def announce(self, changed: Sequence[Said]) -> None:
        """Say what was scheduled and cancelled, where that is asked for; shares and stop-use have no announcements."""
        if self._announces:
            told = (one for one in changed if one.entry.recipient is None and one.ending.action is not Action.STOP_USE)
            self._said.extend(told)

    def linger(self, refs: Sequence[Ref], now: datetime) -> None:
        """Note that nobody listens to some references any more: their facts are forgotten after a while.

        Not at once: a record that is older than an erasure may still arrive after it (architecture 9.4).
        """
        for ref in refs:
            if self.facts.log(ref).facts:
                self.schedule.forget_after(ref, (max(now, self.heard_to) + LINGER).date())

    def forget(self, now: datetime, policies: Sequence[CompiledPolicy]) -> None:
        """Forget what ended a while ago, and the facts that nobody has listened to since, but for what still lasts.

        A hold, an account or a case may be open long before the first record that it keeps.
        """
        self.past.forget(now.date(), PAST)
        for ref in self.schedule.forgettable(now.date(), FORGOTTEN):
            if self.schedule.has_listeners(ref):
                continue
            if self._lasts(ref, policies):
                self.schedule.forget_after(ref, (now + LINGER).date())
            else:
                self.facts.forget(ref)

    def _lasts(self, ref: Ref, policies: Sequence[CompiledPolicy]) -> bool:
        """Return whether a hold or any state of the policies lasts; nothing does for a reference that is forgotten."""
        facts = self.facts.log(ref)
        erased = facts.last(("erasure.requested",))
        if erased and any(policy.forgets_subject for policy in policies) and facts.facts[-1].at <= erased.at:
            return False
        states = (state for policy in policies for state in policy.states.values())
        found = [*holds_on((ref,), self.facts), *(span for state in states for span in spans(state, facts))]
        return any(end is None for _start, end in found)

    def say(self, one: Said) -> None:
        """Say one thing of an ending, in a block with its like."""
        self._said.append(one)

    def flush(self) -> None:
        """Turn what was said so far into records."""
        self.out.records.extend(say.expiries(self.topics, self._said, self._partition))
        self._said = []

    def count(self, what: str, label: str) -> None:
        """Count one thing that happened, for the metrics."""
        self.out.counts[what, label] = self.out.counts.get((what, label), 0) + 1
