"""Lists of subjects: whom an event on the control topic lists, each partition its own, bit by bit.

A list may be long, so the batch that asks for it only notes a task; each wake-up goes on a bounded way from where the
last one stood. Task, place and lots drawn so far are state of the lane's transaction: a restart in the middle makes the
same list, once. Keys: `list|<task>` the tasks, `lot|<task>|<lot>|<subject>` who is drawn so far.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from pydantic import TypeAdapter

from pipeline.domain import calendar
from pipeline.domain.events import EventHead
from pipeline.domain.facts import Ref
from pipeline.domain.records import OutRecord
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import CONTROL_KEY, RefKind
from pipeline.policy.book import PolicyBook
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.decision import Report
from pipeline.policy.months import named_month, sampled_month
from pipeline.policy.policy_parts import SubjectList
from pipeline.stages.asked import Asked
from pipeline.stages.bought import Bought
from pipeline.stages.state import FactStore, References
from pipeline.stages.workspace import Workspace

CHUNK = 500
"""Subjects of one record, and looked at in one wake-up, at most: both stay short whatever the list's length."""

_TASK = b"list|"
_SUBJECTS = b"f|subject:"
_LOTS = 1 << 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A list that was asked for, and how far it got.

    Attributes:
        name: Id of the list in the policy.
        policy_version: The version that governs the request.
        event_id: The request.
        event_type: Its type.
        occurred_at: As of when the list is made.
        month: The month that the request names.
        quota: How many a sample draws at most.
        products: Keyed hashes of the products that the request names.
        after: The last subject looked at.
        drawn: How many are drawn so far.
        chunk: How many records were made so far.
        collected: True once all subjects were looked at.
    """

    name: str
    policy_version: str
    event_id: str
    event_type: str
    occurred_at: datetime
    month: str | None
    quota: int | None
    products: tuple[str, ...]
    after: str = ""
    drawn: int = 0
    chunk: int = 0
    collected: bool = False

    @property
    def place(self) -> str:
        """Return the end of the task's key: tasks are done in the order of their instants."""
        identity = hashlib.blake2b(self.event_id.encode(), digest_size=8).hexdigest()
        return f"{self.occurred_at.isoformat()}|{identity}|{self.name}"

    @property
    def head(self) -> EventHead:
        """Return the request as conditions see it."""
        attributes = {} if self.month is None else {"month": self.month}
        return EventHead(
            event_id=self.event_id,
            type=self.event_type,
            occurred_at=self.occurred_at,
            controller="",
            key=CONTROL_KEY,
            attributes=attributes,
        )


_TASKS = TypeAdapter(Task)


def refusal(policy: CompiledPolicy, head: EventHead) -> Report | None:
    """Return why a request for a list cannot be met, if it is one and cannot."""
    if not any(head.type in one.events for one in policy.lists.values()):
        return None
    if head.key != CONTROL_KEY:
        return Report(code="wrong_topic", message="a list concerns many: ask for it on the control topic")
    unreadable = {"month": "month" in head.attributes and named_month(head) is None}
    quota = head.attributes.get("quota")
    unreadable["quota"] = isinstance(quota, int) and quota < 0
    fields = tuple(name for name, is_wrong in unreadable.items() if is_wrong)
    if fields:
        return Report(code="malformed_attribute", fields=fields, message="a month is YYYY-MM, a quota is not negative")
    return None


class SubjectLists:
    """The lists of one partition."""

    def __init__(  # noqa: PLR0913, PLR0917  parts of one batch, passed once
        self,
        topics: Topics,
        book: PolicyBook,
        references: References,
        work: Workspace,
        facts: FactStore,
        bought: Bought,
        partition: int,
    ) -> None:
        self._topics = topics
        self._book = book
        self._references = references
        self._work = work
        self._facts = facts
        self._bought = bought
        self._partition = partition

    def ask(self, policy: CompiledPolicy, head: EventHead, lists: Iterable[SubjectList]) -> None:
        """Note a task for each list that an event asks for."""
        month, quota = head.attributes.get("month"), head.attributes.get("quota")
        products = head.attributes.get("products")
        named = products if isinstance(products, Iterable) else ()
        for one in lists:
            task = Task(
                name=one.id,
                policy_version=policy.version,
                event_id=head.event_id,
                event_type=head.type,
                occurred_at=head.occurred_at,
                month=None if month is None else str(month),
                quota=quota if isinstance(quota, int) else None,
                products=tuple(self._references.product(str(product)) for product in named),
            )
            self._put(task)

    def is_pending(self) -> bool:
        """Tell whether a list is being made."""
        return next(iter(self._work.scan_prefix(_TASK)), None) is not None

    def go_on(self, limit: int) -> Iterator[OutRecord]:
        """Go on with the first list for a bounded way, and yield what is said of it meanwhile."""
        found = next(iter(self._work.scan_prefix(_TASK)), None)
        if found is None:
            return
        task = _TASKS.validate_json(found[1])
        policy = self._book.version(self._topics.controller, task.policy_version)
        listing = policy.lists[task.name]
        most = max(1, min(limit, CHUNK))
        if task.collected:
            yield self._draw(task, policy, listing, most)
            return
        start = _SUBJECTS + task.after.encode() + b"\0" if task.after else _SUBJECTS
        keys = [key for key, _ in islice(self._work.scan(start, _SUBJECTS + b"~"), most)]
        subjects = [key.removeprefix(_SUBJECTS).decode() for key in keys]
        listed = [digest for digest in subjects if self._is_listed(task, listing, digest)]
        is_last = len(subjects) < most
        task = replace(task, after=subjects[-1] if subjects else task.after, collected=is_last)
        if listing.sample:
            self._put(replace(task, drawn=self._cast(task, listed)))
        elif listed or is_last:
            yield self._record(task, policy, listing, [(digest, None) for digest in listed], is_last=is_last)
        else:
            self._put(task)

    def _is_listed(self, task: Task, listing: SubjectList, digest: str) -> bool:
        subject = Ref(kind=RefKind.SUBJECT, digest=digest)
        if listing.bought_on:
            bought = self._bought.of(subject)
            if not any(product in bought and bought[product] <= task.occurred_at for product in task.products):
                return False
        return listing.condition(Asked(task.head, (subject,), self._facts))

    def _cast(self, task: Task, listed: Iterable[str]) -> int:
        """Cast lots: of all seen so far those with the lowest stay, as many as the quota; return how many they are."""
        drawn, quota = task.drawn, task.quota or 0
        for digest in listed if quota else ():
            key = _lot_key(task, self._references.lot(task.event_id, digest), digest)
            if drawn == quota:
                highest = next(iter(self._work.scan_prefix(_lots_of(task))))[0]
                if key < highest:
                    continue
                self._work.delete(highest)
                drawn -= 1
            self._work.put(key, b"1")
            drawn += 1
        return drawn

    def _draw(self, task: Task, policy: CompiledPolicy, listing: SubjectList, most: int) -> OutRecord:
        """Return the next of those who are drawn."""
        keys = [key for key, _ in islice(self._work.scan_prefix(_lots_of(task)), most + 1)]
        subjects = []
        for key in keys[:most]:
            self._work.delete(key)
            lot, digest = key.decode().split("|")[-2:]
            subjects.append((digest, f"{_LOTS - 1 - int(lot, 16):032x}"))
        return self._record(task, policy, listing, subjects, is_last=len(keys) <= most)

    def _record(
        self,
        task: Task,
        policy: CompiledPolicy,
        listing: SubjectList,
        subjects: Iterable[tuple[str, str | None]],
        *,
        is_last: bool,
    ) -> OutRecord:
        """Return one part of a list; with the last one the task is done."""
        if is_last:
            self._work.delete(_TASK + task.place.encode())
        else:
            self._put(replace(task, chunk=task.chunk + 1))
        value = {
            "list": listing.id,
            "request_id": task.event_id,
            "controller": self._topics.controller,
            "as_of": task.occurred_at,
            "month": task.month and _month(task.head, policy),
            "quota": task.quota,
            "partition": self._partition,
            "chunk": task.chunk,
            "last": is_last,
            "subjects": [{"data_subject": digest, "lot": lot} for digest, lot in subjects],
            "purpose": listing.purpose,
            "rule": listing.rule,
            "clauses": list(listing.clauses),
            "policy_version": policy.version,
        }
        topic = self._topics.subject_list(listing.id)
        return OutRecord(topic=topic, key=task.event_id, schema="subject-list", value=value)

    def _put(self, task: Task) -> None:
        self._work.put(_TASK + task.place.encode(), _TASKS.dump_json(task))


def _month(head: EventHead, policy: CompiledPolicy) -> str:
    start, _stop = sampled_month(head, policy.tz)
    return calendar.local_date(start, policy.tz).isoformat()[:7]


def _lots_of(task: Task) -> bytes:
    return f"lot|{task.place}|".encode()


def _lot_key(task: Task, lot: int, digest: str) -> bytes:
    """Return the key of a lot: the highest first, so that it is found at once when a lower one takes its place."""
    return _lots_of(task) + f"{_LOTS - 1 - lot:032x}|{digest}".encode()
