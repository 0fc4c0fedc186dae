"""The lane: consume a batch, ask the pure core, commit everything in one transaction, then follow with the state.

Knows ports only: the same loop runs on Kafka, on the in-memory log and under a virtual clock.
"""

from pipeline.lanes.bounds import Bounds, Halt, Health
from pipeline.lanes.clocks import GuardedClock, UnguardedClock
from pipeline.lanes.loop import Lane
from pipeline.lanes.materialise import Materialiser
from pipeline.lanes.opening import Opened, RecordOpener, SourceOpener
from pipeline.lanes.views import LaneSpec

__all__ = [
    "Bounds",
    "GuardedClock",
    "Halt",
    "Health",
    "Lane",
    "LaneSpec",
    "Materialiser",
    "Opened",
    "RecordOpener",
    "SourceOpener",
    "UnguardedClock",
]
