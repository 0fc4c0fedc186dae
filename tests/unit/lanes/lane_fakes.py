"""A lane on memory adapters, with stages small enough to reason about."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from pipeline.adapters.memory_log import MemoryBroadcast, MemoryBroker, MemoryLog
from pipeline.adapters.memory_state import MemoryState
from pipeline.domain.records import Change, Incoming, Output, OutRecord
from pipeline.lanes import Bounds, Lane, LaneSpec, Materialiser, RecordOpener, UnguardedClock
from pipeline.lanes.versions import PolicyFollower
from pipeline.lanes.views import POSITION_PREFIX
from pipeline.policy.book import PolicyBook
from pipeline.ports import LaneClock, Stage, StateReader
from tests.soak.tally import JsonCodec, PlainSealer, Tally

START = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def elapsed(self) -> float:
        return self.time.timestamp()

    def pass_time(self, **spans: float) -> None:
        self.time += timedelta(**spans)


class Alarm:
    """A timed stage: each event asks for a bell so many seconds after it came; state holds what still has to ring."""

    def __init__(self, out: str) -> None:
        self._out = out

    def handle(self, batch: Sequence[Incoming], state: StateReader, partition: int, now: datetime) -> Output:  # noqa: ARG002 - the port's names
        output = Output()
        for event in batch:
            assert event.value is not None
            due = now + timedelta(seconds=float(str(event.value["wait"])))
            output.changes.append(Change(_key(due) + str(event.value["id"]).encode(), b"", local=False))
            output.next_wake = due if output.next_wake is None else min(output.next_wake, due)
        return output

    def wake(self, state: StateReader, partition: int, now: datetime, limit: int) -> Output:
        output = Output()
        for key, _ in state.scan(b"\x00", b"control"):
            due = datetime.fromtimestamp(int.from_bytes(key[1:9]) / 1000, UTC)
            if due > now or len(output.records) == limit:
                output.next_wake = due
                break
            output.changes.append(Change(key, None))
            output.records.append(
                OutRecord(topic=self._out, key=None, schema="bell", value={"id": key[9:].decode()}, partition=partition)
            )
        return output


def _key(due: datetime) -> bytes:
    return b"\x01" + int(due.timestamp() * 1000).to_bytes(8)


class Indexed(Tally):
    """A tally with a local index from count to key."""

    def derive(self, key: bytes, value: bytes) -> Iterable[Change]:
        if key != b"control" and not key.startswith(POSITION_PREFIX):
            yield Change(b"\x02" + value + b"/" + key, b"", local=True)


class Governed(Tally):
    """A tally that policy versions govern."""

    book = PolicyBook({})


class World:
    """Topics, a clock, and lanes that may die and be started again; stores outlive a lane, as directories do."""

    def __init__(self, partitions: int = 1, *, stage: Callable[[str, str], Stage] = Tally) -> None:
        self.clock = VirtualClock()
        self.broker = MemoryBroker(self.clock)
        for name in ("a", "b", "out", "log"):
            self.broker.create_topic(name, partitions)
        for name in ("dead", "control"):
            self.broker.create_topic(name)
        self.stores: dict[tuple[str, int], MemoryState] = {}
        self.stage: Stage = stage("out", "dead")
        self._ids = count()

    def lane(
        self,
        *,
        control: bool = False,
        on_point: Callable[[str], None] = lambda _point: None,
        bounds: Bounds | None = None,
        clock: LaneClock | None = None,
        member: str = "0",
        elapsed: Callable[[], float] | None = None,
        policies: PolicyFollower | None = None,
    ) -> Lane:
        spec = LaneSpec(
            controller="acme",
            stage=self.stage,
            open=RecordOpener(JsonCodec()),
            sources=("a", "b"),
            changelog="log",
            control="control" if control else None,
        )
        return Lane(
            log=MemoryLog(self.broker, "g", member, ("a", "b"), on_point=on_point),
            specs=[spec],
            open_state=lambda controller, number: self.stores.setdefault((controller, number), MemoryState()),
            materialise=Materialiser(JsonCodec(), PlainSealer()),
            clock=clock or UnguardedClock(self.clock),
            elapsed=elapsed or self.clock.elapsed,
            control=MemoryBroadcast(self.broker) if control else None,
            policies=policies,
            bounds=bounds,
            on_point=on_point,
        )

    def send(self, topic: str = "a", partition: int = 0, **value: object) -> None:
        body = json.dumps({"id": next(self._ids), "key": "k", **value}).encode()
        self.broker.append(topic, None, body, partition=partition)

    def read(self, topic: str = "out") -> list[dict[str, object]]:
        return [json.loads(record.value or b"{}") for record in self.broker.read(topic)]

    def ids(self, topic: str = "out") -> list[object]:
        return [value["id"] for value in self.read(topic)]


def remembered(store: MemoryState) -> list[tuple[bytes, bytes]]:
    """Return the state of the stage, without what the lane itself keeps there."""
    return [entry for entry in store.scan(b"", b"\xff") if not entry[0].startswith(POSITION_PREFIX)]


def settle(lane: Lane) -> None:
    """Step until nothing more happens."""
    lane.step()
    while lane.step():
        pass
