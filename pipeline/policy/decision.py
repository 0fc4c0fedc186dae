"""What a policy says of one event: its outcome, tags, shares and reports. Made by `decide`, acted on by the stages."""

from dataclasses import dataclass

from pipeline.domain.records import Tag
from pipeline.domain.vocabulary import Outcome
from pipeline.policy.policy_parts import Recipient, SubjectList


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A violation: what was refused or dropped and why. Field names only."""

    code: str
    fields: tuple[str, ...] = ()
    rule: str | None = None
    clauses: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the policy says of one event.

    Attributes:
        outcome: Accepted, dropped by rule, or refused.
        policy_version: The version that decided.
        tags: Every tag of the event as personal data, in rule order.
        nameless: The tags for purposes that may have anonymous data only.
        counted: The tags for purposes that may have counts only.
        keep: Fields that survive; None if all present fields do and nothing was undeclared.
        grants: Recipients that get a share, each with the fields present of its whitelist.
        inbox: Inbox name for e-mail sorted by matter.
        profiles: Ids of the profiles this event supports.
        lists: Lists that this event asks for.
        waits: Rules that may apply later, once their condition holds.
        reports: Violations on the event.
        is_fact: True if the event is folded into state and forwarded.
        restricted: True if the subject's data are restricted: nobody gets a share.
    """

    outcome: Outcome
    policy_version: str
    tags: tuple[Tag, ...] = ()
    nameless: tuple[Tag, ...] = ()
    counted: tuple[Tag, ...] = ()
    keep: frozenset[str] | None = None
    grants: tuple["Grant", ...] = ()
    inbox: str | None = None
    profiles: tuple[str, ...] = ()
    lists: tuple[SubjectList, ...] = ()
    waits: tuple[str, ...] = ()
    reports: tuple[Report, ...] = ()
    is_fact: bool = False
    restricted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One recipient's share of one event."""

    recipient: Recipient
    fields: tuple[str, ...]
