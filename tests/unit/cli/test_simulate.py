"""`simulate` and `explain`: every event has an outcome, and what is wrong is told with its line."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.cli.main import cli
from tests.topology.version_stories import FIRST, SECOND, write

ROOT = Path(__file__).parents[3]
EVENT: dict[str, object] = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/test",
    "type": "delivery.ordered",
    "time": "2024-02-29T12:00:00+01:00",
    "controller": "tek-zence",
    "partitionkey": "subject-1",
    "data": {"order_id": "ORD-1", "name": "Jane Example", "phone": "+447700900123"},
}
UNREADABLE = ("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "yesterday", "2024-02-29T12:00:00", None)


def run(folder: Path, command: str, *events: Mapping[str, object], options: tuple[str, ...] = (), **env: str) -> Result:
    path = folder / "events.jsonl"
    path.write_text("\n".join(json.dumps(event) for event in events), encoding="utf-8")
    return CliRunner().invoke(cli, [command, str(path), *options], env=env)


@pytest.mark.parametrize("time", UNREADABLE)
def test_an_event_without_a_readable_time_is_a_dead_letter_and_the_next_goes_on(
    tmp_path: Path, time: str | None
) -> None:
    result = run(tmp_path, "simulate", EVENT | {"id": "e-0", "time": time}, EVENT, options=("-o", "json"))

    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [one["value"]["offset"] for one in records if one["topic"].endswith(".dead-letter.v1")] == [0]
    assert [one["at"] for one in records if ".tagged." in one["topic"]] == ["2024-02-29T11:00:00Z"]


def test_an_unknown_controller_is_told_with_its_line_after_what_came_before(tmp_path: Path) -> None:
    result = run(tmp_path, "simulate", EVENT, EVENT | {"id": "e-2", "controller": "nobody"}, options=("-o", "json"))

    assert result.exit_code == 1
    assert "events.jsonl:2: no policy is loaded" in result.stderr
    assert any(json.loads(line)["topic"] == "tek-zence.tagged.purchase.v1" for line in result.stdout.splitlines())


@pytest.mark.parametrize("content", ["", "\n \n"])
@pytest.mark.parametrize("until", [(), ("--until", "2030-01-01")])
def test_a_file_without_events_is_told_in_one_sentence(tmp_path: Path, content: str, until: tuple[str, ...]) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(content, encoding="utf-8")

    result = CliRunner().invoke(cli, ["simulate", str(path), *until])

    assert result.exit_code == 2
    assert "holds no event" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("until", ["soon", "0001-01-01T00:00:00+01:00"])
def test_an_end_that_is_no_time_names_its_option(tmp_path: Path, until: str) -> None:
    result = run(tmp_path, "simulate", EVENT, options=("--until", until))

    assert result.exit_code == 2
    assert "--until" in result.stderr


def test_a_date_alone_is_its_start_in_utc(tmp_path: Path) -> None:
    by_date = run(tmp_path, "simulate", EVENT, options=("--until", "2040-01-01", "-o", "json"))
    by_time = run(tmp_path, "simulate", EVENT, options=("--until", "2040-01-01T00:00:00Z", "-o", "json"))

    assert by_date.exit_code == 0
    assert by_date.stdout == by_time.stdout


@pytest.mark.parametrize("command", ["simulate", "explain"])
def test_overlays_may_be_folders(tmp_path: Path, command: str) -> None:
    options = ("--policies", str(ROOT / "policies"), "--overlay", str(ROOT / "overlays"))

    assert run(tmp_path, command, EVENT, options=options).exit_code == 0


def test_a_dead_letter_is_explained(tmp_path: Path) -> None:
    result = run(tmp_path, "explain", EVENT | {"time": UNREADABLE[0]})

    assert result.exit_code == 0
    assert "invalid_time" in result.stdout
    assert "correct time at its producer" in result.stdout


def test_a_narrow_screen_gets_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    narrow = run(tmp_path, "explain", EVENT, COLUMNS="80").stdout
    wide = run(tmp_path, "explain", EVENT, COLUMNS="120").stdout

    assert "- category: delivery\n  purpose: perform-service\n" in narrow
    assert "  rule: delivery (policies/tek-zence.yaml:" in narrow
    assert "━" in wide
    assert "━" not in narrow


@pytest.mark.parametrize(
    ("time", "version"), [("2024-05-31T20:00:00Z", "1"), ("2024-06-02T10:00:00Z", "2"), (None, "2")]
)
def test_an_event_is_explained_by_the_version_of_its_time(tmp_path: Path, time: str | None, version: str) -> None:
    folder = write(tmp_path / "policies", FIRST, SECOND)
    letter = EVENT | {"type": "contact.email", "time": time, "data": {"email_message": "hello"}}

    result = run(tmp_path, "explain", letter, options=("--policies", str(folder), "-o", "json"))

    assert json.loads(result.stdout)["policy_version"] == version
