from collections.abc import Callable
from threading import Event

import pytest

from pipeline.adapters.memory_state import MemoryState
from pipeline.domain.errors import ConfigurationError, FencedError, PipelineError, UnavailableError, UnknownOutcomeError
from pipeline.domain.records import Change
from pipeline.lanes import Bounds, GuardedClock
from pipeline.lanes.views import TICK_KEY
from tests.unit.lanes.lane_fakes import Alarm, Indexed, VirtualClock, World, remembered, settle


class Crash(BaseException):
    """SIGKILL, as far as one process can play it."""


POINTS = ("polled", "handled", "begun", "produced", "positions", "ended", "committed", "applied")


def at(point: str, error: BaseException, nth: int = 1) -> Callable[[str], None]:
    """Return a callback that raises at the nth passing of a point, once."""
    passed = 0

    def on_point(reached: str) -> None:
        nonlocal passed
        if reached == point:
            passed += 1
            if passed == nth:
                raise error

    return on_point


def numbered(world: World, count: int, topic: str = "a") -> None:
    for _ in range(count):
        world.send(topic)


def test_each_event_is_handled_once_and_remembered() -> None:
    world = World()
    numbered(world, 3)

    settle(world.lane())

    assert [(v["id"], v["count"]) for v in world.read()] == [(0, 1), (1, 2), (2, 3)]
    assert world.stores["acme", 0].get(b"k") == b"3"
    assert [r.value for r in world.broker.read("log") if r.key == b"k"] == [b"3"]


def test_what_cannot_be_read_becomes_a_dead_letter_in_the_same_batch() -> None:
    world = World()
    world.send()
    world.broker.append("a", b"x", b"rubbish", partition=0)
    world.broker.append("a", b"x", None, partition=0)

    settle(world.lane())

    assert world.ids() == [0]
    assert [(v["offset"], v["code"], v["sealed"]) for v in world.read("dead")] == [
        (1, "malformed", b"rubbish".hex()),
        (2, "empty_record", ""),
    ]


def test_topics_of_one_partition_are_merged_by_the_brokers_time() -> None:
    world = World()
    for topic in ("b", "a", "a", "b", "a"):
        world.clock.pass_time(milliseconds=1)
        world.send(topic)

    settle(world.lane())

    assert world.ids() == [0, 1, 2, 3, 4]


def test_order_within_a_topic_holds_even_where_the_brokers_time_runs_backward() -> None:
    world = World()
    for step in (0, -5, 3):
        world.clock.pass_time(milliseconds=step)
        world.send("a")
    world.send("b")

    settle(world.lane())

    assert [i for i in world.ids() if i != 3] == [0, 1, 2]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("disk", ["kept", "lost"])
def test_a_death_at_any_point_changes_nothing_in_the_end(point: str, nth: int, disk: str) -> None:
    world = World(2)
    for i in range(20):
        world.send("ab"[i % 2], partition=i % 2, key=f"k{i % 3}")
    bounds = Bounds(records=6)
    with pytest.raises(Crash):
        settle(world.lane(bounds=bounds, on_point=at(point, Crash(), nth)))
    if disk == "lost":
        world.stores.clear()

    settle(world.lane(bounds=bounds))

    untouched = World(2)
    for i in range(20):
        untouched.send("ab"[i % 2], partition=i % 2, key=f"k{i % 3}")
    settle(untouched.lane(bounds=bounds))
    assert sorted(world.ids(), key=str) == sorted(untouched.ids(), key=str)
    for number in (0, 1):
        mine, other = world.stores["acme", number], untouched.stores["acme", number]
        assert list(mine.scan(b"", b"\xff")) == list(other.scan(b"", b"\xff"))


@pytest.mark.parametrize("point", ["begun", "produced", "positions", "ended"])
def test_after_an_unknown_outcome_the_lane_reads_back_and_goes_on(point: str) -> None:
    world = World()
    numbered(world, 5)
    lane = world.lane(bounds=Bounds(records=2), on_point=at(point, UnknownOutcomeError("who knows"), nth=2))

    settle(lane)
    settle(lane)

    assert [(v["id"], v["count"]) for v in world.read()] == [(i, i + 1) for i in range(5)]
    assert world.stores["acme", 0].get(b"k") == b"5"


def test_an_aborted_transaction_is_done_again_by_the_same_lane() -> None:
    world = World()
    numbered(world, 5)
    lane = world.lane(bounds=Bounds(records=2), on_point=at("produced", UnavailableError("not now"), nth=2))

    settle(lane)
    settle(lane)

    assert [(v["id"], v["count"]) for v in world.read()] == [(i, i + 1) for i in range(5)]


FAILURES = [UnavailableError("not now"), UnknownOutcomeError("who knows")]


@pytest.mark.parametrize("error", FAILURES)
def test_a_transaction_that_fails_again_and_again_ends_the_lane(error: PipelineError) -> None:
    world = World()
    numbered(world, 1)

    def never(point: str) -> None:
        if point == "produced":
            raise error

    lane = world.lane(bounds=Bounds(failures=2), on_point=never)

    lane.step()
    lane.step()
    lane.step()
    with pytest.raises(type(error)):
        lane.step()


@pytest.mark.parametrize("error", FAILURES)
def test_a_transaction_that_succeeds_starts_the_count_of_failures_anew(error: PipelineError) -> None:
    world = World()
    numbered(world, 6)
    produced = 0

    def every_other_time(point: str) -> None:
        nonlocal produced
        if point == "produced":
            produced += 1
            if produced % 2:
                raise error

    lane = world.lane(bounds=Bounds(failures=1, records=1), on_point=every_other_time)

    for _ in range(13):
        lane.step()

    assert world.ids() == list(range(6))


@pytest.mark.parametrize("error", FAILURES)
def test_a_lane_that_fails_waits_longer_each_time(error: PipelineError) -> None:
    world = World()
    numbered(world, 1)
    waits: list[float] = []

    class Patient(Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0)
            return False

    def never(point: str) -> None:
        if point == "produced":
            raise error

    with pytest.raises(type(error)):
        world.lane(bounds=Bounds(failures=3), on_point=never).run(Patient())

    assert waits == [0.2, 0.4, 0.8]


def test_a_fenced_lane_stops_and_its_successor_goes_on() -> None:
    world = World()
    lane = world.lane()
    settle(lane)
    successor = world.lane()
    numbered(world, 2)

    settle(successor)
    with pytest.raises(FencedError):
        settle(lane)

    assert world.ids() == [0, 1]


def test_partitions_and_their_state_move_to_a_second_process() -> None:
    world = World(2)
    for i in range(6):
        world.send(partition=i % 2)
    first = world.lane(member="0")
    settle(first)

    world.stores.clear()  # two processes share no disk
    second = world.lane(member="1")
    for i in range(6):
        world.send(partition=i % 2)
    for lane in (first, second, first, second):
        settle(lane)

    assert first.health().partitions == (("acme", 0),)
    assert second.health().partitions == (("acme", 1),)
    for number in (0, 1):
        counts = [v["count"] for v in world.read() if int(str(v["id"])) % 2 == number]
        assert counts == [1, 2, 3, 4, 5, 6]


def test_sources_that_are_not_co_partitioned_are_refused() -> None:
    world = World(2)
    world.broker = type(world.broker)(world.clock)
    for name, partitions in (("a", 2), ("b", 1), ("log", 2), ("out", 2), ("dead", 1)):
        world.broker.create_topic(name, partitions)

    with pytest.raises(ConfigurationError, match="one number of partitions"):
        settle(world.lane())


def test_a_large_batch_is_split_into_transactions_by_bytes() -> None:
    world = World()
    numbered(world, 10)
    commits = 0

    def count_commits(point: str) -> None:
        nonlocal commits
        commits += point == "ended"

    settle(world.lane(bounds=Bounds(bytes=60), on_point=count_commits))

    assert world.ids() == list(range(10))
    assert [v["count"] for v in world.read()] == list(range(1, 11))
    assert commits == 5  # two events of 24 bytes fit into 60


def test_control_records_reach_every_partition_once_and_in_order() -> None:
    world = World(2)
    world.send("control", key="hold")
    world.send("control", key="hold")
    lane = world.lane(control=True)
    settle(lane)
    world.send("control", key="hold")
    settle(lane)

    restarted = world.lane(control=True)
    settle(restarted)

    for number in (0, 1):
        assert [
            r.value and b'"count": %d' % i in r.value for i, r in enumerate(world.broker.read("out", number), 1)
        ] == [True] * 3
        assert world.stores["acme", number].get(b"control") == (3).to_bytes(8)


def test_control_positions_survive_a_lost_disk() -> None:
    world = World()
    world.send("control", key="hold")
    settle(world.lane(control=True))
    world.stores.clear()

    settle(world.lane(control=True))

    assert len(world.read()) == 1


def test_an_unreadable_control_record_is_reported_by_one_partition_only() -> None:
    world = World(3)
    world.broker.append("control", None, b"rubbish", partition=0)

    settle(world.lane(control=True))

    assert len(world.read("dead")) == 1
    assert all(world.stores["acme", n].get(b"control") == (1).to_bytes(8) for n in range(3))


def test_a_stage_is_woken_when_its_time_has_come_and_not_before() -> None:
    world = World(stage=lambda out, _dead: Alarm(out))
    lane = world.lane()
    world.send(wait=60)
    settle(lane)
    world.clock.pass_time(seconds=59.999)
    settle(lane)
    assert world.read() == []

    world.clock.pass_time(seconds=0.001)
    settle(lane)

    assert world.ids() == ["0"]


def test_waking_is_bounded_and_goes_on_until_nothing_is_due() -> None:
    world = World(stage=lambda out, _dead: Alarm(out))
    lane = world.lane(bounds=Bounds(wake=2))
    for i in range(7):
        world.send(wait=i + 1)
    settle(lane)
    world.clock.pass_time(seconds=10)

    assert [lane.step() for _ in range(5)] == [1, 1, 1, 1, 0]

    assert world.ids() == [str(i) for i in range(7)]


def test_what_is_due_goes_before_what_arrives_at_the_same_instant() -> None:
    world = World(stage=lambda out, _dead: Alarm(out))
    lane = world.lane(bounds=Bounds(wake_rounds=1000))
    world.send(wait=5)
    settle(lane)
    world.clock.pass_time(seconds=5)
    world.send(wait=0)

    settle(lane)

    assert world.ids() == ["0", "1"]


@pytest.mark.parametrize("point", POINTS)
def test_a_death_while_waking_rings_no_bell_twice_and_loses_none(point: str) -> None:
    world = World(stage=lambda out, _dead: Alarm(out))
    for i in range(5):
        world.send(wait=i)
    settle(world.lane())
    world.clock.pass_time(seconds=10)
    with pytest.raises(Crash):
        settle(world.lane(bounds=Bounds(wake=2), on_point=at(point, Crash(), nth=2)))

    settle(world.lane())

    assert world.ids() == [str(i) for i in range(5)]


def test_an_abort_while_waking_forgets_no_bell() -> None:
    world = World(stage=lambda out, _dead: Alarm(out))
    world.send(wait=5)
    settle(world.lane())
    world.clock.pass_time(seconds=10)
    lane = world.lane(on_point=at("produced", UnavailableError("not now")))

    settle(lane)
    settle(lane)

    assert world.ids() == ["0"]


def test_a_waking_lane_that_lost_its_partitions_cannot_emit() -> None:
    """Its transaction commits the positions too, and those are refused (KIP-447)."""
    world = World(stage=lambda out, _dead: Alarm(out))
    world.send(wait=5)
    lane = world.lane(member="0")
    settle(lane)
    world.clock.pass_time(seconds=10)
    deposed: list[str] = []

    def depose(point: str) -> None:
        if point == "handled" and not deposed:
            deposed.append(point)
            world.broker.expel("g", "0")

    lane = world.lane(member="0", on_point=depose)
    assert lane.step() == 0

    assert deposed
    assert world.read() == []
    settle(lane)
    assert world.ids() == ["0"]


def test_local_entries_are_derived_on_restore_and_follow_their_entry() -> None:
    world = World(stage=Indexed)
    for _ in range(2):
        numbered(world, 1)
        settle(world.lane())
    old = MemoryState()
    old.apply([Change(b"k", b"1"), Change(b"\x021/k", b"", local=True)], 1)
    world.stores["acme", 0] = old

    settle(world.lane())

    assert remembered(old) == [(b"\x022/k", b""), (b"k", b"2")]


def test_a_store_of_another_log_is_forgotten_and_restored() -> None:
    world = World()
    numbered(world, 2)
    settle(world.lane())
    foreign = MemoryState()
    foreign.apply([Change(b"foreign", b"1")], 1000)
    world.stores["acme", 0] = foreign

    settle(world.lane())

    assert remembered(foreign) == [(b"k", b"2")]


@pytest.mark.parametrize("disk", ["kept", "lost"])
def test_a_group_whose_positions_kafka_forgot_goes_on_where_its_state_says(disk: str) -> None:
    world = World(2)
    for i in range(8):
        world.send("ab"[i % 2], partition=i // 2 % 2)
    settle(world.lane())
    world.broker.forget_positions("g")  # it stood still for longer than offsets.retention.minutes
    if disk == "lost":
        world.stores.clear()
    world.send("a", partition=1)
    world.broker.compact("log")

    settle(world.lane())

    assert sorted(world.ids(), key=str) == list(range(9))


def test_a_rewind_after_forgotten_positions_repeats_nothing() -> None:
    world = World()
    numbered(world, 3)
    settle(world.lane())
    world.broker.forget_positions("g")
    numbered(world, 2)
    lane = world.lane(on_point=at("produced", UnavailableError("not now")))

    settle(lane)
    settle(lane)

    assert world.ids() == [0, 1, 2, 3, 4]


def test_records_deleted_while_a_forgotten_group_stood_still_are_told() -> None:
    world = World()
    numbered(world, 2)
    settle(world.lane())
    world.broker.forget_positions("g")
    numbered(world, 2)
    [partition] = world.broker.partitions_of("a")
    partition.start, partition.records = 3, partition.records[3:]

    with pytest.raises(PipelineError, match="deleted before they were read"):
        settle(world.lane())


def test_control_facts_deleted_while_a_lane_stood_still_are_told() -> None:
    world = World()
    world.send("control", key="hold")
    settle(world.lane(control=True))
    world.send("control", key="hold")
    world.send("control", key="hold")
    [partition] = world.broker.partitions_of("control")
    partition.start, partition.records = 2, partition.records[2:]

    with pytest.raises(PipelineError, match="deleted before they were read"):
        settle(world.lane(control=True))


def test_a_lane_runs_until_told_to_halt_and_leaves_its_group() -> None:
    world = World()
    numbered(world, 3)
    halt = Event()

    def stop(point: str) -> None:
        if point == "applied":
            halt.set()

    lane = world.lane(on_point=stop)

    lane.run(halt)

    assert world.ids() == [0, 1, 2]
    assert world.broker.group("g").members == {}


def test_a_lane_that_fails_leaves_and_tells_its_own_error() -> None:
    world = World()
    numbered(world, 1)
    lane = world.lane(on_point=at("handled", FencedError("gone")))

    with pytest.raises(FencedError, match="gone"):
        lane.run(Event())

    assert world.broker.group("g").members == {}


def test_health_tells_when_a_lane_is_ready_and_for_how_long_it_stood_still() -> None:
    world = World(2)
    lane = world.lane()
    assert not lane.health().ready
    lane.step()
    world.clock.pass_time(seconds=7)

    health = lane.health()

    assert health.ready
    assert health.partitions == (("acme", 0), ("acme", 1))
    assert (health.idle_seconds, health.steps) == (7.0, 1)


def test_counters_grow_with_what_was_committed_only() -> None:
    world = World()
    numbered(world, 3)
    lane = world.lane(on_point=at("produced", UnavailableError("not now")))

    settle(lane)
    settle(lane)

    assert lane.counts["handled",] == 3


def test_an_idle_lane_asks_the_broker_for_its_time_before_it_acts_on_its_own_clock() -> None:
    world = World(stage=lambda out, _dead: Alarm(out))
    wall = VirtualClock()
    clock = GuardedClock(wall, wall.elapsed)
    lane = world.lane(clock=clock)
    world.send(wait=60)
    settle(lane)
    assert [r.key for r in world.broker.read("log")][:1] == [TICK_KEY]

    wall.pass_time(seconds=70)  # this machine's clock is ahead: the broker's has not moved
    settle(lane)
    assert world.read() == []

    world.clock.pass_time(seconds=70)
    wall.pass_time(seconds=2)
    settle(lane)
    assert world.ids() == ["0"]


def test_health_tells_that_emissions_stand_still_because_the_clock_jumped() -> None:
    world = World(stage=lambda out, _dead: Alarm(out))
    wall = VirtualClock()
    lane = world.lane(clock=GuardedClock(wall, elapsed=lambda: 0.0))
    settle(lane)
    assert not lane.health().distrusted

    wall.pass_time(hours=1)
    settle(lane)

    assert lane.health().distrusted


def test_ticks_are_no_state() -> None:
    world = World(stage=lambda out, _dead: Alarm(out))
    wall = VirtualClock()
    settle(world.lane(clock=GuardedClock(wall, wall.elapsed)))
    world.stores.clear()

    settle(world.lane(clock=GuardedClock(wall, wall.elapsed)))

    assert list(world.stores["acme", 0].scan(b"", b"\xff")) == []
    assert {r.key for r in world.broker.read("log")} == {TICK_KEY}


def test_a_broker_that_stamps_no_time_is_told_instead_of_waited_for() -> None:
    world = World(stage=lambda out, _dead: Alarm(out))
    wall = VirtualClock()
    lane = world.lane(clock=GuardedClock(wall, wall.elapsed))
    world.send(wait=60)
    settle(lane)
    wall.pass_time(hours=1)

    def step() -> None:
        wall.pass_time(seconds=1)
        lane.step()

    for _ in range(29):
        step()
    with pytest.raises(ConfigurationError, match="LogAppendTime"):
        step()
