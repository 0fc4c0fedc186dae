from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.adapters.memory_state import MemoryState
from pipeline.adapters.rocks_state import RocksState
from tests.contracts.state_store_contract import StateStoreContract


class FrozenClock:
    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time


class TestMemoryState(StateStoreContract):
    @pytest.fixture
    def store(self) -> MemoryState:
        return MemoryState()


class TestRocksState(StateStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[RocksState]:
        store = RocksState(tmp_path / "tag" / "acme" / "0", FrozenClock())
        yield store
        store.close()
