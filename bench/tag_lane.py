"""CPU seconds of the tag lane per million events, exactly once on a real broker: `python -m bench.tag_lane`.

Purchases, e-mails and camera clips of AllCall (60, 25 and 15 %), written before the clock starts; the process's own
user and system time from its first committed transaction to its last, the client library's threads included.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from confluent_kafka import Producer

from pipeline.adapters.avro.cloudevents import CloudEvents
from pipeline.adapters.kafka_topics import KafkaTopics
from pipeline.adapters.topics_file import read_topics
from pipeline.bootstrap.live import deployment, open_lane
from pipeline.domain.topic_plan import plan_topics
from pipeline.lanes import Lane
from pipeline.settings import Settings, load_settings
from pipeline.testing.broker import BENCHMARK_JVM, start_broker
from pipeline.testing.development_keys import KEY_FILE, OFFICER_PUBLIC, make_keys

CONTROLLER = "allcall"
START = datetime(2024, 1, 1, tzinfo=UTC)
PERSON: dict[str, Any] = {
    "name": "Test Person",
    "address": {"street": "Storgatan 1", "postcode": "111 22", "city": "Solna", "country": "SE"},
    "phone": "+46 8 000 00",
    "email": "test@example.org",
    "national_id": "19000101-0000",
}
KINDS: dict[str, tuple[int, str, dict[str, Any]]] = {
    "purchase.completed": (60, "purchase", {"context": "web", "payment": "card", "invoice_history": "i", **PERSON}),
    "contact.email": (25, "contact", {"context": "email", "matter": "other", "email": "e", "email_message": "m" * 80}),
    "cctv.ingested": (15, "cctv", {"context": "store", "cctv_clip": "x" * 600}),
}


def events(count: int, codec: CloudEvents, seed: int = 1) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield topic, key and bytes of the workload; the same for the same seed."""
    random = Random(seed)  # noqa: S311  a workload must repeat itself
    names, weights = list(KINDS), [weight for weight, _family, _data in KINDS.values()]
    for i in range(count):
        name = random.choices(names, weights)[0]
        _weight, family, data = KINDS[name]
        key = f"s-{random.randrange(count // 5 + 1)}"
        event = {
            "specversion": "1.0",
            "id": f"e-{i}",
            "source": "//bench",
            "type": name,
            "time": (START + timedelta(seconds=i)).isoformat(),
            "controller": CONTROLLER,
            "partitionkey": key,
            "data": {**data, "initiated_by": "company", "order_id": f"o-{i}", "case_id": f"c-{i}", "clip_id": key},
        }
        yield f"{CONTROLLER}.source.{family}.v1", key.encode(), codec.encode(codec.parse(json.dumps(event).encode()))


def fill(bootstrap: str, settings: Settings, count: int) -> int:
    """Make the topics and write the events; return how many bytes they are."""
    specs = read_topics(settings.topics, controllers=(CONTROLLER,), replicas=1).specs
    with KafkaTopics(settings.connection(bootstrap)) as cluster:
        cluster.apply(plan_topics(specs, ()), specs)
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 20})
    codec = CloudEvents(deployment(settings).parts.schemas)
    size = 0
    for topic, key, value in events(count, codec):
        size += len(value)
        producer.produce(topic, value, key)
        producer.poll(0)
    producer.flush(60)
    return size


def drain(lane: Lane, count: int) -> tuple[float, float]:
    """Step the lane until everything is tagged; return CPU and wall seconds since the first transaction."""
    while not lane.step():
        pass
    done = sum(lane.consumed.values())
    cpu, wall = _cpu(), time.perf_counter()
    while sum(lane.consumed.values()) < count:
        lane.step()
    share = count / (count - done)
    return (_cpu() - cpu) * share, (time.perf_counter() - wall) * share


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    asked = parser.parse_args()
    with start_broker("auto", jvm_options=BENCHMARK_JVM) as broker, tempfile.TemporaryDirectory() as folder:
        make_keys(Path(folder))
        settings = load_settings({
            "PIPELINE_KAFKA": broker.bootstrap,
            "PIPELINE_CONTROLLERS": CONTROLLER,
            "PIPELINE_KEY_FILE": str(Path(folder) / KEY_FILE),
            "PIPELINE_OFFICER_KEY": str(Path(folder) / OFFICER_PUBLIC),
            "PIPELINE_STATE_DIR": str(Path(folder) / "state"),
        })  # fmt: skip
        size = fill(broker.bootstrap, settings, asked.events)
        lane = open_lane(deployment(settings), "tag", 0)
        cpu, wall = drain(lane, asked.events)
        lane.close()
    print(f"tag lane, portable engine, exactly once on Kafka ({broker.kind})")
    print(f"  {asked.events:8} events of {size // asked.events} bytes on average")
    print(f"  {cpu / asked.events * 1e6:8.1f} CPU seconds per million events")
    print(f"  {asked.events / wall:8.0f} events per second of wall time")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
