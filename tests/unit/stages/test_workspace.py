"""A batch sees its own writes, and nothing leaves it before the lane commits."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.memory_state import MemoryState
from pipeline.domain.records import Change
from pipeline.stages.workspace import Workspace

KEYS = st.binary(min_size=1, max_size=2)


@given(
    stored=st.dictionaries(KEYS, st.binary(max_size=2)),
    written=st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=2))),
    bounds=st.tuples(st.binary(max_size=2), st.binary(max_size=2)),
)
def test_reads_and_scans_see_what_a_dict_would(
    stored: dict[bytes, bytes], written: list[tuple[bytes, bytes | None]], bounds: tuple[bytes, bytes]
) -> None:
    state = MemoryState()
    state.apply([Change(key, value) for key, value in stored.items()], None)
    work, model = Workspace(state), dict(stored)

    for key, value in written:
        if value is None:
            work.delete(key)
            model.pop(key, None)
        else:
            work.put(key, value)
            model[key] = value

    start, stop = bounds
    assert list(work.scan(start, stop)) == sorted((k, v) for k, v in model.items() if start <= k < stop)
    assert all(work.get(key) == model.get(key) for key, _value in written)
    assert {key: state.get(key) for key in stored} == stored


def test_only_the_last_change_of_a_key_is_committed() -> None:
    work = Workspace(MemoryState())

    work.put(b"a", b"1")
    work.put(b"b", b"1", local=True)
    work.delete(b"a")

    assert work.changes == [Change(b"a", None), Change(b"b", b"1", local=True)]


def test_a_prefix_scan_ends_where_the_prefix_does() -> None:
    work = Workspace(MemoryState())
    for key in (b"a", b"a|1", b"a|2", b"b|1"):
        work.put(key, b"")

    assert [key for key, _value in work.scan_prefix(b"a|")] == [b"a|1", b"a|2"]
