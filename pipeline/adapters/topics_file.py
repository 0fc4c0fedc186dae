"""Read `topics.yaml`: strict, every error at once with file and line, patterns unfolded into one spec per topic."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from pipeline.domain.errors import ConfigurationError
from pipeline.domain.topic_plan import FILE_DELETE_DELAY_MS, FOREVER, TopicSpec
from pipeline.domain.vocabulary import Family

_DURATION = re.compile(r"P(?:(?P<W>\d+)W)?(?:(?P<D>\d+)D)?(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?)?")
_DAY_MS = 86_400_000
_UNIT_MS = {"W": 7 * _DAY_MS, "D": _DAY_MS, "h": 3_600_000, "m": 60_000}
_LONGEST_MS = 365_000 * _DAY_MS
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_LISTS = {"carrier": "carriers", "share": "shares", "inbox": "inboxes", "recipient": "recipients", "family": "families",
          "list": "lists", "counts": "counts"}  # fmt: skip
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


_LONGEST_DAYS: Mapping[str, int] = {
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSet:
    """The topics of a file, unfolded.

    Attributes:
        cluster_id: The only cluster to apply to, if the file names one.
        specs: One per topic, in order of the file.
        controllers: The controllers that the file knows.
    """

    cluster_id: str | None
    specs: tuple[TopicSpec, ...]
    controllers: tuple[str, ...]


def read_topics(
    path: Path,
    *,
    controllers: Sequence[str] = (),
    replicas: int | None = None,
    co_partitions: int | None = None,
) -> TopicSet:
    """Return the topics that a file declares.

    Args:
        path: The YAML file.
        controllers: Only these, and the topics that belong to none; empty takes all.
        replicas: Instead of the file's replication factor, for clusters of one node.
        co_partitions: Instead of the file's count for co-partitioned topics, for development.

    Raises:
        ConfigurationError: every problem of the file, one line each with file and line; or an unknown controller.
    """
    document = _parse(path)
    if unknown := [name for name in controllers if name not in document.controllers]:
        known = ", ".join(document.controllers)
        raise ConfigurationError(f"{path}: there is no controller {', '.join(unknown)}; it knows {known}.")
    chosen = {name: entry for name, entry in document.controllers.items() if name in controllers or not controllers}
    defaults = document.defaults
    if replicas is not None:
        defaults = defaults.model_copy(update={"replicas": replicas})
    specs = [
        _spec(name, entry, values, defaults, co_partitions or count or defaults.co_partitions)
        for pattern, entry in document.topics.items()
        for name, values, count in _unfold(pattern, chosen)
    ]
    return TopicSet(
        cluster_id=document.cluster.id if document.cluster else None,
        specs=tuple(specs),
        controllers=tuple(chosen),
    )


def _unfold(
    pattern: str, controllers: Mapping[str, ControllerTopics]
) -> Iterator[tuple[str, dict[str, str], int | None]]:
    """Yield name, placeholder values and the controller's partition count of every topic that a pattern stands for."""
    placeholders = _PLACEHOLDER.findall(pattern)
    if "controller" not in placeholders:
        yield pattern, {}, None
        return
    lists = [name for name in placeholders if name != "controller"]
    for controller, entry in controllers.items():
        for values in product(*(getattr(entry, _LISTS[name]) for name in lists)):
            named = {"controller": controller, **dict(zip(lists, values, strict=True))}
            yield pattern.format_map(named), named, entry.co_partitions


def _spec(name: str, entry: TopicEntry, values: Mapping[str, str], defaults: Defaults, co_partitions: int) -> TopicSpec:
    return TopicSpec(
        name=name,
        role=entry.role,
        partitions=co_partitions if entry.co_partitioned else entry.partitions or defaults.partitions,
        replicas=defaults.replicas,
        config=entry.kafka_config(min(defaults.min_in_sync, defaults.replicas), defaults.max_message_bytes),
        keyed=entry.key != "none",
        holds=entry.holds,
        value_schema=entry.value_schema.format_map(values) if entry.value_schema else None,
        description=entry.description,
    )


def _parse(path: Path) -> TopicsDocument:
    yaml = YAML(typ="rt")
    try:
        tree = yaml.load(StringIO(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8 text.") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{path}:{line}: this is not YAML: {error.problem}.") from None
    try:
        document = TopicsDocument.model_validate(_plain(tree))
    except ValidationError as error:
        lines = [
            f"{path}:{_line(tree, problem['loc'])}: {_where(problem['loc'])}: {_sentence(problem['msg'])}"
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigurationError("\n".join(lines)) from None
    named = ((("topics", pattern), problem) for pattern, problem in _pattern_problems(document))
    if problems := [*named, *_retention_problems(document)]:
        lines = [f"{path}:{_line(tree, loc)}: {_where(loc)}: {problem}" for loc, problem in problems]
        raise ConfigurationError("\n".join(lines))
    return document


def _pattern_problems(document: TopicsDocument) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for pattern, entry in document.topics.items():
        placeholders = _PLACEHOLDER.findall(pattern)
        if strange := [name for name in placeholders if name != "controller" and name not in _LISTS]:
            yield pattern, f"{{{strange[0]}}} is unknown; use controller, {', '.join(_LISTS)}."
            continue
        if loose := set(_PLACEHOLDER.findall(entry.value_schema or "")) - set(placeholders):
            yield pattern, f"schema uses {{{min(loose)}}}, the topic's name does not."
        if placeholders and "controller" not in placeholders:
            yield pattern, "a pattern begins with {controller}, so that one prefixed right walls a controller off."
            continue
        for name, _, _ in _unfold(pattern, document.controllers):
            if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+\.v\d+", name):
                yield pattern, f"{name} is not <controller>.<role>[.<what>].v<major> in lower case."
            if name in seen:
                yield pattern, f"{name} is declared by {seen[name]} too."
            seen[name] = pattern


def _retention_problems(document: TopicsDocument) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield where the file would keep a record longer than its role may."""
    for pattern, entry in document.topics.items():
        here = ("topics", pattern)
        if entry.retention is None:
            if entry.holds in _MUST_END:
                yield (
                    (*here, "cleanup_policy"),
                    f"what is {entry.holds} must end, and compact keeps the newest for ever.",
                )
            continue
        if entry.role not in _LONGEST_DAYS:
            yield (*here, "role"), f"no role that ends by deletion is called so; there are {', '.join(_LONGEST_DAYS)}."
            continue
        longest, asked = _LONGEST_DAYS[entry.role], entry.retention.max
        if asked == FOREVER and entry.holds in _MUST_END:
            yield (*here, "retention", "max"), f"what is {entry.holds} must end; write a duration, such as P7D."
        elif longest != FOREVER and (asked == FOREVER or asked > longest * _DAY_MS):
            yield (
                (*here, "retention", "max"),
                f"a {entry.role} topic keeps its records for P{longest}D at most; write that or less.",
            )
        elif asked != FOREVER and entry.segment > asked:
            yield (*here, "segment"), "a segment longer than retention.max keeps its oldest record past it; shorten it."


_MUST_END = {"personal", "sealed"}


def _plain(node: Any) -> Any:
    """Return a YAML tree as plain dicts and lists, for the strict models."""
    if isinstance(node, Mapping):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node


def _line(tree: Any, loc: Sequence[str | int]) -> int:
    """Return the line of the deepest node of a path that the file has."""
    node, line = tree, 1
    for step in loc:
        by_key = hasattr(node, "keys")
        try:
            line = (node.lc.key(step) if by_key else node.lc.item(step))[0] + 1
            node = node[step]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return int(line)


def _where(loc: Sequence[str | int]) -> str:
    return ".".join(str(step) for step in loc if step != "[key]") or "file"


_SENTENCES = {
    "Extra inputs are not permitted": "this key is unknown; remove it or correct its spelling",
    "Field required": "this key is missing",
}


def _sentence(message: str) -> str:
    return _SENTENCES.get(message, message.removeprefix("Value error, ")) + "."
