"""The demo command: its options, its errors, its exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.cli.main import cli
from pipeline.testing.broker_ports import free_ports

EVENT = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/test",
    "type": "delivery.ordered",
    "time": "2024-02-29T12:00:00+01:00",
    "controller": "tek-zence",
    "partitionkey": "subject-1",
    "data": {
        "order_id": "ORD-1",
        "name": "Jane Example",
        "address": {
            "street": "12 Lantern Street",
            "postcode": "ZZ12 3XX",
            "city": "Elmsworth",
            "country": "Exampleland",
        },
        "phone": "+447700900123",
        "email": "jane@example.org",
        "internal_note": "MARKER-0001",
    },
}


@pytest.fixture
def demo(tmp_path: Path) -> Callable[..., Result]:
    """Return the command on a file of the given lines."""

    def run(*lines: str, options: tuple[str, ...] = ()) -> Result:
        path = tmp_path / "events.jsonl"
        path.write_text("\n".join(lines), encoding="utf-8")
        return CliRunner().invoke(cli, ["demo", "--broker", "embedded", "--events", str(path), *options])

    return run


def test_your_own_events_become_tables_and_a_verdict(demo: Callable[..., Result]) -> None:
    result = demo(json.dumps(EVENT))

    assert result.exit_code == 0
    assert "delivery" in result.stdout
    assert "address, name, phone" in result.stdout
    assert "leaks found: 0 (" in result.stdout
    assert "MARKER-0001" not in result.output


def test_json_is_one_document_with_a_version(demo: Callable[..., Result]) -> None:
    document = json.loads(demo(json.dumps(EVENT), options=("-o", "json")).stdout)

    assert document["schema_version"] == 1
    assert document["outcomes"] == [{"controller": "tek-zence", "outcome": "accepted", "count": 1}]
    assert document["carriers"][0]["fields"] == ["address", "name", "phone"]
    assert document["leaks"]["found"] == 0


def test_events_of_a_file_are_taken_in_order_of_time(demo: Callable[..., Result]) -> None:
    done = EVENT | {
        "id": "e-2",
        "type": "delivery.completed",
        "time": "2024-03-01T10:00:00Z",
        "data": {"order_id": "ORD-1"},
    }

    document = json.loads(demo(json.dumps(done), json.dumps(EVENT), options=("-o", "json")).stdout)

    assert document["carriers"][0]["told_to_erase"] == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"id": "e-1"}', "lacks type, time, controller, partitionkey"),
        ("", "holds no event"),
        (json.dumps(EVENT | {"time": "yesterday"}), "its time is not RFC 3339"),
        (json.dumps(EVENT | {"time": "2024-02-29T12:00:00"}), "time has no offset"),
        (json.dumps(EVENT | {"controller": "nobody"}), "no policy is loaded"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_line(demo: Callable[..., Result], line: str, says: str) -> None:
    result = demo(line)

    assert result.exit_code in {1, 2}
    assert says in result.stderr
    assert "Traceback" not in result.output


def test_a_missing_file_is_wrong_usage() -> None:
    result = CliRunner().invoke(cli, ["demo", "--events", "nowhere.jsonl"])

    assert result.exit_code == 2
    assert "nowhere.jsonl" in result.stderr


def test_a_broker_that_is_neither_a_kind_nor_an_address_is_wrong_usage() -> None:
    result = CliRunner().invoke(cli, ["demo", "--broker", "zookeeper"])

    assert result.exit_code == 2
    assert "zookeeper" in result.stderr


@pytest.mark.parametrize("broker", ["kafka:99999", ":9092", "kafka:port"])
def test_an_address_that_cannot_be_is_wrong_usage(broker: str) -> None:
    assert CliRunner().invoke(cli, ["demo", "--broker", broker]).exit_code == 2


def test_a_broker_that_does_not_answer_is_told_at_once() -> None:
    [port] = free_ports(1)

    result = CliRunner().invoke(cli, ["demo", "--broker", f"127.0.0.1:{port}"])

    assert result.exit_code == 1
    assert f"127.0.0.1:{port} cannot be reached" in result.stderr
    assert "on a real Kafka" not in result.stderr
