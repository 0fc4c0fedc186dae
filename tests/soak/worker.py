"""One worker process of the exactly-once proof: the tally lane on a real Kafka, as the pipeline's own lanes run.

Run as `python -m tests.soak.worker JSON`, where JSON holds the fields of `WorkerPlan`.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from pipeline.adapters.faust_worker import leave_with, run_worker
from pipeline.adapters.kafka_lane import ClientSettings, KafkaLane
from pipeline.adapters.rocks_state import RocksState
from pipeline.adapters.system_clock import SystemClock, elapsed
from pipeline.lanes import Bounds, Lane, LaneSpec, Materialiser, RecordOpener, UnguardedClock
from pipeline.settings import KafkaConnection
from tests.soak.tally import JsonCodec, PlainSealer, Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPlan:
    """What a worker of the proof needs to know.

    Attributes:
        bootstrap: Where Kafka is.
        prefix: Of all topics and of the group.
        ordinal: Which of the group's processes this is.
        state: Where its stores go.
        sources: Names of the input topics.
        batch: Most records of one transaction.
        web_port: Where health is told; 0 for nowhere.
        dies_at: Points at which the process may kill itself, as `kill -9` would.
        chance: How likely it does so, each time it passes one.
    """

    bootstrap: str
    prefix: str
    ordinal: int
    state: str
    sources: tuple[str, ...]
    batch: int = 500
    web_port: int = 0
    dies_at: tuple[str, ...] = ()
    chance: float = 0.0
    seed: int = field(default=0)

    def command(self) -> list[str]:
        """Return the command line that runs this plan."""
        return [sys.executable, "-m", "tests.soak.worker", json.dumps(asdict(self))]


def build(plan: WorkerPlan) -> Lane:
    """Return the tally lane on Kafka."""
    clock = SystemClock()
    on_point = _fate(plan)
    spec = LaneSpec(
        controller="soak",
        stage=Tally(f"{plan.prefix}.out", f"{plan.prefix}.dead"),
        open=RecordOpener(JsonCodec()),
        sources=plan.sources,
        changelog=f"{plan.prefix}.changelog",
    )
    log = KafkaLane(
        ClientSettings(KafkaConnection(bootstrap=plan.bootstrap), session_ms=6000),
        lane="tally",
        group=plan.prefix,
        ordinal=plan.ordinal,
        topics=plan.sources,
        on_point=on_point,
    )
    return Lane(
        log=log,
        specs=[spec],
        open_state=lambda controller, number: RocksState(
            Path(plan.state) / str(plan.ordinal) / controller / str(number), clock
        ),
        materialise=Materialiser(JsonCodec(), PlainSealer()),
        clock=UnguardedClock(clock),
        elapsed=elapsed,
        bounds=Bounds(records=plan.batch),
        on_point=on_point,
    )


def _fate(plan: WorkerPlan) -> Callable[[str], None]:
    # Another stream of chances for each process that is started, or each would die at the same place again.
    chances = Random(f"{plan.seed}/{os.getpid()}")

    def on_point(point: str) -> None:
        if point in plan.dies_at and chances.random() < plan.chance:
            os.kill(os.getpid(), 9)

    return on_point


if __name__ == "__main__":
    given = WorkerPlan(**json.loads(sys.argv[1]))
    leave_with(run_worker({"tally": lambda: build(given)}, web_port=given.web_port))
