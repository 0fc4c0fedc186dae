"""Put a crew of workers under fire: feed it while its processes and its broker are killed at random moments.

Knows nothing of what the workers do: the real pipeline and the tally lane are driven alike.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event

from confluent_kafka import Consumer, Producer, TopicPartition

from pipeline.testing.broker_contract import Broker

Sent = tuple[str, bytes, bytes]
"""Topic, key and value of one event; murmur2 of the key decides the partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirePlan:
    """How hard to hit.

    Attributes:
        events: How many events to send.
        rate: How many a second.
        worker_kills: How many `kill -9` of a worker.
        broker_kills: How many `kill -9` and restarts of the broker.
        seed: Of the moments and the victims.
        drain_seconds: How long the crew may take for the rest after the last event.
    """

    events: int = 20_000
    rate: int = 2_000
    worker_kills: int = 2
    broker_kills: int = 1
    seed: int = 0
    drain_seconds: float = 120.0

    def moments(self) -> dict[int, str]:
        """Return after which events who is hit: spread over the middle of the run, never twice at once."""
        chances = Random(self.seed)
        kinds = ["worker"] * self.worker_kills + ["broker"] * self.broker_kills
        chances.shuffle(kinds)
        spans = len(kinds) or 1
        first, last = self.events // 10, self.events * 9 // 10
        width = max(1, (last - first) // spans)
        return {first + i * width + chances.randrange(width): kind for i, kind in enumerate(kinds)}


@dataclass(slots=True)
class FireReport:
    """What was done, and how the crew took it."""

    worker_kills: int = 0
    broker_kills: int = 0
    seconds: float = 0.0
    drained: bool = False
    exit_code: int | None = None
    log: str = ""
    struck_at: list[str] = field(default_factory=list)


def under_fire(
    broker: Broker,
    crew: Sequence[str],
    group: str,
    *,
    feed: Iterator[Sent],
    plan: FirePlan,
    workdir: Path,
    settled: Callable[[], bool] = lambda: True,
) -> FireReport:
    """Start a crew, feed it, hit it and its broker, wait until it has read everything, end it by SIGTERM.

    `settled` is asked, once everything is read, whether what follows from it has come out as well.
    """
    report = FireReport()
    chances = Random(plan.seed + 1)
    moments = plan.moments()
    topics: set[str] = set()
    log_path = workdir / "crew.log"
    started = time.monotonic()
    with log_path.open("wb") as log, subprocess.Popen(crew, stderr=log, stdout=log) as process:
        producer = _producer(broker.bootstrap)
        for i, (topic, key, value) in enumerate(feed):
            topics.add(topic)
            _send(producer, topic, key, value)
            _keep_pace(producer, started + i / plan.rate)
            if moments.get(i) == "worker":
                report.worker_kills += _kill_a_worker(process.pid, chances)
                report.struck_at.append(f"worker@{i}")
            elif moments.get(i) == "broker":
                broker.kill()
                Event().wait(chances.random())
                broker.restart()
                report.broker_kills += 1
                report.struck_at.append(f"broker@{i}")
        left = producer.flush(60)
        report.drained = left == 0 and _until(
            lambda: _is_drained(broker.bootstrap, group, topics) and settled(), plan.drain_seconds
        )
        report.seconds = time.monotonic() - started
        process.send_signal(signal.SIGTERM)
        try:
            report.exit_code = process.wait(90)
        except subprocess.TimeoutExpired:
            process.kill()
    report.log = log_path.read_text(errors="replace")
    return report


def children(pid: int) -> list[int]:
    """Return the process ids of a process's children."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def _producer(bootstrap: str) -> Producer:
    return Producer({
        "bootstrap.servers": bootstrap,
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        "linger.ms": 5,
        "message.timeout.ms": 120_000,
        "log_level": 0,
        "error_cb": lambda _error: None,
    })  # fmt: skip


def _send(producer: Producer, topic: str, key: bytes, value: bytes) -> None:
    while True:
        try:
            producer.produce(topic, value, key)
        except BufferError:
            producer.poll(0.1)
        else:
            return


def _keep_pace(producer: Producer, due: float) -> None:
    ahead = due - time.monotonic()
    producer.poll(ahead if ahead > 0.01 else 0)


def _kill_a_worker(crew: int, chances: Random) -> int:
    """Kill one worker; where all are down at this moment, wait for one."""
    _until(lambda: bool(children(crew)), 30)
    victims = children(crew)
    os.kill(chances.choice(victims), signal.SIGKILL)
    return 1


def _until(condition: Callable[[], bool], limit: float) -> bool:
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        Event().wait(0.2)
    return True


def _is_drained(bootstrap: str, group: str, topics: set[str]) -> bool:
    """Return whether a group's committed positions are at the ends of its topics, which are not transactional."""
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})
    try:
        metadata = reader.list_topics(timeout=10).topics
        places = [TopicPartition(topic, number) for topic in topics for number in metadata[topic].partitions]
        committed = reader.committed(places, timeout=10)
        return all(one.offset == _end(reader, one) for one in committed if _end(reader, one))
    finally:
        reader.close()


def _end(reader: Consumer, place: TopicPartition) -> int:
    return int(reader.get_watermark_offsets(TopicPartition(place.topic, place.partition), timeout=10)[1])
