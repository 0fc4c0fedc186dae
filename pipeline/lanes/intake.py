"""What comes into a lane: records made into transactions' worth of work, each partition in order of broker time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge

from pipeline.domain.records import Change, Output
from pipeline.lanes.bounds import Bounds
from pipeline.lanes.materialise import Materialiser
from pipeline.lanes.opening import Opened
from pipeline.lanes.views import CONTROL_KEY, LaneSpec, View, position_changes
from pipeline.ports import Broadcast, InRecord, LaneClock, LaneLog, RawRecord, TopicPartition


@dataclass(slots=True)
class Work:
    """One partition's part of a transaction."""

    view: View
    output: Output
    batch: Sequence[Opened] = ()
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    control: int | None = None
    controls: int = 0
    woken: bool = False

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to commit."""
        return not (self.output.records or self.output.changes)

    def records(self, materialise: Materialiser) -> Iterator[RawRecord]:
        """Yield what the transaction produces: the outputs, then the changelog of the state."""
        yield from (materialise(record, self.batch) for record in self.output.records)
        yield from self.view.changelog(self.output.changes)


class Intake:
    """Turns polled records into work, a bounded number of bytes for each transaction."""

    def __init__(
        self, log: LaneLog, specs: Mapping[str, LaneSpec], clock: LaneClock, control: Broadcast | None, bounds: Bounds
    ) -> None:
        self._log = log
        self._specs = specs
        self._clock = clock
        self._control = control
        self._bounds = bounds

    def batches(self, views: Mapping[tuple[str, int], View], records: Sequence[InRecord]) -> Iterator[list[Work]]:
        """Yield transactions' worth of input, oldest broker time first within each partition."""
        works: list[Work] = []
        size = 0
        for view, batch in self._by_view(views, records):
            part: list[InRecord] = []
            for record in batch:
                weight = len(record.value or b"") + len(record.key or b"")
                if size and size + weight > self._bounds.bytes:
                    yield [*works, *self._handled(view, part)]
                    works, part, size = [], [], 0
                part.append(record)
                size += weight
            works += self._handled(view, part)
        if works:
            yield works

    def _by_view(
        self, views: Mapping[tuple[str, int], View], records: Sequence[InRecord]
    ) -> Iterator[tuple[View, Iterable[InRecord]]]:
        pending: dict[tuple[str, int], dict[str, list[InRecord]]] = {}
        for record in records:
            key = (self._specs[record.topic].controller, record.partition)
            pending.setdefault(key, {}).setdefault(record.topic, []).append(record)
        for key, view in sorted(views.items()):
            topics = pending.get(key, {})
            if view.spec.control is not None and self._control is not None:
                topics[view.spec.control] = self._control.after(view.spec.control, view.control, self._bounds.control)
            if any(topics.values()):
                yield view, merge(*(topics[topic] for topic in sorted(topics)), key=lambda r: r.timestamp_ms)

    def _handled(self, view: View, records: Sequence[InRecord]) -> list[Work]:
        """Return what the stage makes of one partition's records, with the positions they lead to."""
        if not records:
            return []
        positions = {(r.topic, r.partition): r.offset + 1 for r in records if r.topic != view.spec.control}
        controls = [r.offset for r in records if r.topic == view.spec.control]
        control = max(controls) + 1 if controls else None
        opened = [view.spec.open(record) for record in records]
        batch = [o for o in opened if not self._is_anothers(view, o)]
        output = view.spec.stage.handle([o.incoming for o in batch], view.store, view.partition, self._clock.now())
        output.changes += position_changes(positions)
        if control is not None:
            output.changes.append(Change(CONTROL_KEY, control.to_bytes(8)))
        return [Work(view, output, batch, positions or self.positions(view), control, len(controls))]

    def _is_anothers(self, view: View, opened: Opened) -> bool:
        """Return whether partition 0 reports this one: an unreadable control record has one outcome, not one each."""
        return opened.raw.topic == view.spec.control and opened.incoming.error is not None and view.partition != 0

    def positions(self, view: View) -> dict[TopicPartition, int]:
        """Return a partition's committed positions: committing them again proves that it is still this member's."""
        return {source: self._log.position(source) for source in sorted(view.sources)}
