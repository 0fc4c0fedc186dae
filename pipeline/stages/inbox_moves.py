"""Move messages whose case has another class now: out of the old inbox, into the new one (ALLCALL-5.4).

The class belongs to the case and covers all its messages, those sorted before as well (R-ALL-4). No content passes
here: a transfer asks the new inbox's sink to take the message over, an erase instruction of the same id tells the old
inbox to erase it once that is confirmed (architecture 9.9).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.facts import Fact
from pipeline.domain.records import OutRecord
from pipeline.domain.topics import Topics, inbox_reader
from pipeline.domain.vocabulary import RefKind
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.ends import matter_of
from pipeline.policy.retention import CLASSIFYING
from pipeline.stages.due_dates import DueDates
from pipeline.stages.entries import Entry, ObligedTag
from pipeline.stages.expiry_records import subject_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One message on its way.

    Attributes:
        old: Inbox it leaves.
        new: Inbox it goes to.
        matter: Class of its case now.
        cause: What classified the case.
        tags: The tags that the inbox holds.
        clauses: Clauses of the rule that sorts it.
    """

    old: str
    new: str
    matter: str | None
    cause: Fact
    tags: Sequence[ObligedTag]
    clauses: tuple[str, ...]


def moved(topics: Topics, dates: DueDates, entry: Entry, now: datetime) -> list[OutRecord]:
    """Move an entry's message to the inbox of its matter; return the instruction and the transfer, if it has to move.

    Nothing moves whose end has come, and nothing twice: the entry notes where its message lies.
    """
    sorted_here, support = dates.in_inbox(entry), entry.supports[-1]
    if not sorted_here:
        return []
    given = dates.evaluation.circumstances(support, dates.policy_of(support.policy_version))
    cause = given.facts(RefKind.CASE).last(CLASSIFYING)
    tags = [p.tag for p in sorted_here if cause and p.lives(max(cause.at, now))]
    if not cause or not tags:
        return []
    policy, matter = dates.policy_of(tags[0].policy_version), matter_of(given)
    old, new = entry.inbox or _inbox(policy, support.matter), _inbox(policy, matter)
    if old is None or new is None or old == new:
        return []
    entry.inbox = new
    clauses = policy.rules[tags[0].rule].clauses
    return _records(topics, entry, Move(old=old, new=new, matter=matter, cause=cause, tags=tags, clauses=clauses))


def _inbox(policy: CompiledPolicy, matter: str | None) -> str | None:
    return policy.inboxes.get(str(matter), policy.inbox_otherwise)


def _records(topics: Topics, entry: Entry, move: Move) -> list[OutRecord]:
    identity = f"{entry.obligation_id}|{move.old}|{move.new}|{move.cause.event_id}"
    record = entry.supports[-1].event_id
    common = {
        "fields": list(dict.fromkeys(name for tag in move.tags for name in tag.fields)),
        "reason": move.cause.type,
        "rule": move.tags[0].rule,
        "clauses": list(move.clauses),
        "policy_version": move.tags[0].policy_version,
    }
    move_id = hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()
    left = inbox_reader(move.old)
    instruction = {
        "instruction_id": move_id,
        "share_id": record,
        "recipient": left,
        "due_at": move.cause.at,
        **common,
    }
    transfer = {
        "transfer_id": move_id,
        "event_id": record,
        "data_subject": subject_of(entry),
        "from_inbox": move.old,
        "to_inbox": move.new,
        "matter": move.matter,
        "moved_at": move.cause.at,
        **common,
    }
    return [
        OutRecord(topic=topics.erase_instruction(left), key=record, schema="erase-instruction", value=instruction),
        OutRecord(topic=topics.inbox(move.new), key=record, schema="transfer", value=transfer),
    ]
