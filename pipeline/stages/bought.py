"""What subjects bought, as keyed hashes of product ids: only so long as a profile lasts through which they can be told.

Keys: `bought|<subject>` the hashes with the instants of the purchases, `look|<date>|<subject>` when to look whether the
profile still lasts. Never filed by product: nobody can be found by what they bought (TEK-2.4).
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from pydantic import TypeAdapter

from pipeline.domain.events import EventHead
from pipeline.domain.facts import Ref
from pipeline.domain.vocabulary import RefKind
from pipeline.policy.compiled import CompiledPolicy
from pipeline.stages.asked import Asked
from pipeline.stages.state import FactStore, References
from pipeline.stages.workspace import Workspace

MOST = 1000
"""Products kept of one subject; of more the oldest are forgotten."""

AGAIN = timedelta(days=30)
"""After how long a profile without a known end is looked at again."""

_BOUGHT = TypeAdapter(dict[str, datetime])
_NOTE = b"look|"


class Bought:
    """What the subjects of one partition bought."""

    def __init__(self, references: References, work: Workspace, facts: FactStore) -> None:
        self._references = references
        self._work = work
        self._facts = facts

    def remember(self, policy: CompiledPolicy, head: EventHead, subject: Ref, now: datetime) -> None:
        """Remember the products of a purchase, if a list may ask for them and the profile it asks for exists."""
        named = head.attributes.get("products")
        asking = any(head.type in one.bought_on for one in policy.lists.values())
        if not (asking and isinstance(named, Iterable)):
            return
        look = self._look_at(policy, subject, max(now, head.occurred_at))
        if look is None:
            return
        known = self.of(subject)
        if not known:
            self._work.put(_note(look, subject), b"1")
        for product in named:
            digest = self._references.product(str(product))
            known[digest] = min(head.occurred_at, known.get(digest, head.occurred_at))
        self._store(subject, known)

    def of(self, subject: Ref) -> dict[str, datetime]:
        """Return what a subject bought: keyed hashes of product ids, each with the first purchase."""
        stored = self._work.get(_key(subject))
        return _BOUGHT.validate_json(stored) if stored else {}

    def forget(self, subject: Ref, until: datetime) -> None:
        """Forget what a subject bought up to an instant: there was an erasure (TEK-2.3)."""
        known = self.of(subject)
        if known:
            self._store(subject, {digest: at for digest, at in known.items() if at > until})

    def forget_ended(self, policy: CompiledPolicy, now: datetime, limit: int) -> None:
        """Look at some profiles whose time has come, and forget what was bought under those that ended."""
        for note, _ in [*self._work.scan(_NOTE, _NOTE + now.date().isoformat().encode() + b"~")][:limit]:
            self._work.delete(note)
            subject = Ref(kind=RefKind.SUBJECT, digest=note.decode().rpartition(":")[2])
            if not self.of(subject):
                continue
            look = self._look_at(policy, subject, now)
            if look is None:
                self._work.delete(_key(subject))
            else:
                self._work.put(_note(look, subject), b"1")

    def next_look(self) -> datetime | None:
        """Return when the next profile is to be looked at."""
        first = next(iter(self._work.scan_prefix(_NOTE)), None)
        if first is None:
            return None
        return datetime.combine(date.fromisoformat(first[0].decode().split("|")[1]), time(), UTC)

    def _look_at(self, policy: CompiledPolicy, subject: Ref, now: datetime) -> date | None:
        """Return when to look at a subject's profiles again, or None if none exists."""
        nobody = EventHead(event_id="", type="", occurred_at=now, controller=policy.controller, key="")
        asked = Asked(nobody, (subject,), self._facts)
        ends = [one.profile_ends(asked) for one in policy.lists.values() if one.profile_ends and one.bought_on]
        standing = [end for end in ends if end is None or end > now]
        if not standing:
            return None
        known = [end for end in standing if end is not None]
        return (max(known) + timedelta(days=1) if len(known) == len(standing) else now + AGAIN).date()

    def _store(self, subject: Ref, known: dict[str, datetime]) -> None:
        newest = sorted(known.items(), key=lambda pair: pair[1])[-MOST:]
        if newest:
            self._work.put(_key(subject), _BOUGHT.dump_json(dict(newest)))
        else:
            self._work.delete(_key(subject))


def _key(subject: Ref) -> bytes:
    return f"bought|{subject}".encode()


def _note(day: date, subject: Ref) -> bytes:
    return _NOTE + f"{day.isoformat()}|{subject}".encode()
