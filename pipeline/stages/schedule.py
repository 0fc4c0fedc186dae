"""The schedule as ordered keys: entries, when to look at them, and who listens to which reference.

A correct schedule on any ordered store. Keys: `o|<id>` entry, `g|<id>` generation of an ended profile,
`u|<subject>|<purpose>` last stop-use, `z|<day>|<ref>` facts to forget, `n|<ref>` the last such day, `v|<version>`
digest of a policy; local and derived: `t|<due>|<id>` when to look, `a|<ref>|<id>` who listens and to what.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice

from pipeline.domain.facts import Ref
from pipeline.domain.vocabulary import RefKind
from pipeline.stages import entries
from pipeline.stages.entries import Entry
from pipeline.stages.evaluate import all_refs
from pipeline.stages.workspace import Workspace

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_YEAR_ONE = (_EPOCH - datetime(1, 1, 1, tzinfo=UTC)) // _MICROSECOND
"""Added to every instant, so that keys of any year sort as text."""


class Schedule:
    """The entries of one partition, read and written through a workspace."""

    def __init__(self, work: Workspace) -> None:
        self._work = work

    def get(self, obligation_id: str) -> Entry | None:
        """Return an entry, or None if it is over or was never there."""
        stored = self._work.get(b"o|" + obligation_id.encode())
        return entries.load(stored) if stored else None

    def put(self, entry: Entry, before: Entry | None, listens: frozenset[str]) -> None:
        """Store an entry and what is derived from it, replacing what was derived before.

        Args:
            entry: What to store.
            before: The entry as it was stored, if it was.
            listens: Event names that may change it.
        """
        self._work.put(b"o|" + entry.obligation_id.encode(), entries.dump(entry))
        fresh = dict(derived(entry, listens))
        for stale in dict(derived(before, listens)).keys() - fresh if before else ():
            self._work.delete(stale, local=True)
        for key, value in fresh.items():
            self._work.put(key, value, local=True)

    def remove(self, entry: Entry, before: Entry) -> list[Ref]:
        """Forget an entry; return the references that nobody listens to any more."""
        self._work.delete(b"o|" + entry.obligation_id.encode())
        for stale, _value in derived(before, frozenset()):
            self._work.delete(stale, local=True)
        return [ref for ref in all_refs(before) if not self.has_listeners(ref)]

    def has_listeners(self, ref: Ref) -> bool:
        """Tell whether any entry refers to something."""
        return any(True for _one in self._work.scan_prefix(_listeners(ref)))

    def forget_after(self, ref: Ref, day: date) -> None:
        """Note from when on the facts about something may be forgotten, if nobody listens to them then."""
        self._work.put(f"z|{day.isoformat()}|{ref}".encode(), b"")
        self._work.put(_last_note(ref), day.isoformat().encode())

    def forgettable(self, today: date, limit: int) -> list[Ref]:
        """Return the first references whose facts may be forgotten by now, and drop the notes.

        Only the last note of a reference counts: what happened since an earlier one is to be kept its time as well.
        """
        notes = self._work.scan(b"z|", f"z|{today.isoformat()}".encode())
        found = []
        for key in [key for key, _value in islice(notes, limit)]:
            self._work.delete(key)
            _prefix, day, name = key.decode().split("|", 2)
            kind, digest = name.split(":", 1)
            ref = Ref(kind=RefKind(kind), digest=digest)
            if self._work.get(_last_note(ref)) == day.encode():
                self._work.delete(_last_note(ref))
                found.append(ref)
        return found

    def digest_of(self, version: str, digest: str) -> str:
        """Return the digest that a policy version had when it first made an obligation here: now, if it never did."""
        key = f"v|{version}".encode()
        known = self._work.get(key)
        if known is None:
            self._work.put(key, digest.encode())
            return digest
        return known.decode()

    def listening(self, ref: Ref, event_type: str) -> Iterator[str]:
        """Yield the ids of the entries that refer to something and may be changed by an event about it."""
        prefix, wanted = _listeners(ref), f" {event_type} ".encode()
        for key, types in self._work.scan_prefix(prefix):
            if wanted in types:
                yield key[len(prefix) :].decode()

    def about(self, ref: Ref) -> Iterator[Entry]:
        """Yield every entry that refers to something, in the order of their ids."""
        prefix = _listeners(ref)
        for identity in [key[len(prefix) :].decode() for key, _types in self._work.scan_prefix(prefix)]:
            entry = self.get(identity)
            if entry is not None:  # an index entry may outlive what it points to; the entry is the truth
                yield entry

    def due(self, until: datetime, limit: int) -> list[tuple[bytes, str]]:
        """Return the first entries to look at by an instant (inclusive), with their sort keys, oldest first."""
        found = []
        for key, _value in self._work.scan(b"t|", b"t|" + _instant_key(until) + b"~"):
            found.append((key, _id_of(key)))
            if len(found) >= limit:
                break
        return found

    def drop_stale(self, key: bytes) -> None:
        """Remove an index key that no entry stands behind, so that it wakes nobody again."""
        self._work.delete(key, local=True)

    def next_due(self) -> datetime | None:
        """Return when the next entry must be looked at."""
        for key, _value in self._work.scan_prefix(b"t|"):
            micros = int(key.split(b"|", 2)[1]) - _YEAR_ONE
            return _EPOCH + micros * _MICROSECOND
        return None

    def generation(self, obligation_id: str) -> int:
        """Return how often a profile of this id has ended: part of the identity of its next life."""
        stored = self._work.get(b"g|" + obligation_id.encode())
        return int(stored) if stored else 0

    def end_generation(self, entry: Entry) -> None:
        """Note that a profile ended, so that its next life has ids of its own."""
        self._work.put(b"g|" + entry.obligation_id.encode(), str(entry.generation + entry.retags + 1).encode())

    def is_first_stop(self, subject: str | None, purpose: str, due: datetime) -> bool:
        """Return True once per subject, purpose and instant: stop-use is said once, not once a record (9.8)."""
        key, value = f"u|{subject}|{purpose}".encode(), due.isoformat().encode()
        if self._work.get(key) == value:
            return False
        self._work.put(key, value)
        return True


def time_key(entry: Entry) -> bytes | None:
    """Return the sort key of when an entry must be looked at, if a date says so."""
    due = entry.next_due
    return b"t|" + _instant_key(due) + b"|" + entry.obligation_id.encode() if due else None


def derived(entry: Entry, listens: frozenset[str]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the local keys and values that follow from an entry."""
    key = time_key(entry)
    if key:
        yield key, b""
    types = f" {' '.join(sorted(listens))} ".encode()
    for ref in all_refs(entry):
        yield _listeners(ref) + entry.obligation_id.encode(), types


def _last_note(ref: Ref) -> bytes:
    return f"n|{ref}".encode()


def _listeners(ref: Ref) -> bytes:
    return f"a|{ref}|".encode()


def _instant_key(instant: datetime) -> bytes:
    return b"%018d" % ((instant - _EPOCH) // _MICROSECOND + _YEAR_ONE)


def _id_of(key: bytes) -> str:
    return key.split(b"|", 2)[2].decode()
