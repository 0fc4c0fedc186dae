"""State of subjects, cases, orders, accounts, clips and records: facts folded by `occurred_at`, asked as of an instant.

Every fact is filed under each reference it carries, so that a subject's log tells all its orders and cases, and a
case's log the case alone. Keys of the state: `f|<ref>` facts, `s|<digest>` subject salts.
"""

import hmac
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice

from pydantic import TypeAdapter

from pipeline.domain.events import EventHead
from pipeline.domain.facts import Fact, FactLog, Ref
from pipeline.domain.vocabulary import RefKind
from pipeline.stages.workspace import Workspace

FACT_ATTRIBUTES = (
    "matter", "purpose", "mailing", "reason", "context", "initiated_by", "direction", "legal_ground", "approval",
    "needs_follow_up", "signed", "in_writing",
)  # fmt: skip
_ONLY_SAID = frozenset({"reason", "legal_ground", "approval"})
"""Attributes of which a fact only keeps that they were given."""
"""Decision attributes that facts keep: classes and yes-or-no answers, never free text about a person."""

CARRIED = "carried"
"""Attribute of a fact that lists, by blanks, the categories that its event carried."""

_WORD = re.compile(r"[a-z][a-z_-]{1,31}")
"""What a class or yes-or-no answer looks like: no digits, no capitals, nothing that could number or name a person."""
_REFS = TypeAdapter(tuple[Ref, ...])
_FACT = TypeAdapter(Fact)
_FACTS = TypeAdapter(list[Fact])
_SAID = "(said)"
"""Stands for an attribute value that is not one plain word: that it was given is a fact, what it says is not kept."""

_REFERENCES = {
    "order_id": RefKind.ORDER,
    "case_id": RefKind.CASE,
    "account_id": RefKind.ACCOUNT,
    "clip_id": RefKind.CLIP,
    "hold_id": RefKind.HOLD,
}


_FORGOTTEN = 100
"""Subjects forgotten with one batch at most, so that a transaction stays short."""

COPIES = b"h|"
"""Key prefix of the copies that recipients hold of a subject's data."""

LATE = timedelta(days=8)
"""How long after an erasure older records are still recognised: longer than source topics keep them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Salts:
    """A subject's salt now, and the one before an erasure; in hexadecimal."""

    now: str = ""
    before: str = ""
    erased_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject's reference, and the salts to store if it was made just now."""

    ref: Ref
    fresh: Salts | None


_SALTS = TypeAdapter(Salts)


class References:
    """Turns ids into references: keyed hashes that mean nothing without the controller's key (architecture 9.1).

    A subject's reference also needs the subject's own salt, kept in the tag lane's state. Destroying the salt makes
    what was written under the old reference unlinkable, even for the holder of the key.
    """

    def __init__(self, key: bytes, entropy: Callable[[int], bytes]) -> None:
        self._key = key
        self._entropy = entropy

    def of(self, kind: RefKind, identifier: str) -> Ref:
        """Return the reference of an order, case, account, clip, hold or record."""
        return Ref(kind=kind, digest=_digest(self._key, f"{kind}|{identifier}"))

    def subject(self, identifier: str, at: datetime, work: Workspace) -> Subject:
        """Return the reference of a data subject for something that happened at an instant.

        What is older than an erasure keeps the reference of before it, as long as that one is known. Nothing is
        stored yet: `keep` does that for an event that is accepted.
        """
        stored = work.get(self._salt_key(identifier))
        salts = _SALTS.validate_json(stored) if stored else Salts()
        if salts.erased_at is not None and at <= salts.erased_at and salts.before:
            return Subject(Ref(kind=RefKind.SUBJECT, digest=_digest(bytes.fromhex(salts.before), identifier)), None)
        if salts.now:
            return Subject(Ref(kind=RefKind.SUBJECT, digest=_digest(bytes.fromhex(salts.now), identifier)), None)
        fresh = self._entropy(16)
        ref = Ref(kind=RefKind.SUBJECT, digest=_digest(fresh, identifier))
        return Subject(ref, replace(salts, now=fresh.hex()))

    def keep(self, identifier: str, subject: Subject, work: Workspace) -> None:
        """Store a salt that was made for a subject at first sight."""
        if subject.fresh is not None:
            work.put(self._salt_key(identifier), _SALTS.dump_json(subject.fresh))

    def forget_subject(self, identifier: str, at: datetime, today: date, work: Workspace) -> None:
        """Give later events of a subject another reference (TEK-2.4, GDPR Art. 17).

        The old salt stays for `LATE`, for records that are older than the erasure and arrive after it; then
        `forget_salts` destroys it and the subject's facts, and what else was written under the old reference is
        unlinkable. A request that is older than one already carried out forgets nobody: what came since has a salt of
        its own, by which the next request must find it.
        """
        key = self._salt_key(identifier)
        stored = work.get(key)
        salts = _SALTS.validate_json(stored) if stored else Salts()
        if salts.erased_at is not None and at <= salts.erased_at:
            return
        before = salts.now or salts.before
        work.put(key, _SALTS.dump_json(Salts(before=before, erased_at=at)))
        old = Ref(kind=RefKind.SUBJECT, digest=_digest(bytes.fromhex(before), identifier))
        work.put(b"y|" + (today + LATE).isoformat().encode() + b"|" + key, _fact_key(old))

    @staticmethod
    def forget_salts(today: date, work: Workspace) -> None:
        """Destroy the salts of subjects that were erased long enough ago, and what is filed under the old reference."""
        for note, facts in list(islice(work.scan(b"y|", f"y|{today.isoformat()}".encode()), _FORGOTTEN)):
            key = note.split(b"|", 2)[2]
            salts = _SALTS.validate_json(work.get(key) or b"{}")
            work.delete(note)
            work.delete(facts)
            for copy, _stored in list(work.scan_prefix(COPIES + facts.rpartition(b":")[2] + b"|")):
                work.delete(copy)
            if salts.now:
                work.put(key, _SALTS.dump_json(Salts(now=salts.now)))
            else:
                work.delete(key)

    def of_head(self, head: EventHead, subject: Ref | None, *, is_media: bool = False) -> tuple[Ref, ...]:
        """Return every reference that an event carries, the subject's first.

        Camera material is keyed by clip, so its key names the clip where no attribute does. A hold without an id is
        known by what it holds.
        """
        found = [subject] if subject else []
        for attribute, kind in _REFERENCES.items():
            identifier = head.attributes.get(attribute)
            if isinstance(identifier, str) and identifier:
                found.append(self.of(kind, identifier))
        if is_media and "clip_id" not in head.attributes:
            found.append(self.of(RefKind.CLIP, head.key))
        records = head.attributes.get("records")
        if isinstance(records, Iterable) and not isinstance(records, str):
            found.extend(self.of(RefKind.RECORD, str(record)) for record in records)
        if head.type.startswith("hold.") and "hold_id" not in head.attributes:
            held = sorted(str(ref) for ref in found if ref.kind is not RefKind.SUBJECT) or [str(subject)]
            found.append(self.of(RefKind.HOLD, "|".join(held)))
        return tuple(found)

    def share_id(self, event_id: str, recipient: str) -> str:
        """Return the opaque key of one share: it names the share, never the person, and joins to nothing."""
        return _digest(self._key, f"share|{recipient}|{event_id}")

    def product(self, identifier: str) -> str:
        """Return the keyed hash by which a product is known in a subject's state; never on the wire."""
        return _digest(self._key, f"product|{identifier}")

    def person(self, identifier: str) -> str:
        """Return the keyed hash by which somebody on a photo or clip is known in its state."""
        return _digest(self._key, f"person|{identifier}")

    def lot(self, draw: str, digest: str) -> int:
        """Return the lot of a subject in a draw, a number of 128 bits: the same on every replay, and never chosen."""
        return int(_digest(self._key, f"lot|{draw}|{digest}"), 16)

    def unlinked_id(self) -> str:
        """Return an id that is drawn at random: nobody can compute it from anything, not even with the key."""
        return self._entropy(16).hex()

    def _salt_key(self, identifier: str) -> bytes:
        return b"s|" + _digest(self._key, f"salt|{identifier}").encode()


class FactStore:
    """The facts of one partition, read and written through a workspace."""

    def __init__(self, work: Workspace) -> None:
        self._work = work
        self._logs: dict[Ref, FactLog] = {}

    def log(self, ref: Ref | None) -> FactLog:
        """Return the facts filed under a reference; empty for none."""
        if ref is None:
            return FactLog()
        if ref not in self._logs:
            stored = self._work.get(_fact_key(ref))
            self._logs[ref] = FactLog(_FACTS.validate_json(stored) if stored else [])
        return self._logs[ref]

    def add(self, fact: Fact) -> bool:
        """File a fact under each of its references; return False if all of them knew it already."""
        new = False
        for ref in fact.refs:
            log = self.log(ref)
            if log.add(fact):
                new = True
                self._work.put(_fact_key(ref), _FACTS.dump_json(log.facts))
        return new

    def has_newer(self, ref: Ref | None, at: datetime) -> bool:
        """Tell whether something that happened after an instant is filed under a reference."""
        return any(fact.at > at for fact in self.log(ref).facts)

    def replace(self, ref: Ref, facts: list[Fact]) -> None:
        """Keep only some facts under a reference, in their order."""
        self._logs[ref] = FactLog(facts)
        self._work.put(_fact_key(ref), _FACTS.dump_json(facts))

    def forget(self, ref: Ref) -> None:
        """Forget the facts filed under a reference."""
        self._logs.pop(ref, None)
        if self._work.get(_fact_key(ref)) is not None:
            self._work.delete(_fact_key(ref))


def fact_of(head: EventHead, refs: tuple[Ref, ...], carried: Iterable[str] = (), reasons: Collection[str] = ()) -> Fact:
    """Return an event stripped to what retention and conditions need.

    Args:
        head: The event.
        refs: What it is about.
        carried: Categories that it carries itself, where this matters to the records that it names.
        reasons: Reasons that the policy tells apart; of any other only that one was given is kept.
    """
    # An empty text says nothing: an opt-out of the mailing "" is one of all mailings.
    given = (name for name in FACT_ATTRIBUTES if str(head.attributes.get(name, "")).strip())
    kept = ((name, _kept(name, head.attributes[name], reasons)) for name in given)
    named = ((CARRIED, " ".join(carried)),) if carried else ()
    return Fact(at=head.occurred_at, type=head.type, event_id=head.event_id, refs=refs, attributes=(*kept, *named))


def _kept(name: str, value: object, reasons: Collection[str]) -> str:
    if name == "reason" and str(value) in reasons:
        return str(value)
    return _SAID if name in _ONLY_SAID else word(value)


def fact_to(fact: Fact) -> dict[str, object]:
    """Return a fact in its form on the wire."""
    return {
        "at": fact.at,
        "type": fact.type,
        "event_id": fact.event_id,
        "refs": refs_to(fact.refs),
        "attributes": dict(fact.attributes),
    }


def fact_from(item: Mapping[str, object]) -> Fact:
    """Return the fact that the wire wrote."""
    attributes = item["attributes"]
    pairs = tuple(attributes.items()) if isinstance(attributes, Mapping) else ()
    return _FACT.validate_python({**item, "attributes": pairs})


def refs_from(items: object) -> tuple[Ref, ...]:
    """Return the references that the wire wrote."""
    return _REFS.validate_python(items)


def refs_to(refs: Iterable[Ref]) -> list[dict[str, str]]:
    """Return references in their form on the wire."""
    return [{"kind": str(ref.kind), "digest": ref.digest} for ref in refs]


def _fact_key(ref: Ref) -> bytes:
    return f"f|{ref}".encode()


def _digest(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256")[:16].hex()


def word(value: object) -> str:
    """Return an attribute value as facts keep it: one plain word, or a mark that something was said."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if _WORD.fullmatch(text) else _SAID
