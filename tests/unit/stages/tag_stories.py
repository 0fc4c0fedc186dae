"""A tag stage on a state of its own, for stories about what it keeps."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from pipeline.adapters.avro.schemas import Schemas
from pipeline.adapters.memory_state import MemoryState
from pipeline.domain.events import ATTRIBUTES, EventHead
from pipeline.domain.records import Incoming, Output, OutRecord
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import CONTROL_KEY, Family
from pipeline.stages.state import References
from pipeline.stages.tag import TagSettings, TagStage
from tests.unit.policy.policy_stories import ROOT, shipped_book

CATALOGUE = Schemas.load(ROOT / "schemas").catalogue


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


class Lane:
    """One partition of a tag stage; what it wants done is done at once, as after a commit.

    Attributes:
        state: What is kept.
        said: Every record so far.
    """

    def __init__(self, controller: str, window: timedelta | None = timedelta(days=7)) -> None:
        self.controller = controller
        self._window = window
        self.state = MemoryState()
        self.said: list[OutRecord] = []
        self._now = at("1970-01-01T00:00:00+00:00")
        self._topics = Topics(controller)
        self._entropy = Random(0)
        self.restart()

    def restart(self) -> None:
        """Forget everything but the state."""
        references = References(b"key", self._entropy.randbytes)
        settings = TagSettings(controller=self.controller, resend_window=self._window)
        self.stage = TagStage(settings, shipped_book(), CATALOGUE, references)

    def take(self, kind: str, time: str, key: str = CONTROL_KEY, **data: Any) -> Output:
        """Let an event arrive at its own time, or late: the clock never runs backwards."""
        self._now = max(self._now, at(time))
        family = CATALOGUE.family_of(kind) or Family.LIFECYCLE
        head = EventHead(
            event_id=f"{kind}-{key}-{time}",
            type=kind,
            occurred_at=at(time),
            controller=self.controller,
            key=key,
            attributes={name: value for name, value in data.items() if name in ATTRIBUTES},
            present=frozenset(name for name in data if name not in ATTRIBUTES),
        )
        topic = self._topics.control if key == CONTROL_KEY else self._topics.source(family)
        incoming = Incoming(topic=topic, partition=0, offset=0, timestamp_ms=0, head=head)
        return self._follow(self.stage.handle([incoming], self.state, 0, self._now))

    def wake(self, time: str, limit: int) -> Output:
        """Let the stage go on with what waits."""
        return self._follow(self.stage.wake(self.state, 0, at(time), limit))

    def values(self, topic: str) -> list[Any]:
        """Return what was said to a topic, as plain data."""
        return [one.value for one in self.said if one.topic == f"{self.controller}.{topic}.v1"]

    def keys(self, prefix: str) -> list[str]:
        """Return the state's keys that begin with a prefix."""
        return [key.decode() for key, _ in self.state.scan(prefix.encode(), prefix.encode() + b"~")]

    def _follow(self, output: Output) -> Output:
        self.state.apply(output.changes, None)
        self.said.extend(output.records)
        return output
