"""The shapes of `topics.yaml`, and the longest that each role may keep its records."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pipeline.domain.topic_plan import FILE_DELETE_DELAY_MS, FOREVER
from pipeline.domain.vocabulary import Family

_DURATION = re.compile(r"P(?:(?P<W>\d+)W)?(?:(?P<D>\d+)D)?(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?)?")
DAY_MS = 86_400_000
_UNIT_MS = {"W": 7 * DAY_MS, "D": DAY_MS, "h": 3_600_000, "m": 60_000}
_LONGEST_MS = 365_000 * DAY_MS
_KEBAB = r"^[a-z0-9]+(-[a-z0-9]+)*$"


def _duration(value: object) -> int:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or not any(match.groups()):
        raise ValueError("write an ISO 8601 duration in weeks, days, hours or minutes, such as P7D or PT6H")
    milliseconds = sum(int(amount) * _UNIT_MS[unit] for unit, amount in match.groupdict().items() if amount)
    if not 0 < milliseconds <= _LONGEST_MS:
        raise ValueError("write a duration longer than nothing and shorter than a thousand years, such as P7D or PT6H")
    return milliseconds


def _period(value: object) -> int:
    return FOREVER if value == "unlimited" else _duration(value)


Duration = Annotated[int, BeforeValidator(_duration)]
"""Milliseconds, more than none; months and years have no fixed length and are refused."""
Period = Annotated[int, BeforeValidator(_period)]
"""A duration, or `unlimited` as `FOREVER`."""
Name = Annotated[str, Field(pattern=_KEBAB)]
Count = Annotated[int, Field(ge=1, le=10_000)]
MessageBytes = Annotated[int, Field(ge=1_024, le=1 << 30)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Cluster(_Part):
    """The only cluster that this file may be applied to."""

    id: str


class Defaults(_Part):
    """What a topic has unless it says otherwise."""

    partitions: Count = 3
    co_partitions: Count = 6
    replicas: Annotated[int, Field(ge=1, le=15)] = 3
    min_in_sync: Annotated[int, Field(ge=1, le=15)] = 2
    max_message_bytes: MessageBytes = 2 << 20


class ControllerTopics(_Part):
    """Who a controller's data goes to, and so which of its topics exist."""

    carriers: list[Name] = []
    shares: list[Name] = []
    inboxes: list[Name] = []
    lists: list[Name] = []
    counts: list[Literal["aggregate"]] = []
    co_partitions: Count | None = None

    @property
    def recipients(self) -> list[str]:
        """Everybody who may hold a copy."""
        return [*self.carriers, *self.shares]

    @property
    def families(self) -> list[str]:
        """The source families; every controller has all."""
        return list(Family)


class Retention(_Part):
    """How long records may stay: `keep` if given, else `max`; never more than `max`."""

    max: Period
    keep: Period | None = None
    source: Literal["operations", "policy", "schedule", "accountability"] = Field(alias="from")
    because: str = Field(min_length=10)

    @model_validator(mode="after")
    def _within_maximum(self) -> Self:
        if self.keep is not None and self.max != FOREVER and (self.keep == FOREVER or self.keep > self.max):
            raise ValueError("keep is longer than max; shorten it, or have max changed by who owns the promise")
        return self

    @property
    def milliseconds(self) -> int:
        """What `retention.ms` becomes."""
        return self.max if self.keep is None else self.keep


class Compaction(_Part):
    """How long overwritten values and tombstones stay at most."""

    max_lag: Duration
    delete_retention: Duration


class TopicEntry(_Part):
    """One entry of the file: a topic, or a pattern that stands for several."""

    role: Name
    description: str = Field(min_length=10)
    holds: Literal["personal", "pseudonymous", "sealed", "none"]
    value_schema: str | None = Field(None, alias="schema")
    key: Name
    co_partitioned: bool = False
    partitions: Count | None = None
    cleanup_policy: Literal["delete", "compact"]
    retention: Retention | None = None
    compaction: Compaction | None = None
    segment: Duration
    max_message_bytes: MessageBytes | None = None
    compatibility: Literal["BACKWARD_TRANSITIVE", "FULL_TRANSITIVE"] | None = None
    config: dict[str, str] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.cleanup_policy == "delete") != (self.retention is not None):
            raise ValueError("cleanup_policy delete needs retention, compact must not have it")
        if (self.cleanup_policy == "compact") != (self.compaction is not None):
            raise ValueError("cleanup_policy compact needs compaction, delete must not have it")
        if self.co_partitioned and self.partitions is not None:
            raise ValueError("a co_partitioned topic has its controller's co_partitions; remove partitions")
        if self.value_schema is not None and self.compatibility is None:
            raise ValueError("a topic with a schema says its compatibility")
        if taken := sorted(_DECIDED & self.config.keys()):
            raise ValueError(f"config must not set {', '.join(taken)}: other keys of the entry decide it")
        return self

    def kafka_config(self, min_in_sync: int, max_message_bytes: int) -> dict[str, str]:
        """Return the topic settings as Kafka spells them; the arguments are the file's defaults."""
        decided = {
            "cleanup.policy": self.cleanup_policy,
            "segment.ms": self.segment,
            "file.delete.delay.ms": FILE_DELETE_DELAY_MS,
            "min.insync.replicas": min_in_sync,
            "max.message.bytes": self.max_message_bytes or max_message_bytes,
        }
        if self.retention is not None:
            decided["retention.ms"] = self.retention.milliseconds
        if self.compaction is not None:
            decided["max.compaction.lag.ms"] = self.compaction.max_lag
            decided["delete.retention.ms"] = self.compaction.delete_retention
        return {**self.config, **{name: str(value) for name, value in decided.items()}}


_DECIDED = {
    "cleanup.policy", "retention.ms", "retention.bytes", "segment.ms", "segment.bytes", "min.insync.replicas",
    "file.delete.delay.ms", "max.compaction.lag.ms", "delete.retention.ms", "max.message.bytes",
}  # fmt: skip


LONGEST_DAYS: Mapping[str, int] = {
    "source": 14, "control": 14, "tagged": 14, "carrier": 7, "share": 7, "inbox": 7, "dead-letter": 30,
    "receipt": 90, "subject-list": 90, "expiry": 365, "erase-instruction": 365, "export-instruction": 365,
    "violation": 1095, "rights": 1095, "share-ledger": 1095, "review": 1095,
    "aggregate": 1095,
    "obligation": FOREVER,
}  # fmt: skip
"""The longest `retention.max` of each role, in days: what the promises were checked with.

The file may shorten a period; to lengthen one beyond this is a decision on the promises, and so on the code.
"""


class TopicsDocument(_Part):
    """The whole file."""

    version: Literal[1]
    cluster: Cluster | None = None
    defaults: Defaults = Defaults()
    controllers: dict[Name, ControllerTopics]
    topics: dict[str, TopicEntry]
