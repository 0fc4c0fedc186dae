"""A lane's state in memory, for unit tests, `simulate` and the embedded demo."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

from pipeline.domain.records import Change


class MemoryState:
    """An ordered dict of bytes with a changelog position."""

    def __init__(self) -> None:
        self._entries: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []
        self._position = 0

    @property
    def position(self) -> int:
        """Return the changelog offset up to which everything is applied."""
        return self._position

    def get(self, key: bytes) -> bytes | None:
        """Return a value or None."""
        return self._entries.get(key)

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield entries with start <= key < stop in key order, as they were when the scan began."""
        keys = self._keys[bisect_left(self._keys, start) : bisect_left(self._keys, stop)]
        return iter([(key, self._entries[key]) for key in keys])

    def apply(self, changes: Iterable[Change], position: int | None) -> None:
        """Apply changes and the position."""
        for change in changes:
            if change.value is not None:
                if change.key not in self._entries:
                    insort(self._keys, change.key)
                self._entries[change.key] = change.value
            elif self._entries.pop(change.key, None) is not None:
                del self._keys[bisect_left(self._keys, change.key)]
        if position is not None:
            self._position = position

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._keys.clear()
        self._position = 0

    def close(self) -> None:
        """Release nothing: what was held stays readable for whoever opens it again."""
