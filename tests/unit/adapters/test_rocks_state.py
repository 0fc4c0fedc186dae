import subprocess
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from pipeline.adapters.rocks_state import RocksState
from pipeline.adapters.system_clock import SystemClock
from pipeline.domain.errors import PipelineError, UnavailableError
from pipeline.domain.records import Change


class SetClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def test_what_was_applied_is_there_after_reopening(tmp_path: Path, clock: SetClock) -> None:
    store = RocksState(tmp_path / "s", clock)
    store.apply([Change(b"a", b"1")], 5)
    store.close()

    again = RocksState(tmp_path / "s", clock)

    assert (again.get(b"a"), again.position) == (b"1", 5)
    again.close()


def test_what_was_applied_survives_a_kill(tmp_path: Path) -> None:
    """Kill -9 keeps what the operating system was given; the changelog covers the rest."""
    program = f"""
import os
from pathlib import Path
from pipeline.adapters.rocks_state import RocksState
from pipeline.adapters.system_clock import SystemClock
from pipeline.domain.records import Change
store = RocksState(Path({str(tmp_path / "s")!r}), SystemClock())
store.apply([Change(b"a", b"1")], 5)
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", program], check=False)

    again = RocksState(tmp_path / "s", SystemClock())
    assert (again.get(b"a"), again.position) == (b"1", 5)
    again.close()


def test_a_store_in_use_is_refused_with_a_sentence(tmp_path: Path, clock: SetClock) -> None:
    store = RocksState(tmp_path / "s", clock)

    with pytest.raises(UnavailableError, match="in use by another process"):
        RocksState(tmp_path / "s", clock)

    store.close()


def test_a_scan_left_half_way_does_not_keep_the_lock(tmp_path: Path, clock: SetClock) -> None:
    store = RocksState(tmp_path / "s", clock)
    store.apply([Change(i.to_bytes(2), b"") for i in range(1000)], 1)
    scan = store.scan(b"", b"\xff")
    next(scan)

    store.close()

    RocksState(tmp_path / "s", clock).close()


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path, clock: SetClock) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UnavailableError, match="cannot be used"):
        RocksState(tmp_path / "file" / "s", clock)


@pytest.mark.parametrize("broken", ["MANIFEST", "CURRENT"])
def test_a_store_that_is_damaged_at_the_start_is_begun_anew(tmp_path: Path, clock: SetClock, broken: str) -> None:
    store = RocksState(tmp_path / "s", clock)
    store.apply([Change(b"a", b"1")], 5)
    store.close()
    for file in (tmp_path / "s").glob(f"{broken}*"):
        file.write_bytes(b"rubbish")

    again = RocksState(tmp_path / "s", clock)

    assert (again.get(b"a"), again.position) == (None, 0)
    again.close()


def test_damage_met_while_reading_ends_this_process_and_the_next_one_begins_anew(
    tmp_path: Path, clock: SetClock
) -> None:
    store = RocksState(tmp_path / "s", clock)
    store.apply([Change(i.to_bytes(2), sha256(i.to_bytes(2)).digest() * 4) for i in range(2000)], 5)
    store._db.flush()
    store.close()
    store = RocksState(tmp_path / "s", clock)
    [table] = (tmp_path / "s").glob("*.sst")
    data = bytearray(table.read_bytes())
    data[len(data) // 2] ^= 0xFF
    table.write_bytes(data)

    with pytest.raises(PipelineError, match="damaged"):
        list(store.scan(b"", b"\xff"))

    store.close()
    again = RocksState(tmp_path / "s", clock)
    assert again.position == 0
    assert not (tmp_path / "s" / "DAMAGED").exists()
    again.close()


def test_a_store_older_than_the_changelogs_tombstones_is_begun_anew(tmp_path: Path, clock: SetClock) -> None:
    """It would still hold what was deleted, and never hear of it (Kafka's delete.retention.ms)."""
    store = RocksState(tmp_path / "s", clock, max_age=timedelta(hours=20))
    store.apply([Change(b"a", b"1")], 5)
    store.close()
    clock.time += timedelta(hours=21)

    again = RocksState(tmp_path / "s", clock, max_age=timedelta(hours=20))

    assert (again.get(b"a"), again.position) == (None, 0)
    again.close()
