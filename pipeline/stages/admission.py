"""Whether an event may be decided at all: on the right topic, of a plausible time, complete, under a known version."""

from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.domain.events import EventCatalogue, EventHead
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import CONTROL_KEY, Family
from pipeline.policy.book import PolicyBook
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.decision import Report
from pipeline.stages.subject_lists import refusal

_YEARS = range(1900, 3000)
"""Years that an event may name: a date far off would be a promise that no calendar can keep."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What one controller's tag lane lets in.

    Attributes:
        topics: The controller's topics.
        catalogue: Every event type there is.
    """

    topics: Topics
    catalogue: EventCatalogue

    def of(self, topic: str, head: EventHead, book: PolicyBook, latest: datetime) -> CompiledPolicy | Report:
        """Return the policy version that governs an event, or why none may decide it.

        Args:
            topic: Where it came from.
            head: The event.
            book: The policies known now: versions are published while a worker runs.
            latest: The latest instant that it may have happened at.
        """
        policy = book.in_force(self.topics.controller, head.occurred_at)
        misdirected = self._misdirected(topic, head)
        if misdirected:
            return misdirected
        if policy is None:
            return Report(code="no_policy", message="no version of the policy governs an event of this date")
        return self._incomplete(head, book, latest) or refusal(policy, head) or policy

    def required(self, event_type: str) -> tuple[str, ...]:
        """Return the attributes and fields without which an event of a type means nothing."""
        known = self.catalogue.types.get(event_type)
        return known.required if known else ()

    def _misdirected(self, topic: str, head: EventHead) -> Report | None:
        family = self.catalogue.family_of(head.type)
        if head.controller != self.topics.controller:
            return Report(code="wrong_controller", message="the event names another controller than its topic does")
        if (topic == self.topics.control) != (head.key == CONTROL_KEY):
            return Report(code="wrong_topic", message="the key `control` belongs on the control topic, and only there")
        places = {self.topics.source(family)} if family else {topic}
        if family is Family.LIFECYCLE:
            places.add(self.topics.control)
        if topic not in places:
            return Report(code="wrong_topic", message="the event belongs on the source topic of its family")
        return None

    def _incomplete(self, head: EventHead, book: PolicyBook, latest: datetime) -> Report | None:
        if head.occurred_at.year not in _YEARS or head.occurred_at > latest:
            return Report(code="implausible_time", message="the event's time lies in the future or far in the past")
        if head.policy_version and not book.knows(self.topics.controller, head.policy_version):
            return Report(code="unknown_version", message="the event claims a policy version that does not exist")
        missing = tuple(name for name in self.required(head.type) if not head.has(name))
        if missing:
            return Report(code="missing_attribute", fields=missing, message="the event means nothing without these")
        return None


def spelled(head: EventHead) -> EventHead:
    """Return an event with its purpose as policies spell it: producers may write underscores for hyphens."""
    purpose = head.attributes.get("purpose")
    if not isinstance(purpose, str) or "_" not in purpose:
        return head
    return replace(head, attributes={**head.attributes, "purpose": purpose.replace("_", "-")})
