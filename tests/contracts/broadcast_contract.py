"""What every `Broadcast` must do."""

import pytest

from pipeline.domain.errors import PipelineError
from pipeline.ports import Broadcast, InRecord
from tests.contracts.lane_log_contract import MANY_POLLS, LogWorld, values


def wait_for(broadcast: Broadcast, topic: str, offset: int, count: int) -> list[InRecord]:
    """Ask until so many records have arrived."""
    found: list[InRecord] = []
    for _ in range(MANY_POLLS * 100):
        found = broadcast.after(topic, offset, 1000)
        if len(found) >= count:
            break
    return found


class BroadcastContract:
    """Inherit and provide the fixtures `world` and `broadcast`."""

    def test_an_empty_topic_has_nothing_to_say_yet(self, world: LogWorld, broadcast: Broadcast) -> None:
        assert broadcast.after(world.topic(), 0, 10) == []

    def test_readers_at_different_positions_each_get_what_is_new_to_them(
        self, world: LogWorld, broadcast: Broadcast
    ) -> None:
        topic = world.topic()
        for value in (b"a", b"b", b"c"):
            world.append(topic, value)

        first = wait_for(broadcast, topic, 0, 3)

        assert values(first) == [b"a", b"b", b"c"]
        assert values(broadcast.after(topic, first[0].offset + 1, 10)) == [b"b", b"c"]
        assert broadcast.after(topic, first[2].offset + 1, 10) == []
        assert values(broadcast.after(topic, 0, 2)) == [b"a", b"b"]

    def test_one_who_comes_later_and_needs_more_gets_it_from_the_start(
        self, world: LogWorld, broadcast: Broadcast
    ) -> None:
        topic = world.topic()
        for value in (b"a", b"b", b"c"):
            world.append(topic, value)
        wait_for(broadcast, topic, 2, 1)

        assert values(wait_for(broadcast, topic, 0, 3)) == [b"a", b"b", b"c"]

    def test_what_arrives_later_is_seen(self, world: LogWorld, broadcast: Broadcast) -> None:
        topic = world.topic()
        world.append(topic, b"a")
        [record] = wait_for(broadcast, topic, 0, 1)

        world.append(topic, b"b")

        assert values(wait_for(broadcast, topic, record.offset + 1, 1)) == [b"b"]

    def test_records_deleted_before_they_were_read_are_told_not_skipped(
        self, world: LogWorld, broadcast: Broadcast
    ) -> None:
        topic = world.topic()
        for value in (b"a", b"b", b"c"):
            world.append(topic, value)
        world.trim(topic, 2)

        with pytest.raises(PipelineError, match="deleted before they were read"):
            broadcast.after(topic, 1, 10)

        assert values(wait_for(broadcast, topic, 2, 1)) == [b"c"]

    def test_one_who_has_read_nothing_yet_begins_with_what_is_left(self, world: LogWorld, broadcast: Broadcast) -> None:
        topic = world.topic()
        for value in (b"a", b"b", b"c"):
            world.append(topic, value)
        world.trim(topic, 2)

        assert values(wait_for(broadcast, topic, 0, 1)) == [b"c"]

    def test_several_topics_are_kept_apart(self, world: LogWorld, broadcast: Broadcast) -> None:
        topics = [world.topic(), world.topic()]
        for topic in topics:
            world.append(topic, topic.encode())

        assert [values(wait_for(broadcast, topic, 0, 1)) for topic in topics] == [[topic.encode()] for topic in topics]
