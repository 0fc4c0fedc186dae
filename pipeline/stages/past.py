"""What ended a little while ago: kept so that what comes too late for it can be reported, then forgotten.

Keys of the state: `p|<day>|<id>|<generation>` an entry that is over, to be forgotten from that day on; local and
derived from it: `q|<ref>|<day>|<id>|<generation>` who would have listened, and to which facts.
"""

from collections.abc import Iterator
from datetime import date
from itertools import islice

from pipeline.domain.facts import Ref
from pipeline.stages import entries
from pipeline.stages.entries import Entry
from pipeline.stages.evaluate import all_refs
from pipeline.stages.workspace import Workspace

PREFIX = b"p|"


class Past:
    """The entries of one partition that are over, read and written through a workspace."""

    def __init__(self, work: Workspace) -> None:
        self._work = work

    def remember(self, entry: Entry, listens: frozenset[str], until: date) -> None:
        """Keep an entry that is over until a day."""
        key = PREFIX + f"{until.isoformat()}|{entry.obligation_id}|{entry.generation}".encode()
        self._work.put(key, entries.dump(entry))
        for local, types in derived(key, entry, listens):
            self._work.put(local, types, local=True)

    def listening(self, ref: Ref, event_type: str) -> Iterator[tuple[bytes, Entry]]:
        """Yield the entries that an event about something would have moved, with their keys."""
        prefix, wanted = _listeners(ref), f" {event_type} ".encode()
        for key, types in self._work.scan_prefix(prefix):
            whole = PREFIX + key[len(prefix) :]
            stored = self._work.get(whole) if wanted in types else None
            if stored is not None:
                yield whole, entries.load(stored)

    def forget(self, today: date, most: int) -> None:
        """Forget what has been kept long enough, the oldest first."""
        for key, stored in list(islice(self._work.scan(PREFIX, PREFIX + today.isoformat().encode()), most)):
            self._work.delete(key)
            for local, _types in derived(key, entries.load(stored), frozenset()):
                self._work.delete(local, local=True)


def derived(key: bytes, entry: Entry, listens: frozenset[str]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the local keys and values that follow from an entry that is over."""
    types = f" {' '.join(sorted(listens))} ".encode()
    for ref in all_refs(entry):
        yield _listeners(ref) + key[len(PREFIX) :], types


def _listeners(ref: Ref) -> bytes:
    return f"q|{ref}|".encode()
