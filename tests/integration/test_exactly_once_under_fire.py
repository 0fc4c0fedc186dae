"""Exactly once on a real Kafka while workers and broker are killed; in full size: `make soak`."""

from pathlib import Path

import pytest

from pipeline.testing.broker import start_broker
from tests.soak.fire import FirePlan
from tests.soak.harness import prove


@pytest.mark.kafka
@pytest.mark.slow
def test_nothing_is_lost_or_done_twice_under_kill_9_of_workers_and_broker(tmp_path: Path) -> None:
    plan = FirePlan(events=20_000, rate=2_000, worker_kills=2, broker_kills=1, seed=7)

    with start_broker("jvm") as broker:
        report, verdict = prove(broker, "fire", plan, tmp_path, chance=0.003)

    assert report.drained, report.log
    assert (report.worker_kills, report.broker_kills, report.exit_code) == (2, 1, 0), report.log
    assert verdict.events == 20_000
    assert verdict.clean, (verdict, report.log)
