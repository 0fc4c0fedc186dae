# ruff: noqa: INP001 - a script, not part of a package
"""Send the events of the files beside this one to Kafka, again and again, as a producer service would.

    python examples/feed.py [--broker HOST:PORT] [--every SECONDS] [--rounds N]

Each round is a new story: ids, orders, cases and people get a suffix of their own, and all happens now. The events
travel as CloudEvents in JSON, the form that any Kafka client can send without our schemas.
"""

import argparse
import json
import secrets
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from confluent_kafka import Producer

from pipeline.adapters.avro.schemas import Schemas
from pipeline.adapters.system_clock import SystemClock
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import CONTROL_KEY
from pipeline.settings import load_settings

HERE = Path(__file__).resolve().parent
REFERENCES = ("order_id", "case_id", "account_id", "clip_id", "hold_id")
FLUSH_SECONDS = 30


def stories(suffix: str) -> Iterator[dict[str, object]]:
    """Yield the events of every file, under new names."""
    for path in sorted(HERE.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            event["id"] += f"-{suffix}"
            if event["partitionkey"] != CONTROL_KEY:  # concerns many people
                event["partitionkey"] += f"-{suffix}"
            data = event.get("data", {})
            data |= {name: f"{data[name]}-{suffix}" for name in REFERENCES if data.get(name)}
            yield event | {"data": data}


def main() -> None:
    """Send rounds until told to stop."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--broker", help="instead of $PIPELINE_KAFKA")
    parser.add_argument("--every", type=float, default=0.2, metavar="SECONDS", help="between two events (default 0.2)")
    parser.add_argument("--rounds", type=int, default=0, metavar="N", help="0, the default, goes on until Ctrl-C")
    options = parser.parse_args()

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    settings = load_settings()
    types = Schemas.load(settings.schemas).catalogue
    producer = Producer({**settings.connection(options.broker).confluent(), "enable.idempotence": True})
    clock = SystemClock()
    sent = done = 0
    while not stop.is_set() and (not options.rounds or done < options.rounds):
        for event in stories(secrets.token_hex(4)):
            family = types.family_of(str(event["type"]))
            if family is None or stop.wait(options.every):
                continue
            event["time"] = clock.now().isoformat()
            topics, key = Topics(str(event["controller"])), str(event["partitionkey"])
            topic = topics.control if key == CONTROL_KEY else topics.source(family)
            producer.produce(topic, json.dumps(event), key)
            producer.poll(0)
            sent += 1
        done += 1
    lost = producer.flush(FLUSH_SECONDS)
    sys.stderr.write(f"{sent - lost} events sent, {lost} not confirmed\n")
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
