"""What conditions and lifetimes may ask about an event: its head, and what happened before it. Nothing else."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from pipeline.domain.events import EventHead
from pipeline.domain.facts import FactLog
from pipeline.domain.vocabulary import RefKind


class Asked(Protocol):
    """What a condition may ask: the event's head, and the state as of the event's instant."""

    head: EventHead

    def facts(self, kind: RefKind) -> FactLog:
        """Return the facts about what the event refers to, up to and including its instant."""
        ...


Condition = Callable[[Asked], bool]
"""A compiled condition of the closed expression language; pure."""


Lifetime = Callable[[Asked], datetime | None]
"""When something ends as of an event, or None while it is open; pure."""
