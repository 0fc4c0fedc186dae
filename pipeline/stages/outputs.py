"""The records that one decision makes: tagged, shared, obliged, reported. Field names only, never values."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain import calendar
from pipeline.domain.events import EventHead
from pipeline.domain.facts import Ref
from pipeline.domain.records import Nameless, OutRecord, SealedValue, SharedValue, Tag, TaggedValue
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import CONTROL_KEY, Family, RefKind
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.decision import Decision, Grant, Report
from pipeline.policy.policy_parts import Profile
from pipeline.stages import copies
from pipeline.stages.clips import Allowed
from pipeline.stages.state import References, refs_to, word

_NAME = re.compile(r"[a-z][a-z0-9_.]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """One accepted event and what was decided of it."""

    topics: Topics
    references: References
    policy: CompiledPolicy
    decision: Decision
    head: EventHead
    matter: object
    refs: tuple[Ref, ...]
    now: datetime
    index: int
    partition: int


def tagged(made: Making, family: Family) -> Iterator[OutRecord]:
    """Yield the tagged event, and its copy for the inbox where e-mail is sorted by matter (ALLCALL-5.4).

    An event without tags makes none: nothing may be kept without a reason and an end.
    """
    if not made.decision.tags:
        return
    subject = next((ref.digest for ref in made.refs if ref.kind is RefKind.SUBJECT), "")
    value = TaggedValue(made.decision.tags, made.policy.version, made.decision.keep, subject)
    yield OutRecord(
        topic=made.topics.tagged(family),
        key=made.head.key,
        schema="tagged",
        value=value,
        partition=made.partition,
        source=made.index,
    )
    if made.decision.inbox:
        topic = made.topics.inbox(made.decision.inbox)
        yield OutRecord(topic=topic, key=made.head.key, schema="tagged", value=value, source=made.index)


def nameless(made: Making, family: Family) -> Iterator[OutRecord]:
    """Yield what serves anonymous purposes: a record that nothing leads from to the person or to the event as sent.

    Its key is its own random id, so that not even its partition tells whose events lie there. It is no personal
    data any more: no obligation names it (ALLCALL-4D.5).
    """
    if not made.decision.nameless:
        return
    identity = made.references.unlinked_id()
    month = calendar.local_date(made.head.occurred_at, made.policy.tz).replace(day=1)
    put = Nameless(identity, calendar.start_of_day(month, made.policy.tz))
    keep = frozenset(name for tag in made.decision.nameless for name in tag.fields)
    value = TaggedValue(made.decision.nameless, made.policy.version, keep, nameless=put)
    yield OutRecord(topic=made.topics.tagged(family), key=identity, schema="tagged", value=value, source=made.index)


def shares(made: Making) -> Iterator[OutRecord]:
    """Yield each recipient's record, and its entry in the share ledger."""
    order = next((ref for ref in made.refs if ref.kind is RefKind.ORDER), None)
    for grant in made.decision.grants:
        share_id = made.references.share_id(made.head.event_id, grant.recipient.id)
        yield from share(made, grant, share_id, order=order)


def share(
    made: Making, grant: Grant, share_id: str, *, order: Ref | None, occasion: str = "share"
) -> Iterator[OutRecord]:
    """Yield one recipient's record under the opaque key of its share, and the entry in the share ledger."""
    recipient = grant.recipient
    name = made.topics.carrier(recipient.id) if recipient.carrier else made.topics.share(recipient.id)
    schema = "carrier" if recipient.carrier else "share"
    shared = SharedValue(schema, grant.fields)
    yield OutRecord(topic=name, key=share_id, schema=schema, value=shared, source=made.index)
    entry = {**_ledger(made, grant, order), "share_id": share_id, "occasion": occasion}
    yield OutRecord(topic=made.topics.share_ledger, key=share_id, schema="share-ledger", value=entry)


def obligations(made: Making) -> Iterator[dict[str, object]]:
    """Yield what must end because of this event: the record, the profiles it supports, the shares to be erased."""
    absorbed = {c for p in made.policy.profiles.values() if p.absorbs for c in p.categories}
    own = tuple(tag for tag in made.decision.tags if tag.category not in absorbed)
    if own:
        yield _obligation(made, "record", made.head.event_id, own)
    for name in made.decision.profiles:
        profile = made.policy.profiles[name]
        holder = next((ref for ref in made.refs if ref.kind is profile.per), None)
        if holder:
            yield _profile(made, profile, holder)
    for grant in made.decision.grants:
        if grant.recipient.recipient_class in copies.INSTRUCTED:
            yield copied(made, grant)


def copied(made: Making, grant: Grant) -> dict[str, object]:
    """Return the copy that a recipient holds from now on, as an obligation to have it erased."""
    share_id = made.references.share_id(made.head.event_id, grant.recipient.id)
    item = _obligation(made, "share", share_id, copies.tags_of(grant, made.decision.tags))
    return {**item, "recipient": grant.recipient.id, "share_id": share_id}


def allowed(found: Allowed, made: Making, family: Family) -> tuple[OutRecord, dict[str, object]]:
    """Return the tags that material got later, and what must end because of them.

    The record has no payload: none is kept here. Who keeps the material joins the tags to it by the event id. Its
    life begins with the last consent that was missing.
    """
    material = found.material
    said = {
        "event_id": material.event_id,
        "type": material.event_type,
        "occurred_at": material.occurred_at,
        "controller": made.topics.controller,
        "data_subject_id": material.key,
        "source": "",
        **material.attributes,
    }
    value = {
        "tags": [_told(tag) for tag in found.decision.tags],
        "policy_version": found.policy.version,
        "data_subject": next((ref.digest for ref in material.refs if ref.kind is RefKind.SUBJECT), ""),
        "event": said,
    }
    record = OutRecord(
        topic=made.topics.tagged(family),
        key=material.key,
        schema=f"tagged-{family}",
        value=value,
        partition=made.partition,
    )
    rules = "+".join(dict.fromkeys(tag.rule for tag in found.decision.tags))
    return record, _obligation(made, "record", f"{material.event_id}|{rules}", found.decision.tags)


def forwarded(topics: Topics, head: EventHead) -> OutRecord:
    """Return what a person said about photos and clips, for every partition: nobody knows where those are."""
    named = head.attributes.get("participants") or head.attributes.get("consents")
    people = [str(one) for one in named] if isinstance(named, Iterable) else [head.key]
    records = head.attributes.get("records")
    value = {
        "event_id": f"forwarded-{hashlib.blake2b(head.event_id.encode(), digest_size=16).hexdigest()}",
        "type": head.type,
        "occurred_at": head.occurred_at,
        "controller": head.controller,
        "data_subject_id": CONTROL_KEY,
        "source": FORWARDED,
        "participants": people,
        "records": [str(one) for one in records] if isinstance(records, Iterable) else None,
        **{name: head.attributes[name] for name in ("clip_id", "purpose") if name in head.attributes},
    }
    return OutRecord(topic=topics.control, key=CONTROL_KEY, schema="source-lifecycle", value=value)


def _told(tag: Tag) -> dict[str, object]:
    return {
        "category": tag.category,
        "purpose": tag.purpose,
        "legal_basis": [str(basis) for basis in tag.legal_basis],
        "rule": tag.rule,
        "clauses": list(tag.clauses),
        "fields": list(tag.fields),
    }


FORWARDED = "//pipeline/tag-lane"
"""Source of what the tag lane sends to all its partitions."""


def carried(made: Making) -> tuple[str, ...]:
    """Return which categories an event carries itself, where it would otherwise tag what other records hold of them."""
    if made.head.type not in made.policy.retagging:
        return ()
    return tuple(tag.category for tag in made.decision.tags if made.policy.rules[tag.rule].retags)


BLOCK = 200
"""Items of one block at most: a message must stay well below the broker's limit of one mebibyte."""


def blocks(topics: Topics, items: list[dict[str, object]], partition: int) -> Iterator[OutRecord]:
    """Yield the batch's obligations and facts as few records, in the order they were decided (architecture 8.5)."""
    for start in range(0, len(items), BLOCK):
        value = {"controller": topics.controller, "items": items[start : start + BLOCK]}
        yield OutRecord(topic=topics.obligation, key=None, schema="obligation", value=value, partition=partition)


def violation(controller: str, head: EventHead, report: Report, decision: Decision, now: datetime) -> OutRecord:
    """Return the report of what was refused or dropped; field names only."""
    topics = Topics(controller)
    identity = f"{head.event_id}|{report.code}|{','.join(report.fields)}|{report.rule}"
    value = {
        "violation_id": hashlib.blake2b(identity.encode(), digest_size=16).hexdigest(),
        "event_id": head.event_id,
        "event_type": printable(head.type),
        "controller": topics.controller,
        "code": report.code,
        "outcome": str(decision.outcome),
        "fields": list(report.fields),
        "message": report.message,
        "rule": report.rule,
        "clauses": list(report.clauses),
        "policy_version": decision.policy_version,
        "at": now,
    }
    return OutRecord(topic=topics.violation, key=head.event_id, schema="violation", value=value)


def dead_letter(topics: Topics, index: int, code: str, field: str | None) -> OutRecord:
    """Return the dead letter of a record that cannot be read; the content is sealed at the edge."""
    sealed = SealedValue(code, printable(field) if field else None)
    return OutRecord(topic=topics.dead_letter, key=None, schema="dead-letter", value=sealed, source=index)


def printable(name: str) -> str:
    """Return a name as it may stand in a report: itself if it is a plain name, else a digest (it may be anything)."""
    if _NAME.fullmatch(name):
        return name
    return "invalid-name-" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _obligation(made: Making, kind: str, identity: str, tags: Iterable[Tag]) -> dict[str, object]:
    head = made.head
    own_record = made.references.of(RefKind.RECORD, head.event_id)
    named = tuple(ref for ref in made.refs if ref.kind not in (RefKind.RECORD, RefKind.HOLD))
    return {
        "obligation_id": f"{kind}|{identity}",
        "kind": kind,
        "event_id": head.event_id,
        "occurred_at": head.occurred_at,
        "refs": refs_to((*named, own_record)),
        "tags": [
            {"rule": tag.rule, "category": tag.category, "purpose": tag.purpose, "fields": list(tag.fields)}
            for tag in tags
        ],
        "profile": None,
        "recipient": None,
        "share_id": None,
        "policy_version": made.policy.version,
        # The lane that waits may have forgotten a case that was quiet for long; the class goes with the record.
        "matter": word(made.matter) if made.matter else None,
        "generation": 0,
    }


def _profile(made: Making, profile: Profile, holder: Ref) -> dict[str, object]:
    tags = tuple(tag for tag in made.decision.tags if tag.category in profile.categories)
    return {**_obligation(made, "profile", f"{profile.id}|{holder}", tags), "profile": profile.id}


def _ledger(made: Making, grant: Grant, order: Ref | None) -> dict[str, object]:
    subject = next((ref for ref in made.refs if ref.kind is RefKind.SUBJECT), None)
    return {
        "recipient": grant.recipient.id,
        "recipient_class": str(grant.recipient.recipient_class),
        "event_id": made.head.event_id,
        "data_subject": subject.digest if subject else None,
        "order": order.digest if order else None,
        "fields": list(grant.fields),
        "legal_ground": word(ground) if (ground := made.head.attributes.get("legal_ground")) else None,
        "shared_at": made.now,
        "rule": grant.recipient.rule,
        "clauses": list(grant.recipient.clauses),
        "policy_version": made.policy.version,
    }
