"""One seed, one history: obligations and facts arrive, workers, disks, clocks and commits fail, and time passes.

Everything runs in one thread on virtual time; nothing is random but by the seed. What a history must give is what the
same arrivals give to a single worker that nothing ever happens to.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

from pipeline.adapters.memory_log import MemoryBroker
from pipeline.domain.errors import InvalidEvent, PipelineError
from pipeline.domain.records import Incoming, Output
from pipeline.lanes import Bounds, Lane, LaneSpec
from pipeline.lanes.clocks import GuardedClock, UnguardedClock
from pipeline.lanes.materialise import Materialiser
from pipeline.lanes.opening import RecordOpener
from pipeline.policy.book import PolicyBook
from pipeline.ports import LaneClock, StateReader
from pipeline.stages.expire import ExpireStage
from tests.simulation.faults import Crash, Disk, Faults, FaultyLog, Wall
from tests.simulation.story import Item, Story
from tests.soak.tally import PlainSealer
from tests.unit.policy.policy_stories import acme

START = datetime(2024, 1, 1, tzinfo=UTC)
OBLIGATIONS, CHANGELOG = "acme.obligation.v1", "acme.schedule.v1"
PARTITIONS = 2
WORKERS = 2
BOUNDS = Bounds(records=3, wake=5, failures=10_000)


@cache
def book() -> PolicyBook:
    """Return the small policy that uses each feature of the language."""
    return PolicyBook({"acme": (acme(),)})


class Objects:
    """A codec that keeps values as they are: what is simulated is the protocol, not Avro."""

    def __init__(self) -> None:
        self._values: list[dict[str, Any]] = []

    def encode(self, schema: str, value: Any) -> bytes:
        self._values.append({"schema": schema, **value})
        return str(len(self._values) - 1).encode()

    def decode(self, value: bytes) -> tuple[str, dict[str, Any]]:
        try:
            return "", self._values[int(value)]
        except ValueError as error:
            raise InvalidEvent("malformed", "no such value") from error


class Broken(ExpireStage):
    """The stage with one thing broken on purpose."""

    mutant = ""

    def handle(self, batch: Sequence[Incoming], state: StateReader, partition: int, now: datetime) -> Output:
        if self.mutant == "late obligations ignored":
            batch = [_without(one, lambda item: item["occurred_at"] < now - timedelta(days=1)) for one in batch]
        if self.mutant == "holds seen only before the record":
            batch = [_without(one, lambda item: str(item.get("type", "")).startswith("hold.")) for one in batch]
        return self._rounded(super().handle(batch, state, partition, now))

    def wake(self, state: StateReader, partition: int, now: datetime, limit: int) -> Output:
        return self._rounded(super().wake(state, partition, now + self._early, limit))

    @property
    def _early(self) -> timedelta:
        return timedelta(hours=12) if self.mutant == "due instants rounded down" else timedelta(0)

    def _rounded(self, output: Output) -> Output:
        if output.next_wake is not None:
            output.next_wake -= self._early
        return output


def _without(one: Incoming, drop: Any) -> Incoming:
    items = [item for item in (one.value or {})["items"] if not drop({"occurred_at": item.get("at"), **item})]  # type: ignore[attr-defined]
    return Incoming(
        topic=one.topic, partition=one.partition, offset=one.offset, timestamp_ms=one.timestamp_ms, head=None,
        value={"items": items},
    )  # fmt: skip


@dataclass(slots=True)
class Worker:
    """One process slot: what runs in it now, its disks and its clock."""

    ordinal: int
    wall: Wall
    lane: Lane | None = None
    disks: dict[tuple[str, int], Disk] = field(default_factory=dict)
    down: int = 0
    """Rounds for which nobody starts it again."""


class World:
    """A broker, workers and everything that may happen to them."""

    def __init__(self, seed: int, *, disturbed: bool, mutant: str | None = None) -> None:
        self.time = START
        self.until = START
        self.random = Random(seed * 2 + 1)
        self.broker = MemoryBroker(self)
        self.broker.create_topic(OBLIGATIONS, PARTITIONS)
        self.broker.create_topic(CHANGELOG, PARTITIONS)
        for topic in ("acme.expiry.v1", "acme.violation.v1"):
            self.broker.create_topic(topic, PARTITIONS)
        for topic in ("acme.review.v1", "acme.erase-instruction.delivery.v1", "acme.dead-letter.v1"):
            self.broker.create_topic(topic)
        self.mutant = mutant
        self.faults = Faults(random=self.random, rate=3 if disturbed else 0, mutant=mutant)
        self.codec = Objects()
        count = WORKERS if disturbed else 1
        self.workers = [Worker(number, Wall(self.now)) for number in range(count)]
        self.zombies: list[Lane] = []
        self._paused = False

    def now(self) -> datetime:
        """Return the true time, which is also the broker's."""
        return self.time

    def elapsed(self) -> float:
        """Return the seconds that passed."""
        return (self.time - START).total_seconds()

    def arrive(self, items: Sequence[Item]) -> None:
        """Let a block of obligations and facts arrive in its partition."""
        value = self.codec.encode("obligation", {"items": [item.wire(START) for item in items]})
        self.broker.append(OBLIGATIONS, None, value, partition=items[0].partition)

    def step(self, worker: Worker) -> int:
        """Let a worker do one round; one that dies is started again by its next round."""
        if self.faults.rate and self.random.randrange(12) == 0:
            self.faults.arrive()
        if worker.down:
            worker.down -= 1
            return 1
        if worker.lane is None:
            worker.lane = self._start(worker)
        try:
            return worker.lane.step()
        except (Crash, PipelineError):
            worker.lane = None
            if self.faults.rate and self.random.randrange(2):
                worker.down = self.random.randrange(8)  # its session expires, and its partitions go to another one
                self.broker.expel("expire", str(worker.ordinal))
            return 1

    def _start(self, worker: Worker) -> Lane:
        stage = Broken("acme", book(), announce=False)
        stage.mutant = self.mutant or ""
        spec = LaneSpec(
            controller="acme", stage=stage, open=RecordOpener(self.codec), sources=(OBLIGATIONS,), changelog=CHANGELOG
        )
        guarded: LaneClock = GuardedClock(worker.wall, self.elapsed)
        return Lane(
            log=FaultyLog(self.broker, "expire", str(worker.ordinal), (OBLIGATIONS,), self.faults),
            specs=[spec],
            open_state=lambda controller, partition: worker.disks.setdefault((controller, partition), Disk()),
            materialise=Materialiser(self.codec, PlainSealer()),
            clock=UnguardedClock(worker.wall) if self.mutant == "no clock guard" else guarded,
            elapsed=self.elapsed,
            bounds=BOUNDS,
            on_point=lambda point: self._maybe_pause(worker, point),
        )

    def _maybe_pause(self, worker: Worker, point: str) -> None:
        """Let a worker stand still before its commit, long enough for the others to take its partitions."""
        if self._paused or point != "handled" or not self.faults.rate or self.random.randrange(20):
            return
        self._paused = True
        self.broker.expel("expire", str(worker.ordinal))
        for _round in range(6):
            for other in self.workers:
                if other is not worker:
                    self.step(other)
        self._paused = False

    def disturb(self) -> None:  # noqa: C901  one arm for each thing that may go wrong
        """Let one thing go wrong."""
        worker = self.random.choice(self.workers)
        match self.random.randrange(11):
            case 0:
                worker.lane = None
            case 1:
                worker.lane, worker.disks = None, {}
            case 2:
                worker.lane = None
                for disk in worker.disks.values():
                    disk.roll_back(tear=self.mutant == "a disk whose position outlives its entries")
            case 3:
                self.broker.expel("expire", str(worker.ordinal))  # its session expired, and it does not know
            case 4 if worker.lane is not None:
                self.zombies.append(worker.lane)  # stopped, and another was started in its place, on another machine:
                worker.lane, worker.disks = None, {}  # a directory is locked by whoever has it open
            case 5:
                worker.wall.error = self.random.choice([timedelta(0), *(timedelta(hours=h) for h in (-2, 1, 9999))])
            case 6:
                self.faults.arrive()
            case 7:
                for disk in worker.disks.values():
                    disk.keep()
            case 8 | 9 if worker.lane is not None and worker.lane.next_wake is not None:
                before = worker.lane.next_wake - timedelta(hours=1)  # nobody may be early, however close
                self.time = max(self.time, min(before, self.until))
            case _:
                self._wake_a_zombie()

    def _wake_a_zombie(self) -> None:
        if self.zombies:
            lane = self.zombies.pop(self.random.randrange(len(self.zombies)))
            with suppress(Crash, PipelineError):
                lane.step()

    def heal(self) -> None:
        """End all faults: what was on its way has arrived or never will, clocks are right again."""
        self.faults.arrive()
        self.faults.rate = 0
        self.zombies.clear()
        for worker in self.workers:
            worker.wall.error = timedelta(0)
            worker.lane, worker.down = None, 0

    def settle(self) -> None:
        """Let every worker work until nothing is left to do at this instant."""
        quiet = 0
        while quiet < 3:
            self.time += timedelta(seconds=3)  # ticks and margins need seconds
            quiet = 0 if sum(self.step(worker) for worker in self.workers) and quiet < 200 else quiet + 1

    def said(self) -> Iterator[tuple[datetime, dict[str, Any]]]:
        """Yield every expiry and instruction that committed readers see, with its append time."""
        for topic in ("acme.expiry.v1", "acme.erase-instruction.delivery.v1"):
            for record in self.broker.read(topic):
                _schema, value = self.codec.decode(record.value or b"")
                for item in value.get("items", [{}]):
                    yield datetime.fromtimestamp(record.timestamp_ms / 1000, UTC), {**value, **item}


def lived(seed: int, *, disturbed: bool, mutant: str | None = None) -> World:
    """Return a world that lived through the history of a seed to its end."""
    world = World(seed, disturbed=disturbed, mutant=mutant)
    moments = list(Story(seed).moments())
    for moment, then in zip(moments, [*moments[1:], moments[-1]], strict=True):
        world.time, world.until = START + moment.after, START + then.after
        for block in moment.blocks:
            world.arrive(block)
        if disturbed:
            for _round in range(world.random.randrange(4)):
                world.disturb()
                world.step(world.random.choice(world.workers))
        else:
            world.settle()
    world.heal()
    world.time += timedelta(days=3650)
    for _year in range(2):
        world.settle()
        world.time += timedelta(days=3650)
    return world


def violations(seed: int, mutant: str | None = None) -> list[str]:
    """Return what a history did that it may not do, one line each."""
    wanted = Counter(_essence(value) for _at, value in lived(seed, disturbed=False).said())
    world = lived(seed, disturbed=True, mutant=mutant)
    found = list(world.said())
    got = Counter(_essence(value) for _at, value in found)
    ids = Counter(str(value.get("expiry_id") or value.get("instruction_id")) for _at, value in found)
    early = [value for at, value in found if at < value["due_at"]]
    return [
        *(f"I1 lost: {one}" for one in (wanted - got).elements()),
        *(f"I2 twice: {one}" for one, times in ids.items() if times > 1),
        *(f"I4 early: {value.get('event_id')} due {value['due_at']}" for value in early),
        *(f"I7 invented or at another time: {one}" for one in (got - wanted).elements()),
        *(f"I8 went back: {source}" for source in world.faults.regressed),
    ]


def _essence(value: dict[str, Any]) -> tuple[str, ...]:
    names = ("expiry_id", "instruction_id", "event_id", "profile", "category", "action", "due_at", "kept_until")
    return tuple(str(value.get(name)) for name in names)


__all__ = ["World", "lived", "violations"]
