from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.lanes import GuardedClock, UnguardedClock
from pipeline.lanes.clocks import UNKNOWN
from tests.unit.lanes.lane_fakes import START, VirtualClock


class Machine:
    """A machine whose clock can be set apart from the time that really passes."""

    def __init__(self) -> None:
        self.wall = VirtualClock()
        self.seconds = 0.0
        self.truth = START

    def pass_time(self, seconds: float) -> None:
        self.seconds += seconds
        self.truth += timedelta(seconds=seconds)
        self.wall.pass_time(seconds=seconds)

    def guarded(self) -> GuardedClock:
        return GuardedClock(self.wall, lambda: self.seconds)


def ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def test_before_the_broker_has_said_anything_no_instant_has_come() -> None:
    machine = Machine()
    clock = machine.guarded()

    machine.pass_time(1000)

    assert clock.now() == UNKNOWN


def test_now_is_the_older_of_both_clocks_less_the_margin() -> None:
    machine = Machine()
    clock = machine.guarded()
    machine.pass_time(10)

    clock.saw(ms(START + timedelta(seconds=8)))
    assert clock.now() == START + timedelta(seconds=6)

    clock.saw(ms(START + timedelta(seconds=30)))
    assert clock.now() == START + timedelta(seconds=8)


def test_now_never_runs_backward() -> None:
    machine = Machine()
    clock = machine.guarded()
    machine.pass_time(10)
    clock.saw(ms(machine.truth))
    reached = clock.now()

    machine.wall.pass_time(hours=-2)

    assert clock.now() == reached


def test_a_tick_is_wanted_only_where_the_brokers_word_alone_is_missing_and_once_a_second() -> None:
    machine = Machine()
    clock = machine.guarded()
    due = START + timedelta(seconds=5)
    clock.saw(ms(START))

    assert not clock.wants_tick(due)
    machine.pass_time(7)
    assert clock.wants_tick(due)
    assert not clock.wants_tick(due)
    machine.pass_time(1)
    assert clock.wants_tick(due)
    clock.saw(ms(machine.truth))
    machine.pass_time(1)
    assert not clock.wants_tick(due)


def test_after_a_jump_ahead_time_stands_still_until_the_broker_agrees() -> None:
    machine = Machine()
    clock = machine.guarded()
    clock.saw(ms(START))
    before = clock.now()
    machine.wall.pass_time(days=3650)

    clock.saw(ms(START + timedelta(days=100)))
    assert clock.now() == before
    assert clock.wants_tick(START + timedelta(days=1000))

    clock.saw(ms(machine.wall.now()))
    assert clock.now() == machine.wall.now() - timedelta(seconds=2)


def test_a_jump_can_be_seen_from_outside_for_the_alert() -> None:
    machine = Machine()
    clock = machine.guarded()
    machine.wall.pass_time(hours=1)

    clock.now()

    assert clock.distrusted


def test_a_jump_that_is_set_right_ends_the_distrust_with_the_next_tick() -> None:
    machine = Machine()
    clock = machine.guarded()
    clock.saw(ms(START))
    machine.wall.pass_time(hours=5)
    clock.now()
    machine.wall.pass_time(hours=-5)
    machine.pass_time(10)

    clock.saw(ms(machine.truth))

    assert clock.now() == machine.truth - timedelta(seconds=2)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["pass", "set", "tick"]),
            st.floats(min_value=-1e7, max_value=1e7, allow_nan=False),
        ),
        max_size=30,
    )
)
def test_while_the_broker_is_right_now_is_never_ahead_of_the_truth(steps: list[tuple[str, float]]) -> None:
    """Whatever this machine's clock does (R10: an hour, ten years, backward, drift)."""
    machine = Machine()
    clock = machine.guarded()
    reached = clock.now()

    for kind, size in steps:
        if kind == "pass":
            machine.pass_time(abs(size))
        elif kind == "set":
            machine.wall.pass_time(seconds=size)
        else:
            clock.saw(ms(machine.truth))
        now = clock.now()
        assert now <= machine.truth
        assert now >= reached
        reached = now


def test_an_unguarded_clock_says_what_it_is_told() -> None:
    wall = VirtualClock()
    clock = UnguardedClock(wall)

    clock.saw(0)

    assert clock.now() == START.astimezone(UTC)
    assert not clock.wants_tick(START)
