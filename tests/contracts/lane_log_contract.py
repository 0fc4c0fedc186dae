"""What every `LaneLog` must do; each adapter runs the same tests in a world of its own."""

from collections.abc import Callable, Sequence
from typing import Protocol

import pytest

from pipeline.domain.errors import ConfigurationError, FencedError, LogTruncatedError, PipelineError, UnavailableError
from pipeline.lanes.murmur2 import partition_of
from pipeline.ports import InRecord, LaneLog, Polled, RawRecord

MANY_POLLS = 400


class Crash(BaseException):
    """Kills a member at a named point, as SIGKILL would."""


class LogWorld(Protocol):
    """A place where topics, members and independent readers can be made."""

    def topic(self, partitions: int = 1) -> str:
        """Return the name of a new topic whose records get the broker's append time."""
        ...

    def append(self, topic: str, value: bytes | None, *, key: bytes | None = None, partition: int | None = 0) -> None:
        """Write a record as a producer service would."""
        ...

    def read(self, topic: str) -> list[InRecord]:
        """Return all committed records, partition by partition."""
        ...

    def trim(self, topic: str, before: int) -> None:
        """Delete the records of partition 0 below an offset."""
        ...

    def depose(self, zombie: LaneLog, other: LaneLog) -> None:
        """Let the group go on with another member while one is silent, as after an expired session."""
        ...

    def member(
        self, group: str, topics: Sequence[str], ordinal: int = 0, on_point: Callable[[str], None] | None = None
    ) -> LaneLog:
        """Return a new member; one of the same group and ordinal replaces the former."""
        ...


def settle(log: LaneLog) -> Polled:
    """Poll until an assignment stands."""
    for _ in range(MANY_POLLS):
        polled = log.poll(1000, 0.1)
        if polled.settled:
            return polled
    raise AssertionError("the group never settled")


def take(log: LaneLog, count: int) -> list[InRecord]:
    """Poll until so many records have come; more than that is an error."""
    records: list[InRecord] = []
    for _ in range(MANY_POLLS):
        records += log.poll(1000, 0.1).records
        if len(records) >= count:
            break
    assert len(records) == count
    return records


def values(records: Sequence[InRecord]) -> list[bytes | None]:
    return [record.value for record in records]


def out(topic: str, value: bytes | None, *, partition: int | None = 0, key: bytes | None = b"k") -> RawRecord:
    return RawRecord(topic=topic, partition=partition, key=key, value=value, track=True)


def error_of(call: Callable[[], object]) -> type[PipelineError]:
    with pytest.raises(PipelineError) as told:
        call()
    return told.type


def dies_at(point: str) -> Callable[[str], None]:
    def on_point(reached: str) -> None:
        if reached == point:
            raise Crash(point)

    return on_point


class LaneLogContract:
    """Inherit and provide the fixture `world`."""

    def test_it_says_when_everything_that_was_there_has_been_handed_out(self, world: LogWorld) -> None:
        """What is due waits for what came before it and is still to be read."""
        source = world.topic()
        for number in range(5):
            world.append(source, b"%d" % number)
        log = world.member("g", [source])
        settle(log)

        first = log.poll(2, 5.0).records
        assert 0 < len(first) <= 2
        assert not log.caught_up((source, 0))
        take(log, 5 - len(first))
        for _ in range(MANY_POLLS):
            if log.caught_up((source, 0)):
                break
            assert log.poll(10, 0.1).records == []
        assert log.caught_up((source, 0))

        log.rewind()
        take(log, 5)

    def test_records_of_a_partition_come_in_order(self, world: LogWorld) -> None:
        topic = world.topic()
        for i in range(50):
            world.append(topic, b"%d" % i)
        log = world.member("g", [topic])

        settle(log)

        assert values(take(log, 50)) == [b"%d" % i for i in range(50)]

    def test_records_and_positions_become_visible_together(self, world: LogWorld) -> None:
        source, sink = world.topic(), world.topic()
        world.append(source, b"a")
        log = world.member("g", [source])
        settle(log)
        [record] = take(log, 1)

        log.commit([out(sink, b"A"), out(sink, b"B")], {(source, 0): record.offset + 1})

        assert values(world.read(sink)) == [b"A", b"B"]
        assert log.position((source, 0)) == record.offset + 1

    def test_a_successor_resumes_after_the_last_commit(self, world: LogWorld) -> None:
        source = world.topic()
        for value in (b"a", b"b", b"c"):
            world.append(source, value)
        log = world.member("g", [source])
        settle(log)
        first = take(log, 3)[0]
        log.commit([], {(source, 0): first.offset + 1})

        successor = world.member("g", [source])

        settle(successor)
        assert values(take(successor, 2)) == [b"b", b"c"]

    def test_what_was_not_committed_comes_again_after_a_rewind(self, world: LogWorld) -> None:
        source = world.topic()
        world.append(source, b"a")
        world.append(source, b"b")
        log = world.member("g", [source])
        settle(log)
        take(log, 2)

        log.rewind()

        assert values(take(log, 2)) == [b"a", b"b"]

    @pytest.mark.parametrize("point", ["begun", "produced", "positions"])
    def test_a_death_before_the_commit_leaves_nothing_behind(self, world: LogWorld, point: str) -> None:
        source, sink = world.topic(), world.topic()
        world.append(source, b"a")
        log = world.member("g", [source], on_point=dies_at(point))
        settle(log)
        [record] = take(log, 1)
        with pytest.raises(Crash):
            log.commit([out(sink, b"A")], {(source, 0): record.offset + 1})

        successor = world.member("g", [source])

        settle(successor)
        assert values(take(successor, 1)) == [b"a"]
        assert list(successor.read_back(sink, 0, 0)) == []
        assert world.read(sink) == []

    def test_a_death_after_the_commit_repeats_nothing(self, world: LogWorld) -> None:
        source, sink = world.topic(), world.topic()
        world.append(source, b"a")
        log = world.member("g", [source], on_point=dies_at("ended"))
        settle(log)
        [record] = take(log, 1)
        with pytest.raises(Crash):
            log.commit([out(sink, b"A")], {(source, 0): record.offset + 1})
        world.append(source, b"b")

        successor = world.member("g", [source])

        settle(successor)
        assert values(take(successor, 1)) == [b"b"]
        assert values(world.read(sink)) == [b"A"]

    def test_the_offset_behind_a_tracked_record_is_where_reading_back_finds_nothing_more(self, world: LogWorld) -> None:
        source, changelog = world.topic(), world.topic(2)
        log = world.member("g", [source])
        settle(log)

        first = log.commit([out(changelog, b"1", partition=1), out(changelog, b"2", partition=1)], {(source, 0): 0})
        second = log.commit([out(changelog, b"3", partition=1)], {(source, 0): 0})

        assert set(first) == set(second) == {(changelog, 1)}
        assert values(list(log.read_back(changelog, 1, 0))) == [b"1", b"2", b"3"]
        assert values(list(log.read_back(changelog, 1, first[changelog, 1]))) == [b"3"]
        assert list(log.read_back(changelog, 1, second[changelog, 1])) == []
        assert list(log.read_back(changelog, 0, 0)) == []

    def test_untracked_records_are_not_reported(self, world: LogWorld) -> None:
        source, sink = world.topic(), world.topic()
        log = world.member("g", [source])
        settle(log)

        ends = log.commit([RawRecord(topic=sink, partition=0, key=None, value=b"1")], {(source, 0): 0})

        assert ends == {}

    def test_reading_back_from_behind_the_end_says_that_the_log_is_another_one(self, world: LogWorld) -> None:
        changelog = world.topic()
        world.append(changelog, b"1")
        log = world.member("g", [world.topic()])
        settle(log)

        with pytest.raises(LogTruncatedError):
            list(log.read_back(changelog, 0, 100))

    def test_a_tombstone_stays_a_tombstone(self, world: LogWorld) -> None:
        source, sink = world.topic(), world.topic()
        log = world.member("g", [source])
        settle(log)

        log.commit([out(sink, None, key=b"gone")], {(source, 0): 0})

        [record] = world.read(sink)
        assert (record.key, record.value) == (b"gone", None)

    def test_murmur2_of_the_key_decides_the_partition(self, world: LogWorld) -> None:
        source, sink = world.topic(), world.topic(7)
        log = world.member("g", [source])
        settle(log)
        keys = [b"subject-%d" % i for i in range(40)]

        log.commit([out(sink, key, partition=None, key=key) for key in keys], {(source, 0): 0})

        assert {r.key: r.partition for r in world.read(sink)} == {key: partition_of(key, 7) for key in keys}

    def test_sister_partitions_of_several_topics_go_to_one_member(self, world: LogWorld) -> None:
        topics = [world.topic(4), world.topic(4), world.topic(4)]
        one = world.member("g", topics, 0)
        settle(one)
        other = world.member("g", topics, 1)
        owned: dict[LaneLog, set[tuple[str, int]]] = {one: set(), other: set()}
        for _ in range(MANY_POLLS):
            for log in (one, other):
                polled = log.poll(10, 0.05)
                owned[log] = (owned[log] - set(polled.revoked)) | set(polled.assigned)
            if len(owned[one]) == len(owned[other]) == 6:
                break

        assert owned[one] | owned[other] == {(topic, number) for topic in topics for number in range(4)}
        for sources in owned.values():
            assert sources == {(topic, number) for topic in topics for number in {number for _, number in sources}}

    def test_a_replaced_member_can_commit_nothing_more(self, world: LogWorld) -> None:
        source, sink = world.topic(), world.topic()
        world.append(source, b"a")
        zombie = world.member("g", [source])
        settle(zombie)
        [record] = take(zombie, 1)
        settle(world.member("g", [source]))

        with pytest.raises((FencedError, UnavailableError)):
            zombie.commit([out(sink, b"late")], {(source, 0): record.offset + 1})

        assert world.read(sink) == []

    def test_what_a_member_read_before_it_lost_its_partitions_is_refused(self, world: LogWorld) -> None:
        source, sink = world.topic(2), world.topic()
        world.append(source, b"a", partition=1)
        zombie = world.member("g", [source], 0)
        settle(zombie)
        [record] = take(zombie, 1)
        world.depose(zombie, world.member("g", [source], 1))

        with pytest.raises((FencedError, UnavailableError)):
            zombie.commit([out(sink, b"late")], {(source, 1): record.offset + 1})

        assert world.read(sink) == []

    def test_positions_alone_can_be_committed(self, world: LogWorld) -> None:
        source = world.topic()
        world.append(source, b"a")
        log = world.member("g", [source])
        settle(log)
        [record] = take(log, 1)
        assert log.position((source, 0)) == record.offset

        log.commit([], {(source, 0): record.offset + 1})

        log.rewind()
        assert log.position((source, 0)) == record.offset + 1

    def test_append_times_are_told_of_what_is_read_and_of_what_is_written(self, world: LogWorld) -> None:
        source, changelog = world.topic(), world.topic()
        log = world.member("g", [source])
        settle(log)
        assert log.append_time_ms == 0
        world.append(source, b"a")
        [record] = take(log, 1)
        assert log.append_time_ms == record.timestamp_ms

        log.commit([out(changelog, b"")], {(source, 0): record.offset + 1})

        assert log.append_time_ms >= record.timestamp_ms
        assert log.append_time_ms >= world.read(changelog)[0].timestamp_ms

    def test_records_deleted_unread_are_told_not_skipped(self, world: LogWorld) -> None:
        source = world.topic()
        for value in (b"a", b"b", b"c"):
            world.append(source, value)
        log = world.member("g", [source])
        settle(log)
        first = take(log, 3)[0]
        log.commit([], {(source, 0): first.offset + 1})
        world.trim(source, first.offset + 2)
        successor = world.member("g", [source])

        with pytest.raises(PipelineError, match="deleted before they were read"):
            take(successor, 1)

    def test_a_group_that_has_no_position_starts_where_it_is_told(self, world: LogWorld) -> None:
        source, other = world.topic(), world.topic()
        for value in (b"a", b"b", b"c"):
            world.append(source, value)
        world.append(other, b"x")
        log = world.member("g", [source, other])
        settle(log)

        log.start_at({(source, 0): 1})

        assert sorted(str(v) for v in values(take(log, 3))) == ["b'b'", "b'c'", "b'x'"]
        assert log.position((source, 0)) == 1
        log.rewind()
        assert log.position((source, 0)) == 1
        assert sorted(str(v) for v in values(take(log, 3))) == ["b'b'", "b'c'", "b'x'"]

    @pytest.mark.parametrize(("committed", "told"), [(1, 2), (2, 1), (2, 2)])
    def test_of_two_positions_the_one_further_on_counts(self, world: LogWorld, committed: int, told: int) -> None:
        source = world.topic()
        for value in (b"a", b"b", b"c"):
            world.append(source, value)
        log = world.member("g", [source])
        settle(log)
        log.commit([], {(source, 0): committed})
        successor = world.member("g", [source])
        settle(successor)

        successor.start_at({(source, 0): told})

        assert values(take(successor, 1)) == [b"c"]
        successor.rewind()
        assert successor.position((source, 0)) == 2
        assert values(take(successor, 1)) == [b"c"]

    def test_a_group_that_is_told_to_start_at_deleted_records_says_so(self, world: LogWorld) -> None:
        source = world.topic()
        for value in (b"a", b"b", b"c"):
            world.append(source, value)
        world.trim(source, 2)
        log = world.member("g", [source])
        settle(log)

        log.start_at({(source, 0): 1})

        with pytest.raises(PipelineError, match="deleted before they were read"):
            take(log, 1)

    def test_what_someone_must_mend_is_told_at_the_latest_on_the_second_try(self, world: LogWorld) -> None:
        source, sink = world.topic(), world.topic()
        log = world.member("g", [source])
        settle(log)
        batch = [out(sink, b"1"), out(sink, b"2", partition=9)]

        told = [error_of(lambda: log.commit(batch, {(source, 0): 0})) for _ in range(2)]

        assert ConfigurationError in told
        assert world.read(sink) == []
        log.commit([out(sink, b"3")], {(source, 0): 0})
        assert values(world.read(sink)) == [b"3"]
