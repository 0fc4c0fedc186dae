"""Ten years around the invoices of two days: a stream of CloudEvents of the five controllers, in order of time."""

from collections.abc import Iterable, Iterator

from pipeline.demo.invoices import Invoice, sample_invoices
from pipeline.demo.people import number, person
from pipeline.demo.plots import PLOTS
from pipeline.demo.scene import Event, Scene


def demo_events(invoices: Iterable[Invoice] | None = None, seed: int = 0) -> Iterator[Event]:
    """Yield structured CloudEvents in order of time; the same invoices and seed give the same events.

    Args:
        invoices: What was sold; None reads the sample.
        seed: Other people, other mishaps, the same invoices.
    """
    sold = sample_invoices() if invoices is None else tuple(invoices)
    events = [event for scene in _scenes(sold, seed) for event in PLOTS[scene.controller](scene)]
    return iter(sorted(events, key=lambda event: (str(event["time"]), str(event["id"]))))


def _scenes(invoices: Iterable[Invoice], seed: int) -> Iterator[Scene]:
    """Deal the invoices out to the controllers: all of one customer to the same one."""
    names = sorted(PLOTS)
    seen: set[str] = set()
    for invoice in invoices:
        controller = names[number("deal", invoice.customer or invoice.number) % len(names)]
        buyer = invoice.customer and person(controller, invoice.customer, invoice.country, seed)
        yield Scene(
            controller=controller,
            invoice=invoice,
            person=buyer or None,
            first=invoice.customer is not None and invoice.customer not in seen,
            seed=seed,
        )
        if invoice.customer:
            seen.add(invoice.customer)
