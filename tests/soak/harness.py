"""Prove exactly once: the tally lane under fire on a real Kafka, judged by a reader that is not ours.

Run in full size as `python -m tests.soak.harness --events 200000 --worker-kills 5 --broker-kills 2`.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined] # its stub forgets NewTopic

from pipeline.lanes.views import POSITION_PREFIX
from pipeline.testing.broker import start_broker
from pipeline.testing.broker_contract import Broker
from tests.soak.crew import command
from tests.soak.fire import FirePlan, FireReport, Sent, under_fire
from tests.soak.verifier import Seen, read_committed
from tests.soak.worker import WorkerPlan

PARTITIONS = 4
KEYS = 500
POINTS = ("begun", "produced", "positions", "ended", "handled", "committed", "applied")
STAMPED = {"message.timestamp.type": "LogAppendTime"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the reader found; each figure but `events` must be nought."""

    events: int
    lost: int
    duplicated: int
    invented: int
    miscounted: int
    misplaced: int
    wrong_state: int
    aborted_seen_by_the_careless: int

    @property
    def clean(self) -> bool:
        """Return whether everything was done exactly once."""
        return not (
            self.lost or self.duplicated or self.invented or self.miscounted or self.misplaced or self.wrong_state
        )


def prove(
    broker: Broker, prefix: str, plan: FirePlan, workdir: Path, *, processes: int = 2, chance: float = 0.0
) -> tuple[FireReport, Verdict]:
    """Run the proof with topics of a prefix of its own.

    Beside the kills of the plan, workers kill themselves at named points of a transaction, by `chance` at each.
    """
    sources = (f"{prefix}.in-a", f"{prefix}.in-b")
    _make_topics(broker.bootstrap, prefix, sources)
    worker = WorkerPlan(
        bootstrap=broker.bootstrap,
        prefix=prefix,
        ordinal=0,
        state=str(workdir),
        sources=sources,
        seed=plan.seed,
        dies_at=POINTS,
        chance=chance,
    )
    report = under_fire(
        broker, command(processes, worker), prefix, feed=_events(plan, sources), plan=plan, workdir=workdir
    )
    return report, judge(broker.bootstrap, prefix, sources)


def judge(bootstrap: str, prefix: str, sources: tuple[str, ...]) -> Verdict:
    """Compare what came in with what came out and with what is remembered."""
    came_in = [(r, json.loads(r.value or b"")) for r in read_committed(bootstrap, sources)]
    came_out = [(r, json.loads(r.value or b"")) for r in read_committed(bootstrap, [f"{prefix}.out"])]
    careless = read_committed(bootstrap, [f"{prefix}.out"], isolation="read_uncommitted")
    sent = {event["id"] for _, event in came_in}
    got = Counter(copy["id"] for _, copy in came_out)
    per_key = Counter(event["key"] for _, event in came_in)
    counts: dict[str, list[int]] = defaultdict(list)
    for _, copy in came_out:
        counts[copy["key"]].append(copy["count"])
    remembered = _fold(read_committed(bootstrap, [f"{prefix}.changelog"]))
    place_of = {event["id"]: record.partition for record, event in came_in}
    return Verdict(
        events=len(came_in),
        lost=len(sent - set(got)),
        duplicated=sum(n - 1 for n in got.values()) + len(came_in) - len(sent),
        invented=len(set(got) - sent),
        # Per key 1, 2, 3 ... in this order: nothing lost, repeated, swapped or forgotten on the way.
        miscounted=sum(counts[key] != list(range(1, n + 1)) for key, n in per_key.items()),
        misplaced=sum(place_of.get(copy["id"]) != record.partition for record, copy in came_out),
        wrong_state=sum(remembered.get(key) != n for key, n in per_key.items()) + len(set(remembered) - set(per_key)),
        aborted_seen_by_the_careless=len(careless) - len(came_out),
    )


def _fold(changelog: list[Seen]) -> dict[str, int]:
    """Return what the newest changelog entry of each key says."""
    newest = {record.key: record.value for record in changelog}
    counts = {key or b"": value for key, value in newest.items() if not (key or b"").startswith(POSITION_PREFIX)}
    return {key.decode(): int(value) for key, value in counts.items() if value is not None}


def _events(plan: FirePlan, sources: tuple[str, ...]) -> Iterator[Sent]:
    chances = Random(plan.seed + 2)
    for i in range(plan.events):
        key = f"key-{chances.randrange(KEYS)}"
        yield sources[i % len(sources)], key.encode(), json.dumps({"id": i, "key": key}).encode()


def _make_topics(bootstrap: str, prefix: str, sources: tuple[str, ...]) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    names = {**dict.fromkeys((*sources, f"{prefix}.out", f"{prefix}.changelog"), PARTITIONS), f"{prefix}.dead": 1}
    compacted = {"cleanup.policy": "compact"}
    made = admin.create_topics([
        NewTopic(name, partitions, 1, config=STAMPED | (compacted if name.endswith(".changelog") else {}))
        for name, partitions in names.items()
    ])  # fmt: skip
    for one in made.values():
        one.result(30)


def main() -> int:
    """Run the proof at the size that the command line gives; print report and verdict as JSON."""
    parser = argparse.ArgumentParser(description="Prove exactly once under kill -9 of workers and broker.")
    parser.add_argument("--kafka", default="jvm", help="broker kind; a given address cannot be killed")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--worker-kills", type=int, default=5)
    parser.add_argument("--broker-kills", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chance", type=float, default=0.002, help="of dying at a named point of a transaction")
    asked = parser.parse_args()
    plan = FirePlan(
        events=asked.events,
        rate=asked.rate,
        worker_kills=asked.worker_kills,
        broker_kills=asked.broker_kills,
        seed=asked.seed,
        drain_seconds=300,
    )
    with start_broker(asked.kafka) as broker, tempfile.TemporaryDirectory() as workdir:
        report, verdict = prove(
            broker, f"soak-{asked.seed}", plan, Path(workdir), processes=asked.processes, chance=asked.chance
        )
    told = {name: getattr(report, name) for name in ("worker_kills", "broker_kills", "seconds", "drained", "exit_code")}
    told |= {name: getattr(verdict, name) for name in Verdict.__slots__}
    sys.stdout.write(json.dumps(told | {"struck_at": report.struck_at, "clean": verdict.clean}, indent=2) + "\n")
    if not verdict.clean or not report.drained:
        sys.stderr.write(report.log)
    return 0 if verdict.clean and report.drained and report.exit_code == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
