"""What happened decides, not the order in which it arrived: any order of arrival ends in the same due dates."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.adapters.memory_state import MemoryState
from pipeline.bootstrap.simulation import Simulation, open_simulation
from pipeline.domain.records import Incoming
from pipeline.stages.expire import ExpireStage
from tests.topology.hard_cases import CASES, event

pytestmark = pytest.mark.slow

NOW = datetime(2024, 1, 1, tzinfo=UTC)

RECLASSIFIED = [
    event("mail", "contact.email", "2024-05-31T09:00:00+02:00", "allcall", "s", context="email", matter="other",
          case_id="c", email="e", email_message="m"),
    event("opened", "case.opened", "2024-05-31T09:00:00+02:00", "allcall", "s", case_id="c", matter="other"),
]  # fmt: skip
STORIES: dict[str, list[dict[str, Any]]] = {
    "H07": [*RECLASSIFIED, event("r", "case.reclassified", "2025-01-31T10:00:00+01:00", "allcall", "s", case_id="c", matter="complaint")],
    "H08": [*RECLASSIFIED, event("r", "case.reclassified", "2025-03-03T08:00:00+01:00", "allcall", "s", case_id="c", matter="complaint")],
    "H16": CASES["H16"].events,
    "H25": CASES["H25"].events[:-2],
    "H29": CASES["H29"].events,
}  # fmt: skip
ENDS = {
    "H07": {("A", "2027-05-31", "2027-05-31 22:00:00+00:00"), ("C.email", "2027-05-31", "2027-05-31 22:00:00+00:00")},
    "H08": {("A", "2025-02-28", "2025-02-28 23:00:00+00:00"), ("C.email", "2025-02-28", "2025-02-28 23:00:00+00:00")},
}


def _due(events: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    simulation: Simulation = open_simulation()
    last = max(datetime.fromisoformat(one["time"]) for one in events)
    for one in events:
        simulation.pipe(one)
    simulation.advance_to(last.replace(year=last.year + 12))
    values = [one.value for one in simulation.emitted if one.value.get("type") == "expiry.due"]
    return {(value["category"], value["kept_until"], str(value["due_at"])) for value in values}


@pytest.mark.parametrize("story", STORIES)
def test_any_order_of_arrival_ends_in_the_same_due_dates(story: str) -> None:
    """Of obligations and facts that arrive before any of them is acted on, the order does not matter."""
    events = STORIES[story]
    simulation = open_simulation()
    for one in events:
        simulation.pipe(one)
    controller = events[0]["controller"]
    items = [dict(one.value) for one in simulation.emitted if one.topic == f"{controller}.obligation.v1"]
    in_order = _ends(simulation, controller, items)

    @settings(max_examples=60, deadline=None)
    @given(st.permutations(items))
    def permuted(order: list[dict[str, Any]]) -> None:
        assert _ends(simulation, controller, order) == in_order

    permuted()
    assert in_order == ENDS.get(story, in_order)
    assert in_order == _due(events)


def _ends(simulation: Simulation, controller: str, items: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """Return what falls due when items arrive in an order and time passes afterwards."""
    stage, state, far = ExpireStage(controller, simulation.parts.book, announce=False), MemoryState(), 2040
    block = Incoming(topic="t", partition=0, offset=0, timestamp_ms=0, head=None, value={"items": items})
    output = stage.handle([block], state, 0, NOW)
    found: set[tuple[Any, ...]] = set()
    while True:
        state.apply(output.changes, None)
        for record in output.records:
            value = record.value if record.schema == "expiry" and isinstance(record.value, dict) else {"items": []}
            found |= {(value["category"], item["kept_until"], str(item["due_at"])) for item in value["items"]}
        if output.next_wake is None or output.next_wake.year >= far:
            return found
        output = stage.wake(state, 0, output.next_wake, 1000)


def test_a_record_older_than_an_erasure_that_arrives_after_it_ends_with_it() -> None:
    """TEK-2.2, VIET-6: also when everything that was known had ended and been forgotten meanwhile."""
    for controller in ("tek-zence", "viet-art-view"):
        purchases = [
            event(f"p-{day}", "purchase.completed", f"2024-01-{day:02}T10:00:00Z", controller, "s", order_id=f"o-{day}",
                  name="T", phone="+1", purchase_history="x", amounts="1")
            for day in (1, 5)
        ]  # fmt: skip
        erasure = event("x", "erasure.requested", "2024-01-12T10:00:00Z", controller, "s")

        before = _due([*purchases, erasure])
        after = _due([purchases[0], erasure, {**purchases[1], "ingesttime": "2024-01-12T10:00:01Z"}])

        assert after == before
