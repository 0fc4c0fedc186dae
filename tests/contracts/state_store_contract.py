"""What every `StateStore` must do."""

from collections.abc import Callable

import pytest

from pipeline.domain.records import Change
from pipeline.ports import StateStore

Opener = Callable[[], StateStore]


def entries(store: StateStore, start: bytes = b"", stop: bytes = b"\xff") -> list[tuple[bytes, bytes]]:
    return list(store.scan(start, stop))


class StateStoreContract:
    """Inherit and provide the fixture `store`, empty."""

    def test_an_empty_store_stands_at_nought(self, store: StateStore) -> None:
        assert store.position == 0
        assert store.get(b"a") is None
        assert entries(store) == []

    def test_changes_and_position_are_applied_together(self, store: StateStore) -> None:
        store.apply([Change(b"a", b"1"), Change(b"b", b"2", local=True)], 7)

        assert (store.get(b"a"), store.get(b"b"), store.position) == (b"1", b"2", 7)

    def test_without_a_position_the_old_one_stays(self, store: StateStore) -> None:
        store.apply([Change(b"a", b"1")], 7)

        store.apply([Change(b"a", b"2")], None)

        assert (store.get(b"a"), store.position) == (b"2", 7)

    def test_a_change_to_none_deletes(self, store: StateStore) -> None:
        store.apply([Change(b"a", b"1")], 1)

        store.apply([Change(b"a", None), Change(b"never-there", None)], 2)

        assert store.get(b"a") is None
        assert entries(store) == []

    def test_of_several_changes_to_one_key_the_last_holds(self, store: StateStore) -> None:
        store.apply([Change(b"a", b"1"), Change(b"a", None), Change(b"a", b"3")], 1)

        assert entries(store) == [(b"a", b"3")]

    def test_a_scan_is_in_key_order_from_start_up_to_but_not_including_stop(self, store: StateStore) -> None:
        for key in (b"b\x00", b"c", b"a", b"b", b"", b"\x00", b"d"):
            store.apply([Change(key, b"v" + key)], 1)

        assert [key for key, _ in entries(store, b"a", b"c")] == [b"a", b"b", b"b\x00"]
        assert [key for key, _ in entries(store)] == [b"", b"\x00", b"a", b"b", b"b\x00", b"c", b"d"]

    @pytest.mark.parametrize("count", [255, 256, 257, 1000])
    def test_a_long_scan_leaves_nothing_out(self, store: StateStore, count: int) -> None:
        keys = [i.to_bytes(4) for i in range(count)]
        store.apply([Change(key, key) for key in reversed(keys)], 1)

        assert entries(store) == [(key, key) for key in keys]

    def test_an_empty_value_is_a_value(self, store: StateStore) -> None:
        store.apply([Change(b"a", b"")], 1)

        assert store.get(b"a") == b""
        assert entries(store) == [(b"a", b"")]

    def test_clearing_forgets_entries_and_position(self, store: StateStore) -> None:
        store.apply([Change(b"a", b"1")], 7)

        store.clear()

        assert store.position == 0
        assert entries(store) == []
        store.apply([Change(b"b", b"2")], 1)
        assert entries(store) == [(b"b", b"2")]
