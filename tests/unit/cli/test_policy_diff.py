"""`pipeline policy diff`: what it predicts is what happens once the new policy governs."""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline.cli.main import cli
from tests.topology.version_stories import FIRST, SECOND, SHOP, write

ROOT = Path(__file__).parents[3]
UNTIL = "2045-01-01"
EVENTS = ROOT / "examples" / "tek-zence.jsonl"
OVERLAY = ROOT / "overlays" / "tek-zence.yaml"

Seen = dict[tuple[str, ...], str]
"""Everything a comparison may tell, by what it is about."""


def _run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.stderr
    return result


def _simulated(policies: Path, events: Path, overlay: Path) -> Seen:
    """Read the output of `pipeline simulate` by other code than the command's own."""
    run = _run("simulate", events, "--policies", policies, "--overlay", overlay, "--until", UNTIL, "-o", "json")
    lines = [json.loads(line) for line in run.stdout.splitlines()]

    def of(role: str) -> list[tuple[str, dict[str, Any]]]:
        return [(line["key"], line["value"]) for line in lines if f".{role}." in line["topic"]]

    ledger = {value["share_id"]: value for _key, value in of("share-ledger")}
    people = {value["data_subject"]: key for key, value in of("tagged")}
    refused = {value["event_id"]: value["outcome"] for _key, value in of("violation")}
    ends: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for _key, value in of("expiry"):
        person = people.get(value["data_subject"] or "", "nobody")
        who = value["event_id"] or (f"profile {value['profile']} of {person}" if value["profile"] else person)
        about = (who, "date", value["category"], value["purpose"], value["action"])
        ends[about][value["expiry_id"]] = "" if value["type"] == "expiry.cancelled" else value["due_at"]
    for _key, value in of("erase-instruction"):
        about = (ledger[value["share_id"]]["event_id"], "date", value["recipient"], value["reason"], "instruct")
        ends[about][value["instruction_id"]] = value["due_at"]
    names = [json.loads(line)["id"] for line in events.read_text().splitlines()]
    return {
        **{(name, "outcome"): refused.get(name, "accepted") for name in names},
        **{(v["event_id"], "recipient", v["recipient"]): ", ".join(v["fields"]) for v in ledger.values()},
        **{
            (value["event"]["event_id"], "category", tag["category"], tag["purpose"]): "tagged"
            for _key, value in of("tagged")
            for tag in value["tags"]
        },
        **{
            about: dates
            for about, lives in ends.items()
            if (dates := ", ".join(date for date in lives.values() if date))
        },
    }


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    about = (row["recipient"], row["category"], row["purpose"], row["action"])
    return (row["record"], row["what"], *(part for part in about if part))


def _events(folder: Path) -> Path:
    """Write a letter, two sales to one person, a delivery begun and one completed, and something that no rule allows."""
    address = {"street": "1", "postcode": "1", "city": "C", "country": "N"}
    person = {"name": "Jane", "address": address, "phone": "1"}
    happened = [
        ("l-1", "contact.email", "2024-01-05T10:00:00Z", "s-1", {"email_message": "hello"}),
        ("p-1", "purchase.completed", "2024-02-05T10:00:00Z", "s-1", person),
        ("d-1", "delivery.ordered", "2024-02-05T11:00:00Z", "s-1", {**person, "order_id": "o-1"}),
        ("d-2", "delivery.ordered", "2024-02-06T11:00:00Z", "s-2", {**person, "order_id": "o-2"}),
        ("x-1", "delivery.completed", "2024-02-09T10:00:00Z", "s-1", {"order_id": "o-1"}),
        ("p-2", "purchase.completed", "2024-04-20T10:00:00Z", "s-1", person),
        ("n-1", "course.attended", "2024-04-21T10:00:00Z", "s-3", {"name": "Jane"}),
    ]
    path = folder / "events.jsonl"
    path.write_text("\n".join(
        json.dumps({
            "specversion": "1.0", "id": name, "source": "//tests", "type": kind, "time": time,
            "controller": "tek-zence", "partitionkey": who, "data": data,
        })
        for name, kind, time, who, data in happened
    ))  # fmt: skip
    return path


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"period": "P1M"}, {"date"}),
        ({"care": "P2M"}, {"date"}),
        ({"held_for": "care, answer"}, {"date"}),
        ({"kept": "    keep: {period: P9Y}"}, {"date"}),
        ({"letters: {events: contact.email,": "letters: {events: contact.email, when: needs_follow_up, otherwise: drop, code: bare,"}, {"outcome", "category", "date"}),
        ({"events: delivery.ordered\n    erase_after": "events: delivery.completed\n    erase_after"}, {"recipient", "date"}),
    ],
    ids=["period", "support", "purpose", "profile", "rule", "recipient"],
)  # fmt: skip
def test_what_is_predicted_is_what_happens_under_the_new_policy(
    tmp_path: Path, change: dict[str, str], what: set[str]
) -> None:
    """Old outputs, changed by what the command tells, are the new outputs: nothing is left out, nothing invented."""
    overlay, events = tmp_path / "overlay.yaml", _events(tmp_path)
    overlay.write_text("controller: tek-zence\n")
    today, tomorrow = write(tmp_path / "today", FIRST), write(tmp_path / "tomorrow", FIRST)
    _change(tomorrow / "shop-1.yaml", change)

    run = _run(
        "policy", "diff", today, tomorrow, "--events", events, "--overlay", overlay, "--until", UNTIL, "-o", "json"
    )

    told = json.loads(run.stdout)
    assert (told["schema_version"], told["skipped"]) == (1, 0)
    assert {row["what"] for row in told["differences"]} == what
    seen = _simulated(today, events, overlay)
    for row in told["differences"]:
        assert seen.pop(_key(row), None) == row["old"]
        if row["new"] is not None:
            seen[_key(row)] = row["new"]
    assert seen == _simulated(tomorrow, events, overlay)


def _change(document: Path, change: Mapping[str, str]) -> None:
    """Write a version with other values; a key that is none of the template's is a text to replace."""
    values = FIRST | {key: value for key, value in change.items() if key in FIRST}
    text = SHOP.format(**values)
    for old, new in change.items():
        if old not in FIRST:
            assert text.count(old) == 1
            text = text.replace(old, new)
    document.write_text(text)


def test_the_same_policies_make_no_difference(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_text(EVENTS.read_text() + (ROOT / "examples" / "allcall.jsonl").read_text())

    run = _run("policy", "diff", ROOT / "policies" / "tek-zence.yaml", ROOT / "policies", "--events", events)

    assert run.stdout.startswith("0 changes in 0 records, of")
    assert "events of controllers that only one side serves" in " ".join(run.stdout.split())


def test_a_version_that_governs_later_changes_only_what_is_collected_under_it(tmp_path: Path) -> None:
    """NEW may be the folder as it will be: both versions, each from its own instant (X15)."""
    events = tmp_path / "events.jsonl"
    letter = {
        "specversion": "1.0", "source": "//tests", "type": "contact.email", "controller": "tek-zence",
        "partitionkey": "s-1", "data": {"email_message": "hello"},
    }  # fmt: skip
    times = {"early": "2024-05-31T21:59:59Z", "late": "2024-05-31T22:00:00Z"}
    events.write_text("\n".join(json.dumps({**letter, "id": name, "time": time}) for name, time in times.items()))
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("controller: tek-zence\n")
    old, new = write(tmp_path / "old", FIRST), write(tmp_path / "new", FIRST, SECOND)

    run = _run("policy", "diff", old, new, "--events", events, "--overlay", overlay, "-o", "json")
    table = _run("policy", "diff", old, new, "--events", events, "--overlay", overlay)

    [row] = json.loads(run.stdout)["differences"]
    assert (row["record"], row["old"], row["new"]) == ("late", "2025-06-01T22:00:00Z", "2024-07-01T22:00:00Z")
    assert "1 changes in 1 records, of 2 events" in table.stdout
    assert "letter answer erase" in table.stdout
