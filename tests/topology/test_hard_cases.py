"""The hard cases come out of `pipeline simulate` with the dates that were computed by hand, and as whole outputs.

`golden/` holds every output record of each case; `make approve` writes it anew, and its diff is what a privacy officer
reviews. The dates in `hard_cases.py` are never written by a program.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli.main import cli
from tests.topology.hard_cases import CASES, Case, h32

GOLDEN = Path(__file__).parent / "golden"


def _simulate(tmp_path: Path, events: list[dict[str, Any]], until: str) -> list[dict[str, Any]]:
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(json.dumps(event) for event in events))
    result = CliRunner().invoke(cli, ["simulate", str(file), "--until", until, "-o", "json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def _due(lines: list[dict[str, Any]]) -> list[tuple[str, str, str | None, str]]:
    values = [line["value"] for line in lines if line["value"].get("type") == "expiry.due"]
    return [(value["category"], value["action"], value["kept_until"], value["due_at"]) for value in values]


@pytest.mark.parametrize("name", CASES)
def test_a_hard_case_ends_when_it_was_computed_to(name: str, tmp_path: Path) -> None:
    """All that `CASES` lists."""
    case: Case = CASES[name]

    lines = _simulate(tmp_path, case.events, case.until)

    assert set(_due(lines)) == case.due
    assert all(line["at"] == line["value"]["due_at"] for line in lines if line["value"].get("type") == "expiry.due")


@pytest.mark.parametrize("name", [*CASES, "H32"])
def test_a_hard_case_gives_exactly_the_approved_output(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    events, until = (h32(), "2025-06-02T00:00:00Z") if name == "H32" else (CASES[name].events, CASES[name].until)

    lines = _simulate(tmp_path, events, until)

    golden = GOLDEN / f"{name}.jsonl"
    if request.config.getoption("--approve"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    assert lines == [json.loads(line) for line in golden.read_text().splitlines()]


def test_h01_reviews_digital_data_and_shares_with_google_but_no_carrier(tmp_path: Path) -> None:
    """ALLCALL-5.8, ALLCALL-4T.2, R-ALL-7."""
    lines = _simulate(tmp_path, CASES["H01"].events, CASES["H01"].until)
    by_topic = {line["topic"] for line in lines}
    google = [line["value"] for line in lines if line["topic"] == "allcall.share.google.v1"]
    reviewed = {line["value"]["category"] for line in lines if line["topic"] == "allcall.review.v1"}

    assert not any(".carrier." in topic for topic in by_topic)
    assert reviewed == {"D.web"}
    assert [set(_filled(value)) for value in google] == [
        {"name", "address", "phone", "email", "national_id", "payment", "invoice_history"},
        {"email", "email_message"},
    ]
    purchase = [line["value"] for line in lines if line["topic"] == "allcall.tagged.purchase.v1"]
    assert {tag["purpose"] for tag in purchase[0]["tags"]}.isdisjoint({"marketing"})


def test_h01_names_the_maximum_beside_the_minimum(tmp_path: Path) -> None:
    """ALLCALL-5.2: erased at the seven years of the books, at the latest after ten years."""
    lines = _simulate(tmp_path, CASES["H01"].events, CASES["H01"].until)
    books = [
        line["value"]
        for line in lines
        if line["value"].get("type") == "expiry.due" and line["value"]["category"] == "B"
    ]

    assert {(value["kept_until_max"], value["due_at_max"]) for value in books} == {
        ("2034-02-28", "2034-02-28T23:00:00Z")
    }


def test_h16_is_not_due_while_any_hold_is_open(tmp_path: Path) -> None:
    """ALLCALL-4S.2, X5: the first hold's release changes nothing, the second's makes it due."""
    lines = _simulate(tmp_path, CASES["H16"].events, CASES["H16"].until)
    said = [(line["at"], line["value"]["type"]) for line in lines if line["topic"] == "allcall.expiry.v1"]

    assert said == [
        ("2025-01-10T12:00:00Z", "expiry.scheduled"),
        ("2025-02-05T09:00:00Z", "expiry.cancelled"),
        ("2025-04-15T07:00:00Z", "expiry.scheduled"),
        ("2025-04-15T07:00:00Z", "expiry.due"),
    ]


def test_h25_has_one_schedule_of_the_case_record(tmp_path: Path) -> None:
    """ART-5.3, R-ART-3: cancelled by the reopening, and the stale reopening changes nothing."""
    lines = _simulate(tmp_path, CASES["H25"].events, CASES["H25"].until)
    record = [
        line["value"]
        for line in lines
        if line["value"].get("category") == "case-record" and line["topic"] == "artgraphics.expiry.v1"
    ]

    assert [(value["type"], value["kept_until"], value["revision"]) for value in record] == [
        ("expiry.scheduled", "2024-05-31", 1),
        ("expiry.cancelled", "2024-05-31", 1),
        ("expiry.scheduled", "2025-02-28", 2),
        ("expiry.due", "2025-02-28", 2),
    ]


def test_h27_gives_the_carrier_three_fields_and_refuses_what_lacks_one(tmp_path: Path) -> None:
    """VIET-4, VIET-12."""
    lines = _simulate(tmp_path, CASES["H27"].events, CASES["H27"].until)
    carried = [line for line in lines if line["topic"] == "viet-art-view.carrier.delivery.v1"]
    missing = [line["value"] for line in lines if line["value"].get("code") == "missing"]

    assert [sorted(line["value"]) for line in carried] == [["address", "name", "phone"]]
    assert carried[0]["key"] not in {"s-27", "h27-order", "o-27"}
    assert [(value["event_id"], value["fields"]) for value in missing] == [("h27-no-phone", ["phone"])]


def test_h29_releases_the_statutory_fields_only_with_the_law(tmp_path: Path) -> None:
    """AK3D-4.2, AK3D-4.3: a purpose may end before, the fields stay until their last reason has ended."""
    lines = _simulate(tmp_path, CASES["H29"].events, CASES["H29"].until)
    released = {
        (name, value["due_at"])
        for value in (line["value"] for line in lines if line["value"].get("type") == "expiry.due")
        if value["event_id"] == "h29-purchase"
        for name in value["fields_released"]
    }

    assert released == {
        *((name, "2025-01-31T23:30:00Z") for name in ("name", "email", "phone", "address")),
        *((name, "2031-03-31T23:00:00Z") for name in ("purchase_history", "payment", "financial_transaction")),
    }


def test_h32_only_two_notices_let_a_carrier_see_anything(tmp_path: Path) -> None:
    """The notices of AllCall and AK3D are silent, that of ARTGRAPHICS forbids (ART-3.5)."""
    lines = _simulate(tmp_path, h32(), "2025-06-02T00:00:00Z")
    carried = [line for line in lines if ".carrier." in line["topic"]]
    dropped = {
        line["value"]["controller"]
        for line in lines
        if line["value"].get("code") == "unknown_field" and "date_of_birth" in line["value"]["fields"]
    }
    refused = {line["value"]["controller"] for line in lines if line["value"].get("outcome") == "refused"}

    assert {line["topic"] for line in carried} == {
        "tek-zence.carrier.delivery.v1",
        "viet-art-view.carrier.delivery.v1",
    }
    assert all(sorted(line["value"]) == ["address", "name", "phone"] for line in carried)
    assert dropped == {"allcall", "tek-zence", "viet-art-view", "ak3d"}
    assert refused == {"artgraphics"}


def _filled(value: dict[str, Any]) -> list[str]:
    return [name for name, content in value.items() if content is not None]
