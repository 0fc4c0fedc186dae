"""What a report is made of: the events that went in, and the records that came out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


class Emission(Protocol):
    """One record that came out, decoded and as bytes."""

    @property
    def at(self) -> datetime:
        """Return when it was emitted, by the clock of the run."""
        ...

    @property
    def topic(self) -> str:
        """Return its topic."""
        ...

    @property
    def value(self) -> Mapping[str, object]:
        """Return its decoded value."""
        ...

    @property
    def raw_key(self) -> bytes | None:
        """Return its key as it stands in the log."""
        ...

    @property
    def raw_value(self) -> bytes:
        """Return its value as it stands in the log."""
        ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event that went in, and what became of it."""

    event: Mapping[str, object] = field(repr=False)
    outcome: str

    @property
    def controller(self) -> str:
        """Return the data controller."""
        return str(self.event["controller"])


def of_role(records: Iterable[Emission], role: str) -> list[Emission]:
    """Return the records on topics of a role, such as `carrier`."""
    return [record for record in records if record.topic.split(".")[1] == role]


def controller_of(topic: str) -> str:
    """Return the data controller whose topic it is."""
    return topic.partition(".")[0]


def texts(value: object) -> list[str]:
    """Return a list of a record as texts; nothing if it is none."""
    return [str(item) for item in value] if isinstance(value, list | tuple) else []
