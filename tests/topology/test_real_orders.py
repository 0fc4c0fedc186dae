"""Three days of real invoices under all five policies: every line is accounted for, every year-end date is right."""

import gzip
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipeline.bootstrap.simulation import Simulation
from pipeline.demo.invoices import Invoice, read_invoices
from pipeline.demo.people import person
from tests.naive.days import first_instant_after, last_day_of_period, last_day_of_year_end, local_day
from tests.topology.stories import values

pytestmark = pytest.mark.slow

CONTROLLERS = ("ak3d", "allcall", "artgraphics", "tek-zence", "viet-art-view")
LINES = {"allcall": "purchase_history"}
"""The field that carries what was bought, where it is not `order_lines`."""

YEAR_ENDS: Mapping[str, tuple[str, str, int, str, int]] = {
    "allcall": ("B", "Europe/Stockholm", 7, "calendar-year", 12),
    "tek-zence": ("order", "Europe/Oslo", 5, "fiscal-year", 12),
    "ak3d": ("purchases", "Europe/London", 6, "fiscal-year", 3),
}
"""Of each policy with a statutory end: the category, the zone, years, what they count from, the fiscal year's month."""

SHIFTS = {
    "allcall": timedelta(days=30, hours=5),  # over the New Year
    "tek-zence": timedelta(days=30, hours=5),
    "ak3d": timedelta(days=119, hours=7),  # over the end of its fiscal year, days after clocks went forward
}


@cache
def invoices() -> Sequence[Invoice]:
    found: list[Invoice] = []
    for day in sorted((Path(__file__).parents[1] / "data" / "online-retail").glob("*.csv.gz")):
        with gzip.open(day, "rt", encoding="utf-8-sig") as opened:
            found.extend(read_invoices(opened))
    return found


def event_of(controller: str, invoice: Invoice, shift: timedelta, most_lines: int | None) -> dict[str, Any]:
    buyer = invoice.customer and person(controller, invoice.customer, invoice.country)
    contact = buyer.contact("name", "address", "phone", "email") if buyer else {}
    lines = [line.as_data() for line in invoice.lines[:most_lines]]
    return {
        "specversion": "1.0",
        "id": f"{controller}-{invoice.number}",
        "source": "//tests",
        "type": "refund.issued" if invoice.cancelled else "purchase.completed",
        "time": (invoice.at + shift).isoformat(),
        "controller": controller,
        "partitionkey": buyer.key if buyer else f"anonymous-{invoice.number}",
        "data": {
            "context": "store",
            "order_id": invoice.number,
            **contact,
            LINES.get(controller, "order_lines"): lines,
        },
    }


def live(
    pipeline: Simulation, controller: str, shift: timedelta = timedelta(), most_lines: int | None = None
) -> Simulation:
    pipeline.pipe_all([event_of(controller, invoice, shift, most_lines) for invoice in invoices()])
    pipeline.advance_to(pipeline.clock.now() + timedelta(days=12 * 366))
    return pipeline


def test_the_invoices_hold_what_real_life_holds() -> None:
    assert len(invoices()) == 418
    assert sum(len(invoice.lines) for invoice in invoices()) == 7419
    assert sum(len(invoice.lines) for invoice in invoices() if invoice.customer is None) == 2290
    assert sum(len(invoice.lines) for invoice in invoices() if invoice.cancelled) == 84


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_every_line_is_kept_once_with_its_invoice_or_refused_with_it(controller: str, pipeline: Simulation) -> None:
    live(pipeline, controller)
    kept = [value["event"] for value in values(pipeline, f"{controller}.tagged.purchase.v1")]
    refused = {one["event_id"] for one in values(pipeline, f"{controller}.violation.v1") if one["outcome"] == "refused"}
    lines = {event["event_id"]: event[LINES.get(controller, "order_lines")] for event in kept}

    assert len(kept) == len(lines)
    assert lines.keys() | refused == {f"{controller}-{invoice.number}" for invoice in invoices()}
    assert not lines.keys() & refused
    assert len(refused) == (len(invoices()) if controller == "artgraphics" else 0)
    for invoice in invoices():
        event_id = f"{controller}-{invoice.number}"
        if event_id in lines:
            assert lines[event_id] == [line.as_data() for line in invoice.lines]
    if controller in YEAR_ENDS:
        assert dict(_ends(pipeline, controller)) == _expected(controller)


@pytest.mark.parametrize("controller", YEAR_ENDS)
def test_orders_around_a_year_end_are_kept_to_the_ends_that_a_wall_calendar_shows(
    controller: str, pipeline: Simulation
) -> None:
    expected = _expected(controller, SHIFTS[controller])

    live(pipeline, controller, SHIFTS[controller], most_lines=1)

    assert dict(_ends(pipeline, controller)) == expected
    assert len(set(expected.values())) > 1


def _expected(controller: str, shift: timedelta = timedelta()) -> dict[str, tuple[str, datetime]]:
    """Return the last day and the due instant of each order: its year's end, and with TEK-ZENCE at least its profile's.

    TEK-2.1: an order stays with the profile, for five years from the customer's last purchase. TEK-2.4: a credit note
    of somebody who has bought nothing yet belongs to no profile; it is found by its number only, whatever comes later.
    """
    _category, zone, *rule = YEAR_ENDS[controller]
    last_purchase = {
        one.customer or one.number: local_day(one.at + shift, zone) for one in invoices() if not one.cancelled
    }
    first_purchase = {one.customer or one.number: one.at for one in reversed(invoices()) if not one.cancelled}
    found: dict[str, tuple[str, datetime]] = {}
    for invoice in invoices():
        last = last_day_of_year_end(local_day(invoice.at + shift, zone), *rule)
        customer = invoice.customer or invoice.number
        bought = last_purchase.get(customer)
        if controller == "tek-zence" and bought and first_purchase[customer] <= invoice.at:
            last = max(last, last_day_of_period(bought, "P5Y"))
        found[f"{controller}-{invoice.number}"] = (last.isoformat(), first_instant_after(last, zone))
    return found


def _ends(pipeline: Simulation, controller: str) -> Iterator[tuple[str, tuple[str, datetime]]]:
    for value in values(pipeline, f"{controller}.expiry.v1"):
        statutory = value["purpose"] in ("bookkeeping", "statutory-records") and value["action"] == "erase"
        if value["type"] == "expiry.due" and value["category"] == YEAR_ENDS[controller][0] and statutory:
            yield value["event_id"], (value["kept_until"], value["due_at"])
