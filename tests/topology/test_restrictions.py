"""While data are restricted they are stored and nothing else; deletion waits only where legal claims need the data."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.bootstrap.simulation import Simulation, open_simulation
from tests.topology.hard_cases import ADDRESS, event
from tests.topology.stories import due, instant, values

CONTACT: dict[str, Any] = {"name": "T", "phone": "+44", "address": ADDRESS}
ACCOUNT = event("o", "account.opened", "2024-01-01T10:00:00Z", "ak3d", "s", account_id="a", account_info="i")
VISIT = event("v", "web.visited", "2024-01-02T10:00:00Z", "ak3d", "s", ip="192.0.2.1")
MARKETING, ACCOUNTS = ("tracking", "updates-and-marketing"), ("account", "accounts-and-guarantees")


def _pipe(pipeline: Simulation, *events: Mapping[str, object]) -> None:
    for one in events:
        pipeline.pipe(one)


def _asked(time: str, kind: str = "requested", **data: Any) -> dict[str, Any]:
    return event(f"{kind}-{time}", f"restriction.{kind}", time, "ak3d", "s", **data)


def _erasure(time: str) -> dict[str, Any]:
    return event("e", "erasure.requested", time, "ak3d", "s")


def _ends(pipeline: Simulation, action: str) -> list[tuple[tuple[str, str], str]]:
    return [((category, purpose), at) for category, purpose, what, at in due(pipeline, "ak3d") if what == action]


def _answers(pipeline: Simulation) -> list[Mapping[str, Any]]:
    return [one for one in values(pipeline, "ak3d.rights.v1") if one["type"] == "rights.answered"]


def test_a_restriction_leaves_every_tag_stored_and_no_more_also_what_is_collected_while_it_lasts(
    pipeline: Simulation,
) -> None:
    """AK3D-5.1, X11."""
    later = event("w", "app.used", "2024-01-04T10:00:00Z", "ak3d", "s", journey="j")
    _pipe(pipeline, ACCOUNT, VISIT, _asked("2024-01-03T10:00:00Z"), later)

    assert _ends(pipeline, "restrict") == [
        (ACCOUNTS, "2024-01-03T10:00:00Z"),
        (MARKETING, "2024-01-03T10:00:00Z"),
        (MARKETING, "2024-01-04T10:00:00Z"),
    ]
    [answer] = _answers(pipeline)
    assert (answer["outcome"], {one["outcome"] for one in answer["items"]}) == ("granted", {"restricted"})


@pytest.mark.parametrize(
    ("reason", "at", "why"),
    [("legal-claims", "2024-01-06T10:00:00Z", "hold"), ("inaccurate", "2024-01-05T10:00:00Z", None)],
)
def test_deletion_waits_for_a_restriction_only_if_it_is_sought_for_legal_claims(
    pipeline: Simulation, reason: str, at: str, why: str | None
) -> None:
    """AK3D-5.1, R-AK3D-4."""
    _pipe(
        pipeline, ACCOUNT, _asked("2024-01-03T10:00:00Z", reason=reason), _erasure("2024-01-05T10:00:00Z"),
        _asked("2024-01-06T10:00:00Z", "lifted"),
    )  # fmt: skip

    assert _ends(pipeline, "erase") == [(ACCOUNTS, at)]
    erasure = _answers(pipeline)[1]
    assert (erasure["outcome"], [one["reason"] for one in erasure["items"]]) == (
        "nothing-ends" if why else "granted", [why]
    )  # fmt: skip
    if why is None:
        assert "legal" not in str(values(pipeline, "ak3d.obligation.v1"))


def test_a_lifted_restriction_is_answered_and_one_that_begins_anew_has_an_id_of_its_own(pipeline: Simulation) -> None:
    """AK3D-5.1, GDPR Art. 18(3)."""
    _pipe(
        pipeline, ACCOUNT, _asked("2024-01-03T10:00:00Z"), _asked("2024-01-04T10:00:00Z", "lifted"), VISIT,
        event("x", "app.used", "2024-01-05T10:00:00Z", "ak3d", "s", journey="j"), _asked("2024-01-06T10:00:00Z"),
    )  # fmt: skip

    lifted = _answers(pipeline)[1]
    assert (lifted["outcome"], {one["outcome"] for one in lifted["items"]}) == ("lifted", {"lifted"})
    assert _ends(pipeline, "restrict") == [
        (ACCOUNTS, "2024-01-03T10:00:00Z"),
        (MARKETING, "2024-01-03T10:00:00Z"),  # it happened before, and arrived after the lift
        (ACCOUNTS, "2024-01-06T10:00:00Z"),
        (MARKETING, "2024-01-06T10:00:00Z"),
        (MARKETING, "2024-01-06T10:00:00Z"),
    ]
    said = [one for one in values(pipeline, "ak3d.expiry.v1") if one["action"] == "restrict"]
    assert len({one["expiry_id"] for one in said if one["type"] == "expiry.due"}) == 5
    assert not [one for one in said if one["type"] == "expiry.cancelled"]


def test_a_restriction_that_names_records_concerns_these_alone(pipeline: Simulation) -> None:
    """AK3D-5.1: neither other records, nor what comes later."""
    later = event("w", "app.used", "2024-01-04T10:00:00Z", "ak3d", "s", journey="j")
    _pipe(pipeline, ACCOUNT, VISIT, _asked("2024-01-03T10:00:00Z", records=["v"]), later)

    assert _ends(pipeline, "restrict") == [(MARKETING, "2024-01-03T10:00:00Z")]
    assert [one["event_id"] for one in _answers(pipeline)[0]["items"]] == ["v"]


@pytest.fixture
def sharing(tmp_path: Path) -> Simulation:
    """Return a pipeline in which AK3D shares with a carrier."""
    overlay = tmp_path / "grant.yaml"
    overlay.write_text(
        "controller: ak3d\nrecipients:\n  delivery: {grant: [name, address, phone], because: we deliver by carrier}\n"
    )
    return open_simulation(overlays=[overlay])


def _deliveries(*days: int) -> Iterable[dict[str, Any]]:
    for day in days:
        time = f"2024-01-{day:02}T10:00:00Z"
        yield event(f"d-{day}", "delivery.ordered", time, "ak3d", "s", order_id=f"o-{day}", **CONTACT)


def test_nobody_gets_a_share_while_a_restriction_lasts(sharing: Simulation) -> None:
    """AK3D-5.1: neither a new one, nor a correction of an old one."""
    before, during, after = _deliveries(1, 3, 6)
    correction = event("c", "rectification.requested", "2024-01-04T10:00:00Z", "ak3d", "s", **CONTACT)
    _pipe(sharing, before, _asked("2024-01-02T10:00:00Z"), during, correction,
          _asked("2024-01-05T10:00:00Z", "lifted"), after)  # fmt: skip

    ledger = values(sharing, "ak3d.share-ledger.v1")
    assert [one["event_id"] for one in ledger] == ["d-1", "d-6"]
    [withheld] = [one for one in values(sharing, "ak3d.violation.v1") if one["code"] == "restricted"]
    assert (withheld["event_id"], withheld["outcome"], withheld["rule"]) == ("d-3", "accepted", "rights.restriction")
    assert [one["outcome"] for one in _answers(sharing)][1:2] == ["granted-in-part"]


def test_a_carriers_copy_ends_with_its_delivery_although_legal_claims_keep_ours(sharing: Simulation) -> None:
    """AK3D-5.1: what a recipient needs no more is not held for us."""
    done = event("f", "delivery.completed", "2024-01-04T10:00:00Z", "ak3d", "s", order_id="o-1")
    _pipe(sharing, *_deliveries(1), _asked("2024-01-02T10:00:00Z", reason="legal-claims"), done)
    sharing.advance_to(instant("2025-01-01T00:00:00Z"))

    [told] = values(sharing, "ak3d.erase-instruction.delivery.v1")
    assert str(told["due_at"]) == "2024-01-04 10:00:00+00:00"
    assert not _ends(sharing, "erase")


def test_what_ends_data_under_a_restriction_is_not_called_late(pipeline: Simulation) -> None:
    """C8: the restriction is no end; an account may be closed while it lasts."""
    closed = event("c", "account.closed", "2024-01-05T10:00:00Z", "ak3d", "s", account_id="a")
    _pipe(pipeline, ACCOUNT, _asked("2024-01-03T10:00:00Z", reason="inaccurate"), closed)

    assert _ends(pipeline, "erase") == [(ACCOUNTS, "2024-01-05T10:00:00Z")]
    assert not values(pipeline, "ak3d.violation.v1")
