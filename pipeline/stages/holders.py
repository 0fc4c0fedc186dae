"""Who holds a copy of whose data, until the copy ends: whom the tag lane must tell when somebody corrects their data.

Keys of the state: `h|<subject>|<share id>` a copy, `i|<day>|<that key>` from when to look whether it has ended. Both
name references and fields only.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import islice

from pipeline.domain.facts import Ref
from pipeline.policy.compiled import CompiledPolicy
from pipeline.stages.entries import Entry, dump, load, support_from
from pipeline.stages.evaluate import Evaluation, FactsUntil
from pipeline.stages.state import COPIES, FactStore, refs_from
from pipeline.stages.workspace import Workspace

_LOOKED_AT = 100
"""Copies looked at with one batch at most, so that a transaction stays short."""

_OPEN = timedelta(days=366)
"""After how long a copy without a known end is looked at again."""


class Holders:
    """The copies of one partition, read and written through a workspace."""

    def __init__(self, work: Workspace, facts: FactStore, policy_of: Callable[[str], CompiledPolicy]) -> None:
        self._work = work
        self._facts = facts
        self._policy_of = policy_of

    def remember(self, item: Mapping[str, object], subject: Ref, now: datetime) -> None:
        """Note the copy that an obligation describes."""
        entry = Entry(
            obligation_id=str(item["obligation_id"]), kind="share", policy_version=str(item["policy_version"]),
            generation=0, refs=refs_from(item["refs"]), supports=[support_from(item)],
            recipient=str(item["recipient"]), share_id=str(item["share_id"]),
        )  # fmt: skip
        key = _of(subject) + str(entry.share_id).encode()
        self._work.put(key, dump(entry))
        self._look_again(key, entry, now)

    def of(self, subject: Ref, at: datetime) -> Iterator[tuple[Entry, frozenset[str]]]:
        """Yield each copy of somebody's data that had been made and had not ended at an instant, with its fields."""
        for _key, stored in list(self._work.scan_prefix(_of(subject))):
            entry = load(stored)
            fields = self._held(entry, at)
            if fields and entry.supports[0].occurred_at <= at:
                yield entry, fields

    def sweep(self, subject: Ref, at: datetime) -> None:
        """Forget the copies of somebody's data that ended by an instant."""
        for key, stored in list(self._work.scan_prefix(_of(subject))):
            if not self._held(load(stored), at):
                self._work.delete(key)

    def look(self, now: datetime) -> None:
        """Forget the copies that a date has ended, the oldest first."""
        for note, _empty in list(islice(self._work.scan(b"i|", f"i|{now.date().isoformat()}".encode()), _LOOKED_AT)):
            self._work.delete(note)
            key = note.split(b"|", 2)[2]
            stored = self._work.get(key)
            if stored is None:
                continue
            entry = load(stored)
            if self._held(entry, now):
                self._look_again(key, entry, now)
            else:
                self._work.delete(key)

    def _held(self, entry: Entry, at: datetime) -> frozenset[str]:
        """Return the fields of a copy that had not ended at an instant."""
        ends = self._ends(entry, at)
        return frozenset(name for names, due in ends if due is None or due > at for name in names)

    def _look_again(self, key: bytes, entry: Entry, now: datetime) -> None:
        dues = [due for _names, due in self._ends(entry, now)]
        known = [due for due in dues if due is not None]
        day = (now + _OPEN if len(known) < len(dues) else max(now, *known) + timedelta(days=1)).date()
        self._work.put(_note(day, key), b"")

    def _ends(self, entry: Entry, at: datetime) -> list[tuple[tuple[str, ...], datetime | None]]:
        evaluation = Evaluation(self._policy_of, FactsUntil(self._facts, at))
        return [
            (tag.fields, evaluation.end(entry, tag, evaluation.endings(entry, tag)[0]).due_at)
            for tag in entry.supports[0].tags
        ]


def _of(subject: Ref) -> bytes:
    return COPIES + subject.digest.encode() + b"|"


def _note(day: date, key: bytes) -> bytes:
    return b"i|" + day.isoformat().encode() + b"|" + key
