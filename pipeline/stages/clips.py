"""Who is on a photo or clip, and what each of them said since: consent may come late, and anybody may take it back.

Material is keyed by clip and people by subject, so what a person says reaches every partition by way of the control
topic, and each looks whether it has material with that person on it (architecture 9.6). Material that waits for a
consent is stored nowhere; its references wait here. Keys: `clip|<record>` the material, `who|<person>|<record>` who is
on it, `clip-end|<date>|<record>` when to look whether it is over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from pydantic import TypeAdapter

from pipeline.domain.events import EventHead
from pipeline.domain.facts import Fact, FactLog, Ref
from pipeline.domain.vocabulary import RefKind
from pipeline.policy.book import PolicyBook
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.decide import decide
from pipeline.policy.decision import Decision
from pipeline.policy.ends import Circumstances, end_of
from pipeline.policy.triggers import REMOVING
from pipeline.stages.asked import Asked
from pipeline.stages.state import FactStore, References
from pipeline.stages.workspace import Workspace

WAITS = timedelta(days=365)
"""How long material may wait for a consent; after that the producer sends it again."""

LOOKS = timedelta(days=30)
"""How often to look whether material is over."""

GIVEN, WITHDRAWN, ERASED = "consent.given", "consent.withdrawn", "erasure.requested"
_NOTE = b"clip-end|"


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One photo or clip, payload-free.

    Attributes:
        event_id: The event that brought it.
        event_type: Its type.
        occurred_at: When it was made.
        key: Its partition key, the clip.
        policy_version: The version that governs it.
        refs: What it refers to, its own record included.
        attributes: Attributes of the event that name nobody.
        present: Payload fields that it has.
        people: Keyed hashes of those who are on it.
        said: Last word of each on what it is used for: when, and whether it was a consent.
        kept: Rules that it is tagged by.
        waits: Rules that it waits to be tagged by.
    """

    event_id: str
    event_type: str
    occurred_at: datetime
    key: str
    policy_version: str
    refs: tuple[Ref, ...]
    attributes: Mapping[str, str | bool | int]
    present: tuple[str, ...]
    people: tuple[str, ...]
    said: Mapping[str, tuple[datetime, bool]] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()

    @property
    def record(self) -> Ref:
        """Return the reference of its own record."""
        return self.refs[-1]

    def head(self, at: datetime) -> EventHead:
        """Return the event as conditions see it at an instant, with the consents known by now."""
        consents = tuple(who for who, (_, given) in self.said.items() if given)
        return EventHead(
            event_id=self.event_id,
            type=self.event_type,
            occurred_at=at,
            controller="",
            key=self.key,
            attributes={**self.attributes, "participants": self.people, "consents": consents},
            present=frozenset(self.present),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Material that waited and may be used from an instant on.

    Attributes:
        material: What it is.
        policy: The policy that says so.
        decision: The tags that it waited for.
        since: The last consent that was missing.
    """

    material: Material
    policy: CompiledPolicy
    decision: Decision
    since: datetime


_MATERIAL = TypeAdapter(Material)


class Clips:
    """The material of one partition."""

    def __init__(
        self, controller: str, book: PolicyBook, references: References, work: Workspace, facts: FactStore
    ) -> None:
        self._controller = controller
        self._book = book
        self._references = references
        self._work = work
        self._facts = facts

    def watch(
        self, policy: CompiledPolicy, head: EventHead, decision: Decision, refs: tuple[Ref, ...], now: datetime
    ) -> None:
        """Remember material with people on it, if a rule that it is kept by or waits for asks what they say."""
        people = self._people(head, "participants")
        kept = tuple(dict.fromkeys(tag.rule for tag in decision.tags if policy.rules[tag.rule].follows_people))
        if not (people and (kept or decision.waits)):
            return
        consents = frozenset(self._people(head, "consents"))
        material = Material(
            event_id=head.event_id,
            event_type=head.type,
            occurred_at=head.occurred_at,
            key=head.key,
            policy_version=policy.version,
            refs=(*refs, self._references.of(RefKind.RECORD, head.event_id)),
            attributes={name: value for name, value in head.attributes.items() if isinstance(value, str | bool | int)},
            present=tuple(sorted(head.present)),
            people=people,
            said={who: (head.occurred_at, True) for who in people if who in consents},
            kept=kept,
            waits=decision.waits,
        )
        self._put(material)
        for who in people:
            self._work.put(_index(who, material.record), b"1")
        self._work.put(_note((now + LOOKS).date(), material.record), b"1")

    def hear(self, head: EventHead) -> Iterator[Fact | Allowed]:
        """Yield what follows here from what some people said: facts about material, and material that is allowed."""
        about = self._references.of_head(head, None)
        named = {ref for ref in about if ref.kind in (RefKind.CLIP, RefKind.RECORD)}
        for who in self._people(head, "participants"):
            for key, _ in [*self._work.scan_prefix(_index(who))]:
                material = self._get(key.rpartition(b"|")[2].decode())
                if material is not None and not (named and named.isdisjoint(material.refs)):
                    yield from self._said(material, who, head)

    def forget_ended(self, now: datetime, limit: int) -> None:
        """Look at some material whose time has come, and forget what is over or waited too long."""
        for note, _ in [*self._work.scan(_NOTE, _NOTE + now.date().isoformat().encode() + b"~")][:limit]:
            self._work.delete(note)
            material = self._get(note.rpartition(b"|")[2].decode())
            if material is None:
                continue
            if self._is_over(material, now):
                self._forget(material)
            else:
                self._work.put(_note((now + LOOKS).date(), material.record), b"1")

    def _said(self, material: Material, who: str, head: EventHead) -> Iterator[Fact | Allowed]:
        policy = self._book.version(self._controller, material.policy_version)
        if head.type == ERASED and not material.kept:
            self._forget(material)  # nobody is left who could consent
            return
        material = _heard(material, policy, who, head)
        self._put(material)
        if material.kept:
            about = tuple(ref for ref in material.refs if ref.kind in (RefKind.CLIP, RefKind.RECORD))
            purpose = head.attributes.get("purpose")
            fact = Fact(
                at=head.occurred_at,
                type=head.type,
                event_id=head.event_id,
                refs=about,
                attributes=() if purpose is None else (("purpose", str(purpose)),),
            )
            if self._facts.add(fact):
                yield fact
        if material.waits:
            yield from self._allowed(material, policy)

    def _allowed(self, material: Material, policy: CompiledPolicy) -> Iterator[Allowed]:
        """Yield the material with the tags that it waited for, once the condition of their rule holds."""
        since = max((material.occurred_at, *(at for at, given in material.said.values() if given)))
        decision = decide(policy, Asked(material.head(since), material.refs, self._facts))
        tags = tuple(tag for tag in decision.tags if tag.rule in material.waits)
        if tags:
            kept = (*material.kept, *dict.fromkeys(tag.rule for tag in tags))
            material = replace(material, kept=kept, waits=tuple(r for r in material.waits if r not in kept))
            self._put(material)
            allowed = Decision(outcome=decision.outcome, policy_version=policy.version, tags=tags)
            yield Allowed(material=material, policy=policy, decision=allowed, since=since)

    def _is_over(self, material: Material, now: datetime) -> bool:
        policy = self._book.version(self._controller, material.policy_version)
        if not material.kept:
            return material.occurred_at + WAITS <= now

        def facts(kind: RefKind) -> FactLog:
            return self._facts.log(next((ref for ref in material.refs if ref.kind is kind), None))

        given = Circumstances(occurred_at=material.occurred_at, tz=policy.tz, facts=facts)
        rules = (policy.rules[name] for name in material.kept)
        endings = (ending for rule in rules for kept in rule.tags.values() for ending in kept)
        ends = [end_of(ending.retention, given).due_at for ending in endings if ending.action in REMOVING]
        return all(due is not None and due <= now for due in ends)

    def _people(self, head: EventHead, name: str) -> tuple[str, ...]:
        named = head.attributes.get(name)
        listed = named if isinstance(named, (list, tuple)) else ()
        return tuple(dict.fromkeys(self._references.person(str(one)) for one in listed))

    def _get(self, record: str) -> Material | None:
        stored = self._work.get(f"clip|{record}".encode())
        return _MATERIAL.validate_json(stored) if stored else None

    def _put(self, material: Material) -> None:
        self._work.put(f"clip|{material.record.digest}".encode(), _MATERIAL.dump_json(material))

    def _forget(self, material: Material) -> None:
        self._work.delete(f"clip|{material.record.digest}".encode())
        for who in material.people:
            self._work.delete(_index(who, material.record))


def _heard(material: Material, policy: CompiledPolicy, who: str, head: EventHead) -> Material:
    """Return the material with the last word of a person on what it is used for; an older word changes nothing."""
    if head.type not in (GIVEN, WITHDRAWN):
        return material
    rules = (policy.rules[name] for name in (*material.kept, *material.waits))
    served = {purpose for rule in rules for _, purpose in rule.tags}
    purpose = head.attributes.get("purpose")
    before = material.said.get(who)
    if (purpose is not None and purpose not in served) or (before is not None and before[0] > head.occurred_at):
        return material
    return replace(material, said={**material.said, who: (head.occurred_at, head.type == GIVEN)})


def _index(who: str, record: Ref | None = None) -> bytes:
    return f"who|{who}|{record.digest if record else ''}".encode()


def _note(day: date, record: Ref) -> bytes:
    return _NOTE + f"{day.isoformat()}|{record.digest}".encode()
