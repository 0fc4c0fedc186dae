"""Orders are carried out a bounded number of entries at a time, and whoever dies goes on where it stood."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.adapters.memory_state import MemoryState
from pipeline.bootstrap.simulation import open_simulation
from pipeline.domain.records import Change
from pipeline.policy.book import PolicyBook
from pipeline.policy.retags import order
from pipeline.stages.expire import ExpireStage
from pipeline.stages.version_moves import Moved
from tests.topology.hard_cases import event
from tests.topology.stories import instant
from tests.topology.version_stories import FIRST, SECOND, write

NOW = instant("2024-07-01T12:00:00Z")
LETTERS = 7


@pytest.fixture
def remembered(tmp_path: Path) -> tuple[PolicyBook, Callable[[], MemoryState]]:
    """Return a book with an order, and what makes the state that it is to be carried out in."""
    folder = write(tmp_path / "policies", FIRST, SECOND | {"letters": FIRST["letters"]})
    pipeline = open_simulation(folder)
    for number in range(LETTERS):
        pipeline.pipe(
            event(f"l-{number}", "contact.email", "2024-05-01T10:00:00Z", "tek-zence", "s-1", email_message="hi")
        )
    entries = list(pipeline.states["expire", "tek-zence", 0].scan(b"", b"\xff"))

    def state() -> MemoryState:
        made = MemoryState()
        made.apply([Change(key, value) for key, value in entries], 1)
        return made

    return pipeline.parts.book.with_retag(order("tek-zence", "1", "2", (), NOW)), state


def _rehearsed(book: PolicyBook, state: MemoryState, limit: int) -> tuple[list[Moved], int]:
    stage, moved, rounds, pending = ExpireStage("tek-zence", book, announce=False), [], 0, True
    while pending:
        found, changes, pending = stage.rehearse(state, NOW, limit)
        state.apply(changes, None)
        moved += found
        rounds += 1
    return moved, rounds


@pytest.mark.parametrize(("limit", "rounds"), [(2, 4), (3, 3), (7, 1), (100, 1)])
def test_what_is_moved_in_parts_is_moved_as_at_once(
    remembered: tuple[PolicyBook, Callable[[], MemoryState]], limit: int, rounds: int
) -> None:
    book, state = remembered
    at_once, in_parts = state(), state()

    everything, _one = _rehearsed(book, at_once, 1000)
    moved, counted = _rehearsed(book, in_parts, limit)

    assert (moved, counted) == (everything, rounds)
    assert len(moved) == LETTERS
    assert list(in_parts.scan(b"", b"\xff")) == list(at_once.scan(b"", b"\xff"))


def test_a_second_time_nothing_is_left_to_move(remembered: tuple[PolicyBook, Callable[[], MemoryState]]) -> None:
    book, state = remembered
    done = state()
    _rehearsed(book, done, 1000)

    assert _rehearsed(book, done, 1000) == ([], 1)


def test_the_next_wake_up_comes_at_once_while_anything_waits(
    remembered: tuple[PolicyBook, Callable[[], MemoryState]],
) -> None:
    book, state = remembered
    here = state()
    stage = ExpireStage("tek-zence", book, announce=False)

    first = stage.wake(here, 0, NOW, 4)
    here.apply(first.changes, None)
    second = stage.wake(here, 0, NOW, 100)

    assert first.next_wake == NOW
    assert second.next_wake is None
    counted = [
        sum(n for (what, _label), n in output.counts.items() if what == "retagged") for output in (first, second)
    ]
    assert counted == [4, LETTERS - 4]


def test_two_orders_share_the_limit(remembered: tuple[PolicyBook, Callable[[], MemoryState]]) -> None:
    book, state = remembered
    both = book.with_retag(order("tek-zence", "2", "1", (), NOW))

    moved, rounds = _rehearsed(both, state(), 4)

    assert [one.tag.policy_version for one in moved] == ["1"] * LETTERS + ["2"] * LETTERS
    assert rounds == 4
