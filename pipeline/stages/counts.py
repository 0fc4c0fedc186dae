"""Counts by calendar month, for purposes that may have nothing else: no subject, no record, no instant is in them.

A count waits in the state until its month is over, in the policy's zone, and then is one record; what arrives later
makes another one for the same month, to be added. Keys: `count|<end of month>|<rule>|<purpose>|<event>|<version>`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pipeline.domain import calendar
from pipeline.domain.events import EventHead
from pipeline.domain.records import OutRecord, Tag
from pipeline.domain.topics import Topics
from pipeline.policy.book import PolicyBook
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.months import next_month
from pipeline.stages.workspace import Workspace

_PREFIX = b"count|"


class Counts:
    """The counts of one partition and batch."""

    def __init__(self, topics: Topics, book: PolicyBook, work: Workspace, partition: int) -> None:
        self._topics = topics
        self._book = book
        self._work = work
        self._partition = partition

    def add(self, policy: CompiledPolicy, head: EventHead, tags: tuple[Tag, ...]) -> None:
        """Count an event once for each rule and purpose that may have a count of it."""
        until = next_month(head.occurred_at, policy.tz).astimezone(UTC).isoformat()
        for rule, purpose in dict.fromkeys((tag.rule, tag.purpose) for tag in tags):
            key = _PREFIX + f"{until}|{rule}|{purpose}|{head.type}|{policy.version}".encode()
            self._work.put(key, str(int(self._work.get(key) or b"0") + 1).encode())

    def finished(self, now: datetime, limit: int) -> Iterator[OutRecord]:
        """Yield the counts of months that are over, at most about `limit`, and forget them."""
        due = [*self._work.scan(_PREFIX, _PREFIX + now.astimezone(UTC).isoformat().encode() + b"~")][:limit]
        for key, count in due:
            self._work.delete(key)
            yield self._record(key.decode().split("|", 5)[1:], int(count))

    def next_due(self) -> datetime | None:
        """Return when the next month is over of which something was counted."""
        first = next(iter(self._work.scan_prefix(_PREFIX)), None)
        return datetime.fromisoformat(first[0].decode().split("|")[1]) if first else None

    def _record(self, parts: list[str], count: int) -> OutRecord:
        until, rule, purpose, event_type, version = parts
        policy = self._book.version(self._topics.controller, version)
        last_day = calendar.local_date(datetime.fromisoformat(until), policy.tz) - timedelta(days=1)
        month = last_day.isoformat()[:7]
        value = {
            "controller": self._topics.controller,
            "month": month,
            "event_type": event_type,
            "purpose": purpose,
            "rule": rule,
            "clauses": list(policy.rules[rule].clauses),
            "partition": self._partition,
            "count": count,
            "policy_version": version,
        }
        return OutRecord(topic=self._topics.aggregate, key=f"{month}|{rule}", schema="aggregate", value=value)
