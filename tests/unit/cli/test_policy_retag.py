"""`pipeline policy retag`: counted before it is done."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.cli.main import cli
from tests.topology.version_stories import FIRST, SECOND, write


@pytest.fixture
def retag(tmp_path: Path) -> Callable[..., Result]:
    """Run the command on three letters and a sale under two versions, of which the second has other rules for sales."""
    folder = write(tmp_path / "policies", FIRST, SECOND | {"letters": FIRST["letters"], "period": "P3M"})
    times = {"a": "2024-01-05T10:00:00Z", "b": "2024-04-20T10:00:00Z", "c": "2024-07-01T10:00:00Z"}
    common = {"specversion": "1.0", "source": "//tests", "controller": "tek-zence", "partitionkey": "s-1"}
    letters = [
        {**common, "type": "contact.email", "id": name, "time": time, "data": {"email_message": "hello"}}
        for name, time in times.items()
    ]
    sale = {**common, "type": "purchase.completed", "id": "p", "time": "2024-05-01T10:00:00Z", "data": {"name": "Jane"}}
    events = tmp_path / "events.jsonl"
    events.write_text("\n".join(json.dumps(one) for one in (*letters[:2], sale, letters[2])))
    shared = ["--policies", str(folder), "--events", str(events)]
    return lambda *arguments: CliRunner().invoke(cli, ["policy", "retag", *shared, *arguments])


def test_the_dry_run_counts_what_would_end_when_and_names_what_stays(retag: Callable[..., Result]) -> None:
    """A year becomes three months: one letter ends at once, one later this month; the sale has no such rule."""
    result = retag("1", "2", "--dry-run", "-o", "json")

    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["schema_version"], told["controller"], told["from"], told["to"]) == (1, "tek-zence", "1", "2")
    assert told["moved"] == [{
        "rule": "letters", "category": "letter", "purpose": "answer", "action": "erase", "count": 2, "at_once": 1,
        "earlier": 2, "later": 0, "first": "2024-07-01T10:00:00Z", "last": "2024-07-20T22:00:00Z",
    }]  # fmt: skip
    assert told["stays"] == [{"rule": "customer", "category": "contact", "purpose": "care", "count": 1}]


def test_the_dry_run_can_be_read(retag: Callable[..., Result]) -> None:
    said = " ".join(retag("1", "2", "--dry-run").stdout.split())

    assert "2 ends would move from version 1 of tek-zence to 2" in said
    assert "1 tags stay: the other version has no such rule" in said


def test_only_the_named_rules_are_counted(retag: Callable[..., Result]) -> None:
    told = json.loads(retag("1", "2", "--rule", "letters", "--dry-run", "-o", "json").stdout)

    assert (len(told["moved"]), told["stays"], told["rules"]) == (1, [], ["letters"])


def test_ends_that_come_later_are_told_as_such(retag: Callable[..., Result]) -> None:
    told = json.loads(retag("2", "1", "--dry-run", "-o", "json").stdout)

    assert [(one["count"], one["later"], one["first"]) for one in told["moved"]] == [(1, 1, "2025-07-01T22:00:00Z")]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("1", "2"), "say --dry-run to count what would change, or --yes"),
        (("1", "2", "--dry-run", "--yes"), "say --dry-run to count what would change, or --yes"),
        (("1", "2", "--yes"), "say --dry-run to count what would change, or --yes"),
        (
            ("1", "3", "--dry-run"),
            "0 controllers have policy versions '1' and '3'; name one with --controller: tek-zence",
        ),
        (("1", "3", "--dry-run", "--controller", "tek-zence"), "there is no version 3 of tek-zence; there are: 1, 2"),
        (("1", "3", "--dry-run", "--controller", "nobody"), "there is no version 1 of nobody; there are: none"),
        (("1", "1", "--dry-run"), "a version cannot be moved to itself"),
        (("1", "2", "--dry-run", "--rule", "leters"), "version 1 has no rule leters"),
    ],
)
def test_what_cannot_be_ordered_is_told(retag: Callable[..., Result], arguments: tuple[str, ...], says: str) -> None:
    result = retag(*arguments)

    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())
