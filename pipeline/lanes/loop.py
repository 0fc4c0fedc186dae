"""The loop of a lane: poll, decide, commit everything in one transaction, and only then follow with the state.

Rule 1: no state is applied before the commit that holds its changelog records.
Rule 2: after a commit whose outcome is unknown, nothing local is believed before it is read back.
Rule 3: one transaction is bounded in records and bytes, so it is bounded in time.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from pipeline.domain.errors import ConfigurationError, PipelineError, UnavailableError, UnknownOutcomeError
from pipeline.lanes.bounds import Bounds, Halt, Health
from pipeline.lanes.intake import Intake, Work
from pipeline.lanes.materialise import Materialiser
from pipeline.lanes.versions import PolicyFollower, govern
from pipeline.lanes.views import LaneSpec, View
from pipeline.policy.book import PolicyBook
from pipeline.ports import (
    Broadcast,
    LaneClock,
    LaneLog,
    Polled,
    StateStore,
    TimedStage,
)

POINTS = ("polled", "handled", "committed", "applied")
"""Where `on_point` is called in every step; a test dies here."""

MILLISECOND = timedelta(milliseconds=1)
"""The grain of the broker's time."""

NEVER = datetime.min.replace(tzinfo=UTC)

VAIN_TICKS = 30
"""How many ticks in a row may bring no newer broker time before the topic's configuration is to blame."""


class Lane:
    """One lane in one process: one member of a consumer group, all its partitions, one thread.

    Args:
        log: Member of the lane's group, with its transactional producer.
        specs: What the lane does for each controller.
        open_state: Opens the local store of (controller, partition).
        materialise: Turns symbolic records into bytes.
        clock: Decides what is due.
        elapsed: Steady seconds, for health only.
        control: Reader of control topics; needed if a spec names one.
        policies: Follows the policy topic; None where no version comes while the lane runs.
        bounds: What keeps one transaction short.
        on_point: Called at each of `POINTS`, for crash tests.
    """

    def __init__(  # noqa: PLR0913 - a composition root passes each part by name
        self,
        *,
        log: LaneLog,
        specs: Iterable[LaneSpec],
        open_state: Callable[[str, int], StateStore],
        materialise: Materialiser,
        clock: LaneClock,
        elapsed: Callable[[], float],
        control: Broadcast | None = None,
        policies: PolicyFollower | None = None,
        bounds: Bounds | None = None,
        on_point: Callable[[str], None] = lambda _point: None,
    ) -> None:
        self._log = log
        self._specs = {topic: spec for spec in specs for topic in spec.sources}
        self._open_state = open_state
        self._materialise = materialise
        self._clock = clock
        self._elapsed = elapsed
        self._control = control
        self._policies = policies
        self._bounds = bounds or Bounds()
        self._intake = Intake(log, self._specs, clock, control, self._bounds)
        self._on_point = on_point
        self._views: dict[tuple[str, int], View] = {}
        self._settled = False
        self._steps = 0
        self._failures = 0
        self._vain_ticks = 0
        self._beaten_at = elapsed()
        self.counts: Counter[tuple[str, ...]] = Counter()
        self.consumed: Counter[str] = Counter()
        """Input records of committed transactions, by topic."""
        self.produced: Counter[str] = Counter()
        """Committed output records, by topic."""

    def run(self, halt: Halt) -> None:
        """Step until told to halt, then leave cleanly; the last batch is finished first.

        Raises:
            PipelineError: the lane cannot go on; the process should end with its exit code.
        """
        try:
            while not halt.is_set():
                self.step()
                if self._failures:
                    halt.wait(min(0.1 * 2**self._failures, 5.0))
        except BaseException:
            with suppress(PipelineError):  # the first error is the one to tell
                self.close()
            raise
        self.close()

    def step(self) -> int:
        """Do one round: assignment, what came in, what is due. Return how many transactions were committed."""
        polled = self._log.poll(self._bounds.records, self._bounds.poll_seconds)
        self._on_point("polled")
        self._follow_assignment(polled)
        self._clock.saw(self._log.append_time_ms)
        committed = 0
        try:
            self._follow_policies()
            for works in self._intake.batches(self._views, polled.records):
                committed += self._commit(works)
            committed += self._wake_due()
        except (UnknownOutcomeError, UnavailableError) as error:
            self._failures += 1
            if self._failures > self._bounds.failures:
                raise
            self._log.rewind()
            for view in self._views.values() if isinstance(error, UnknownOutcomeError) else ():
                view.restore(self._log, self._beat)
        else:
            self._failures = 0
        self._steps += 1
        self._beat()
        return committed

    def govern(self, book: PolicyBook) -> None:
        """Let the versions and orders of a book govern from here on; stages look at what they have to do at once."""
        govern(self._specs.values(), book)
        for view in self._views.values():
            view.wake_soon()

    def controls_applied(self, topic: str) -> int:
        """Return how many records of a control topic every partition has applied since this lane opened it."""
        return min((view.controls for view in self._views.values() if view.spec.control == topic), default=0)

    @property
    def next_wake(self) -> datetime | None:
        """Return the earliest instant at which a stage wants to be woken, if any does."""
        return min((view.wake for view in self._views.values() if view.wake is not None), default=None)

    def close(self) -> None:
        """Release the stores and leave the group."""
        for view in self._views.values():
            view.store.close()
        self._views = {}
        if self._control is not None:
            self._control.close()
        if self._policies is not None:
            self._policies.close()
        self._log.close()

    def health(self) -> Health:
        """Return how the lane is."""
        return Health(
            ready=self._settled,
            partitions=tuple(sorted(self._views)),
            idle_seconds=self._elapsed() - self._beaten_at,
            steps=self._steps,
            distrusted=self._clock.distrusted,
        )

    def _follow_policies(self) -> None:
        """Let versions that were published meanwhile govern, before anything more is decided."""
        if self._policies is None:
            return
        if self._policies.follow():
            self.govern(self._policies.topic.book)
        self.counts.update(self._policies.topic.drain_counts())

    def _beat(self) -> None:
        self._beaten_at = self._elapsed()

    # assignment

    def _follow_assignment(self, polled: Polled) -> None:
        """Close what was taken away, open and restore what was given, and read on from where it stands."""
        if polled.revoked or polled.assigned:
            self._settled = False
        for topic, partition in polled.revoked:
            view = self._views.pop((self._specs[topic].controller, partition), None)
            if view is not None:
                view.store.close()
        for topic, partition in polled.assigned:
            spec = self._specs[topic]
            key = (spec.controller, partition)
            if key not in self._views:
                self._views = {**self._views, key: View(spec, partition, self._open_state(*key))}
                self._views[key].restore(self._log, self._beat)
            self._views[key].sources.add((topic, partition))
        if polled.assigned:
            self._check_co_partitioning()
            self._log.start_at({source: at for view in self._views.values() for source, at in view.positions().items()})
        self._settled = self._settled or polled.settled

    def _check_co_partitioning(self) -> None:
        for (controller, partition), view in self._views.items():
            missing = sorted({(topic, partition) for topic in view.spec.sources} - view.sources)
            if missing:
                raise ConfigurationError(
                    f"partition {partition} of {missing[0][0]} went to another worker than its sisters: give all "
                    f"source topics of {controller} one number of partitions and all workers the same topics"
                )

    # time

    def _wake_due(self) -> int:
        """Wake the stages whose time has come, a bounded number of times; return the transactions committed."""
        committed = self._tick()
        for _ in range(self._bounds.wake_rounds):
            reached = [(view, self._reached(view)) for _, view in sorted(self._views.items())]
            due = [(view, now) for view, now in reached if view.wake is not None and view.wake <= now]
            if not due:
                break
            works = []
            for view, now in due:
                stage = view.spec.stage
                if isinstance(stage, TimedStage):
                    output = stage.wake(view.store, view.partition, now, max(1, self._bounds.wake // len(due)))
                    works.append(Work(view, output, positions=self._intake.positions(view), woken=True))
            for work in works:
                if work.is_empty:
                    self._follow(work, None)
            committed += self._commit([work for work in works if not work.is_empty])
        return committed

    def _reached(self, view: View) -> datetime:
        """Return up to when a partition may act: now, or what it has heard to while more waits to be read.

        After a stop, a hold or a closed case stands in the log before the instant that it moves: it is read first.
        """
        now = self._clock.now()
        if all(self._log.caught_up(source) for source in view.sources):
            return now
        return min(now, view.heard_to - MILLISECOND) if view.heard_to else NEVER  # its like may wait to be read

    def _tick(self) -> int:
        """Ask the broker for its time, where only that is missing for a stage to be woken."""
        waiting = sorted(
            ((view.wake, key) for key, view in self._views.items() if view.wake is not None), key=lambda pair: pair[0]
        )
        if not waiting or not self._clock.wants_tick(waiting[0][0]):
            return 0
        view = self._views[waiting[0][1]]
        before = self._log.append_time_ms
        ends = self._log.commit([view.tick()], self._intake.positions(view))
        view.store.apply((), ends.get(view.log_partition))
        self._clock.saw(self._log.append_time_ms)
        self._vain_ticks = self._vain_ticks + 1 if self._log.append_time_ms <= before else 0
        if self._vain_ticks >= VAIN_TICKS:
            raise ConfigurationError(
                f"the broker stamps no time of its own on {view.spec.changelog}: "
                "set its message.timestamp.type to LogAppendTime"
            )
        return 1

    # output

    def _commit(self, works: Sequence[Work]) -> int:
        """Commit works in one transaction, then let state, wake times and counters follow."""
        if not works:
            return 0
        records = [record for work in works for record in work.records(self._materialise)]
        positions = {source: offset for work in works for source, offset in work.positions.items()}
        self._on_point("handled")
        ends = self._log.commit(records, positions)
        self._on_point("committed")
        for work in works:
            self._follow(work, ends.get(work.view.log_partition))
            self.consumed.update(opened.raw.topic for opened in work.batch)
        self.produced.update(record.topic for record in records)
        self._clock.saw(self._log.append_time_ms)
        self._on_point("applied")
        return 1

    def _follow(self, work: Work, position: int | None) -> None:
        view, output = work.view, work.output
        if output.changes:
            view.store.apply(output.changes, position)
        if work.woken:
            view.wake = None
        if work.batch:
            newest = max(opened.raw.timestamp_ms for opened in work.batch)
            view.heard_to = datetime.fromtimestamp(newest / 1000, UTC)
        if work.control is not None:
            view.control = work.control
            view.controls += work.controls
        if output.next_wake is not None and (view.wake is None or output.next_wake < view.wake):
            view.wake = output.next_wake
        self.counts.update(output.counts)
