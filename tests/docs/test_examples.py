"""The examples run, and each shows what its line in examples/README.md says."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.bootstrap.simulation import Emitted, open_simulation
from pipeline.cli.simulate import read_events
from pipeline.demo.leaks import LeakSearch
from tests.docs.pages import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.jsonl"))


def ran(name: str, *, without: str = "") -> Sequence[Emitted]:
    """Return what an example writes until 2040, without the events of one type if one is given."""
    simulation = open_simulation()
    for _, event in read_events(ROOT / "examples" / f"{name}.jsonl"):
        if event["type"] != without:
            simulation.pipe(event)
    simulation.advance_to(datetime(2040, 1, 1, tzinfo=UTC))
    return simulation.emitted


def ends(emitted: Sequence[Emitted]) -> dict[str, set[str]]:
    """Return by category the instants at which something of it ended."""
    found: dict[str, set[str]] = {}
    for one in emitted:
        if one.value.get("type") == "expiry.due":
            found.setdefault(str(one.value["category"]), set()).add(f"{one.at:%Y-%m-%dT%H:%MZ}")
    return found


def released(emitted: Sequence[Emitted], field: str) -> set[str]:
    """Return the instants at which the last reason to keep a field of some event ended."""
    due = [one for one in emitted if one.value.get("type") == "expiry.due"]
    return {f"{one.at:%Y-%m-%dT%H:%MZ}" for one in due if field in _texts(one.value["fields_released"])}


def _texts(value: object) -> list[str]:
    assert isinstance(value, list)
    return value


def on(emitted: Sequence[Emitted], topic: str) -> list[dict[str, object]]:
    return [dict(one.value) for one in emitted if one.topic == topic]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_accepted_and_leaks_nothing(path: Path) -> None:
    simulation = open_simulation()
    events = [event for _, event in read_events(path)]
    outcomes = [str(simulation.pipe(event)) for event in events]
    simulation.advance_to(datetime(2040, 1, 1, tzinfo=UTC))
    fields = simulation.parts.schemas.catalogue.fields.values()
    search = LeakSearch(events, frozenset(name for names in fields for name in names))
    for one in simulation.emitted:
        search.look_at(one.topic, one.raw_key, one.raw_value)

    assert set(outcomes) <= {"accepted", "dropped-by-rule"}
    assert not search.result().leaks


def test_allcall_keeps_the_books_to_the_year_and_the_clip_as_long_as_the_hold() -> None:
    found = ends(ran("allcall"))

    assert "2031-12-31T23:00Z" in found["B"]
    assert found["E.cctv"] == {"2025-04-15T07:00Z"}
    assert found["C.email"] == {"2027-02-28T23:00Z", "2025-02-28T23:00Z"}
    assert "2025-02-10T11:00Z" in found["A"]  # marketing ends with the opt-out
    assert "E.cctv" not in ends(ran("allcall", without="hold.closed"))


def test_allcall_drops_the_shoe_size_and_has_no_carrier() -> None:
    emitted = ran("allcall")

    [report] = [value for value in on(emitted, "allcall.violation.v1") if value["code"] == "unknown_field"]
    assert report["fields"] == ["shoe_size"]
    assert not on(emitted, "allcall.carrier.delivery.v1")


def test_tek_zence_shares_three_fields_and_keeps_only_the_order_after_erasure() -> None:
    emitted = ran("tek-zence")
    found = ends(emitted)

    for partner in ("delivery", "installation"):
        [record] = on(emitted, f"tek-zence.carrier.{partner}.v1")
        assert set(record) == {"name", "address", "phone"}
        assert len(on(emitted, f"tek-zence.erase-instruction.{partner}.v1")) == 1
    assert found["profile"] == found["call-log"] == {"2024-03-15T09:00Z"}
    assert found["order"] == {"2024-03-15T09:00Z", "2027-12-31T23:00Z"}
    assert ends(ran("tek-zence", without="erasure.requested"))["profile"] == {"2027-03-15T23:00Z"}


def test_viet_art_view_holds_back_a_share_that_lacks_the_phone_number() -> None:
    emitted = ran("viet-art-view")

    assert [record["phone"] for record in on(emitted, "viet-art-view.carrier.delivery.v1")] == ["+447700900123"]
    [missing] = [value for value in on(emitted, "viet-art-view.violation.v1") if value["code"] == "missing"]
    assert missing["fields"] == ["phone"]
    assert "2024-12-31T17:05Z" in ends(emitted)["account"]


def test_artgraphics_drops_the_call_without_consent_and_counts_from_the_last_closing() -> None:
    found = ends(ran("artgraphics"))

    assert "recording" not in found
    assert found["case-record"] == {"2025-03-01T00:00Z"}
    assert found["conversation"] == {"2023-05-31T15:00Z"}


def test_ak3d_keeps_the_purchase_for_the_law_after_the_account_is_closed() -> None:
    emitted = ran("ak3d")
    found = ends(emitted)

    assert released(emitted, "payment") == {"2031-03-31T23:00Z"}
    assert released(emitted, "security_data") == {"2025-01-31T23:30Z"}
    assert found["account"] == found["security"] == {"2025-01-31T23:30Z"}
    assert found["preferences"] == {"2024-12-01T09:00Z"}
    assert ends(ran("ak3d", without="objection.raised"))["preferences"] == {"2025-01-31T23:30Z"}
