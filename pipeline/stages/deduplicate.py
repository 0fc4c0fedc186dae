"""Re-sent events change nothing: an exact set of event hashes over the retention of the source topics.

One changelog entry a batch holds the hashes of the batch; the entry per hash is derived from it and stays local
(architecture 9.3). Keys: `d|<day>|<topic>|<offset>` the batch's hashes, `e|<hash>` one event.
"""

import hashlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import islice

from pipeline.domain.records import Change
from pipeline.stages.workspace import Workspace

_SIZE = 16

_FORGOTTEN = 100
"""Entries forgotten with one batch at most. A batch writes one, so this keeps up; a whole day at once, at midnight,
would make a transaction that no broker ends in time."""


class SeenEvents:
    """Which event ids arrived within the window, for one partition and batch."""

    def __init__(self, work: Workspace, now: datetime, window: timedelta) -> None:
        self._work = work
        self._today = now.date()
        self._new: list[bytes] = []
        self._forget_before((now - window).date())

    def is_new(self, event_id: str) -> bool:
        """Tell whether an id was not remembered within the window."""
        return self._work.get(b"e|" + _hash(event_id)) is None

    def remember(self, event_id: str) -> None:
        """Remember an id: of an event that had an effect, so that a refused one may be mended and sent again."""
        digest = _hash(event_id)
        self._work.put(b"e|" + digest, b"1", local=True)
        self._new.append(digest)

    def close(self, where: str) -> None:
        """Write the batch's entry, named after the place of its first record."""
        if self._new:
            self._work.put(f"d|{self._today.isoformat()}|{where}".encode(), b"".join(self._new))

    def _forget_before(self, oldest: date) -> None:
        old = self._work.scan(b"d|", f"d|{oldest.isoformat()}".encode())
        for key, hashes in list(islice(old, _FORGOTTEN)):
            self._work.delete(key)
            for change in derived(key, hashes):
                self._work.delete(change.key, local=True)


def _hash(event_id: str) -> bytes:
    return hashlib.blake2b(event_id.encode(), digest_size=_SIZE).digest()


def derived(key: bytes, hashes: bytes | None) -> Iterable[Change]:
    """Return the local entries that follow from one batch entry."""
    if not key.startswith(b"d|") or hashes is None:
        return
    for at in range(0, len(hashes), _SIZE):
        yield Change(b"e|" + hashes[at : at + _SIZE], b"1", local=True)
