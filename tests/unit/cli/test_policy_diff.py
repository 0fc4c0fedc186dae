"""`pipeline policy diff`: what it predicts is what happens once the new policy governs."""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline.cli.main import cli
from tests.topology.version_stories import FIRST, SECOND, write

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


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{period: P5Y, bound: max", "{period: P2Y, bound: max"),
        ("    exact: true\n    events: delivery.ordered", "    exact: true\n    events: installation.ordered"),
        ("purposes: [follow-up, liability, recall]\n    keep: profile", "purposes: [follow-up, recall]\n    keep: profile"),
        ("    events: installation.ordered\n    categories: [delivery]", "    events: installation.completed\n    categories: [delivery]"),
    ],
    ids=["period", "recipient", "purpose", "rule"],
)  # fmt: skip
def test_what_is_predicted_is_what_happens_under_the_new_policy(tmp_path: Path, old: str, new: str) -> None:
    """Old outputs, changed by what the command tells, are the new outputs: nothing is left out, nothing invented."""
    text = (ROOT / "policies" / "tek-zence.yaml").read_text()
    assert old in text
    events = tmp_path / "events.jsonl"
    first = EVENTS.read_text().splitlines()[0]
    for name in ("tek-zence-1", "subject-1", "ORD-1"):
        first = first.replace(name, f"{name}-too")
    events.write_text(f"{EVENTS.read_text().rstrip()}\n{first}\n")
    today, tomorrow = tmp_path / "today", tmp_path / "tomorrow"
    for folder, content in ((today, text), (tomorrow, text.replace(old, new, 1))):
        folder.mkdir()
        (folder / "tek-zence.yaml").write_text(content)

    run = _run(
        "policy", "diff", today, tomorrow, "--events", events, "--overlay", OVERLAY, "--until", UNTIL, "-o", "json"
    )

    told = json.loads(run.stdout)
    assert (told["schema_version"], told["skipped"]) == (1, 0)
    assert told["differences"]
    seen = _simulated(today, events, OVERLAY)
    for row in told["differences"]:
        assert seen.pop(_key(row), None) == row["old"]
        if row["new"] is not None:
            seen[_key(row)] = row["new"]
    assert seen == _simulated(tomorrow, events, OVERLAY)


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
