"""The demonstration as a newcomer runs it: all of its events, ten years, on memory and on a real Kafka."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli.main import cli

OUTCOMES = {"accepted", "dropped-by-rule", "refused", "dead-letter"}


def demo(broker: str) -> tuple[dict[str, Any], str]:
    """Return the report of a run, and what it told on stderr."""
    result = CliRunner().invoke(cli, ["demo", "--broker", broker, "-o", "json"])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout), result.stderr


@pytest.fixture(scope="module")
def in_memory() -> dict[str, Any]:
    report, told = demo("embedded")
    assert told == "on the in-memory log\n"
    return report


@pytest.mark.slow
def test_the_demonstration_accounts_for_every_event_and_leaks_nothing(in_memory: dict[str, Any]) -> None:
    assert sum(row["count"] for row in in_memory["outcomes"]) == in_memory["events"] > 1000
    assert {row["outcome"] for row in in_memory["outcomes"]} == OUTCOMES
    assert in_memory["leaks"]["found"] == 0
    assert in_memory["leaks"]["values_searched_for"] > 4000


@pytest.mark.slow
def test_all_five_companies_let_something_end_and_nothing_comes_early(in_memory: dict[str, Any]) -> None:
    assert in_memory["early"] == 0
    assert len({row["controller"] for row in in_memory["expiries"]}) == 5
    assert {row["action"] for row in in_memory["expiries"]} >= {"erase", "restrict", "stop-use"}
    assert all(row["clauses"] for row in in_memory["expiries"])


@pytest.mark.slow
def test_carriers_of_the_demonstration_hold_three_fields(in_memory: dict[str, Any]) -> None:
    carriers = [row for row in in_memory["carriers"] if ".carrier." in row["topic"]]

    assert len(carriers) >= 3
    for row in carriers:
        assert row["fields"] == ["address", "name", "phone"]
        assert row["told_to_erase"] == row["records"]


@pytest.mark.slow
@pytest.mark.kafka
def test_a_real_kafka_gives_the_same_report_as_the_in_memory_log(in_memory: dict[str, Any]) -> None:
    """But for how many blocks the obligations travel in, and so the bytes that were searched."""
    report, told = demo("auto")

    assert "on a real Kafka" in told
    kafka, memory = ({**one, "leaks": one["leaks"]["found"]} for one in (report, in_memory))
    assert kafka == memory
