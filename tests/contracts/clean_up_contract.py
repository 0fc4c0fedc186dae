"""What compaction and retention leave of a topic; the log in memory and the real one do the same."""

from typing import Protocol

import pytest

from pipeline.domain.errors import PipelineError
from tests.contracts.lane_log_contract import MANY_POLLS, LogWorld, settle, take


class CleanUpWorld(LogWorld, Protocol):
    """A world that can be made to clean up now."""

    def compact(self, topic: str) -> None:
        """Let compaction of partition 0 come to its end; may write records under the key `filler`."""
        ...

    def expire(self, topic: str) -> None:
        """Let everything written so far grow older than the topic's retention, and be deleted."""
        ...


class CleanUpContract:
    """Inherit and provide the fixture `world`."""

    def test_compaction_keeps_the_newest_record_of_each_key_at_its_offset(self, world: CleanUpWorld) -> None:
        topic = world.topic()
        for key, value in ((b"a", b"1"), (b"b", b"2"), (b"a", b"3"), (b"c", b"4")):
            world.append(topic, value, key=key)
        before = {record.value: record.offset for record in world.read(topic)}

        world.compact(topic)

        left = [record for record in world.read(topic) if record.key != b"filler"]
        assert [(record.value, record.offset) for record in left] == [(v, before[v]) for v in (b"2", b"3", b"4")]

    def test_a_member_reads_on_over_the_gap_that_compaction_left(self, world: CleanUpWorld) -> None:
        topic = world.topic()
        for value in (b"1", b"2", b"3"):
            world.append(topic, value, key=b"a")
        log = world.member("g", [topic])
        settle(log)
        first = take(log, 3)[0]
        log.commit([], {(topic, 0): first.offset + 1})

        world.compact(topic)
        successor = world.member("g", [topic])
        settle(successor)

        read_on = next(found for _ in range(MANY_POLLS) if (found := successor.poll(1000, 0.1).records))
        assert read_on[0].value == b"3"

    def test_what_retention_deleted_is_gone_and_what_comes_later_stays(self, world: CleanUpWorld) -> None:
        topic = world.topic()
        world.append(topic, b"old")

        world.expire(topic)
        world.append(topic, b"new")

        assert [(record.value, record.offset) for record in world.read(topic)] == [(b"new", 1)]

    def test_a_member_whose_next_record_retention_deleted_is_told(self, world: CleanUpWorld) -> None:
        topic = world.topic()
        world.append(topic, b"read")
        world.append(topic, b"unread")
        log = world.member("g", [topic])
        settle(log)
        take(log, 2)
        log.commit([], {(topic, 0): 1})

        world.expire(topic)
        successor = world.member("g", [topic])

        with pytest.raises(PipelineError, match="deleted before they were read"):
            take(successor, 1)
