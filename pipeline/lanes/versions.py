"""Follow the policy topic: what is published there governs a running lane, and what is wrong there changes nothing.

A lane reads the topic to its end before it begins, and again every few seconds. A record that is refused is told once:
a log line and a counter. A lane that could not read the topic for a while stops (see `policy.publication`).
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline.domain.errors import ConfigurationError, InvalidEvent, LogTruncatedError, UnavailableError
from pipeline.lanes.views import LaneSpec
from pipeline.policy.book import PolicyAlert, PolicyBook
from pipeline.policy.publication import NOTICE, STALE, Judged, Publication, Verdict, disagreements, judge
from pipeline.policy.retags import judge_retag, retag_from
from pipeline.ports import Codec, GovernedStage, InRecord

READ_EVERY = 10.0
"""Seconds between two readings of the policy topic."""

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""Controller and version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often the topic is read, and how long before it governs a version must be on it; shorter in tests."""

    every: float = READ_EVERY
    stale: timedelta = STALE
    notice: timedelta = NOTICE


class PolicyTopic:
    """What the policy topic holds, as far as it was read; each record judged once, in order.

    Args:
        read: Yields the committed records from an offset to the end.
        codec: Decodes them.
        on_disk: The versions of the policies folder.
        events: Every event name of the catalogue.
        pace: How early a version must be there.
    """

    def __init__(
        self,
        read: Callable[[int], Iterator[InRecord]],
        codec: Codec,
        on_disk: PolicyBook,
        events: frozenset[str],
        pace: Pace | None = None,
    ) -> None:
        self._read = read
        self._codec = codec
        self._events = events
        self._pace = pace or Pace()
        self._on_disk = on_disk
        self._next = 0
        self.book = on_disk
        self.published: dict[Key, Publication] = {}
        """What is in force or comes into force, as it stands on the topic."""
        self.refused: list[tuple[Key, Judged]] = []
        """Versions that are not, with the reason."""
        self.counts: Counter[tuple[str, ...]] = Counter()

    def read_on(self) -> bool:
        """Read the topic to its end; return whether anything new came into the book.

        Raises:
            UnavailableError: the topic does not answer.
        """
        before = self.book
        try:
            self._take_all()
        except LogTruncatedError:  # the topic was made anew: what is in force stays so, what is on it is judged
            self._next = 0
            self._take_all()
        return self.book is not before

    def drain_counts(self) -> Counter[tuple[str, ...]]:
        """Return how often each verdict was given since the last time."""
        counts, self.counts = self.counts, Counter()
        return counts

    def check(self, controllers: tuple[str, ...]) -> None:
        """Check that topic and disk agree on what governs some controllers.

        Raises:
            ConfigurationError: they do not; one line each.
        """
        problems = [*self.contradictions(controllers), *disagreements(self._on_disk, self.published, controllers)]
        if problems:
            raise ConfigurationError("\n".join(problems))

    def contradictions(self, controllers: tuple[str, ...]) -> list[str]:
        """Return what stands otherwise on the topic than on disk, one sentence each."""
        found = []
        for key, judged in self.refused:
            changed = judged.verdict is Verdict.CHANGED and key not in self.published
            if key[0] in controllers and (changed or judged.verdict is Verdict.NOT_ON_DISK):
                found.append(f"version {key[1]} of {key[0]} on the policy topic: {judged.says}")
        return found

    def _take_all(self) -> None:
        for record in self._read(self._next):
            if record.offset >= self._next and record.value is not None:
                self._take(record, record.value)
            self._next = max(self._next, record.offset + 1)

    def _take(self, record: InRecord, value: bytes) -> None:
        try:
            schema, content = self._codec.decode(value)
        except InvalidEvent:
            schema, content = "", {}
        if schema == "policy":
            self._take_version(record, Publication(**content))  # type: ignore[arg-type] # the codec gave each its type
        elif schema == "retag":
            self._take_order(record, content)
        else:
            says = "it is no policy version and no order to retag"
            self._refuse(record, ("", ""), Judged(verdict=Verdict.UNREADABLE, says=says), "policy-version")

    def _take_version(self, record: InRecord, one: Publication) -> None:
        key = (one.controller, one.version)
        appended_at = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
        judged = judge(self.book, one, appended_at, events=self._events, notice=self._pace.notice)
        if judged.refused:
            self.refused.append((key, judged))
            self._refuse(record, key, judged, "policy-version")
            return
        self.counts["policy-version", judged.verdict] += 1
        self.published[key] = one
        if judged.policy is not None:
            self.book = self.book.with_version(judged.policy)
            log.info("version %s of %s governs from %s on", one.version, one.controller, one.effective_from.isoformat())

    def _take_order(self, record: InRecord, content: Mapping[str, object]) -> None:
        order = retag_from(content)
        judged = judge_retag(self.book, order)
        if judged.refused:
            self._refuse(record, (order.controller, order.to_version), judged, "policy-retag")
            return
        self.counts["policy-retag", judged.verdict] += 1
        if judged.verdict is Verdict.TAKEN:
            self.book = self.book.with_retag(order)

    def _refuse(self, record: InRecord, key: Key, judged: Judged, what: str) -> None:
        """Tell of a record that changes nothing: in the log, and for the violation topic if it names whose it is."""
        self.counts[what, judged.verdict] += 1
        named = f"{what.replace('-', ' ')} {key[1]} of {key[0]}" if key[0] else "a record"
        why = (record.offset, named, judged.verdict, judged.says)
        log.warning("policy topic, offset %d: %s changes nothing (%s): %s", *why)
        if key[0]:
            alert = PolicyAlert(
                alert_id=hashlib.blake2b(record.value or b"", digest_size=16).hexdigest(),
                controller=key[0],
                version=key[1],
                code=f"{what}-{judged.verdict}".replace("-", "_"),
                message=judged.says,
            )
            self.book = self.book.with_alert(alert)


class PolicyFollower:
    """Reads the policy topic for one lane, at its pace.

    Args:
        topic: What to read.
        elapsed: Steady seconds.
        pace: How often to read, and how long to go on without.
        close: Releases what the topic is read with.
    """

    def __init__(
        self,
        topic: PolicyTopic,
        elapsed: Callable[[], float],
        pace: Pace | None = None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._topic = topic
        self.close = close
        self._elapsed = elapsed
        self._pace = pace or Pace()
        self._read_at = float("-inf")
        self._tried_at = float("-inf")

    @property
    def topic(self) -> PolicyTopic:
        """Return what was read."""
        return self._topic

    def begin(self, controllers: tuple[str, ...]) -> None:
        """Read the topic to its end, and check that it agrees with what is on disk.

        Raises:
            ConfigurationError: they do not agree.
            UnavailableError: the topic does not answer.
        """
        self._read()
        self._topic.check(controllers)

    def follow(self) -> bool:
        """Read on if it is time to; return whether other versions are in the book than before.

        Raises:
            UnavailableError: the topic does not answer for so long that a version may govern which is not known here.
        """
        if self._elapsed() - self._tried_at < self._pace.every:
            return False
        try:
            return self._read()
        except UnavailableError as error:
            if self._elapsed() - self._read_at < self._pace.stale.total_seconds():
                log.warning("the policy topic could not be read: %s", error)
                return False
            raise

    def _read(self) -> bool:
        self._tried_at = started = self._elapsed()
        changed = self._topic.read_on()
        self._read_at = started
        return changed


def govern(specs: Iterable[LaneSpec], book: PolicyBook) -> None:
    """Let the versions of a book govern the stages of a lane."""
    for spec in specs:
        if isinstance(spec.stage, GovernedStage):
            spec.stage.book = book
