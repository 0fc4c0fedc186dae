"""The whole pipeline, exactly once, while workers and broker are killed; in full size: `make soak`."""

from pathlib import Path

import pytest

from pipeline.testing.broker import start_broker
from tests.soak.fire import FirePlan
from tests.soak.retail import prove


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_output_of_the_real_lanes_is_there_exactly_once_under_kill_9(tmp_path: Path) -> None:
    """Judged by kafka-python over every output topic: tagged, carriers, ledger, obligations, expiries, dead letters."""
    plan = FirePlan(events=20_000, rate=1_500, worker_kills=2, broker_kills=1, seed=11, drain_seconds=300)

    with start_broker("jvm") as broker:
        report, verdict = prove(broker, plan, tmp_path)

    assert report.drained, report.log
    assert (report.worker_kills, report.broker_kills, report.exit_code) == (2, 1, 0), report.log
    assert verdict.clean, verdict
    assert verdict.counted["carrier"] == verdict.counted["tagged delivery"] == 4_000
