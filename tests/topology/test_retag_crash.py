"""An order to retag is carried out once, wherever the lane dies while it does so."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.adapters.memory_log import MemoryBroker, MemoryLog
from pipeline.adapters.memory_state import MemoryState
from pipeline.bootstrap.parts import Parts, expire_lane
from pipeline.bootstrap.simulation import open_simulation
from pipeline.lanes import Bounds, Lane, Materialiser
from pipeline.lanes.clocks import UnguardedClock
from pipeline.policy.book import PolicyBook
from pipeline.policy.retags import order
from tests.soak.tally import PlainSealer
from tests.topology.hard_cases import event
from tests.topology.stories import instant
from tests.topology.version_stories import FIRST, SECOND, write
from tests.unit.lanes.lane_fakes import VirtualClock

ORDERED = instant("2026-01-01T00:00:00Z")
LETTERS = 5
POINTS = ("polled", "handled", "begun", "produced", "positions", "ended", "committed", "applied")


class Crash(BaseException):
    """SIGKILL, as far as one process can play it."""


class Company:
    """The expire lane of one controller, on a log and disks that outlive it."""

    def __init__(self, parts: Parts, obligations: list[bytes]) -> None:
        self._parts = parts
        self._clock = VirtualClock()
        self._broker = MemoryBroker(self._clock)
        self.disks: dict[int, MemoryState] = {}
        for topic in ("tek-zence.obligation.v1", "tek-zence.expiry.v1", "tek-zence.schedule.v1"):
            self._broker.create_topic(topic)
        for block in obligations:
            self._broker.append("tek-zence.obligation.v1", None, block, partition=0)

    def work(self, book: PolicyBook, on_point: Callable[[str], None] = lambda _point: None) -> None:
        """Start a lane and let it do everything there is to do."""
        spec = expire_lane(self._parts, "tek-zence", announce=True)
        lane = Lane(
            log=MemoryLog(self._broker, "expire", "expire-0", spec.sources, on_point=on_point),
            specs=[spec],
            open_state=lambda _controller, number: self.disks.setdefault(number, MemoryState()),
            materialise=Materialiser(self._parts.codec, PlainSealer()),
            clock=UnguardedClock(self._clock),
            elapsed=self._clock.elapsed,
            bounds=Bounds(records=1, wake=2, poll_seconds=0),
            on_point=on_point,
        )
        lane.govern(book)
        for _ in range(4 * LETTERS):
            lane.step()

    def said(self) -> list[tuple[str, str, str, str]]:
        """Return type, id, version and record of every expiry there is."""
        values = [self._parts.codec.decode(r.value or b"")[1] for r in self._broker.read("tek-zence.expiry.v1")]
        return sorted(
            (str(value["type"]), item["expiry_id"], str(value["policy_version"]), item["event_id"])
            for value in values
            for item in value["items"]  # type: ignore[attr-defined] # a list
        )


def _dies(point: str, nth: int) -> Callable[[str], None]:
    passed = 0

    def on_point(reached: str) -> None:
        nonlocal passed
        passed += reached == point
        if reached == point and passed == nth:
            raise Crash

    return on_point


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Parts, list[bytes]]:
    """Return the parts of a shop with two versions, and the obligations that its first made."""
    folder: Path = write(
        tmp_path_factory.mktemp("shop") / "p", FIRST | {"period": "P9Y"}, SECOND | {"letters": "letters"}
    )
    pipeline = open_simulation(folder)
    for number in range(LETTERS):
        pipeline.pipe(
            event(f"l-{number}", "contact.email", "2024-05-01T10:00:00Z", "tek-zence", "s-1", email_message="hi")
        )
    blocks = [one.raw_value for one in pipeline.emitted if one.topic == "tek-zence.obligation.v1"]
    return pipeline.parts, blocks


@pytest.mark.parametrize("disk", ["kept", "lost"])
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("point", POINTS)
def test_a_death_while_records_are_moved_moves_none_twice(
    told: tuple[Parts, list[bytes]], point: str, nth: int, disk: str
) -> None:
    parts, blocks = told
    ordered = parts.book.with_retag(order("tek-zence", "1", "2", (), ORDERED))
    untouched, company = Company(parts, blocks), Company(parts, blocks)
    for one in (untouched, company):
        one.work(parts.book)

    with pytest.raises(Crash):
        company.work(ordered, _dies(point, nth))
    if disk == "lost":
        company.disks.clear()
    company.work(ordered)

    untouched.work(ordered)
    assert company.said() == untouched.said()
    assert [one[0] for one in company.said()].count("expiry.due") == LETTERS
    assert list(company.disks[0].scan(b"", b"\xff")) == list(untouched.disks[0].scan(b"", b"\xff"))
