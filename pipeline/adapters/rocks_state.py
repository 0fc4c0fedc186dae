"""A lane's state in RocksDB: one directory per lane, controller and partition; its position in the same write.

A view, never the truth: whatever is doubtful about it is deleted and restored from the changelog. It is doubtful when
it is damaged, and when it is so old that tombstones it never saw may have been compacted away: then it would still
hold what a person had erased.
"""

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from rocksdict import Options, Rdict, WriteBatch

from pipeline.domain.errors import PipelineError, UnavailableError
from pipeline.domain.records import Change
from pipeline.ports import Clock

_POSITION = b"\x00position"
_ENTRY = b"\x01"
_DAMAGED = "DAMAGED"
_SCAN = 256
T = TypeVar("T")

log = logging.getLogger(__name__)


class RocksState:
    """An ordered store of bytes with a changelog position.

    Args:
        directory: Its own; made if missing.
        clock: Dates each write.
        max_age: Older than this the store is not believed; below the changelog's `delete.retention.ms`.
    """

    def __init__(self, directory: Path, clock: Clock, *, max_age: timedelta = timedelta(hours=20)) -> None:
        self._directory = directory
        self._clock = clock
        self._max_age = max_age
        self._db = self._open()
        self._position = self._read_position()

    @property
    def position(self) -> int:
        """Return the changelog offset up to which everything is applied."""
        return self._position

    def get(self, key: bytes) -> bytes | None:
        """Return a value or None."""
        found: bytes | None = self._watched(lambda: self._db.get(_ENTRY + key))
        return found

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield entries with start <= key < stop in key order; apply nothing meanwhile."""
        at, end = _ENTRY + start, _ENTRY + stop
        while chunk := self._watched(lambda at=at: self._chunk(at, end)):  # type: ignore[misc] # bound in the loop
            yield from ((key[1:], value) for key, value in chunk)
            at = chunk[-1][0] + b"\x00"

    def apply(self, changes: Iterable[Change], position: int | None) -> None:
        """Apply changes and the position in one atomic write."""
        batch = WriteBatch(raw_mode=True)
        for change in changes:
            if change.value is None:
                batch.delete(_ENTRY + change.key)
            else:
                batch.put(_ENTRY + change.key, change.value)
        if position is not None:
            batch.put(_POSITION, position.to_bytes(8) + self._now_ms().to_bytes(8))
        self._watched(lambda: self._db.write(batch))
        if position is not None:
            self._position = position

    def clear(self) -> None:
        """Forget everything."""
        self._db.close()
        shutil.rmtree(self._directory, ignore_errors=True)
        self._db = self._open()
        self._position = 0

    def close(self) -> None:
        """Release files and lock."""
        self._db.close()

    def _open(self) -> Rdict:
        """Open the store, anew where it is damaged."""
        if (self._directory / _DAMAGED).exists():
            self._forget("was found damaged")
        try:
            return self._try_open()
        except Exception as error:
            if not _is_damage(error):
                raise _refusal(self._directory, error) from error
        self._forget("is damaged")
        return self._try_open()

    def _try_open(self) -> Rdict:
        self._directory.mkdir(parents=True, exist_ok=True)
        options = Options(raw_mode=True)
        options.set_max_log_file_size(1 << 20)
        options.set_keep_log_file_num(2)
        options.set_write_buffer_size(16 << 20)
        return Rdict(str(self._directory), options)

    def _forget(self, why: str) -> None:
        log.warning("state %s %s: it is deleted and restored from its changelog", self._directory.name, why)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _read_position(self) -> int:
        stored: bytes | None = self._watched(lambda: self._db.get(_POSITION))
        if stored is None:
            return 0
        if self._now_ms() - int.from_bytes(stored[8:]) > self._max_age / timedelta(milliseconds=1):
            log.warning("state %s is old: it is deleted and restored from its changelog", self._directory.name)
            self.clear()
            return 0
        return int.from_bytes(stored[:8])

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    def _chunk(self, at: bytes, end: bytes) -> list[tuple[bytes, bytes]]:
        """Return the next entries; no iterator outlives the call, for an open one keeps the lock."""
        found: list[tuple[bytes, bytes]] = []
        iterator = self._db.iter()
        iterator.seek(at)
        while iterator.valid() and len(found) < _SCAN and (key := iterator.key()) < end:
            found.append((key, iterator.value()))
            iterator.next()
        iterator.status()
        return found

    def _watched(self, call: Callable[[], T]) -> T:
        """Run an access; if it meets damage, mark the store so that the next start forgets it.

        Raises:
            PipelineError: the store is damaged or the disk refuses; the process should end and start anew.
        """
        try:
            return call()
        except Exception as error:
            if _is_damage(error):
                (self._directory / _DAMAGED).touch()
                raise PipelineError(
                    f"state {self._directory.name} is damaged: the next start restores it from its changelog"
                ) from error
            raise _refusal(self._directory, error) from error


def _is_damage(error: Exception) -> bool:
    text = str(error)
    return text.startswith("Corruption") or ("No such file" in text and ".sst" in text)


def _refusal(directory: Path, error: Exception) -> PipelineError:
    """Return what to tell the operator; RocksDB's own messages hold paths and numbers, never keys or values."""
    if "lock" in str(error).lower():
        return UnavailableError(
            f"state {directory} is in use by another process: end that process or give this one its own state directory"
        )
    return UnavailableError(f"state {directory} cannot be used ({error}): check the disk's space and the rights")
