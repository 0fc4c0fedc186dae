"""Published policy versions: what may come into force, and why not. The same answer in every worker, for ever.

The answer depends on what the policy topic holds, in its order and with the broker's time of each record, and on the
versions that a worker has on disk. A version is announced `NOTICE` before it governs; a worker that could not read the
topic for `STALE` decides nothing more. So nobody decides by a version that another does not know.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pipeline.domain.errors import PolicyError
from pipeline.policy.book import PolicyBook
from pipeline.policy.compile import compile_policies
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.source_file import SourceFile

NOTICE = timedelta(minutes=10)
"""How long before it governs a version must be on the topic: longer than `STALE` and the five minutes that an event's
time may be ahead of ours, together."""

STALE = timedelta(minutes=4)
"""How long a worker goes on without having read the topic to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A policy version as it stands on the policy topic.

    Attributes:
        document: Canonical text of document and overlays.
        digest: SHA-256 of that text, hex.
        baseline: True for a version that workers had on disk before any was published; it may govern the past.
    """

    controller: str
    version: str
    digest: str
    published_at: datetime
    effective_from: datetime
    document: str
    baseline: bool = False

    @property
    def key(self) -> str:
        """Return the record key: another content has another key, so that compaction loses nothing."""
        return f"{self.controller}|{self.version}|{self.digest}"


class Verdict(StrEnum):
    """What becomes of a published version."""

    TAKEN = "taken"
    """It governs from its `effective_from` on."""
    KNOWN = "known"
    """It is there already, with the same content."""
    UNREADABLE = "unreadable"
    """The record is no policy version, or its text is not what its digest says."""
    INVALID = "invalid"
    """The document has mistakes."""
    CHANGED = "changed"
    """The version is there already, with other content."""
    TOO_LATE = "too-late"
    """It would govern what may be decided already."""
    NOT_ON_DISK = "not-on-disk"
    """It was published as one that workers have on disk, and this one has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict with its reason: a sentence that says how to mend it."""

    verdict: Verdict
    says: str = ""
    policy: CompiledPolicy | None = None

    @property
    def refused(self) -> bool:
        """Return whether somebody must mend something."""
        return self.verdict not in (Verdict.TAKEN, Verdict.KNOWN)


def publication_of(policy: CompiledPolicy, *, baseline: bool = False) -> Publication:
    """Return a compiled policy in the form in which it is published."""
    return Publication(
        controller=policy.controller,
        version=policy.version,
        digest=policy.digest,
        published_at=policy.published_at,
        effective_from=policy.effective_from,
        document=policy.canonical,
        baseline=baseline,
    )


def judge(
    book: PolicyBook,
    one: Publication,
    appended_at: datetime,
    *,
    events: Iterable[str] = (),
    notice: timedelta = NOTICE,
) -> Judged:
    """Say whether a published version may come into force.

    Args:
        book: The versions there are: on disk, and those taken from the topic before.
        one: What was published.
        appended_at: When the broker took it.
        events: Every event name of the catalogue.
        notice: How long before it governs it must be there.
    """
    if hashlib.sha256(one.document.encode()).hexdigest() != one.digest:
        return Judged(verdict=Verdict.UNREADABLE, says="its text is not what its digest says: publish it again")
    if book.knows(one.controller, one.version):
        if book.version(one.controller, one.version).digest == one.digest:
            return Judged(verdict=Verdict.KNOWN)
        says = "it is known already with other content: give what was changed a new version, and keep the old document"
        return Judged(verdict=Verdict.CHANGED, says=says)
    if one.baseline:
        says = "it was published as one that workers have on disk: put its document back into the policies folder"
        return Judged(verdict=Verdict.NOT_ON_DISK, says=says)
    if one.effective_from < appended_at + notice:
        says = (
            f"it would govern from {one.effective_from.isoformat()} on, less than {notice} after it was published at "
            f"{appended_at.isoformat()}: publish it as a new version that begins later"
        )
        return Judged(verdict=Verdict.TOO_LATE, says=says)
    return _compiled(book, one, events)


def _compiled(book: PolicyBook, one: Publication, events: Iterable[str]) -> Judged:
    try:
        policy = _read(one, events)
    except PolicyError as error:
        return Judged(verdict=Verdict.INVALID, says=f"{error.problems[0]} (of {len(error.problems)})")
    told = (policy.controller, policy.version, policy.published_at, policy.effective_from, policy.digest)
    if told != (one.controller, one.version, one.published_at, one.effective_from, one.digest):
        says = "its record says other than its document: publish it with `pipeline policy publish`"
        return Judged(verdict=Verdict.INVALID, says=says)
    if any(known.effective_from == policy.effective_from for known in book.versions.get(one.controller, ())):
        says = "another version takes effect at the same instant: move one of them"
        return Judged(verdict=Verdict.INVALID, says=says)
    return Judged(verdict=Verdict.TAKEN, policy=policy)


def _read(one: Publication, events: Iterable[str]) -> CompiledPolicy:
    name = f"version {one.version} of {one.controller} on the policy topic"
    try:
        content = json.loads(one.document)
        parts = content if isinstance(content, dict) else {}
        document = SourceFile(name=name, data=parts.get("document"))
        overlay = SourceFile(name=f"{name}, overlay", data=parts.get("overlay"))
        [versions] = compile_policies([document], [overlay], events=events).versions.values()
    except (json.JSONDecodeError, RecursionError):
        raise PolicyError((f"{name}: is not JSON, or nested too deep; publish it from its file",)) from None
    return versions[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to publish, in order, and what stands against it."""

    publish: tuple[Publication, ...] = ()
    unchanged: tuple[CompiledPolicy, ...] = ()
    problems: tuple[str, ...] = ()


def plan_publication(
    on_disk: PolicyBook,
    on_topic: Mapping[tuple[str, str], Publication],
    now: datetime,
    *,
    notice: timedelta = NOTICE,
) -> Plan:
    """Say which versions on disk the topic lacks, and which of them it can take.

    As long as a controller has nothing on the topic, the versions that govern already are published as its baseline.

    Args:
        on_disk: What the policies folder holds.
        on_topic: What was taken from the topic, by controller and version.
        now: The present instant.
        notice: How long before it governs a version must be there.
    """
    begun = {controller for controller, _version in on_topic}
    publish, unchanged, problems = [], [], []
    for policy in (policy for versions in on_disk.versions.values() for policy in versions):
        known = on_topic.get((policy.controller, policy.version))
        begins_late = policy.effective_from >= now + notice
        if known is not None and known.digest == policy.digest:
            unchanged.append(policy)
        elif known is not None:
            problems.append(f"{_name(policy)} is published with other content: give what was changed a new version")
        elif begins_late or (policy.controller not in begun and policy.effective_from <= now):
            publish.append(publication_of(policy, baseline=not begins_late))
        else:
            begins, earliest = policy.effective_from.isoformat(), (now + notice).isoformat(timespec="minutes")
            problems.append(
                f"{_name(policy)} would govern from {begins} on; workers must know it {notice} before: move "
                f"effective_from to {earliest} or later"
            )
    return Plan(publish=tuple(publish), unchanged=tuple(unchanged), problems=tuple(problems))


def disagreements(
    on_disk: PolicyBook, on_topic: Mapping[tuple[str, str], Publication], controllers: Iterable[str]
) -> Iterator[str]:
    """Yield what versions on disk and on the topic do not agree on, one sentence each; see `judge` for the rest."""
    for controller in controllers:
        published = {version for name, version in on_topic if name == controller}
        for policy in on_disk.versions.get(controller, ()):
            if published and policy.version not in published:
                yield (
                    f"{_name(policy)} is on this worker's disk and not on the policy topic: other workers may not know "
                    "it; publish it with `pipeline policy publish`, or remove it from the policies folder"
                )


def _name(policy: CompiledPolicy) -> str:
    return f"version {policy.version} of {policy.controller}"
