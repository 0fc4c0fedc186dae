"""Reading what a pipeline emitted, for stories."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pipeline.bootstrap.simulation import Simulation

Open = Callable[..., Simulation]
"""Opens a fresh pipeline, with one or more partitions."""


def instant(text: str) -> datetime:
    """Return an instant from RFC 3339."""
    return datetime.fromisoformat(text)


def values(pipeline: Simulation, topic: str) -> list[Mapping[str, Any]]:
    """Return the values that were emitted to a topic, in order."""
    return [one.value for one in pipeline.emitted if one.topic == topic]


def due(pipeline: Simulation, controller: str) -> list[tuple[str, str, str, str]]:
    """Return what fell due: (category, purpose, action, instant)."""
    return [
        (v["category"], v["purpose"], v["action"], v["due_at"].isoformat().replace("+00:00", "Z"))
        for v in values(pipeline, f"{controller}.expiry.v1")
        if v["type"] == "expiry.due"
    ]
