"""The records that the expire stage emits, and their ids. References and field names only."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pipeline.domain.records import OutRecord
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import Action, RefKind
from pipeline.policy.policy_parts import Ending, Recipient
from pipeline.stages.entries import Entry, ObligedTag, Planned

BLOCK = 1000
"""Expiries of one message at most, well below the broker's limit of one mebibyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing to say of one tag's ending: scheduled, cancelled or due.

    `unlinked` leaves out the data subject: what was restricted to an order number names nobody any more (TEK-2.4).
    """

    type: str
    entry: Entry
    tag: ObligedTag
    ending: Ending
    due_at: datetime | None
    kept_until: date | None
    most: tuple[datetime, date | None] | None
    revision: int
    released: tuple[str, ...] = ()
    unlinked: bool = False


def said(kind: str, entry: Entry, tag: ObligedTag, ending: Ending, planned: Planned) -> Said:
    """Return what to say of an ending as it is planned now."""
    return Said(
        type=kind,
        entry=entry,
        tag=tag,
        ending=ending,
        due_at=planned.due_at,
        kept_until=planned.kept_until,
        most=planned.most,
        revision=planned.revision,
    )


def expiry_id(entry: Entry, tag: ObligedTag, action: Action, *, since: datetime | None = None) -> str:
    """Return the id of one tag's end: the same on every replay (architecture 8.1).

    Stop-use is said once per subject, purpose and instant, so its id names these instead of the record: who opts out,
    in again and out again is told twice. Whatever may happen again names when it begins.
    """
    what = subject_of(entry) if action is Action.STOP_USE else entry.obligation_id
    text = "|".join((str(what), tag.category, tag.purpose, action, str(entry.generation + tag.generation)))
    text += f"|{since.isoformat()}" if since else ""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _again(ending: Ending) -> bool:
    return ending.again or ending.action is Action.STOP_USE


def subject_of(entry: Entry) -> str | None:
    """Return the reference of the data subject, if the entry has one."""
    return next((ref.digest for ref in entry.refs if ref.kind is RefKind.SUBJECT), None)


def expiries(topics: Topics, everything: Iterable[Said], partition: int) -> list[OutRecord]:
    """Return what was said as blocks: what is common once, the single expiries as items (architecture 8.5)."""
    blocks: dict[tuple[object, ...], dict[str, object]] = {}
    items: dict[tuple[object, ...], list[dict[str, object]]] = {}
    for one in everything:
        tag, ending = one.tag, one.ending
        version = tag.policy_version
        common = (tag.category, tag.purpose, tag.rule, ending.action, ending.clauses, ending.findable_by)
        key = (one.type, version, *common)
        if key not in blocks:
            blocks[key] = {
                "type": one.type,
                "category": tag.category,
                "purpose": tag.purpose,
                "action": str(ending.action),
                "rule": tag.rule,
                "clauses": list(ending.clauses),
                "findable_by": list(ending.findable_by),
                "policy_version": version,
            }
            items[key] = []
        items[key].append(_item(one))
    return [
        OutRecord(
            topic=topics.expiry,
            key=None,
            schema="expiry",
            value={**block, "items": items[key][start : start + BLOCK]},
            partition=partition,
        )
        for key, block in blocks.items()
        for start in range(0, len(items[key]), BLOCK)
    ]


def instruction(topics: Topics, recipient: Recipient, said: Sequence[Said]) -> OutRecord | None:
    """Return the instruction to erase what ended now of one share, under the share's own key (GDPR Art. 19).

    None if every field that ended for one reason is still there for another.
    """
    released = {name for one in said for name in one.released}
    fields = tuple(name for name in recipient.fields if name in released)
    if not fields:
        return None
    one, entry = said[0], said[0].entry
    text = "|".join((entry.obligation_id, *fields, str(entry.generation)))
    value = {
        "instruction_id": hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
        "share_id": entry.share_id,
        "recipient": recipient.id,
        "fields": list(fields),
        "reason": recipient.purpose,
        "due_at": one.due_at,
        "rule": recipient.rule,
        "clauses": list(dict.fromkeys(clause for each in said for clause in each.ending.clauses)),
        "policy_version": one.tag.policy_version,
    }
    topic = topics.erase_instruction(recipient.id)
    return OutRecord(topic=topic, key=entry.share_id, schema="erase-instruction", value=value)


def review(topics: Topics, entry: Entry, tag: ObligedTag, clauses: tuple[str, ...], at: datetime) -> OutRecord:
    """Return the reminder that a tag without an end must be looked at again."""
    text = f"{entry.obligation_id}|{tag.category}|{tag.purpose}|review|{at.isoformat()}"
    value = {
        "type": "review.due",
        "review_id": hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
        **_about(entry),
        "category": tag.category,
        "purpose": tag.purpose,
        "review_at": at,
        "rule": tag.rule,
        "clauses": list(clauses),
        "policy_version": tag.policy_version,
    }
    return OutRecord(topic=topics.review, key=subject_of(entry), schema="review", value=value)


def _item(one: Said) -> dict[str, object]:
    due_max, kept_max = one.most or (None, None)
    stop_use = one.ending.action is Action.STOP_USE
    about = (
        {"event_id": None, "profile": None, "data_subject": subject_of(one.entry)} if stop_use else _about(one.entry)
    )
    if one.unlinked:
        about = {**about, "data_subject": None}
    return {
        "expiry_id": expiry_id(one.entry, one.tag, one.ending.action, since=one.due_at if _again(one.ending) else None),
        **about,
        "fields_released": list(one.released),
        "kept_until": one.kept_until.isoformat() if one.kept_until else None,
        "due_at": one.due_at,
        "kept_until_max": kept_max.isoformat() if kept_max else None,
        "due_at_max": due_max,
        "revision": one.revision,
    }


def _about(entry: Entry) -> dict[str, object]:
    record = None if entry.profile else entry.supports[-1].event_id
    return {"event_id": record, "profile": entry.profile, "data_subject": subject_of(entry)}
