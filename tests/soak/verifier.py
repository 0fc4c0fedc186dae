"""Read topics with another client than the lane's (kafka-python), committed records only."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kafka import KafkaConsumer, TopicPartition

POLL_MS = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """One record as an independent reader saw it."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)


def read_committed(bootstrap: str, topics: Sequence[str], *, isolation: str = "read_committed") -> list[Seen]:
    """Return every record of some topics from the first offset to the present end, by partition and offset."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level=isolation,
        enable_auto_commit=False,
        group_id=None,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
    )
    try:
        places = [TopicPartition(t, n) for t in topics for n in sorted(consumer.partitions_for_topic(t) or ())]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        seen: list[Seen] = []
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                seen += [Seen(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value) for r in records]
    finally:
        consumer.close()
    return sorted(seen, key=lambda r: (r.topic, r.partition, r.offset))
