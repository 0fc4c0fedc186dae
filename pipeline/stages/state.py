"""State of subjects, cases, orders, accounts, clips and records: facts folded by `occurred_at`, asked as of an instant.

Every fact is filed under each reference it carries, so that a subject's log tells all its orders and cases, and a
case's log the case alone. Keys of the state: `f|<ref>` facts, `s|<digest>` subject salts.
"""

import hmac
import re
from collections.abc import Callable, Iterable, Mapping

from pydantic import TypeAdapter

from pipeline.domain.events import EventHead
from pipeline.domain.facts import Fact, FactLog, Ref
from pipeline.domain.vocabulary import RefKind
from pipeline.stages.workspace import Workspace

FACT_ATTRIBUTES = (
    "matter", "purpose", "mailing", "reason", "context", "initiated_by", "direction", "legal_ground", "approval",
    "site", "needs_follow_up", "signed", "in_writing",
)  # fmt: skip
"""Decision attributes that facts keep: classes and yes-or-no answers, never free text about a person."""

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_FACT = TypeAdapter(Fact)
_FACTS = TypeAdapter(list[Fact])
_REFS = TypeAdapter(tuple[Ref, ...])
_SAID = "(said)"
"""Stands for an attribute value that is not one plain word: that it was given is a fact, what it says is not kept."""

_REFERENCES = {
    "order_id": RefKind.ORDER,
    "case_id": RefKind.CASE,
    "account_id": RefKind.ACCOUNT,
    "clip_id": RefKind.CLIP,
    "hold_id": RefKind.HOLD,
}


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

    def subject(self, identifier: str, work: Workspace) -> Ref:
        """Return the reference of a data subject; makes and stores a salt at first sight."""
        where = self._salt_key(identifier)
        salt = work.get(where)
        if salt is None:
            salt = self._entropy(16)
            work.put(where, salt)
        return Ref(kind=RefKind.SUBJECT, digest=_digest(salt, identifier))

    def forget_subject(self, identifier: str, work: Workspace) -> None:
        """Destroy a subject's salt: later events of the same id get another reference (TEK-2.4, GDPR Art. 17)."""
        work.delete(self._salt_key(identifier))

    def of_head(self, head: EventHead, subject: Ref | None) -> tuple[Ref, ...]:
        """Return every reference that an event carries, the subject's first."""
        found = [subject] if subject else []
        for attribute, kind in _REFERENCES.items():
            identifier = head.attributes.get(attribute)
            if isinstance(identifier, str) and identifier:
                found.append(self.of(kind, identifier))
        records = head.attributes.get("records")
        if isinstance(records, Iterable) and not isinstance(records, str):
            found.extend(self.of(RefKind.RECORD, str(record)) for record in records)
        return tuple(found)

    def share_id(self, event_id: str, recipient: str) -> str:
        """Return the opaque key of one share: it names the share, never the person, and joins to nothing."""
        return _digest(self._key, f"share|{recipient}|{event_id}")

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

    def forget(self, ref: Ref) -> None:
        """Forget the facts filed under a reference."""
        self._logs.pop(ref, None)
        if self._work.get(_fact_key(ref)) is not None:
            self._work.delete(_fact_key(ref))


def fact_of(head: EventHead, refs: tuple[Ref, ...]) -> Fact:
    """Return an event stripped to what retention and conditions need."""
    kept = ((name, word(head.attributes[name])) for name in FACT_ATTRIBUTES if name in head.attributes)
    return Fact(at=head.occurred_at, type=head.type, event_id=head.event_id, refs=refs, attributes=tuple(kept))


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
