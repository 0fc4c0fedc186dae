"""The records that requests of people make on receipt: what was asked, until when, at what fee. References only."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.domain.facts import Fact, FactLog, Ref
from pipeline.domain.records import OutRecord
from pipeline.domain.topics import Topics
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.rights import ANSWERED, REQUESTS

RECEIVED, NOT_IN_NOTICE = "received", "not-in-notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request of a person, as the policy in force sees it.

    Attributes:
        fact: The request, without payload.
        subject: Who asks.
        policy: The policy version in force when it was made.
    """

    fact: Fact
    subject: Ref
    policy: CompiledPolicy

    @property
    def request_id(self) -> str:
        """Return the id that the receipt and every answer bear: the same on every replay."""
        return hashlib.blake2b(f"rights|{self.fact.event_id}".encode(), digest_size=16).hexdigest()

    @property
    def answer_by(self) -> str | None:
        """Return the last day to answer, if the notice states a time."""
        rule = self.policy.rights.get(ANSWERED[self.fact.type])
        day = rule.answer_by(self.fact.at, self.policy.tz) if rule else None
        return day.isoformat() if day else None

    def record(self, kind: str, outcome: str, **more: object) -> OutRecord:
        """Return a record about the request, keyed by the reference of who asks."""
        right = ANSWERED[self.fact.type]
        rule = self.policy.rights.get(right)
        value: Mapping[str, object] = {
            "type": kind,
            "request_id": self.request_id,
            "event_id": self.fact.event_id,
            "right": str(right),
            "data_subject": self.subject.digest,
            "received_at": self.fact.at,
            "answer_by": self.answer_by,
            "outcome": outcome,
            "rule": rule.rule if rule else None,
            "clauses": list(rule.clauses) if rule else [],
            "policy_version": self.policy.version,
            **more,
        }
        topic = Topics(self.policy.controller).rights
        return OutRecord(topic=topic, key=self.subject.digest, schema="rights", value=value)


def received(request: Request, earlier: FactLog) -> OutRecord:
    """Return what is said of a request on receipt, given the earlier facts about who asks.

    A right that the notice does not grant is recorded, and nothing happens by itself: a person decides.
    """
    rule = request.policy.rights.get(REQUESTS[request.fact.type])
    if rule is None:
        return request.record("rights.received", NOT_IN_NOTICE)
    outcome = RECEIVED if rule.counts(request.fact) else rule.until_then
    return request.record("rights.received", outcome, fee=rule.fee_of(request.fact, earlier, request.policy.tz))
