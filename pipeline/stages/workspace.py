"""A batch's view of the state: reads see what the batch already wrote; nothing is applied before the commit."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from heapq import merge
from typing import Protocol

from pipeline.domain.records import Change


class StateReader(Protocol):
    """Ordered key-value state of one lane and partition, as far as stages read it."""

    def get(self, key: bytes) -> bytes | None:
        """Return a value or None."""
        ...

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield entries with start <= key < stop in key order."""
        ...


class _Nothing:
    """A state with nothing in it."""

    def get(self, key: bytes) -> bytes | None:  # noqa: ARG002  the protocol's signature
        """Return None."""
        return None

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:  # noqa: ARG002  same
        """Yield nothing."""
        return iter(())


NOTHING: StateReader = _Nothing()


class Workspace:
    """State plus the changes of the batch so far; `changes` is what the lane commits and then applies."""

    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._written: dict[bytes, Change] = {}
        self._order: list[bytes] = []

    @property
    def changes(self) -> list[Change]:
        """Return the last change of each key, in order of first writing."""
        return list(self._written.values())

    def get(self, key: bytes) -> bytes | None:
        """Return a value or None; a change of this batch wins."""
        written = self._written.get(key)
        return written.value if written else self._state.get(key)

    def put(self, key: bytes, value: bytes, *, local: bool = False) -> None:
        """Set a value; `local` entries are derived and stay out of the changelog."""
        self._write(Change(key, value, local))

    def delete(self, key: bytes, *, local: bool = False) -> None:
        """Remove a key."""
        self._write(Change(key, None, local))

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield entries with start <= key < stop in key order; do not write while iterating."""
        written = self._order[bisect_left(self._order, start) : bisect_left(self._order, stop)]
        stored = (key for key, _value in self._state.scan(start, stop) if key not in self._written)
        for key in merge(written, stored):
            value = self.get(key)
            if value is not None:
                yield key, value

    def scan_prefix(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield entries whose key starts with a prefix, in key order."""
        return self.scan(prefix, prefix + b"\xff")

    def _write(self, change: Change) -> None:
        if change.key not in self._written:
            insort(self._order, change.key)
        self._written[change.key] = change
