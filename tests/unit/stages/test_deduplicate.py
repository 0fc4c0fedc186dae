"""A re-sent event is recognised within the window, also after a restore, and forgotten after it."""

from datetime import UTC, datetime, timedelta

from pipeline.adapters.memory_state import MemoryState
from pipeline.stages.deduplicate import SeenEvents, derived
from pipeline.stages.workspace import Workspace

NOW = datetime(2024, 1, 1, tzinfo=UTC)
WINDOW = timedelta(days=7)


def _batch(state: MemoryState, now: datetime, *event_ids: str) -> list[bool]:
    work = Workspace(state)
    seen = SeenEvents(work, now, WINDOW)
    new = []
    for event_id in event_ids:
        new.append(seen.is_new(event_id))
        if new[-1]:
            seen.remember(event_id)
    seen.close(f"topic|{now.isoformat()}")
    state.apply(work.changes, None)
    return new


def test_the_second_sight_of_an_id_is_known_in_its_batch_and_later() -> None:
    state = MemoryState()

    assert _batch(state, NOW, "a", "b", "a") == [True, True, False]
    assert _batch(state, NOW + WINDOW, "a", "c") == [False, True]


def test_beyond_the_window_an_id_is_forgotten_with_everything_kept_for_it() -> None:
    state = MemoryState()
    _batch(state, NOW, "a")

    assert _batch(state, NOW + WINDOW + timedelta(days=1), "b") == [True]
    assert _batch(state, NOW + WINDOW + timedelta(days=1), "a") == [True]
    assert all(b"2024-01-01" not in key for key, _value in state.scan(b"d|", b"d}"))


def test_a_day_of_many_batches_is_forgotten_in_parts() -> None:
    """One batch that forgot a whole day would make a transaction that no broker ends in time."""
    state = MemoryState()
    for second in range(150):
        _batch(state, NOW + timedelta(seconds=second), f"e-{second}")
    later = NOW + WINDOW + timedelta(days=1)

    left = []
    for number in range(2):
        _batch(state, later, f"new-{number}")
        left.append(sum(1 for key, _value in state.scan(b"d|", b"d}") if b"2024-01-01" in key))

    assert left == [50, 0]


def test_a_batch_of_known_ids_writes_nothing() -> None:
    state = MemoryState()
    _batch(state, NOW, "a")
    before = list(state.scan(b"", b"\xff"))

    _batch(state, NOW, "a")

    assert list(state.scan(b"", b"\xff")) == before


def test_the_ids_are_derived_from_the_changelog_alone() -> None:
    state, restored = MemoryState(), MemoryState()
    _batch(state, NOW, "a", "b")

    for key, value in state.scan(b"d|", b"d}"):
        restored.apply(derived(key, value), None)

    assert _batch(restored, NOW, "b", "c") == [False, True]
    assert list(derived(b"d|gone", None)) == []
    assert list(derived(b"f|other", b"x")) == []
