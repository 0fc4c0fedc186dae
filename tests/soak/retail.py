"""The real pipeline under fire: tag and expire lanes as workers run them, every output accounted for.

Run in full size as `python -m tests.soak.retail --events 200000 --worker-kills 5 --broker-kills 2` (`make soak`).
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline.adapters.avro.cloudevents import CloudEvents
from pipeline.adapters.avro.codec import AvroCodec
from pipeline.adapters.avro.schemas import Schemas
from pipeline.adapters.kafka_topics import KafkaTopics
from pipeline.adapters.topics_file import read_topics
from pipeline.domain.topic_plan import plan_topics
from pipeline.settings import Settings, load_settings
from pipeline.testing.broker import start_broker
from pipeline.testing.broker_contract import Broker
from pipeline.testing.development_keys import KEY_FILE, OFFICER_PUBLIC, make_keys
from tests.soak.fire import FirePlan, FireReport, Sent, under_fire
from tests.soak.verifier import Seen, read_committed

PARTITIONS = 4
START = datetime(2020, 1, 1, tzinfo=UTC)
ADDRESS = {"street": "Allowed 1", "postcode": "1", "city": "C", "country": "VN"}
PERSON = {"name": "Allowed", "address": ADDRESS, "phone": "+84"}
KINDS = ("email", "delivery", "delivered", "clip", "garbage")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Topic and field by which an output names what it comes from; each name must be there exactly once."""

    topic: str
    names: Callable[[Mapping[str, Any]], Iterator[str]]


@dataclass(slots=True)
class Verdict:
    """What the reader found, by output; lost, doubled and invented must be empty."""

    counted: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    duplicated: dict[str, int] = field(default_factory=dict)
    invented: dict[str, int] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Return whether everything was done exactly once."""
        return not (self.lost or self.duplicated or self.invented)


def kind_of(i: int) -> str:
    """Return what the i-th event is."""
    return KINDS[i % len(KINDS)]


def feed(events: int) -> Iterator[Sent]:
    """Yield the events as their producers would send them; of each delivery the next event completes it."""
    schemas = Schemas.load(load_settings({}).schemas)
    codec = CloudEvents(schemas)
    for i in range(events):
        kind = kind_of(i)
        if kind == "garbage":
            yield "viet-art-view.source.purchase.v1", f"s-{i}".encode(), f"garbage {i}".encode()
            continue
        event = _event(i, kind)
        family = schemas.catalogue.types[event["type"]].family
        key = str(event["partitionkey"]).encode()
        yield f"{event['controller']}.source.{family}.v1", key, codec.encode(codec.parse(json.dumps(event).encode()))


def _event(i: int, kind: str) -> dict[str, Any]:
    controller, name, number, data = {
        "email": (
            "allcall",
            "contact.email",
            i,
            {"context": "email", "matter": "other", "email": "e", "email_message": "m"},
        ),
        "delivery": ("viet-art-view", "delivery.ordered", i, {"order_id": f"o-{i}", "amounts": "1", **PERSON}),
        "delivered": ("viet-art-view", "delivery.completed", i - 1, {"order_id": f"o-{i - 1}"}),
        "clip": ("allcall", "cctv.ingested", i, {"context": "store", "clip_id": f"c-{i}", "cctv_clip": "x"}),
    }[kind]
    return {
        "specversion": "1.0",
        "id": f"e-{i}",
        "source": "//soak",
        "type": name,
        "time": (START + timedelta(seconds=i)).isoformat(),
        "controller": controller,
        "partitionkey": f"s-{number}",
        "data": data,
    }


def wanted(events: int) -> dict[str, tuple[Wanted, set[str]]]:
    """Return every output there must be: where it is, and the names it must have, each exactly once."""
    by_kind: dict[str, list[int]] = {kind: [i for i in range(events) if kind_of(i) == kind] for kind in KINDS}
    ids = {kind: {f"e-{i}" for i in numbers} for kind, numbers in by_kind.items()}
    completed = {f"e-{i - 1}" for i in by_kind["delivered"]}
    categories = ("delivery", "customer", "transaction")
    due_order = {f"{event} {category} erase" for event in completed for category in categories}
    due_mail = {f"{event} {what}" for event in ids["email"] for what in ("A erase", "C.email erase")}
    return {
        "tagged e-mail": (Wanted("allcall.tagged.contact.v1", _tagged), ids["email"]),
        "inbox": (Wanted("allcall.inbox.other.v1", _tagged), ids["email"]),
        "tagged clip": (Wanted("allcall.tagged.cctv.v1", _tagged), ids["clip"]),
        "tagged delivery": (Wanted("viet-art-view.tagged.purchase.v1", _tagged), ids["delivery"]),
        "share ledger": (Wanted("viet-art-view.share-ledger.v1", _one("event_id")), ids["delivery"]),
        "obligations of AllCall": (Wanted("allcall.obligation.v1", _obligations), _records(ids["email"] | ids["clip"])),
        "obligations of Viet Art View": (
            Wanted("viet-art-view.obligation.v1", _obligations),
            _records(ids["delivery"]) | {f"share {event}" for event in ids["delivery"]},
        ),
        "due at AllCall": (
            Wanted("allcall.expiry.v1", _due),
            due_mail | {f"{event} E.cctv erase" for event in ids["clip"]},
        ),
        "due deliveries": (Wanted("viet-art-view.expiry.v1", _due), due_order),
        "dead letters": (Wanted("viet-art-view.dead-letter.v1", _letter), {_digest(i) for i in by_kind["garbage"]}),
    }


def judge(bootstrap: str, events: int) -> Verdict:
    """Compare every output topic with what must be in it."""
    codec = AvroCodec(Schemas.load(load_settings({}).schemas))
    verdict = Verdict()
    for output, (where, names) in wanted(events).items():
        found = Counter(
            name for record in read_committed(bootstrap, [where.topic]) for name in where.names(_value(codec, record))
        )
        _compare(verdict, output, found, names)
    _judge_carriers(verdict, codec, bootstrap)
    return verdict


def _compare(verdict: Verdict, output: str, found: Counter[str], names: set[str]) -> None:
    verdict.counted[output] = sum(found.values())
    for where, count in (
        (verdict.lost, len(names - set(found))),
        (verdict.invented, len(set(found) - names)),
        (verdict.duplicated, sum(n - 1 for n in found.values())),
    ):
        if count:
            where[output] = count


def _judge_carriers(verdict: Verdict, codec: AvroCodec, bootstrap: str) -> None:
    """Every share in the ledger is with the carrier once, and every completed one was told to be erased once."""
    ledger = {
        str(_value(codec, r)["share_id"]): r for r in read_committed(bootstrap, ["viet-art-view.share-ledger.v1"])
    }
    carried = read_committed(bootstrap, ["viet-art-view.carrier.delivery.v1"])
    _compare(verdict, "carrier", Counter((r.key or b"").decode() for r in carried), set(ledger))
    values = [_value(codec, record) for record in carried]
    verdict.invented |= {"carrier fields": 1} if any(value != PERSON for value in values) else {}
    told = [_value(codec, r) for r in read_committed(bootstrap, ["viet-art-view.erase-instruction.delivery.v1"])]
    completed = {
        share for share, r in ledger.items() if (int(str(_value(codec, r)["event_id"])[2:]) + 1) % len(KINDS) == 2
    }
    _compare(verdict, "erase instructions", Counter(str(value["share_id"]) for value in told), completed)


def _value(codec: AvroCodec, record: Seen) -> Mapping[str, Any]:
    return codec.decode(record.value or b"")[1]


def _tagged(value: Mapping[str, Any]) -> Iterator[str]:
    yield value["event"]["event_id"]


def _one(name: str) -> Callable[[Mapping[str, Any]], Iterator[str]]:
    return lambda value: iter([value[name]])


def _records(event_ids: set[str]) -> set[str]:
    return {f"record {event}" for event in event_ids}


def _obligations(value: Mapping[str, Any]) -> Iterator[str]:
    return (f"{item['kind']} {item['event_id']}" for item in value["items"] if item.get("obligation_id"))


def _due(value: Mapping[str, Any]) -> Iterator[str]:
    return (f"{item['event_id']} {value['category']} {value['action']}" for item in value["items"])


def _letter(value: Mapping[str, Any]) -> Iterator[str]:
    yield value["digest"]


def _digest(i: int) -> str:
    return sha256(f"garbage {i}".encode()).hexdigest()


def prove(broker: Broker, plan: FirePlan, workdir: Path, *, processes: int = 2) -> tuple[FireReport, Verdict]:
    """Make the topics, run the workers under fire, and judge."""
    settings = load_settings({})
    _make_topics(broker.bootstrap, settings)
    make_keys(workdir)
    crew = [
        "env", f"PIPELINE_KAFKA={broker.bootstrap}", "PIPELINE_CONTROLLERS=allcall,viet-art-view",
        f"PIPELINE_KEY_FILE={workdir / KEY_FILE}", f"PIPELINE_OFFICER_KEY={workdir / OFFICER_PUBLIC}",
        f"PIPELINE_STATE_DIR={workdir / 'state'}", "PIPELINE_WEB_PORT=0",
        sys.executable, "-m", "pipeline", "worker", "--processes", str(processes),
    ]  # fmt: skip
    due = sum(len(names) for output, (_where, names) in wanted(plan.events).items() if output.startswith("due"))
    report = under_fire(
        broker, crew, "pipeline-tag", feed=feed(plan.events), plan=plan, workdir=workdir,
        settled=lambda: _due_count(broker.bootstrap) >= due,
    )  # fmt: skip
    return report, judge(broker.bootstrap, plan.events)


def _make_topics(bootstrap: str, settings: Settings) -> None:
    wanted_topics = read_topics(
        settings.topics, controllers=("allcall", "viet-art-view"), replicas=1, co_partitions=PARTITIONS
    )
    with KafkaTopics(settings.connection(bootstrap)) as cluster:
        cluster.apply(plan_topics(wanted_topics.specs, ()), wanted_topics.specs)


def _due_count(bootstrap: str) -> int:
    codec = AvroCodec(Schemas.load(load_settings({}).schemas))
    topics = ["allcall.expiry.v1", "viet-art-view.expiry.v1"]
    return sum(len(_items(codec, record)) for record in read_committed(bootstrap, topics))


def _items(codec: AvroCodec, record: Seen) -> list[Any]:
    items = _value(codec, record)["items"]
    return items if isinstance(items, list) else []


def main() -> int:
    """Run the proof at the size that the command line gives; print report and verdict as JSON."""
    parser = argparse.ArgumentParser(description="Prove exactly once of the whole pipeline under kill -9.")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rate", type=int, default=3_000)
    parser.add_argument("--worker-kills", type=int, default=5)
    parser.add_argument("--broker-kills", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    plan = FirePlan(
        events=asked.events, rate=asked.rate, worker_kills=asked.worker_kills, broker_kills=asked.broker_kills,
        seed=asked.seed, drain_seconds=600,
    )  # fmt: skip
    with start_broker("jvm") as broker, tempfile.TemporaryDirectory() as workdir:
        report, verdict = prove(broker, plan, Path(workdir), processes=asked.processes)
    told = {name: getattr(report, name) for name in ("worker_kills", "broker_kills", "seconds", "drained", "exit_code")}
    sys.stdout.write(
        json.dumps(told | asdict(verdict) | {"events": asked.events, "clean": verdict.clean}, indent=2) + "\n"
    )
    if not (verdict.clean and report.drained):
        sys.stderr.write(report.log)
    return 0 if verdict.clean and report.drained and report.exit_code == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
