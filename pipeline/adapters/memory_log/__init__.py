"""Kafka in memory, for unit tests, `simulate` and the embedded demo: the same port, proved by the same contract suite.

Partitions, offsets with the gaps that transactions leave, groups with generations, transactional ids with epochs,
compaction and retention on command, append times by a given clock. One thread only.
"""

from pipeline.adapters.memory_log.broker import MemoryBroker
from pipeline.adapters.memory_log.member import MemoryBroadcast, MemoryLog

__all__ = ["MemoryBroadcast", "MemoryBroker", "MemoryLog"]
